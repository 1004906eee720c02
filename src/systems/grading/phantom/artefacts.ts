import { random } from "../../../random/index.ts";
import type { Canvas } from "./canvas.ts";
import { type FieldLattice, fieldAt } from "./fields.ts";
import { hash, noise, noiseField } from "./noise.ts";
import { type Shape, strand } from "./shapes.ts";

/** What went wrong with a slide; none of it depends on the grade. */
export interface Artefacts {
  /** Blur of the optics, standard deviation in um. */
  readonly blur: number;
  /** How far out of focus a place is, 0 .. 1; undefined where the whole slide is in focus. */
  readonly outOfFocus?: (x: number, y: number) => number;
  /** Tissue folded over itself, positive inside the fold, in um. */
  readonly folds: readonly Shape[];
  /** Strokes of a felt pen on the cover glass, and the transmittance of their ink. */
  readonly pen?: { readonly strokes: readonly Shape[]; readonly ink: readonly [number, number, number] };
  /** Amplitude of the camera's noise, of 255. */
  readonly grain: number;
}

const inks: readonly (readonly [number, number, number])[] = [
  [0.16, 0.26, 0.62],
  [0.14, 0.5, 0.32],
  [0.13, 0.13, 0.15],
  [0.72, 0.16, 0.2],
];

/** Draws the artefacts of a slide of `width` x `height` um. */
export const artefacts = (seed: number, width: number, height: number): Artefacts => {
  const source = random("phantom artefacts", seed);
  const extent = Math.min(width, height);
  const path = (length: number, bends: number): Shape => {
    let [x, y, angle] = [source.uniform(0.1, 0.9) * width, source.uniform(0.1, 0.9) * height, source.uniform(0, 2 * Math.PI)];
    const points = [{ x, y }];
    for (let step = 0; step < 6; step++) {
      angle += source.uniform(-bends, bends);
      x += (length / 6) * Math.cos(angle);
      y += (length / 6) * Math.sin(angle);
      points.push({ x, y });
    }
    return strand(points, 0);
  };
  const raggedFold = noiseField(seed, "fold", 60);
  const raggedStroke = noiseField(seed, "stroke", 40);
  const focus = noiseField(seed, "focus", 700);
  const folds = Array.from({ length: source.choice([0.72, 0.2, 0.08]) }, () => {
    const halfWidth = source.uniform(6, 20);
    const line = path(Math.min(extent * source.uniform(0.3, 0.8), 4000), 0.4);
    return (x: number, y: number): number => halfWidth * (0.7 + 0.5 * raggedFold(x, y)) + line(x, y);
  });
  const isMarked = source.uniform() < 0.14;
  const strokes = Array.from({ length: source.integer(1, 3) }, () => {
    const halfWidth = Math.min(extent * 0.03, 300) * source.uniform(0.6, 1.3);
    const line = path(extent * source.uniform(0.3, 0.9), 0.5);
    return (x: number, y: number): number => halfWidth * (1 + 0.2 * raggedStroke(x, y)) + line(x, y);
  });
  const blurShare = source.uniform() < 0.3 ? source.uniform(-0.2, 0.5) : -2;
  return {
    blur: source.uniform(0.35, 0.75),
    outOfFocus: blurShare < -1 ? undefined : (x, y) => Math.min(1, Math.max(0, 1.8 * focus(x, y) + blurShare)),
    folds,
    pen: isMarked ? { strokes, ink: inks[source.integer(0, inks.length - 1)] } : undefined,
    grain: source.uniform(2, 6),
  };
};

/** Doubles the stain where the tissue is folded. */
export const paintFolds = (canvas: Canvas, lattice: FieldLattice, folds: readonly Shape[]): void => {
  const { haematoxylin, eosin } = canvas;
  const { along, across } = lattice.values;
  for (const fold of folds) {
    insidePixels(canvas, fold, (index, x, y, inside) => {
      if (haematoxylin[index] + eosin[index] === 0) return;
      const over = Math.min(1, inside / 2.5);
      const crease = 0.25 * Math.sin((fieldAt(lattice, along, x, y) + fieldAt(lattice, across, x, y)) / 3);
      haematoxylin[index] += over * (haematoxylin[index] * 0.8 + 0.14 + 0.1 * crease);
      eosin[index] += over * (eosin[index] * 0.9 + 0.3 + 0.3 * crease);
    });
  }
};

/** Multiplies the colours under a pen's stroke by the ink's transmittance. `colours`: planes of the canvas's pixels. */
export const paintPen = (canvas: Canvas, pen: Artefacts["pen"], colours: Float32Array): void => {
  if (pen === undefined) return;
  const count = canvas.width * canvas.height;
  for (const stroke of pen.strokes) {
    insidePixels(canvas, stroke, (index, x, y, inside) => {
      const cover = Math.min(1, inside / 6) * (0.9 + 0.1 * noise(77, x / 25, y / 25));
      for (let channel = 0; channel < 3; channel++) colours[channel * count + index] *= 1 - cover * (1 - pen.ink[channel]);
    });
  }
};

const blockSide = 16;

/**
 * Visits the pixels inside a shape. Blocks of pixels whose middle is farther outside than a block is long are passed over: a shape's
 * distance changes by no more than the way walked, but for its ragged edge, for which 40 um are allowed.
 */
const insidePixels = (
  canvas: Canvas,
  shape: Shape,
  visit: (index: number, x: number, y: number, inside: number) => void,
): void => {
  const { pixel, width, height } = canvas;
  const far = -blockSide * pixel - 40;
  for (let top = 0; top < height; top += blockSide) {
    for (let left = 0; left < width; left += blockSide) {
      if (shape((canvas.x + left + blockSide / 2) * pixel, (canvas.y + top + blockSide / 2) * pixel) < far) continue;
      for (let row = top; row < Math.min(height, top + blockSide); row++) {
        const y = (canvas.y + row + 0.5) * pixel;
        for (let column = left; column < Math.min(width, left + blockSide); column++) {
          const x = (canvas.x + column + 0.5) * pixel;
          const inside = shape(x, y);
          if (inside > 0) visit(row * width + column, x, y, inside);
        }
      }
    }
  }
};

/** Half the width of the widest blur, in pixels: how much more than the picture has to be painted. */
export const blurReach = 5;

/**
 * Blurs one plane of `[height, width]` by a Gaussian of `sigma` pixels; the outer `blurReach` pixels are not valid afterwards. The sum
 * runs over differences from the middle, so that an even region stays exactly as it is.
 */
export const blurPlane = (plane: Float32Array, width: number, height: number, sigma: number): Float32Array => {
  const reach = Math.min(blurReach, Math.max(1, Math.ceil(3 * sigma)));
  const bell = Float64Array.from({ length: reach + 1 }, (_, step) => Math.exp(-(step * step) / (2 * sigma * sigma)));
  const total = bell.reduce((sum, weight) => sum + 2 * weight, -1);
  const pass = (from: Float32Array, stride: number, first: number, last: number): Float32Array => {
    const to = new Float32Array(from.length);
    for (let index = first; index < last; index++) {
      const middle = from[index];
      let sum = 0;
      for (let step = 1, away = stride; step <= reach; step++, away += stride) {
        sum += bell[step] * (from[index - away] - middle + (from[index + away] - middle));
      }
      to[index] = middle + sum / total;
    }
    return to;
  };
  const margin = reach * width;
  return pass(pass(plane, 1, reach, plane.length - reach), width, margin, width * height - margin);
};

/** The camera's noise at a pixel of the slide, as bits: see `cameraNoise`. */
export const noiseBits = (seed: number, x: number, y: number): number => hash(seed, x, y, 81);

/** From a pixel's bits, its noise in channel 0, 1 or 2: about -1.5 .. 1.5, mean 0; most of it is common to the channels. */
export const cameraNoise = (bits: number, channel: number): number =>
  ((bits & 255) + ((bits >>> 8) & 255) - 255) / 255 + (((bits >>> (16 + 4 * channel)) & 15) - 7.5) / 15;
