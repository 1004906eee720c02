import type { Ranking } from "./ranking.ts";
import { scoreOfKey } from "./score-order.ts";

/**
 * Called at each corner of a ROC curve, threshold falling: with every score >= threshold predicted anomalous, the weight
 * of the anomalous samples found and the number of normal samples hit. The start (0, 0) is not visited; the end is.
 */
export type CornerVisitor = (threshold: number, truePositives: number, falsePositives: number) => void;

/** A ROC curve, in absolute amounts. Every curve measure of this folder is one fold over its corners. */
export type Roc = {
  /** The weight of all anomalous samples and the number of all normal ones. */
  positives: number;
  negatives: number;
  visit: (visitor: CornerVisitor) => void;
};

/** A measure that needs normal and anomalous samples was asked of one class alone. */
export class OneClassError extends RangeError {
  override name = "OneClassError";
}

/**
 * The exact ROC curve of a ranking. Equal scores move together, so a tie between the classes is a slanted piece.
 * Corners lie only where an anomalous sample is found, since normal samples in between extend a level piece.
 *
 * @param weights the positive weight of one sample of group k at index k >= 1; without it every sample weighs 1.
 * @throws RangeError when a group has no positive, finite weight.
 */
export const rocOf = (ranking: Ranking, weights?: Float64Array): Roc => {
  const { normalKeys, anomalousKeys, anomalousGroups, groupSizes } = ranking;
  let positives = 0;
  for (let group = 1; group < groupSizes.length; group++) {
    const weight = weights === undefined ? 1 : weights[group];
    if (groupSizes[group] > 0 && !(weight > 0 && weight < Infinity)) {
      throw new RangeError(`Group ${group} weighs ${weight}; every group with samples needs a positive, finite weight.`);
    }
    if (groupSizes[group] > 0) positives += groupSizes[group] * weight;
  }
  const visit = (visitor: CornerVisitor): void => {
    let normal = normalKeys.length - 1;
    let found = 0;
    for (let anomalous = anomalousKeys.length - 1; anomalous >= 0; ) {
      const key = anomalousKeys[anomalous];
      const last = normal;
      while (normal >= 0 && normalKeys[normal] > key) normal--;
      if (normal < last) visitor(scoreOfKey(normalKeys[normal + 1]), found, normalKeys.length - 1 - normal);
      while (normal >= 0 && normalKeys[normal] === key) normal--;
      for (; anomalous >= 0 && anomalousKeys[anomalous] === key; anomalous--) {
        found += weights === undefined ? 1 : weights[anomalousGroups[anomalous]];
      }
      visitor(scoreOfKey(key), found, normalKeys.length - 1 - normal);
    }
    if (normal >= 0) visitor(scoreOfKey(normalKeys[0]), found, normalKeys.length);
  };
  return { positives, negatives: normalKeys.length, visit };
};

/** Throws a OneClassError that names the measure when one of the two classes is missing. */
export const requireBothClasses = (roc: Roc, measure: string): void => {
  if (roc.positives > 0 && roc.negatives > 0) return;
  const missing = roc.positives > 0 ? "normal" : "anomalous";
  throw new OneClassError(`${measure} is undefined because there is no ${missing} sample; evaluate on data with both classes.`);
};

/**
 * Area under the ROC curve up to the false positive rate `limit`, by the trapezoid rule with interpolation at the limit,
 * divided by the limit: a number in [0, 1]. At limit 1 and unit weights it is the probability that an anomalous sample
 * scores above a normal one, ties counting half (Hanley and McNeil 1982); 0.5 is chance.
 *
 * @param limit in (0, 1].
 * @throws OneClassError when a class is missing; RangeError for a limit outside (0, 1].
 */
export const areaUnderRoc = (roc: Roc, limit = 1): number => {
  requireBothClasses(roc, "The area under the ROC curve");
  if (!(limit > 0 && limit <= 1)) {
    throw new RangeError(`The false positive rate limit is ${limit}; it must be above 0 and at most 1.`);
  }
  const cut = limit * roc.negatives;
  let area = 0;
  let found = 0;
  let hit = 0;
  roc.visit((_threshold, truePositives, falsePositives) => {
    if (hit < cut && falsePositives > hit) {
      const width = Math.min(falsePositives, cut) - hit;
      const rise = ((truePositives - found) * width) / (falsePositives - hit);
      area += width * (found + rise / 2);
    }
    found = truePositives;
    hit = falsePositives;
  });
  // The weight found at the end is the total with the same rounding as the area, so a perfect ranking gives 1.
  return area / (cut * found);
};
