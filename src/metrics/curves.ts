import { type Roc, requireBothClasses } from "./roc.ts";

export type RocCurve = { thresholds: Float32Array; truePositiveRates: Float64Array; falsePositiveRates: Float64Array };

/**
 * The points of the ROC curve for drawing, from (0, 0) at threshold +Infinity to (1, 1), all rates in [0, 1].
 *
 * @param resolution leaves out points closer than this to the last kept one in both rates; 0 keeps every corner.
 * @throws OneClassError when a class is missing.
 */
export const rocCurve = (roc: Roc, resolution = 0): RocCurve => {
  requireBothClasses(roc, "The ROC curve");
  const points = pointsOf(roc, resolution, (truePositives, falsePositives) => [
    Math.min(1, truePositives / roc.positives),
    falsePositives / roc.negatives,
  ]);
  return {
    thresholds: Float32Array.from([Infinity].concat(points.thresholds)),
    truePositiveRates: Float64Array.from([0].concat(points.first)),
    falsePositiveRates: Float64Array.from([0].concat(points.second)),
  };
};

export type PrecisionRecallCurve = { thresholds: Float32Array; precisions: Float64Array; recalls: Float64Array };

/**
 * Precision (found anomalous / all predicted anomalous) and recall (found anomalous / all anomalous) at the corners of
 * the ROC curve, threshold falling: from the highest score down, where recall reaches 1. All values in [0, 1].
 *
 * @param resolution leaves out points closer than this to the last kept one in both values; 0 keeps every corner.
 * @throws OneClassError when a class is missing.
 */
export const precisionRecallCurve = (roc: Roc, resolution = 0): PrecisionRecallCurve => {
  requireBothClasses(roc, "The precision-recall curve");
  const points = pointsOf(roc, resolution, (truePositives, falsePositives) => [
    truePositives / (truePositives + falsePositives),
    Math.min(1, truePositives / roc.positives),
  ]);
  return {
    thresholds: Float32Array.from(points.thresholds),
    precisions: Float64Array.from(points.first),
    recalls: Float64Array.from(points.second),
  };
};

type Points = { thresholds: number[]; first: number[]; second: number[] };

/** The corners as points of two coordinates: the first and the last corner and those far enough from the one kept before. */
const pointsOf = (
  roc: Roc,
  resolution: number,
  coordinates: (truePositives: number, falsePositives: number) => readonly [number, number],
): Points => {
  const points: Points = { thresholds: [], first: [], second: [] };
  const keep = (threshold: number, first: number, second: number): void => {
    points.thresholds.push(threshold);
    points.first.push(first);
    points.second.push(second);
  };
  let skipped: [number, number, number] | undefined;
  roc.visit((threshold, truePositives, falsePositives) => {
    const [first, second] = coordinates(truePositives, falsePositives);
    const distance = Math.max(
      Math.abs(first - (points.first.at(-1) ?? Infinity)),
      Math.abs(second - (points.second.at(-1) ?? Infinity)),
    );
    skipped = distance < resolution ? [threshold, first, second] : undefined;
    if (skipped === undefined) keep(threshold, first, second);
  });
  if (skipped !== undefined) keep(...(skipped as [number, number, number]));
  return points;
};
