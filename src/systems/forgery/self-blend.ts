import { gaussianKernel } from "../../graph/index.ts";
import { createMask, type Mask, squaredDistances } from "../../imaging/index.ts";
import type { Random } from "../../random/index.ts";
import { type AreaRange, convolveAxis, randomBlob } from "./maker/index.ts";
import {
  changeBrightnessContrast,
  changeHueSaturationValue,
  downscale,
  interpolateAxis,
  move,
  sharpen,
  shiftChannels,
} from "./self-blend-transforms.ts";

/** A forged image made of one real image, and the real image that it is to be told from. */
export interface SelfBlended {
  /** I_SB = I_s o M + I_t o (1 - M), like the image: [channels, size, size] in [0, 1]. */
  readonly planes: Float32Array;
  /** I_t. The real one of the pair: changes of the whole target are no sign of forgery when it has them too. */
  readonly target: Float32Array;
  /** M with its blending ratio: [size, size] in [0, 1], 0 outside the region; its largest value is the ratio. */
  readonly mask: Float32Array;
}

export interface SelfBlendOptions {
  /** Share of the image that the region covers before it is deformed, eroded and softened. Default 0.1 to 0.5. */
  readonly area?: AreaRange;
}

/**
 * Self-blended images (Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022, section 3): an image is blended
 * with a slightly changed copy of itself, which leaves what all splices leave, a boundary and two statistics, and nothing else.
 *
 * 1. Source-target generator: source and target begin as copies of the image. By a coin, one of them is changed by `changeStatistics`.
 *    Then the source is resized by 0.95 to 1 / 0.95 and moved by up to 3 % across and 1.5 % down, so that contours do not meet.
 * 2. Mask generator: a region, see `blendingMask`, with a blending ratio out of 0.25, 0.5, 0.75, 1, 1, 1.
 * 3. Blending: I_SB = I_s o M + I_t o (1 - M).
 *
 * Ranges are those of the authors' implementation. Where M is 0 the result is the target, to the bit, and half of the time, when the
 * source was changed, the target is the image, to the bit.
 *
 * image: [channels, size, size] in [0, 1] with 1 or 3 channels; it is not changed. The same keys of `rng` give the same result.
 * @throws RangeError when the image does not have that shape, or the area is no range within (0, 1).
 */
export const selfBlend = (image: Float32Array, size: number, rng: Random, options: SelfBlendOptions = {}): SelfBlended => {
  const { area = { low: 0.1, high: 0.5 } } = options;
  requireImage(image, size);
  const changesSource = rng.uniform() < 0.5;
  const changed = changeStatistics(image, size, rng);
  const target = changesSource ? image.slice() : changed;
  const source = move(changesSource ? changed : image, size, {
    scaleX: rng.uniform(0.95, 1 / 0.95),
    scaleY: rng.uniform(0.95, 1 / 0.95),
    right: rng.uniform(-0.03, 0.03),
    down: rng.uniform(-0.015, 0.015),
  });
  const mask = blendingMask(size, area, rng);
  const pixels = size * size;
  const planes = target.map((value, at) => value + mask[at % pixels] * (source[at] - value));
  return { planes, target, mask };
};

const requireImage = (image: Float32Array, size: number): void => {
  if (!(Number.isInteger(size) && size > 0 && (image.length === size * size || image.length === 3 * size * size))) {
    throw new RangeError(
      `An image of ${image.length} values cannot be blended with itself at size ${size}; give [1 or 3 channels, size, size].`,
    );
  }
};

/**
 * The random transforms of the source-target generator. Colours: three times in ten, each channel is shifted by up to 20 of 255 levels;
 * always, hue, saturation and value change, then brightness (by up to 0.1) and contrast (by up to 10 %). Frequencies: either the image is
 * brought down to a half or a quarter of its size and back, or sharpened (alpha 0.2 to 0.5, lightness 0.5 to 1).
 *
 * The authors' limits of hue, saturation and value, 0.3, count in levels of 8 bits there and change almost nothing. Here, as the paper
 * intends, they show: hue by up to 0.03 turns, saturation by up to 30 %, value by up to 10 %.
 */
export const changeStatistics = (planes: Float32Array, size: number, rng: Random): Float32Array => {
  const shifted = rng.uniform() < 0.3;
  const shifts = [0, 1, 2].map(() => rng.uniform(-20 / 255, 20 / 255));
  const hue = rng.uniform(-0.03, 0.03);
  const saturation = 1 + rng.uniform(-0.3, 0.3);
  const value = 1 + rng.uniform(-0.1, 0.1);
  const coloured = changeHueSaturationValue(shifted ? shiftChannels(planes, size, shifts) : planes, size, {
    hue,
    saturation,
    value,
  });
  const lit = changeBrightnessContrast(coloured, rng.uniform(-0.1, 0.1), 1 + rng.uniform(-0.1, 0.1));
  if (rng.uniform() < 0.5) return downscale(lit, size, 2 * rng.integer(1, 2));
  return sharpen(lit, size, rng.uniform(0.2, 0.5), rng.uniform(0.5, 1));
};

const BLENDING_RATIOS = [0.25, 0.5, 0.75, 1, 1, 1];

/** The authors' windows and deviations are in pixels of a mask of 192 to 256 a side; this is the middle. */
const MASK_SIDE = 224;

/**
 * The mask generator. The region is a random blob, since general images have no landmarks whose convex hull it could be (it takes the
 * place of their deformation, too); then, as in the paper:
 *
 * 1. Elastic deformation.
 * 2. First Gaussian blur, after which all values below 1 become 0. What stays 1 is where the whole window lies in the region: an erosion,
 *    computed as such, by a disc of 2 to 12 pixels; by at most half of what would leave nothing.
 * 3. Second Gaussian blur, in a window of 2 to 12 pixels to each side and with a deviation of 5 to 45, then scaled to a maximum of 1. If
 *    its window is the smaller one the region shrinks, else it grows.
 * 4. Blending ratio r, one of 0.25, 0.5, 0.75, 1, 1, 1.
 *
 * Pixels are those of a mask of 224 pixels a side, and scaled to the size. Returns [size, size] in [0, r]. For the default area and from
 * 32 pixels a side on, M > 0 on 5 to 70 % of the image, and M / r is 0.04 to 0.55 on average.
 * @throws RangeError unless 0 < low <= high < 1.
 */
export const blendingMask = (size: number, area: AreaRange, rng: Random): Float32Array => {
  if (!(area.low > 0 && area.low <= area.high && area.high < 1)) {
    throw new RangeError(`The area must have 0 < low <= high < 1, not ${area.low} and ${area.high}.`);
  }
  const scale = size / MASK_SIDE;
  const region = deform(smoothBlob(size, rng.uniform(area.low, area.high), rng), 1.2 * scale, 7 * scale, rng);
  const distances = squaredDistances(region, 0);
  const radius = Math.min(rng.uniform(2, 12) * scale, Math.sqrt(largestOf(distances)) / 2);
  const eroded = new Float32Array(distances.length).map((_, pixel) => (distances[pixel] > radius * radius ? 1 : 0));
  const window = Math.max(1, Math.round(rng.uniform(2, 12) * scale));
  const kernel = gaussianKernel(rng.uniform(5, 45) * scale, window);
  const across = convolveAxis(eroded, size, size, 1, kernel);
  const soft = convolveAxis(across, 1, size, size, kernel);
  const ratio = BLENDING_RATIOS[rng.integer(0, BLENDING_RATIOS.length - 1)];
  const most = largestOf(soft);
  return soft.map((value) => (ratio * value) / most);
};

/** The outlines of blobs are so smooth that drawing them on more pixels a side than these only costs time. */
const MOST_BLOB_SIDE = 64;

/** A random blob that covers a share of the image; drawn small, enlarged by linear interpolation, and cut at one half. */
const smoothBlob = (size: number, share: number, rng: Random): Mask => {
  const side = Math.min(size, MOST_BLOB_SIDE);
  const blob = randomBlob(rng, side, side, share * side * side);
  if (side === size) return blob;
  const positions = Float64Array.from({ length: size }, (_, i) => ((i + 0.5) * side) / size - 0.5);
  const wide = interpolateAxis(new Float32Array(blob.data), side, 1, positions);
  const large = interpolateAxis(wide, side, size, positions);
  return createMask(size, size, new Uint8Array(large.map(Math.round)));
};

const largestOf = (values: Float32Array | Float64Array): number => {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  return largest;
};

/**
 * Elastic deformation (Simard, Steinkraus and Platt 2003): each pixel is read at a place that lies off by a smooth random field, normal
 * with a deviation of `strength` pixels at nodes `spacing` pixels apart and linear between them. What is beyond the border is its edge.
 */
export const deform = ({ width, height, data }: Mask, strength: number, spacing: number, rng: Random): Mask => {
  const field = (): Float32Array => {
    const [columns, rows] = [width, height].map((length) => Math.ceil((length - 1) / spacing) + 1);
    const nodes = new Float32Array(columns * rows).map(() => rng.normal(0, strength));
    const positions = (length: number): Float64Array => Float64Array.from({ length }, (_, i) => i / spacing);
    return interpolateAxis(interpolateAxis(nodes, columns, 1, positions(width)), rows, width, positions(height));
  };
  const [right, down] = [field(), field()];
  const result = createMask(width, height);
  for (let pixel = 0; pixel < data.length; pixel++) {
    const x = Math.min(width - 1, Math.max(0, Math.round((pixel % width) + right[pixel])));
    const y = Math.min(height - 1, Math.max(0, Math.round(Math.floor(pixel / width) + down[pixel])));
    result.data[pixel] = data[y * width + x];
  }
  return result;
};
