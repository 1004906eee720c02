import { nextScoreAbove } from "./score-order.ts";

export type FalseAlarmThreshold = {
  /** Call anomalous where score >= threshold. */
  threshold: number;
  /** The bound on the false-alarm rate that the threshold carries; above the wanted rate when there are too few scores. */
  attainedRate: number;
};

/**
 * The lowest threshold for which a new normal score, exchangeable with the n given ones, is called anomalous with
 * probability at most `rate` (split conformal prediction; Vovk et al. 2005). With k = ceil((n + 1) (1 - rate)) it lies
 * just above the k-th smallest score, so that at most n - k <= rate * n of the given scores reach it, ties included, and
 * the attained rate is 1 - k / (n + 1). When n is too small for the rate (k > n) the threshold lies just above the
 * greatest score and the attained rate, 1 / (n + 1), is greater than the wanted one.
 *
 * @param normalScores scores of normal images that took no part in training, in any order.
 * @param rate the wanted false-alarm rate, in [0, 1).
 * @throws RangeError when there are no scores, one is NaN, the rate is outside [0, 1) or the k-th score is +Infinity.
 */
export const thresholdAtFalseAlarmRate = (normalScores: Float32Array, rate: number): FalseAlarmThreshold => {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`The false-alarm rate is ${rate}; it must be at least 0 and below 1.`);
  if (normalScores.length === 0) throw new RangeError("There are no normal scores; hold some normal images out for validation.");
  const bad = normalScores.findIndex(Number.isNaN);
  if (bad >= 0) throw new RangeError(`The normal score at index ${bad} is NaN; check what produced it.`);
  const count = normalScores.length;
  // The small amount keeps a product such as 0.29 * 100 from being rounded below the whole number it stands for.
  const allowedAbove = Math.floor((count + 1) * rate + 1e-9);
  const kept = Math.min(Math.max(count + 1 - allowedAbove, 1), count);
  const keptMaximum = normalScores.toSorted()[kept - 1];
  if (keptMaximum === Infinity) {
    throw new RangeError(`More than ${allowedAbove} of ${count} normal scores are infinite; no threshold can lie above them.`);
  }
  return { threshold: nextScoreAbove(keptMaximum), attainedRate: 1 - kept / (count + 1) };
};
