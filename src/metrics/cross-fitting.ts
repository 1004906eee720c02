import { type FalseAlarmThreshold, thresholdAtFalseAlarmRate } from "./false-alarm.ts";

/**
 * A threshold for a network trained on all normal images, where these are too few to hold some out: k further networks
 * are trained, each without one fold (see `foldsOf`), each fold is scored by the network that did not see it, and the
 * pooled scores give the threshold as in `thresholdAtFalseAlarmRate`. All n images count, so the least attainable rate,
 * 1 / (n + 1), is k times lower than with one fold held out.
 *
 * What it guarantees. `attainedRate` is what n scores support when the network trained on everything scores new normal
 * images as the fold networks score theirs; as it has seen more images, its scores are if anything lower, so that the
 * true rate is in practice about the attained one or below. Without that assumption there is no guarantee. The known
 * bound of about twice the rate (cross-conformal prediction, Vovk 2015; CV+, Barber et al., "Predictive inference with
 * the jackknife+", Annals of Statistics 49, 2021) is for a verdict in which the fold networks themselves score the new
 * image; for one network trained on everything (their jackknife) Barber et al. show that any rate is possible when
 * training is unstable, and about the nominal one when leaving images out changes the scores little.
 * Compare the folds' medians: if they differ by much of the spread within a fold, hold images out instead.
 *
 * @param scoresByFold the scores of each fold's normal images by the network trained without them; a fold may be empty.
 * @param rate the wanted false-alarm rate, in [0, 1).
 * @throws RangeError with fewer than two folds, and as `thresholdAtFalseAlarmRate`.
 */
export const crossFittedThreshold = (scoresByFold: readonly Float32Array[], rate: number): FalseAlarmThreshold => {
  if (scoresByFold.length < 2) {
    throw new RangeError(`There are scores of ${scoresByFold.length} folds; a threshold from cross-fitting takes at least 2.`);
  }
  for (const [fold, scores] of scoresByFold.entries()) {
    const bad = scores.findIndex(Number.isNaN);
    if (bad >= 0) throw new RangeError(`The normal score at index ${bad} of fold ${fold} is NaN; check what produced it.`);
  }
  const pooled = new Float32Array(scoresByFold.reduce((sum, scores) => sum + scores.length, 0));
  let place = 0;
  for (const scores of scoresByFold) {
    pooled.set(scores, place);
    place += scores.length;
  }
  return thresholdAtFalseAlarmRate(pooled, rate);
};
