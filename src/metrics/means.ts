import type { Measure } from "./bootstrap.ts";

/** A mean over training seeds, with the lowest and the highest seed beside it. */
export type MeanOverSeeds = Measure & { spread: { lowest: number; highest: number } };

/**
 * The mean of one measure over networks that differ by their training seed and were measured on the same test images.
 *
 * The interval is the mean of the lower bounds to the mean of the upper ones. It does not narrow with the number of
 * seeds: all of them share one test set, an image that is hard for one is hard for the others, and more seeds do not
 * narrow what the test set leaves open. (The standard deviation of a mean is at most the mean standard deviation, and
 * equal to it where the errors agree, so this errs to the wide side.) What the seed changes is in `spread` alone.
 *
 * @throws RangeError when there are no measures.
 */
export const meanOverSeeds = (measures: readonly Measure[]): MeanOverSeeds => {
  requireSome(measures, "seeds");
  const values = measures.map(({ value }) => value);
  return {
    value: mean(values),
    low: mean(measures.map(({ low }) => low)),
    high: mean(measures.map(({ high }) => high)),
    spread: { lowest: Math.min(...values), highest: Math.max(...values) },
  };
};

/**
 * The mean of one measure over categories, each with a network and a test set of its own.
 *
 * The test sets are independent, so their errors partly cancel: the variances of a sum add, and the half-widths of n
 * intervals combine to `sqrt(sum of squares) / n`, below and above separately, since intervals near 1 are lopsided
 * (Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008). The
 * interval is about these categories; what other categories would give it does not say.
 *
 * @throws RangeError when there are no measures.
 */
export const meanOverCategories = (measures: readonly Measure[]): Measure => {
  requireSome(measures, "categories");
  const value = mean(measures.map((measure) => measure.value));
  const below = Math.hypot(...measures.map((measure) => measure.value - measure.low)) / measures.length;
  const above = Math.hypot(...measures.map((measure) => measure.high - measure.value)) / measures.length;
  return { value, low: value - below, high: value + above };
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const requireSome = (measures: readonly Measure[], of: string): void => {
  if (measures.length === 0) throw new RangeError(`There are no ${of} to take the mean over; give one measure or more.`);
};
