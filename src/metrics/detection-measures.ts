import { classesOf, type Measure, percentileIntervals } from "./bootstrap.ts";
import { type CaseBootstrapOptions, measuresOverCases } from "./case-bootstrap.ts";
import { equalErrorRate } from "./equal-error-rate.ts";
import { confusionAt, type ImageLabels, imageRoc } from "./image-measures.ts";
import { averagePrecision } from "./precision-recall.ts";
import { areaUnderRoc, requireBothClasses } from "./roc.ts";

/** How well images of two classes are told apart, each with its 95 % interval. */
export interface DetectionMeasures {
  /** Area under the ROC curve. */
  readonly auc: Measure;
  /** Equal error rate. */
  readonly eer: Measure;
  /** Average precision. */
  readonly ap: Measure;
  /** The share of images that are decided rightly at the threshold. */
  readonly accuracy: Measure;
  /** The mean of the shares of either class that are decided rightly there. */
  readonly balancedAccuracy: Measure;
}

export interface DetectionOptions extends CaseBootstrapOptions {
  /** An image is called anomalous where score >= threshold; fixed on other images than these. */
  readonly threshold: number;
}

/**
 * The measures of a detector, from the scores of images. Intervals are over resampled images, normal and anomalous ones resampled
 * separately; with `groups`, over whole groups, such as the images of one video, whose errors go together: all classes are drawn
 * together then, and a draw without one of them does not count.
 *
 * @throws OneClassError when a class is missing; RangeError when lengths differ, a score or the threshold is NaN, or as
 * `measuresOverCases`.
 */
export const detectionMeasures = (scores: Float32Array, labels: ImageLabels, options: DetectionOptions): DetectionMeasures => {
  const { threshold, groups, ...bootstrap } = options;
  requireBothClasses(imageRoc(scores, labels), "How well images are detected");
  const measures = (positions: Uint32Array): number[] =>
    measuresAt(
      Float32Array.from(positions, (position) => scores[position]),
      Array.from(positions, (position) => labels[position]),
      threshold,
    );
  const [auc, eer, ap, accuracy, balancedAccuracy] =
    groups === undefined
      ? withStrata(labels, measures, bootstrap)
      : measuresOverCases(scores.length, measures, { groups, ...bootstrap });
  return { auc, eer, ap, accuracy, balancedAccuracy };
};

const withStrata = (
  labels: ImageLabels,
  measures: (positions: Uint32Array) => number[],
  bootstrap: Omit<CaseBootstrapOptions, "groups">,
): Measure[] => {
  const intervals = percentileIntervals(classesOf(labels), measures, bootstrap);
  return measures(Uint32Array.from({ length: labels.length }, (_, position) => position)).map((value, index) => ({
    value,
    ...intervals[index],
  }));
};

const measuresAt = (scores: Float32Array, labels: ImageLabels, threshold: number): number[] => {
  const roc = imageRoc(scores, labels);
  if (roc.positives === 0 || roc.negatives === 0) return [NaN, NaN, NaN, NaN, NaN];
  const { truePositives, trueNegatives } = confusionAt(scores, labels, threshold);
  return [
    areaUnderRoc(roc),
    equalErrorRate(roc),
    averagePrecision(roc),
    (truePositives + trueNegatives) / scores.length,
    (truePositives / roc.positives + trueNegatives / roc.negatives) / 2,
  ];
};
