import { type Image, toEightBit } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";

/**
 * What a file tells without being decoded: logarithm of bytes per pixel, width, height, mean of the first and second JPEG quantisation
 * table (0 without), and bytes of metadata (application and comment segments, beyond the 18 of a JFIF header).
 */
export const fileStatistics = (bytes: Uint8Array, width: number, height: number): Float64Array => {
  const tables = [0, 0];
  let metadata = 0;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  for (let at = 2; isJpeg && at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; ) {
    const [marker, length] = [bytes[at + 1], (bytes[at + 2] << 8) | bytes[at + 3]];
    if (marker === 0xdb) readTables(bytes.subarray(at + 4, at + 2 + length), tables);
    if ((marker >= 0xe0 && marker <= 0xef) || marker === 0xfe) metadata += length + 2;
    at += 2 + length;
  }
  return Float64Array.of(Math.log(bytes.length / (width * height)), width, height, ...tables, Math.max(0, metadata - 18));
};

/** Means of the quantisation tables of a DQT segment (ITU T.81, B.2.4.1). */
const readTables = (segment: Uint8Array, into: number[]): void => {
  for (let at = 0; at < segment.length; ) {
    const [wide, table] = [segment[at] >> 4, segment[at] & 15];
    let sum = 0;
    for (let i = 0; i < 64; i++) {
      sum += wide ? (segment[at + 1 + 2 * i] << 8) | segment[at + 2 + 2 * i] : segment[at + 1 + i];
    }
    if (table < into.length) into[table] = sum / 64;
    at += 1 + 64 * (wide ? 2 : 1);
  }
};

/** Means and standard deviations of red, green and blue, and their three correlations. */
export const colourMoments = (image: Image): Float64Array => {
  const { data } = toEightBit(image);
  const pixels = data.length / 3;
  const sums = new Float64Array(3);
  const products = new Float64Array(9);
  for (let at = 0; at < data.length; at += 3) {
    for (let a = 0; a < 3; a++) {
      sums[a] += data[at + a];
      for (let b = 0; b < 3; b++) products[3 * a + b] += data[at + a] * data[at + b];
    }
  }
  const mean = sums.map((sum) => sum / pixels);
  const covariance = (a: number, b: number): number => products[3 * a + b] / pixels - mean[a] * mean[b];
  const deviation = mean.map((_, a) => Math.sqrt(Math.max(0, covariance(a, a))));
  const correlation = (a: number, b: number): number => covariance(a, b) / Math.max(1e-9, deviation[a] * deviation[b]);
  return Float64Array.of(...mean, ...deviation, correlation(0, 1), correlation(0, 2), correlation(1, 2));
};

/** Square roots of the shares of pixels in 4 x 4 x 4 bins of colour and in 16 bins of each channel. */
export const colourShares = (image: Image): Float64Array => {
  const { data } = toEightBit(image);
  const counts = new Float64Array(64 + 48);
  for (let at = 0; at < data.length; at += 3) {
    counts[((data[at] >> 6) << 4) | ((data[at + 1] >> 6) << 2) | (data[at + 2] >> 6)]++;
    for (let c = 0; c < 3; c++) counts[64 + 16 * c + (data[at + c] >> 4)]++;
  }
  return counts.map((count) => Math.sqrt((3 * count) / data.length));
};

/** Says how likely features are those of class 1. */
export interface LogisticModel {
  readonly predict: (features: ArrayLike<number>) => number;
}

/**
 * Logistic regression on standardised features with a ridge, by Newton's method (iteratively reweighted least squares). The ridge is the
 * one of 0.3, 3, 30, 300 and 3000 with the least log loss in five-fold cross-validation.
 * Throws a RangeError without examples of both classes.
 */
export const fitLogisticModel = (features: readonly Float64Array[], labels: readonly (0 | 1)[]): LogisticModel => {
  if (features.length !== labels.length || !labels.includes(0) || !labels.includes(1)) {
    throw new RangeError("A logistic model needs a label for each example, and examples of both classes.");
  }
  const order = random("folds", features.length).permutation(features.length);
  const lossOf = (ridge: number): number => {
    let loss = 0;
    for (let fold = 0; fold < 5; fold++) {
      const train = Array.from(order).filter((_, i) => i % 5 !== fold);
      const model = fitWithRidge(
        train.map((i) => features[i]),
        train.map((i) => labels[i]),
        ridge,
      );
      for (const i of Array.from(order).filter((_, place) => place % 5 === fold)) {
        const p = model.predict(features[i]);
        loss -= Math.log(Math.max(1e-12, labels[i] === 1 ? p : 1 - p));
      }
    }
    return loss;
  };
  const ridges = [0.3, 3, 30, 300, 3000];
  const losses = ridges.map(lossOf);
  return fitWithRidge(features, labels, ridges[losses.indexOf(Math.min(...losses))]);
};

const fitWithRidge = (features: readonly Float64Array[], labels: readonly (0 | 1)[], ridge: number): LogisticModel => {
  const size = features[0].length;
  const mean = new Float64Array(size).map((_, k) => features.reduce((sum, row) => sum + row[k], 0) / features.length);
  const deviation = mean.map((m, k) => Math.sqrt(features.reduce((sum, row) => sum + (row[k] - m) ** 2, 0) / features.length));
  // A feature that does not vary says nothing.
  const standardised = (row: ArrayLike<number>): Float64Array =>
    mean.map((m, k) => (deviation[k] > 1e-9 ? (row[k] - m) / deviation[k] : 0));
  const rows = features.map((row) => Float64Array.of(1, ...standardised(row)));
  let weights: Float64Array = new Float64Array(size + 1);
  const probability = (row: Float64Array): number =>
    1 / (1 + Math.exp(-row.reduce((sum, value, k) => sum + value * weights[k], 0)));
  for (let iteration = 0; iteration < 25; iteration++) {
    const slope = weights.map((weight, k) => (k === 0 ? 0 : -ridge * weight));
    const curvature = Array.from({ length: size + 1 }, (_, k) => {
      const line = new Float64Array(size + 1);
      line[k] = k === 0 ? 1e-9 : ridge;
      return line;
    });
    rows.forEach((row, i) => {
      const p = probability(row);
      for (let k = 0; k <= size; k++) {
        slope[k] += (labels[i] - p) * row[k];
        const factor = p * (1 - p) * row[k];
        if (factor !== 0) for (let l = 0; l <= k; l++) curvature[k][l] += factor * row[l];
      }
    });
    const step = solveSymmetric(curvature, slope);
    weights = weights.map((weight, k) => weight + step[k]);
    if (step.every((change) => Math.abs(change) < 1e-8)) break;
  }
  return { predict: (row) => probability(Float64Array.of(1, ...standardised(row))) };
};

/** Solves A x = b by Cholesky's factorisation; only the lower triangle of A is read, and it is overwritten. */
const solveSymmetric = (matrix: Float64Array[], right: Float64Array): Float64Array => {
  const size = right.length;
  const x = right.slice();
  for (let k = 0; k < size; k++) {
    for (let l = 0; l <= k; l++) {
      let sum = matrix[k][l];
      for (let m = 0; m < l; m++) sum -= matrix[k][m] * matrix[l][m];
      matrix[k][l] = k === l ? Math.sqrt(Math.max(1e-12, sum)) : sum / matrix[l][l];
    }
  }
  for (let k = 0; k < size; k++) {
    for (let m = 0; m < k; m++) x[k] -= matrix[k][m] * x[m];
    x[k] /= matrix[k][k];
  }
  for (let k = size - 1; k >= 0; k--) {
    for (let m = k + 1; m < size; m++) x[k] -= matrix[m][k] * x[m];
    x[k] /= matrix[k][k];
  }
  return x;
};
