import { random } from "../../../random/index.ts";
import type { Target } from "./call.ts";
import { divisions, type ModelKind } from "./models/index.ts";
import type { JudgedPrediction } from "./prediction-measures.ts";
import {
  fitTargetModel,
  foldPredictions,
  meanOfFolds,
  predictTarget,
  type TargetModel,
  type TargetModelOptions,
  type TargetRows,
  takeTargetRows,
} from "./target-model.ts";

export interface NestedOptions extends TargetModelOptions {
  /** Folds of patients that are predicted in turn. */
  readonly outerFolds: number;
  /** Train on so many patients only, drawn at random; fewer are part of more. Default: on all outside the fold. */
  readonly trainingPatients?: number;
  /** Called before each fold. */
  readonly onFold?: (fold: number) => void;
}

/** What is found out about patients that took no part in fitting and choosing. */
export interface ValidationFold {
  readonly model: TargetModel;
  /** The rows that were left out. */
  readonly held: Uint32Array;
  readonly trainingPatients: number;
  readonly predictions: readonly JudgedPrediction[];
  /** What each kind of model, chosen or not, predicts for these rows. */
  readonly byKind: ReadonlyMap<ModelKind, Float64Array>;
}

/**
 * Nested cross-validation by patient (Varma and Simon 2006): without each outer fold, everything is done anew, encoding, fitting of
 * every kind, choice of the kind and intervals; then the fold is predicted. What is measured on these predictions is what the whole
 * procedure is worth, the choice included.
 */
export const nestedValidation = async (
  rows: TargetRows,
  target: Target,
  { outerFolds, trainingPatients, onFold, ...options }: NestedOptions,
): Promise<ValidationFold[]> => {
  const found: ValidationFold[] = [];
  for (const [fold, { train, held }] of divisions(rows.patients, outerFolds, ...options.keys, "outer").entries()) {
    onFold?.(fold);
    const keys = [...options.keys, "outer", fold];
    const names = [...new Set(Array.from(train, (row) => rows.patients[row]))];
    const order = Array.from(random(...keys, "training patients").permutation(names.length), (i) => names[i]);
    const included = new Set(order.slice(0, trainingPatients));
    const taken = train.filter((row) => included.has(rows.patients[row]));
    const { model, fits } = await fitTargetModel(takeTargetRows(rows, taken), target, { ...options, keys });
    const left = takeTargetRows(rows, held);
    const predictions = predictTarget(model, left.cells).map((prediction, i) => ({
      patient: left.patients[i],
      actual: left.y[i],
      ...prediction,
    }));
    const byKind = new Map(fits.map((fit) => [fit.kind, meanOfFolds(foldPredictions(fit.folds, left.cells))]));
    found.push({ model, held, trainingPatients: included.size, predictions, byKind });
  }
  return found;
};
