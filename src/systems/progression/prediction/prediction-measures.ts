import { areaUnderRoc, imageRoc, type Measure, measuresOverCases } from "../../../metrics/index.ts";
import { CALLS, type Call, directionOf, type Target } from "./call.ts";
import { meanOf } from "./models/index.ts";
import type { Prediction } from "./target-model.ts";

/** A prediction for a patient that took no part in it, and what came. */
export interface JudgedPrediction extends Prediction {
  readonly patient: string;
  readonly actual: number;
}

export interface PredictionMeasures {
  readonly rows: number;
  readonly patients: number;
  /** 1 - sum (y - predicted)^2 / sum (y - mean y)^2: 1 is perfect, 0 as good as knowing these rows' mean, below 0 worse. */
  readonly r2: Measure;
  /** Mean absolute error, in the target's unit. */
  readonly meanAbsoluteError: Measure;
  /** Share of intervals that hold what came. */
  readonly coverage: Measure;
  /** Mean width of the intervals, in the target's unit. */
  readonly width: Measure;
  /** Area under the ROC curve of the predicted change, for progression beyond the dead band against all else; absent when one is missing. */
  readonly progressionAuroc?: Measure;
  /** How often each call met each truth. */
  readonly calls: Readonly<Record<Call, Readonly<Record<Exclude<Call, "uncertain">, number>>>>;
}

export interface MeasureOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Resampled test sets that the intervals rest on. Default 1000. */
  readonly replicates?: number;
}

/**
 * Measures of predictions with 95 % intervals over patients drawn with replacement, each with all its rows.
 * @throws RangeError without predictions.
 */
export const measurePredictions = (
  judged: readonly JudgedPrediction[],
  target: Target,
  options: MeasureOptions = {},
): PredictionMeasures => {
  const groups = judged.map(({ patient }) => patient);
  const sign = target.progression === "increases" ? 1 : -1;
  const scores = Float32Array.from(judged, ({ value }) => sign * value);
  const progresses = judged.map(({ actual }) => directionOf(actual, target) === "progression");
  const auroc = (positions: Uint32Array): number => {
    const labels = Array.from(positions, (position) => progresses[position]);
    if (labels.every(Boolean) || !labels.some(Boolean)) return Number.NaN;
    const drawn = Float32Array.from(positions, (position) => scores[position]);
    return areaUnderRoc(imageRoc(drawn, labels));
  };
  const [r2, meanAbsoluteError, coverage, width, progressionAuroc] = measuresOverCases(
    judged.length,
    (positions) => {
      const drawn = Array.from(positions, (position) => judged[position]);
      return [
        r2Of(drawn),
        meanOf(drawn.map(({ actual, value }) => Math.abs(actual - value))),
        meanOf(drawn.map(({ actual, low, high }) => (actual >= low && actual <= high ? 1 : 0))),
        meanOf(drawn.map(({ low, high }) => high - low)),
        auroc(positions),
      ];
    },
    { ...options, groups },
  );
  const calls = Object.fromEntries(
    CALLS.map((call) => {
      const truths = judged.filter((own) => own.call === call).map(({ actual }) => directionOf(actual, target));
      const count = (truth: Call) => truths.filter((own) => own === truth).length;
      return [call, { progression: count("progression"), stable: count("stable"), regression: count("regression") }];
    }),
  ) as PredictionMeasures["calls"];
  return {
    rows: judged.length,
    patients: new Set(groups).size,
    r2,
    meanAbsoluteError,
    coverage,
    width,
    ...(Number.isNaN(progressionAuroc.value) ? {} : { progressionAuroc }),
    calls,
  };
};

/** R2 and mean absolute error of plain predictions; R2 is NaN where nothing varies. */
export const measureValues = (
  rows: readonly { readonly patient: string; readonly actual: number; readonly value: number }[],
  options: MeasureOptions = {},
): Pick<PredictionMeasures, "r2" | "meanAbsoluteError"> => {
  const [r2, meanAbsoluteError] = measuresOverCases(
    rows.length,
    (positions) => {
      const drawn = Array.from(positions, (position) => rows[position]);
      return [r2Of(drawn), meanOf(drawn.map(({ actual, value }) => Math.abs(actual - value)))];
    },
    { ...options, groups: rows.map(({ patient }) => patient) },
  );
  return { r2, meanAbsoluteError };
};

const r2Of = (rows: readonly { readonly actual: number; readonly value: number }[]): number => {
  const middle = meanOf(rows.map(({ actual }) => actual));
  const spread = rows.reduce((sum, { actual }) => sum + (actual - middle) ** 2, 0);
  const error = rows.reduce((sum, { actual, value }) => sum + (actual - value) ** 2, 0);
  return spread > 0 ? 1 - error / spread : Number.NaN;
};
