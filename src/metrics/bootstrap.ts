import { type Random, random } from "../random/index.ts";
import { type ImageLabels, imageRoc } from "./image-measures.ts";
import { areaUnderRoc, type Roc } from "./roc.ts";

/** A measure with its 95 % confidence interval. */
export type Measure = { value: number; low: number; high: number };

export type BootstrapOptions = {
  /** The same seed gives the same interval; 0 by default. */
  seed?: number;
  /** How many resampled test sets the interval rests on; 1000 by default. */
  replicates?: number;
};

export type Interval = { low: number; high: number };

/**
 * Percentile intervals (Efron 1979), from the 2.5th to the 97.5th percentile of each measure over resampled test sets.
 * They cover the choice of test images; the choice of training images and training seeds they do not.
 *
 * @param strata the positions of the samples of each class; each is resampled with replacement to its own size.
 * @param measures the measures of a resample, given as positions, stratum after stratum; NaN where one is undefined,
 * which leaves that resample out.
 * @throws RangeError when the number of replicates is not a positive whole number.
 */
export const percentileIntervals = (
  strata: readonly Uint32Array[],
  measures: (positions: Uint32Array) => readonly number[],
  options: BootstrapOptions = {},
): Interval[] => {
  const { seed = 0, replicates = 1000 } = options;
  if (!(Number.isInteger(replicates) && replicates > 0)) {
    throw new RangeError(`The number of bootstrap replicates is ${replicates}; it must be a positive whole number.`);
  }
  const rows = Array.from({ length: replicates }, (_, replicate) =>
    measures(resample(strata, random("bootstrap", seed, replicate))),
  );
  return rows[0].map((_, column) => {
    const values = Float64Array.from(rows, (row) => row[column])
      .filter((value) => !Number.isNaN(value))
      .sort();
    return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
  });
};

const resample = (strata: readonly Uint32Array[], source: Random): Uint32Array => {
  const positions = new Uint32Array(strata.reduce((sum, stratum) => sum + stratum.length, 0));
  let place = 0;
  for (const stratum of strata) {
    for (let i = 0; i < stratum.length; i++) positions[place++] = stratum[source.integer(0, stratum.length - 1)];
  }
  return positions;
};

/**
 * A measure over images, such as `areaUnderRoc`, `averagePrecision` or `(roc) => maximumF1(roc).value`, with its interval
 * over resampled images, normal and anomalous ones resampled separately.
 *
 * @throws OneClassError when a class is missing; RangeError as `imageRoc` and `percentileIntervals`.
 */
export const imageMeasure = (
  measure: (roc: Roc) => number,
  scores: Float32Array,
  labels: ImageLabels,
  options?: BootstrapOptions,
): Measure => {
  const value = measure(imageRoc(scores, labels));
  const resampled = (positions: Uint32Array): number[] => [measure(resampledRoc(scores, labels, positions))];
  const [interval] = percentileIntervals(classesOf(labels), resampled, options);
  return { value, ...interval };
};

/**
 * Image AUROC of one system less that of another on the same images, in [-1, 1]. Both are resampled alike, so that what
 * makes an image hard for both cancels out: an interval without 0 speaks for a difference on such images.
 *
 * @throws as `imageMeasure`.
 */
export const aurocDifference = (
  scores: Float32Array,
  otherScores: Float32Array,
  labels: ImageLabels,
  options?: BootstrapOptions,
): Measure => {
  const value = areaUnderRoc(imageRoc(scores, labels)) - areaUnderRoc(imageRoc(otherScores, labels));
  const resampled = (positions: Uint32Array): number[] => {
    const first = areaUnderRoc(resampledRoc(scores, labels, positions));
    return [first - areaUnderRoc(resampledRoc(otherScores, labels, positions))];
  };
  const [interval] = percentileIntervals(classesOf(labels), resampled, options);
  return { value, ...interval };
};

/** The positions of the normal and of the anomalous images. */
export const classesOf = (labels: ImageLabels): Uint32Array[] => {
  const positions = Uint32Array.from(labels, (_, position) => position);
  return [positions.filter((position) => !labels[position]), positions.filter((position) => labels[position])];
};

const resampledRoc = (scores: Float32Array, labels: ImageLabels, positions: Uint32Array): Roc =>
  imageRoc(
    Float32Array.from(positions, (position) => scores[position]),
    Array.from(positions, (position) => labels[position]),
  );

/** The quantile of ascending values, interpolated linearly between the two nearest. */
const quantile = (ascending: Float64Array, share: number): number => {
  const place = share * (ascending.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (place - below) * (ascending[above] - ascending[below]);
};
