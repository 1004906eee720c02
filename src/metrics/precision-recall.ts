import { type Roc, requireBothClasses } from "./roc.ts";

/**
 * Average precision: the sum over falling thresholds of (rise in recall) * (precision there), without interpolation, in
 * (0, 1]; the share of anomalous samples is chance. The same sum as scikit-learn's `average_precision_score`.
 *
 * @throws OneClassError when a class is missing.
 */
export const averagePrecision = (roc: Roc): number => {
  requireBothClasses(roc, "The average precision");
  let sum = 0;
  let found = 0;
  roc.visit((_threshold, truePositives, falsePositives) => {
    if (truePositives > found) sum += ((truePositives - found) * truePositives) / (truePositives + falsePositives);
    found = truePositives;
  });
  return sum / found;
};

/**
 * The greatest F1 = 2 TP / (2 TP + FP + FN) over all thresholds, in (0, 1], and the highest threshold that reaches it;
 * anomalous is predicted where score >= threshold. The threshold is chosen on the labels it is judged by, so the value
 * is an upper bound of what a threshold fixed in advance attains.
 *
 * @throws OneClassError when a class is missing.
 */
export const maximumF1 = (roc: Roc): { value: number; threshold: number } => {
  requireBothClasses(roc, "The maximal F1 score");
  let best = { value: -1, threshold: Infinity };
  roc.visit((threshold, truePositives, falsePositives) => {
    const value = (2 * truePositives) / (truePositives + falsePositives + roc.positives);
    if (value > best.value) best = { value, threshold };
  });
  return best;
};
