import { rank } from "./ranking.ts";
import { areaUnderRoc, type Roc, rocOf } from "./roc.ts";

/** One label an image: 0 or false = normal, anything else = anomalous. */
export type ImageLabels = ArrayLike<number | boolean>;

/**
 * The ROC curve of image scores, on which `areaUnderRoc`, `averagePrecision`, `maximumF1` and the curves stand.
 *
 * @throws RangeError when scores and labels differ in length or a score is NaN.
 */
export const imageRoc = (scores: Float32Array, labels: ImageLabels): Roc => {
  requireLabelledNumbers(scores, labels);
  return rocOf(rank([{ scores, groups: Int32Array.from(labels, (label) => (label ? 1 : 0)) }]));
};

/**
 * Area under the ROC curve over images: the probability that an anomalous image scores above a normal one, in [0, 1].
 *
 * @throws OneClassError when a class is missing; RangeError as `imageRoc`.
 */
export const imageAuroc = (scores: Float32Array, labels: ImageLabels): number => areaUnderRoc(imageRoc(scores, labels));

export type Confusion = { truePositives: number; falsePositives: number; trueNegatives: number; falseNegatives: number };

/**
 * Counts of right and wrong decisions when an image is called anomalous where score >= threshold.
 *
 * @throws RangeError when the threshold or a score is NaN or scores and labels differ in length.
 */
export const confusionAt = (scores: Float32Array, labels: ImageLabels, threshold: number): Confusion => {
  requireLabelledNumbers(scores, labels);
  if (Number.isNaN(threshold)) throw new RangeError("The threshold is NaN; give a number.");
  const counts = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] >= threshold) counts[labels[i] ? "truePositives" : "falsePositives"]++;
    else counts[labels[i] ? "falseNegatives" : "trueNegatives"]++;
  }
  return counts;
};

const requireLabelledNumbers = (scores: Float32Array, labels: ImageLabels): void => {
  if (scores.length !== labels.length) {
    throw new RangeError(`There are ${scores.length} scores but ${labels.length} labels; give one label an image.`);
  }
  const bad = scores.findIndex(Number.isNaN);
  if (bad >= 0) throw new RangeError(`The score at index ${bad} is NaN; check what produced it.`);
};
