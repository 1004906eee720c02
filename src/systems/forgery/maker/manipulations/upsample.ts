import type { Mask } from "../../../../imaging/index.ts";
import { convolveAxis, type FloatImage, floatImage, reflected } from "../float-image.ts";

export interface UpsamplingOptions {
  /** By how much pixels of odd and even place differ, a share of their light: the checkerboard of kernels that overlap unevenly. */
  readonly imbalance: number;
  /** How much of the picture's own fine detail stays, 0 .. 1; more where the copies cannot replace the rest unseen. */
  readonly detail: number;
}

/**
 * What a generator that doubles its resolution by transposed convolutions leaves. The picture is halved, and doubled again by a transposed
 * convolution of stride 2 whose odd and even taps have different sums, which lets a checkerboard through (Odena, Dumoulin and Olah,
 * "Deconvolution and checkerboard artifacts", 2016), and which does not suppress the copies of the spectrum around half the sampling
 * frequency that putting zeros between pixels makes (Zhang, Karaman and Chang 2019; Durall, Keuper and Keuper 2020). The copies
 * replace a part of the picture's own fine detail and have, over the region, its energy, so that the picture is neither softer nor
 * sharper than before.
 */
export const upsampled = (picture: FloatImage, region: Mask, { imbalance, detail }: UpsamplingOptions): FloatImage => {
  const { width, height } = picture;
  const half = halve(picture);
  const smooth = transposedConvolution(half, width, height, [0.25, 0.75, 0.75, 0.25]);
  const blocky = transposedConvolution(half, width, height, [0, 1, 1, 0]);
  const fine = picture.data.map((value, at) => value - smooth.data[at]);
  const copies = blocky.data.map((value, at) => value - smooth.data[at]);
  const mixture = mixtureOf(fine, copies, region, detail);
  const uneven = transposedConvolution(half, width, height, [
    0.25 * (1 + imbalance),
    0.75 * (1 - imbalance),
    0.75 * (1 + imbalance),
    0.25 * (1 - imbalance),
  ]);
  const data = uneven.data.map((value, at) => value + mixture.fine * fine[at] + mixture.copies * copies[at]);
  return { width, height, data };
};

/** The copies have at most this amplitude: beyond, one sees blocks. */
const MOST_COPIES = 0.6;

/**
 * Shares d of the fine detail and m of the copies for which |d fine + m copies| = |fine| over the region: m for the given d, or d for the
 * greatest m where that is less.
 */
const mixtureOf = (fine: Float32Array, copies: Float32Array, region: Mask, detail: number): { fine: number; copies: number } => {
  let [own, both, other] = [0, 0, 0];
  for (let at = 0; at < fine.length; at++) {
    if (region.data[Math.floor(at / 3)] === 0) continue;
    own += fine[at] * fine[at];
    both += fine[at] * copies[at];
    other += copies[at] * copies[at];
  }
  if (own === 0 || other === 0) return { fine: 1, copies: 0 };
  const share = rootOf(other, detail * both, (detail * detail - 1) * own);
  if (share <= MOST_COPIES) return { fine: detail, copies: share };
  return { fine: rootOf(own, MOST_COPIES * both, MOST_COPIES ** 2 * other - own), copies: MOST_COPIES };
};

/** The greater root of a x^2 + 2 b x + c, not below 0. */
const rootOf = (a: number, b: number, c: number): number => Math.max(0, (-b + Math.sqrt(Math.max(0, b * b - a * c))) / a);

/** Every second pixel along both axes after the filter 1 3 3 1; the new pixel lies between the two in its middle. */
const halve = (picture: FloatImage): FloatImage => {
  const { width, height } = picture;
  const half = floatImage(Math.ceil(width / 2), Math.ceil(height / 2));
  const across = convolveAxis(picture.data, height, width, 3, [0, 1 / 8, 3 / 8, 3 / 8, 1 / 8]);
  const soft = convolveAxis(across, 1, height, 3 * width, [0, 1 / 8, 3 / 8, 3 / 8, 1 / 8]);
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      for (let c = 0; c < 3; c++) half.data[3 * (y * half.width + x) + c] = soft[3 * (2 * y * width + 2 * x) + c];
    }
  }
  return half;
};

/**
 * Transposed convolution with stride 2 and a kernel of four taps along each axis: pixel i is spread over 2 i - 1 .. 2 i + 2. A border
 * pixel of the result gets what a mirrored picture would give.
 */
const transposedConvolution = (half: FloatImage, width: number, height: number, kernel: readonly number[]): FloatImage => {
  const across = spread(half.data, half.height, half.width, 3, width, kernel);
  return { width, height, data: spread(across, 1, half.height, 3 * width, height, kernel) };
};

const spread = (
  values: Float32Array,
  outer: number,
  length: number,
  inner: number,
  longer: number,
  kernel: readonly number[],
): Float32Array => {
  const result = new Float32Array(outer * longer * inner);
  for (let to = 0; to < longer; to++) {
    // Two pixels reach each place: the one whose first taps, and the one whose last taps lie there.
    const last = (to + 1) >> 1;
    for (const from of [last, last - 1]) {
      const weight = kernel[to - 2 * from + 1];
      for (let block = 0; block < outer; block++) {
        const target = (block * longer + to) * inner;
        const start = (block * length + reflected(from, length)) * inner;
        for (let at = 0; at < inner; at++) result[target + at] += weight * values[start + at];
      }
    }
  }
  return result;
};
