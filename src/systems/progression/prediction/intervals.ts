/**
 * Weights of rows where patients, not rows, are exchangeable: those of a patient share a weight of 1. (Hierarchical conformal
 * prediction: Lee, Barber and Willett, "Distribution-free inference with hierarchical data", 2023.)
 */
export const patientWeights = (patients: readonly string[]): Float64Array => {
  const counts = new Map<string, number>();
  for (const patient of patients) counts.set(patient, (counts.get(patient) ?? 0) + 1);
  return Float64Array.from(patients, (patient) => 1 / counts.get(patient)!);
};

/**
 * The least value that weighs, with all below it, at least coverage * (total + 1); Infinity where nothing does. The 1 is the
 * new patient, who could lie beyond everything. With weights of 1 it is the ceil(coverage (n + 1))-th smallest of n values.
 */
export const conformalQuantile = (values: ArrayLike<number>, weights: ArrayLike<number>, coverage: number): number => {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  let total = 1;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  let below = 0;
  for (const i of order) {
    below += weights[i];
    // The small amount keeps sums of thirds from being rounded below the whole number they stand for.
    if (below >= coverage * total - 1e-9) return values[i];
  }
  return Number.POSITIVE_INFINITY;
};

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Split-conformal prediction (Papadopoulos et al. 2002; Lei et al. 2018): the half-width of intervals value -+ radius that hold the
 * truth of a row of a new patient, exchangeable with these, with probability at least `coverage`, whatever the model is.
 *
 * @param residuals absolute errors of a model on patients that took no part in fitting or choosing it.
 * @param patients the patient of each: rows of one patient may depend on each other, patients may not.
 * @throws RangeError for a coverage outside (0, 1), or fewer than coverage / (1 - coverage) patients, which cannot bound anything.
 */
export const splitConformalRadius = (residuals: ArrayLike<number>, patients: readonly string[], coverage: number): number => {
  requireCoverage(coverage, new Set(patients).size);
  return conformalQuantile(residuals, patientWeights(patients), coverage);
};

/** What CV+ remembers of its training rows: of each, the fold that left it out, its absolute error then, and its weight. */
export interface CrossResiduals {
  readonly fold: readonly number[];
  readonly residual: readonly number[];
  readonly weight: readonly number[];
}

/**
 * CV+ interval (Barber, Candes, Ramdas and Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 49, 2021): with
 * R_i the absolute error of training row i by the model of the fold that left it out,
 *
 *   from the lower quantile of mu_fold(i)(x) - R_i to the upper quantile of mu_fold(i)(x) + R_i.
 *
 * Nobody is set aside, and a model that shifts when patients are left out widens the interval. For K folds of n exchangeable patients
 * it holds the truth with probability at least 2 coverage - 1 - sqrt(2 / n); with stable models in practice about `coverage`. Folds must not
 * divide patients, and rows weigh as in `patientWeights`: what is exchangeable are patients with all their rows.
 *
 * @param predictions the new row's prediction by each fold's model.
 */
export const crossInterval = (
  predictions: ArrayLike<number>,
  { fold, residual, weight }: CrossResiduals,
  coverage: number,
): Interval => {
  const negatedLower = residual.map((own, i) => own - predictions[fold[i]]);
  const upper = residual.map((own, i) => predictions[fold[i]] + own);
  return { low: -conformalQuantile(negatedLower, weight, coverage), high: conformalQuantile(upper, weight, coverage) };
};

/** How many patients it takes to bound intervals of a coverage: with fewer, the next one may lie beyond them all too often. */
export const patientsNeeded = (coverage: number): number => {
  if (!(coverage > 0 && coverage < 1)) {
    throw new RangeError(`The coverage of intervals is ${coverage}; it must lie between 0 and 1, such as 0.9.`);
  }
  return Math.ceil(coverage / (1 - coverage) - 1e-9);
};

/** @throws RangeError for a coverage outside (0, 1), or when so many patients cannot bound intervals of it. */
export const requireCoverage = (coverage: number, patients: number): void => {
  const needed = patientsNeeded(coverage);
  if (patients < needed) {
    throw new RangeError(
      `Intervals that hold ${100 * coverage} % need at least ${needed} patients, but there are ${patients}; lower the coverage.`,
    );
  }
};
