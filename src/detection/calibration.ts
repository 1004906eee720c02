import {
  add,
  asinh,
  constant,
  div,
  filterMatrix,
  gaussianKernel,
  input,
  maximum,
  mul,
  program,
  separable,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { PreparedImages } from "./prepared-images.ts";

/** First and second moment of the map at each position, [height, width], over training images. */
export interface Calibration {
  readonly mean: Float32Array;
  readonly square: Float32Array;
}

/** How many training images are looked at. */
const IMAGES = 200;

/** With few images a position alone says little: each is drawn towards the mean of all positions, which counts like so many images. */
const PRIOR_IMAGES = 10;

/**
 * The moments of a trained network's maps over normal training images. `mapOf` makes a map [1, 1, height, width] of what is prepared of
 * an image, which has the shape `inputShape`: pixels, or whatever the method keeps. Where images have ignored pixels, the map must be of
 * the network's size; those pixels are left out.
 */
export const calibrate = async (
  runtime: Runtime,
  mapOf: (x: Tensor) => Tensor,
  inputShape: readonly number[],
  images: PreparedImages,
): Promise<Calibration> => {
  const x = input("x", inputShape);
  const map = mapOf(x);
  const loaded = await runtime.load(program({ feeds: [x], results: { map } }));
  const positions = map.shape.reduce<number>((product, length) => product * (length as number), 1);
  const normal = images.samples.flatMap(({ label }, index) => (label === 1 ? [] : [index]));
  const count = Math.min(normal.length, IMAGES);
  const sums = new Float64Array(positions);
  const squares = new Float64Array(positions);
  const seen = new Uint32Array(positions);
  for (let image = 0; image < count; image++) {
    const { x: data, counts } = await images.get(normal[Math.floor((image * normal.length) / count)]);
    if (counts !== undefined && counts.length !== positions) {
      throw new Error(`A map of ${positions} positions cannot leave out pixels of an image of ${counts.length}.`);
    }
    const { map: found } = await loaded.run({ x: { data, shape: inputShape } });
    for (const [position, value] of (found.data as Float32Array).entries()) {
      if (counts !== undefined && counts[position] < 0.5) continue;
      seen[position]++;
      sums[position] += value;
      squares[position] += value * value;
    }
  }
  const moment = (totals: Float64Array): Float32Array => {
    const ofAll = totals.reduce((sum, total) => sum + total, 0) / seen.reduce((sum, times) => sum + times, 0);
    return Float32Array.from(totals, (total, position) => (total + PRIOR_IMAGES * ofAll) / (seen[position] + PRIOR_IMAGES));
  };
  return { mean: moment(sums), square: moment(squares) };
};

/** Deviations up to which a standardised map is nearly linear: the largest value of a normal image often lies about there. */
const KNEE = 10;

/**
 * The map [1, 1, height, width] in standard deviations z from what training images show around the same position, as asinh(z / 10):
 * linear for normal images, a logarithm for defects, which may be thousands of deviations away. The order of scores stays; pictures
 * keep their shades, and float32 its digits. The moments are smoothed by a Gaussian of 1/32 of the size, since a single conspicuous
 * training image should not blind one spot.
 */
export const standardise = (map: Tensor, calibration: Calibration): Tensor => {
  const [height, width] = map.shape.slice(-2) as readonly number[];
  const [rows, columns] = [height, width].map((size) => filterMatrix(size, gaussianKernel(size / 32)));
  const smooth = (moments: Float32Array): Tensor => separable(constant(moments, [height, width]), rows, columns);
  const mean = smooth(calibration.mean);
  const second = smooth(calibration.square);
  // float32 cannot tell a variance of less than a millionth of the square from nothing.
  const variance = maximum(sub(second, square(mean)), add(mul(second, 1e-6), 1e-20));
  return asinh(div(sub(map, mean), mul(sqrt(variance), KNEE)));
};
