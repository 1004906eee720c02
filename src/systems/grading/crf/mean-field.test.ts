import { describe, expect, test } from "vitest";
import { createImage, type ImageOf } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";
import { type DenseCrfOptions, denseCrf } from "./mean-field.ts";

interface Scene {
  readonly image: ImageOf<Uint8Array>;
  readonly labels: Uint8Array;
  /** [classes, height, width] */
  readonly probabilities: Float32Array;
}

/** Regions of several classes, each of its own colour with a texture and grain, and probabilities that are right two times in three. */
const scene = (texture: string, grain: number, [width, height]: readonly number[], classes: number, seed: number): Scene => {
  const source = random("crf scene", texture, grain, seed);
  const centres = Array.from({ length: 6 }, () => [
    source.uniform(0, width),
    source.uniform(0, height),
    source.integer(0, classes - 1),
  ]);
  const colours = Array.from({ length: classes }, () => [
    source.uniform(90, 230),
    source.uniform(60, 200),
    source.uniform(110, 230),
  ]);
  const image = createImage(width, height);
  const labels = new Uint8Array(width * height);
  const probabilities = new Float32Array(classes * width * height);
  for (let i = 0; i < labels.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const distance = ([cx, cy]: readonly number[]): number => (x - cx) ** 2 + (y - cy) ** 2;
    labels[i] = centres.reduce((nearest, centre) => (distance(centre) < distance(nearest) ? centre : nearest))[2];
    const detail = {
      plain: 0,
      stripes: 25 * Math.sin(x / 2 + (y / 3) * (labels[i] + 1)),
      checks: 40 * (((x >> 2) + (y >> 2)) % 2),
    };
    for (let channel = 0; channel < 3; channel++) {
      const value = colours[labels[i]][channel] + detail[texture as keyof typeof detail] + source.normal(0, grain);
      image.data[3 * i + channel] = Math.round(Math.min(255, Math.max(0, value)));
    }
    const odds = Array.from({ length: classes }, (_, c) => Math.exp(source.normal(c === labels[i] ? 2 : 0, 1.5)));
    const total = odds.reduce((sum, odd) => sum + odd, 0);
    for (let c = 0; c < classes; c++) probabilities[c * labels.length + i] = odds[c] / total;
  }
  return { image, labels, probabilities };
};

/** The same mean field with the Gaussians themselves, summed over all pairs of pixels in double precision. */
const bruteForce = ({ image, probabilities }: Scene): Float64Array => {
  const { width, height, data } = image;
  const pixels = width * height;
  const classes = probabilities.length / pixels;
  const kernel = new Float64Array(pixels * pixels);
  /** Adds weight D^(-1/2) k D^(-1/2). */
  const addKernel = (weight: number, spatial: number, colour: number): void => {
    const k = new Float64Array(pixels * pixels);
    const sums = new Float64Array(pixels);
    for (let i = 0; i < pixels; i++) {
      for (let j = 0; j < pixels; j++) {
        const [dx, dy] = [(i % width) - (j % width), Math.floor(i / width) - Math.floor(j / width)];
        let distance = (dx * dx + dy * dy) / spatial ** 2;
        for (let channel = 0; channel < 3; channel++) distance += ((data[3 * i + channel] - data[3 * j + channel]) / colour) ** 2;
        k[i * pixels + j] = Math.exp(-distance / 2);
        sums[i] += k[i * pixels + j];
      }
    }
    for (let i = 0; i < pixels; i++) {
      for (let j = 0; j < pixels; j++) kernel[i * pixels + j] += (weight * k[i * pixels + j]) / Math.sqrt(sums[i] * sums[j]);
    }
  };
  addKernel(3, 3, Infinity);
  addKernel(10, 80, 13);
  const unary = Float64Array.from(probabilities, (p) => -Math.log(Math.max(p, 1e-5)));
  const softmax = (energy: Float64Array): Float64Array => {
    const odds = energy.map((value) => Math.exp(-value));
    return odds.map(
      (odd, k) => odd / Array.from({ length: classes }, (_, c) => odds[c * pixels + (k % pixels)]).reduce((a, b) => a + b),
    );
  };
  let q = softmax(unary);
  for (let iteration = 0; iteration < 5; iteration++) {
    const energy = unary.slice();
    for (let c = 0; c < classes; c++) {
      for (let i = 0; i < pixels; i++) {
        let message = 0;
        for (let j = 0; j < pixels; j++) message += kernel[i * pixels + j] * q[c * pixels + j];
        energy[c * pixels + i] -= message;
      }
    }
    q = softmax(energy);
  }
  return q;
};

const labelsOf = (probabilities: ArrayLike<number>, pixels: number): Uint8Array =>
  Uint8Array.from({ length: pixels }, (_, i) => {
    let best = 0;
    for (let c = 1; c * pixels < probabilities.length; c++)
      if (probabilities[c * pixels + i] > probabilities[best * pixels + i]) best = c;
    return best;
  });

const agreement = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((same, label, i) => same + (label === b[i] ? 1 : 0), 0) / a.length;

describe("dense CRF", () => {
  test.each([
    ["plain", 4, [36, 28], 4, 1],
    ["plain", 12, [32, 32], 6, 2],
    ["plain", 20, [36, 32], 4, 3],
    ["stripes", 4, [32, 32], 4, 4],
    ["stripes", 12, [36, 36], 5, 5],
    ["stripes", 20, [40, 40], 4, 6],
    ["checks", 4, [36, 28], 3, 7],
    ["checks", 12, [36, 32], 4, 8],
    ["checks", 20, [32, 36], 4, 9],
  ] as const)(
    "%s, grain %i, %j, %i classes: as summed pair by pair on 99 percent of pixels",
    (texture, grain, size, classes, seed) => {
      const drawn = scene(texture, grain, size, classes, seed);
      const pixels = drawn.labels.length;
      const expected = labelsOf(bruteForce(drawn), pixels);
      const found = labelsOf(denseCrf()(drawn.probabilities, drawn.image), pixels);
      const before = labelsOf(drawn.probabilities, pixels);
      expect(agreement(found, expected)).toBeGreaterThanOrEqual(0.99);
      expect(agreement(before, expected)).toBeLessThan(0.8);
      expect(agreement(found, drawn.labels)).toBeGreaterThan(agreement(before, drawn.labels) + 0.1);
    },
  );

  /** Two classes that are told apart by `share`, the probability of the one that `isFirst`. */
  const twoClasses = (size: number, share: (x: number, y: number) => number): Float32Array => {
    const probabilities = new Float32Array(2 * size * size);
    for (let i = 0; i < size * size; i++) {
      probabilities[i] = share(i % size, Math.floor(i / size));
      probabilities[size * size + i] = 1 - probabilities[i];
    }
    return probabilities;
  };

  test("an isolated wrong pixel in a uniform area is corrected, even one the network was sure of", () => {
    const image = createImage(24, 24, new Uint8Array(24 * 24 * 3).fill(180));
    for (const wrong of [0.2, 0]) {
      const probabilities = twoClasses(24, (x, y) => (x === 10 && y === 12 ? wrong : 0.8));
      expect(new Set(labelsOf(denseCrf()(probabilities, image), 24 * 24))).toEqual(new Set([0]));
    }
  });

  test("an edge of the image draws a misplaced border to itself, and holds it there", () => {
    const size = 32;
    const image = createImage(size, size);
    for (let i = 0; i < size * size; i++) image.data.fill(i % size < 16 ? 90 : 200, 3 * i, 3 * i + 3);
    const sides = Uint8Array.from({ length: size * size }, (_, i) => (i % size < 16 ? 0 : 1));
    // The network's border runs 3 pixels too far to the right, less and less sure.
    const probabilities = twoClasses(size, (x) => (x < 16 ? 0.9 : x < 19 ? 0.6 : 0.1));
    expect(labelsOf(denseCrf()(probabilities, image), size * size)).toEqual(sides);
    // Where the image shows no edge, the border stays where it was.
    const flat = createImage(size, size, new Uint8Array(size * size * 3).fill(128));
    const unmoved = labelsOf(denseCrf({ bilateral: { compatibility: 0 } })(probabilities, flat), size * size);
    expect(unmoved).toEqual(Uint8Array.from({ length: size * size }, (_, i) => (i % size < 19 ? 0 : 1)));
  });

  test("with no compatibilities, or no iterations, the probabilities stay as they are", () => {
    const { image, probabilities } = scene("checks", 12, [20, 14], 4, 11);
    const settings: DenseCrfOptions[] = [{ gaussian: { compatibility: 0 }, bilateral: { compatibility: 0 } }, { iterations: 0 }];
    for (const options of settings) {
      const refined = denseCrf(options)(probabilities, image);
      for (let k = 0; k < refined.length; k++) expect(refined[k]).toBeCloseTo(probabilities[k], 4);
      expect(labelsOf(refined, 280)).toEqual(labelsOf(probabilities, 280));
    }
  });

  test("gives probabilities, the same bits whatever was refined before", () => {
    const refine = denseCrf();
    const [first, second] = [scene("plain", 12, [20, 16], 3, 12), scene("stripes", 4, [16, 20], 3, 13)];
    const once = refine(first.probabilities, first.image);
    refine(second.probabilities, second.image);
    expect(refine(first.probabilities, first.image)).toEqual(once);
    for (let i = 0; i < 320; i++) expect(once[i] + once[320 + i] + once[640 + i]).toBeCloseTo(1, 5);
  });

  test("refuses options out of range and lengths that do not fit", () => {
    expect(() => denseCrf({ iterations: 1.5 })).toThrow(/option iterations of the CRF is 1.5/);
    expect(() => denseCrf({ bilateral: { colour: 0 } })).toThrow(
      /option bilateral.colour of the CRF is 0; it must be a positive number/,
    );
    expect(() => denseCrf({ gaussian: { compatibility: -1 } })).toThrow(/gaussian.compatibility/);
    expect(() => denseCrf()(new Float32Array(7), createImage(2, 2))).toThrow(
      /7 probabilities are not those of whole classes at 2 x 2/,
    );
  });
});
