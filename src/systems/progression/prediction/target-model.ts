import { type Call, callOf, type Target } from "./call.ts";
import { type Encoder, encode, learnEncoder } from "./encoder.ts";
import type { Input } from "./inputs.ts";
import {
  type CrossResiduals,
  crossInterval,
  type Interval,
  patientWeights,
  requireCoverage,
  splitConformalRadius,
} from "./intervals.ts";
import {
  divisions,
  fitModel,
  type Keys,
  type Matrix,
  type Model,
  type ModelKind,
  meanOf,
  predictModel,
  takeRows,
} from "./models/index.ts";

/** The rows in which one target is known. */
export interface TargetRows {
  readonly inputs: readonly Input[];
  /** [rows, inputs], as `readCells` gives them. */
  readonly cells: Matrix;
  readonly y: Float64Array;
  readonly patients: readonly string[];
}

export const takeTargetRows = ({ inputs, cells, y, patients }: TargetRows, rows: ArrayLike<number>): TargetRows => ({
  inputs,
  cells: takeRows(cells, rows),
  y: Float64Array.from(rows, (row) => y[row]),
  patients: Array.from(rows, (row) => patients[row]),
});

/** A model with the encoding learnt on its own training rows. */
export interface FoldModel {
  readonly encoder: Encoder;
  readonly model: Model;
}

/** One kind of model, fitted once without each fold of patients. */
export interface CrossFit {
  readonly kind: ModelKind;
  readonly folds: readonly FoldModel[];
  /** Of each row, the fold that left it out, and what that fold's model predicted. */
  readonly foldOf: Uint32Array;
  readonly predicted: Float64Array;
  /** Mean squared error of these predictions. */
  readonly error: number;
}

/** Predicts one target: the mean of its fold models, with a conformal interval. Plain data. */
export interface TargetModel {
  readonly target: Target;
  readonly kind: ModelKind;
  readonly folds: readonly FoldModel[];
  readonly coverage: number;
  /** R² of nested validation, where it was measured: what such a model is worth on patients left out. */
  readonly r2?: number;
  readonly bounds: ({ readonly kind: "cross" } & CrossResiduals) | { readonly kind: "split"; readonly radius: number };
}

export interface TargetModelOptions {
  /** Kinds of model to choose from. */
  readonly kinds: readonly ModelKind[];
  readonly folds: number;
  readonly coverage: number;
  /** CV+, or split-conformal with a quarter of the patients set aside. */
  readonly intervals: "cross" | "split";
  readonly keys: Keys;
  readonly signal?: AbortSignal;
}

export const crossFit = async (
  { inputs, cells, y, patients }: TargetRows,
  { kinds, folds, keys, signal }: Pick<TargetModelOptions, "kinds" | "folds" | "keys" | "signal">,
): Promise<CrossFit[]> => {
  const fits = kinds.map((kind) => ({ kind, folds: [] as FoldModel[], predicted: new Float64Array(y.length) }));
  const foldOf = new Uint32Array(y.length);
  for (const [fold, { train, held }] of divisions(patients, folds, ...keys, "cross fit").entries()) {
    const rows = takeRows(cells, train);
    const encoder = learnEncoder(inputs, rows);
    const x = encode(encoder, rows);
    const left = encode(encoder, takeRows(cells, held));
    const set = { x, y: Float64Array.from(train, (row) => y[row]), patients: Array.from(train, (row) => patients[row]) };
    for (const row of held) foldOf[row] = fold;
    for (const fit of fits) {
      signal?.throwIfAborted();
      const model = await fitModel(fit.kind, set, [...keys, fold]);
      fit.folds.push({ encoder, model });
      for (const [i, value] of predictModel(model, left).entries()) fit.predicted[held[i]] = value;
    }
  }
  return fits.map((fit) => ({ ...fit, foldOf, error: meanOf(fit.predicted.map((value, row) => (value - y[row]) ** 2)) }));
};

/** What each fold's model predicts for rows of cells. */
export const foldPredictions = (folds: readonly FoldModel[], cells: Matrix): Float64Array[] =>
  folds.map(({ encoder, model }) => predictModel(model, encode(encoder, cells)));

export const meanOfFolds = (predictions: readonly Float64Array[]): Float64Array =>
  predictions[0].map((_, row) => predictions.reduce((sum, own) => sum + own[row], 0) / predictions.length);

/**
 * Fits every kind of model without each fold of patients, takes the kind with the least mean squared error on those left out (the mean
 * of the training rows is a kind, too; of equals the first), and keeps its fold models: their mean is the prediction, and their errors
 * on the patients they left out bound it. The kind is chosen by these same errors, which makes them a little too small: how many intervals hold
 * the truth is measured by nested validation, on patients that took no part in the choice. With split intervals the promise is exact.
 *
 * @throws RangeError when there are too few patients for the coverage, or without kinds.
 */
export const fitTargetModel = async (
  rows: TargetRows,
  target: Target,
  options: TargetModelOptions,
): Promise<{ readonly model: TargetModel; readonly fits: readonly CrossFit[] }> => {
  const { kinds, coverage, intervals, keys } = options;
  if (kinds.length === 0) throw new RangeError("There are no kinds of model to choose from; name at least one.");
  requireCoverage(coverage, new Set(rows.patients).size);
  const { train, held } =
    intervals === "split" ? divisions(rows.patients, 4, ...keys, "split")[0] : { train: undefined, held: new Uint32Array() };
  const fitted = train === undefined ? rows : takeTargetRows(rows, train);
  const fits = await crossFit(fitted, options);
  const chosen = fits.reduce((best, fit) => (fit.error < best.error ? fit : best));
  const shared = { target, kind: chosen.kind, folds: chosen.folds, coverage };
  if (train === undefined) {
    const residual = Array.from(chosen.predicted, (value, row) => Math.abs(value - rows.y[row]));
    const weight = [...patientWeights(rows.patients)];
    return { model: { ...shared, bounds: { kind: "cross", fold: [...chosen.foldOf], residual, weight } }, fits };
  }
  const aside = takeTargetRows(rows, held);
  const predicted = meanOfFolds(foldPredictions(chosen.folds, aside.cells));
  const residuals = predicted.map((value, row) => Math.abs(value - aside.y[row]));
  return {
    model: { ...shared, bounds: { kind: "split", radius: splitConformalRadius(residuals, aside.patients, coverage) } },
    fits,
  };
};

/** A predicted change in the target's unit, the interval that holds it with the stated probability, and what it says. */
export interface Prediction extends Interval {
  readonly value: number;
  readonly call: Call;
}

/** Predictions for rows of cells [rows, inputs]. */
export const predictTarget = ({ target, folds, coverage, bounds }: TargetModel, cells: Matrix): Prediction[] => {
  const predictions = foldPredictions(folds, cells);
  return Array.from(meanOfFolds(predictions), (value, row) => {
    const { low, high } =
      bounds.kind === "split"
        ? { low: value - bounds.radius, high: value + bounds.radius }
        : crossInterval(
            predictions.map((own) => own[row]),
            bounds,
            coverage,
          );
    // Errors of 0 and fold models that differ could leave the mean outside; a wider interval keeps its promise.
    const interval = { low: Math.min(low, value), high: Math.max(high, value) };
    return { value, ...interval, call: callOf(value, interval, target) };
  });
};
