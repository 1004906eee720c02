import { type Detector, type Evaluation, evaluate } from "../../detection/index.ts";
import { type DetectionMeasures, detectionMeasures, type Measure, regionMeasures } from "../../metrics/index.ts";
import type { WorkOptions } from "../system.ts";
import { type ForgeryImage, groupsOf } from "./data.ts";
import { type Robustness, robustnessSweep } from "./robustness-sweep.ts";

/** Names of the measures in `evaluation.json` and `--json` output, and for people. */
const measureNames = {
  auc: ["auc", "AUC"],
  eer: ["eer", "equal error rate"],
  ap: ["ap", "average precision"],
  accuracy: ["accuracy", "accuracy at the threshold"],
  balancedAccuracy: ["balanced_accuracy", "balanced accuracy at the threshold"],
  regionOverlap: ["region_iou", "region IoU at 0.5"],
  regionPrecision: ["region_ap", "region average precision"],
} as const;

export type ForgeryMeasures = Partial<Record<keyof typeof measureNames, Measure>>;

/** `{ auc: { value, low, high }, ... }`: the measures that the data define. */
export const measuresForMachines = (measures: ForgeryMeasures): Record<string, Measure> => named(measures, 0);

/** The same for people. */
export const measuresForPeople = (measures: ForgeryMeasures): { readonly name: string; readonly value: number }[] =>
  Object.entries(named(measures, 1)).map(([name, measure]) => ({ name, ...measure }));

const named = (measures: ForgeryMeasures, which: 0 | 1): Record<string, Measure> =>
  Object.fromEntries(
    Object.entries(measures).flatMap(([key, { value, low, high }]) =>
      Number.isNaN(value) ? [] : [[measureNames[key as keyof typeof measureNames][which], { value, low, high }]],
    ),
  );

export interface ForgeryEvaluation {
  readonly evaluation: Evaluation;
  readonly measures: ForgeryMeasures;
  /** Undefined where it was not asked for, or one class is missing. */
  readonly robustness: Robustness | undefined;
}

export interface ForgeryEvaluationOptions extends WorkOptions {
  /** Whether images are distorted as well, which takes some thirty times as long. Default true. */
  readonly robustness?: boolean;
}

/** Where a detector has no threshold, its probabilities are taken at their word. */
export const UNKNOWN_THRESHOLD = 0.5;

/** Judges test images as they are and, unless told otherwise, distorted; see `detectionMeasures` and `regionMeasures`. */
export const evaluateForgery = async (
  detector: Detector,
  test: readonly ForgeryImage[],
  { robustness = true, ...options }: ForgeryEvaluationOptions = {},
): Promise<ForgeryEvaluation> => {
  const evaluation = await evaluate(detector, test, options);
  const measures = measuresOf(evaluation, detector.description.threshold?.value ?? UNKNOWN_THRESHOLD);
  const distorted = robustness && measures.auc ? await robustnessSweep(detector, test, options) : undefined;
  return { evaluation, measures, robustness: distorted };
};

const measuresOf = ({ samples, maps }: Evaluation, threshold: number): ForgeryMeasures => {
  const labels = samples.map(({ sample }) => sample.label);
  if (new Set(labels).size < 2) return {};
  const scores = Float32Array.from(samples, ({ score }) => score);
  const found: DetectionMeasures = detectionMeasures(scores, labels, {
    threshold,
    groups: groupsOf(samples.map(({ sample }) => sample)),
  });
  const located = samples.flatMap(({ sample }, index) => {
    const map = maps[index];
    return sample.label === 1 && map?.mask?.some((value) => value !== 0) ? [{ sample, map }] : [];
  });
  if (located.length === 0) return found;
  const { intersectionOverUnion, averagePrecision } = regionMeasures(
    located.map(({ map }) => map),
    { threshold: 0.5, groups: groupsOf(located.map(({ sample }) => sample)) },
  );
  return { ...found, regionOverlap: intersectionOverUnion, regionPrecision: averagePrecision };
};
