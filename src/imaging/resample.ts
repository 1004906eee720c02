import { gaussianKernel, mirrored } from "../graph/index.ts";
import { createImage, type ImageOf } from "./image.ts";

/**
 * The image blurred by a Gaussian of `sigma` pixels (cut at 4 sigma), the border mirrored; computed in floating point along both axes
 * and rounded once. `sigma` 0 gives an equal image. @throws RangeError for a negative sigma or one that is no number.
 */
export const gaussianBlur = (image: ImageOf<Uint8Array>, sigma: number): ImageOf<Uint8Array> => {
  if (!(sigma >= 0 && sigma < Infinity)) throw new RangeError(`The sigma of a blur is ${sigma} pixels; it must be 0 or more.`);
  const kernel = sigma === 0 ? [1] : gaussianKernel(sigma);
  const radius = (kernel.length - 1) / 2;
  const line = (length: number): Taps[] =>
    Array.from({ length }, (_, at) => ({
      from: kernel.map((_, k) => mirrored(at + k - radius, length)),
      weights: kernel,
    }));
  return resample(image, line(image.width), line(image.height));
};

/**
 * The image at another size by linear interpolation, antialiased where it becomes smaller: a pixel is the mean of those under a triangle
 * around its centre, whose half width is one pixel of the coarser grid, as in Pillow's BILINEAR. Rounded once.
 * @throws RangeError when the size is not made of positive whole numbers.
 */
export const resizeImage = (image: ImageOf<Uint8Array>, width: number, height: number): ImageOf<Uint8Array> =>
  resample(image, triangles(image.width, width), triangles(image.height, height));

/** Where a position of a new line comes from: positions of the old one, and their weights, whose sum is 1. */
interface Taps {
  readonly from: readonly number[];
  readonly weights: readonly number[];
}

const triangles = (length: number, size: number): Taps[] => {
  const scale = length / size;
  const half = Math.max(1, scale);
  return Array.from({ length: size }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.ceil(centre - half - 0.5));
    const last = Math.min(length - 1, Math.floor(centre + half - 0.5));
    const from = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const weights = from.map((position) => 1 - Math.abs(position + 0.5 - centre) / half);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { from, weights: weights.map((weight) => weight / total) };
  });
};

const resample = (image: ImageOf<Uint8Array>, columns: readonly Taps[], rows: readonly Taps[]): ImageOf<Uint8Array> => {
  const result = createImage(columns.length, rows.length);
  const across = alongAxis(image.data, image.height, image.width, 3, columns);
  const both = alongAxis(across, 1, image.height, columns.length * 3, rows);
  for (let i = 0; i < both.length; i++) result.data[i] = Math.min(255, Math.max(0, Math.round(both[i])));
  return result;
};

/** [outer, length, inner] -> [outer, taps, inner]. */
const alongAxis = (
  values: Uint8Array | Float32Array,
  outer: number,
  length: number,
  inner: number,
  taps: readonly Taps[],
): Float32Array => {
  const result = new Float32Array(outer * taps.length * inner);
  for (let block = 0; block < outer; block++) {
    for (let to = 0; to < taps.length; to++) {
      const { from, weights } = taps[to];
      const target = (block * taps.length + to) * inner;
      for (let k = 0; k < from.length; k++) {
        const [source, weight] = [(block * length + from[k]) * inner, weights[k]];
        for (let at = 0; at < inner; at++) result[target + at] += weight * values[source + at];
      }
    }
  }
  return result;
};
