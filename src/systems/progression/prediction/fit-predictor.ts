import type { Measure } from "../../../metrics/index.ts";
import type { Listener } from "../../../training/index.ts";
import type { Target } from "./call.ts";
import { type CellProblem, readCells } from "./cells.ts";
import { type InputImportance, permutationImportance } from "./importance.ts";
import { type Input, type InputValues, requireInputs } from "./inputs.ts";
import { patientsNeeded } from "./intervals.ts";
import { type Matrix, MODEL_KINDS, type ModelKind, takeRows } from "./models/index.ts";
import { type NestedOptions, nestedValidation, type ValidationFold } from "./nested-validation.ts";
import {
  type JudgedPrediction,
  type MeasureOptions,
  measurePredictions,
  measureValues,
  type PredictionMeasures,
} from "./prediction-measures.ts";
import { PREDICTOR_FORMAT, PREDICTOR_VERSION, type Predictor } from "./predictor.ts";
import { fitTargetModel, predictTarget, type TargetModel, type TargetRows } from "./target-model.ts";

/** One observation: a patient's structured data and first-stage features, and the change factors that followed. */
export interface TableRow {
  /** Rows of one patient, such as both carotids, share it: they are never divided between training and testing. */
  readonly patient: string;
  readonly inputs: InputValues;
  /** By the targets' names; null or left out where undefined. */
  readonly targets: Readonly<Record<string, number | null | undefined>>;
}

export interface Table {
  readonly inputs: readonly Input[];
  readonly rows: readonly TableRow[];
}

export interface FitPredictorOptions extends MeasureOptions {
  /** Kinds of model to choose from, the simplest first. Default: all of `MODEL_KINDS`. */
  readonly kinds?: readonly ModelKind[];
  /** Probability that an interval holds the truth. Default 0.9. */
  readonly coverage?: number;
  /** CV+ ("cross", the default), or split-conformal with a quarter of the patients set aside ("split"). */
  readonly intervals?: "cross" | "split";
  /** Folds of patients for choosing and for intervals. Default 5. */
  readonly folds?: number;
  /** Folds of patients for measuring. Default 5. */
  readonly outerFolds?: number;
  /** Deals of each input for its importance. Default 5. */
  readonly importanceRepeats?: number;
  /** Numbers of training patients of the learning curve, beside all of them. Default: a quarter and a half of those. */
  readonly learningCurve?: readonly number[];
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** With fewer patients models would be fitted to a dozen: nothing is predicted from these. */
export const LEAST_PATIENTS = 30;

export interface InputReport {
  readonly name: string;
  readonly unit?: string;
  /** Share of rows without a value that could be used. */
  readonly missing: number;
  /** Of these, values that were given but not understood. */
  readonly refused: number;
}

export interface CandidateReport {
  readonly kind: ModelKind;
  /** On patients left out of everything. */
  readonly r2: Measure;
  readonly meanAbsoluteError: Measure;
  /** In how many outer folds it was chosen. */
  readonly chosen: number;
  /** Mean squared error, in the cross-validation that chose the kind of the final model. */
  readonly choosingError: number;
}

export interface LearningCurvePoint extends Omit<PredictionMeasures, "calls"> {
  /** Mean number over the folds. */
  readonly trainingPatients: number;
}

export interface TargetReport {
  readonly target: Target;
  readonly rows: number;
  readonly patients: number;
  /** Rows in which the target is undefined. */
  readonly undefinedRows: number;
  /** The kind of the final model. */
  readonly chosen: ModelKind;
  readonly coverage: number;
  /** Of the whole procedure, choice included, by nested cross-validation. */
  readonly measures: PredictionMeasures;
  readonly candidates: readonly CandidateReport[];
  /** What the final procedure predicts for each patient left out. */
  readonly predictions: readonly JudgedPrediction[];
  readonly importance: readonly InputImportance[];
  /** From few training patients to all. */
  readonly learningCurve: readonly LearningCurvePoint[];
}

export interface PredictorReport {
  readonly inputs: readonly InputReport[];
  readonly problems: readonly CellProblem[];
  /** Names in the rows that are no inputs. */
  readonly unknownNames: readonly string[];
  readonly targets: readonly TargetReport[];
  /** Targets that cannot be predicted, and why. */
  readonly skipped: readonly { readonly target: string; readonly reason: string }[];
}

/**
 * Fits a predictor of every target, each with the kind of model that predicts it best, and reports what it is worth on patients that took no
 * part. A function of the table, the targets and the options: the same give the same to the last bit on one machine.
 *
 * @throws RangeError when inputs or targets are wrong, a target is neither a number nor undefined, or no target can be predicted.
 */
export const fitPredictor = async (
  table: Table,
  targets: readonly Target[],
  options: FitPredictorOptions = {},
): Promise<{ readonly predictor: Predictor; readonly report: PredictorReport }> => {
  const { inputs, rows } = table;
  requireInputs(inputs);
  requireTargets(targets, rows);
  const {
    values: cells,
    problems,
    unknownNames,
  } = readCells(
    inputs,
    rows.map((row) => row.inputs),
  );
  const models: TargetModel[] = [];
  const reports: TargetReport[] = [];
  const skipped: { target: string; reason: string }[] = [];
  for (const target of targets) {
    const known = rowsOf(table, cells, target);
    const reason = unfit(known, options);
    if (reason !== undefined) {
      skipped.push({ target: target.name, reason });
      continue;
    }
    const { model, report } = await fitTarget(known, target, rows.length, options);
    models.push(model);
    reports.push(report);
  }
  if (models.length === 0) {
    throw new RangeError(`No target can be predicted. ${skipped.map(({ target, reason }) => `${target}: ${reason}.`).join(" ")}`);
  }
  return {
    predictor: { format: PREDICTOR_FORMAT, version: PREDICTOR_VERSION, inputs, targets: models },
    report: { inputs: inputReports(inputs, cells, problems), problems, unknownNames, targets: reports, skipped },
  };
};

/**
 * Measures a predictor on patients that it was not trained on, target by target; one that no row knows is left out.
 * @throws RangeError as `fitPredictor`.
 */
export const evaluatePredictor = (
  predictor: Predictor,
  rows: readonly TableRow[],
  options: MeasureOptions = {},
): ReadonlyMap<string, { readonly measures: PredictionMeasures; readonly predictions: readonly JudgedPrediction[] }> => {
  const targets = predictor.targets.map(({ target }) => target);
  requireTargets(targets, rows);
  const table = { inputs: predictor.inputs, rows };
  const { values: cells } = readCells(
    predictor.inputs,
    rows.map((row) => row.inputs),
  );
  const found = new Map<string, { measures: PredictionMeasures; predictions: JudgedPrediction[] }>();
  for (const model of predictor.targets) {
    const known = rowsOf(table, cells, model.target);
    if (known.y.length === 0) continue;
    const predictions = predictTarget(model, known.cells).map((prediction, row) => ({
      patient: known.patients[row],
      actual: known.y[row],
      ...prediction,
    }));
    found.set(model.target.name, { measures: measurePredictions(predictions, model.target, options), predictions });
  }
  return found;
};

const fitTarget = async (
  rows: TargetRows,
  target: Target,
  tableRows: number,
  options: FitPredictorOptions,
): Promise<{ readonly model: TargetModel; readonly report: TargetReport }> => {
  const { kinds = MODEL_KINDS, coverage = 0.9, intervals = "cross", folds = 5, outerFolds = 5 } = options;
  const { seed = 0, replicates, importanceRepeats, listener, signal } = options;
  const keys = ["predictor", seed, target.name];
  const patients = new Set(rows.patients).size;
  const sizes = curveSizes(options, patients);
  const total = (sizes.length + 1) * outerFolds + 1;
  let done = 0;
  const onFold = () => listener?.({ kind: "count", text: `fitting models of ${target.name}`, done: ++done, total });
  const fitting: NestedOptions = { kinds, coverage, intervals, folds, outerFolds, keys, signal, onFold };
  const measuring = { seed, replicates };

  const validation = await nestedValidation(rows, target, fitting);
  const curve: LearningCurvePoint[] = [];
  for (const trainingPatients of sizes) {
    curve.push(curvePoint(await nestedValidation(rows, target, { ...fitting, trainingPatients }), target, measuring));
  }
  onFold();
  const { model, fits } = await fitTargetModel(rows, target, fitting);
  const predictions = validation.flatMap((fold) => fold.predictions);
  const measures = measurePredictions(predictions, target, measuring);
  const r2 = Number.isFinite(measures.r2.value) ? measures.r2.value : undefined;
  return {
    model: { ...model, r2 },
    report: {
      target,
      rows: rows.y.length,
      patients,
      undefinedRows: tableRows - rows.y.length,
      chosen: model.kind,
      coverage,
      measures,
      candidates: fits.map(({ kind, error }) => ({
        kind,
        ...measureValues(ofKind(validation, kind), measuring),
        chosen: validation.filter((fold) => fold.model.kind === kind).length,
        choosingError: error,
      })),
      predictions,
      importance: permutationImportance(rows, validation, { repeats: importanceRepeats, keys, ...measuring }),
      learningCurve: [...curve, curvePoint(validation, target, measuring)],
    },
  };
};

const ofKind = (validation: readonly ValidationFold[], kind: ModelKind) =>
  validation.flatMap(({ predictions, byKind }) =>
    predictions.map(({ patient, actual }, i) => ({ patient, actual, value: byKind.get(kind)![i] })),
  );

const curvePoint = (validation: readonly ValidationFold[], target: Target, options: MeasureOptions): LearningCurvePoint => {
  const { calls: _, ...measures } = measurePredictions(
    validation.flatMap(({ predictions }) => predictions),
    target,
    options,
  );
  const trainingPatients = validation.reduce((sum, fold) => sum + fold.trainingPatients, 0) / validation.length;
  return { trainingPatients: Math.round(trainingPatients), ...measures };
};

/** The least number of training patients with which there are intervals of the coverage. */
const leastTraining = ({ coverage = 0.9, intervals = "cross" }: FitPredictorOptions): number =>
  Math.max(15, patientsNeeded(coverage) * (intervals === "split" ? 4 : 1));

const curveSizes = (options: FitPredictorOptions, patients: number): number[] => {
  const { outerFolds = 5, learningCurve } = options;
  const all = Math.floor(patients * (1 - 1 / outerFolds));
  const least = leastTraining(options);
  const sizes = learningCurve ?? [Math.floor(all / 4), Math.floor(all / 2)].filter((size) => size >= least);
  const bad = sizes.find((size) => !Number.isInteger(size) || size < least);
  if (bad !== undefined) {
    throw new RangeError(`The learning curve cannot have ${bad} training patients; give whole numbers of at least ${least}.`);
  }
  return sizes.filter((size) => size < all).toSorted((a, b) => a - b);
};

const rowsOf = ({ inputs, rows }: Table, cells: Matrix, { name }: Target): TargetRows => {
  const known = Array.from(rows.keys()).filter((row) => (rows[row].targets[name] ?? null) !== null);
  return {
    inputs,
    cells: takeRows(cells, known),
    y: Float64Array.from(known, (row) => rows[row].targets[name]!),
    patients: known.map((row) => rows[row].patient),
  };
};

/** Why a target cannot be predicted, if it cannot. */
const unfit = ({ y, patients }: TargetRows, options: FitPredictorOptions): string | undefined => {
  const { outerFolds = 5 } = options;
  const count = new Set(patients).size;
  // One patient more for what does not divide evenly.
  const needed = Math.max(LEAST_PATIENTS, Math.ceil((leastTraining(options) * outerFolds) / (outerFolds - 1)) + 1);
  if (count < needed) return `it is known of ${count} patients, but at least ${needed} are needed`;
  return y.every((value) => value === y[0]) ? `it is ${y[0]} in every row, so that there is nothing to learn` : undefined;
};

const requireTargets = (targets: readonly Target[], rows: readonly TableRow[]): void => {
  if (targets.length === 0) throw new RangeError("There are no targets to predict; give at least one change factor.");
  const names = targets.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`Two targets have the name "${twice}"; give each its own.`);
  for (const { name, deadBand = 0 } of targets) {
    if (!(deadBand >= 0)) throw new RangeError(`The dead band of "${name}" is ${deadBand}; it must be at least 0.`);
    for (const [index, { patient, targets: given }] of rows.entries()) {
      const value = given[name] ?? null;
      if (value === null || Number.isFinite(value)) continue;
      throw new RangeError(
        `Row ${index} (patient "${patient}") has ${value} for "${name}"; give a number, or null where it is undefined.`,
      );
    }
  }
};

const inputReports = (inputs: readonly Input[], cells: Matrix, problems: readonly CellProblem[]): InputReport[] =>
  inputs.map((input, column) => {
    let missing = 0;
    for (let row = 0; row < cells.rows; row++) if (Number.isNaN(cells.data[row * cells.columns + column])) missing++;
    return {
      name: input.name,
      ...(input.kind === "numeric" ? { unit: input.unit } : {}),
      missing: cells.rows === 0 ? 0 : missing / cells.rows,
      refused: problems.filter((problem) => problem.input === input.name).length,
    };
  });
