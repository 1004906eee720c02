/** Split-conformal calibration of class probabilities: which classes a prediction cannot exclude. */
export interface ConformalCalibration {
  /** A class is in the set when its probability is at least 1 - threshold. 1: every class always is. */
  readonly threshold: number;
  /** The wanted probability that the set misses the true class. */
  readonly missRate: number;
  /** How many cases it was calibrated on. */
  readonly cases: number;
}

/**
 * Calibrates prediction sets that hold the true class of a new case, exchangeable with these, with probability at least
 * 1 - missRate, whatever the classifier (split conformal prediction: Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates 2021,
 * section 1). The score of a case is 1 - p of its true class; the threshold is the ceil((n + 1) (1 - missRate))-th smallest of n
 * scores, or 1, where every class is in the set, when n is too small for the rate: n >= 1 / missRate - 1 is needed.
 *
 * The promise is about cases on average: a single class can be missed more often, and cases of another scanner or hospital
 * are not exchangeable with these.
 *
 * @param probabilities class probabilities of cases that took no part in training, or any other values in 0 .. 1 of which higher ones
 * are more plausible.
 * @param reference their classes. @param missRate in (0, 1), such as 0.1.
 * @throws RangeError for no cases, lengths that differ, a class without a probability, or a rate outside (0, 1).
 */
export const calibrateConformal = (
  probabilities: readonly ArrayLike<number>[],
  reference: ArrayLike<number>,
  missRate: number,
): ConformalCalibration => {
  const cases = probabilities.length;
  if (!(missRate > 0 && missRate < 1)) throw new RangeError(`The miss rate is ${missRate}; it must lie between 0 and 1.`);
  if (cases === 0 || cases !== reference.length) {
    throw new RangeError(`A calibration takes cases with their classes, but got ${cases} cases and ${reference.length} classes.`);
  }
  const scores = Float64Array.from(probabilities, (ofCase, i) => 1 - ofCase[reference[i]]);
  const bad = scores.findIndex((score) => !(score >= -1e-6 && score <= 1));
  if (bad >= 0) {
    throw new RangeError(
      `The class of case ${bad} is ${reference[bad]}, but its ${probabilities[bad].length} values give it no probability.`,
    );
  }
  // The small amount keeps a product such as 0.29 * 100 from being rounded below the whole number it stands for.
  const rank = cases + 1 - Math.floor((cases + 1) * missRate + 1e-9);
  return { threshold: rank > cases ? 1 : scores.sort()[rank - 1], missRate, cases };
};

/** The classes that a prediction cannot exclude, in rising order: those with 1 - p <= threshold. It can be empty. */
export const predictionSet = (probabilities: ArrayLike<number>, { threshold }: ConformalCalibration): number[] =>
  Array.from(probabilities, (_, c) => c).filter((c) => 1 - probabilities[c] <= threshold);

/**
 * Whether a prediction set of ordered classes is no answer, so that the case should go to a person: it is empty (no class is
 * as likely as true classes are: the case is unlike the calibration's), has more than `widest` classes (default 1), or is no run
 * of neighbours, which says that something is wrong rather than between two grades.
 */
export const isUnsure = (set: readonly number[], widest = 1): boolean =>
  set.length === 0 || set.length > widest || set[set.length - 1] - set[0] !== set.length - 1;
