import { resolve } from "node:path";
import type { LabelVolume, SkippedFile } from "../../imaging/index.ts";
import {
  type ConfusionMatrix,
  confusionMatrix,
  type Measure,
  measuresOverCases,
  type SegmentationMeasures,
  segmentationMeasures,
  sumOfConfusions,
} from "../../metrics/index.ts";
import type { WorkOptions } from "../system.ts";
import { alignedStages } from "./align-stages.ts";
import { type PatientDataset, type PatientSource, readPatients } from "./data.ts";
import { areVesselClasses, compared, elapsedOf, type MeasuredStage, measureStage, tableRow } from "./measure-patient.ts";
import { type StageComparison, type VesselFeature, vesselFeatures } from "./measurement/index.ts";
import { predictPatient, requireMeasured } from "./predict-patient.ts";
import {
  evaluatePredictor,
  type JudgedPrediction,
  type PredictionMeasures,
  type Predictor,
  type TableRow,
} from "./prediction/index.ts";
import type { PatientResult } from "./result.ts";
import type { Segmenter } from "./segmenter.ts";
import type { Study } from "./study.ts";

export interface EvaluateOptions extends Omit<WorkOptions, "workers" | "threads" | "provider"> {
  readonly segmenter: Segmenter;
  readonly predictor?: Predictor;
  readonly data: string;
  /** What the model was trained on, where that is known. */
  readonly trainingData?: string;
  /** Sees each study that has labels, such as to judge another model by it. */
  readonly onStudy?: (study: Study, patient: PatientSource) => void;
  readonly onPatient?: (patient: SeenPatient) => Promise<void>;
}

/** A patient that was predicted, beside what is given. */
export interface SeenPatient {
  readonly result: PatientResult;
  /** The stages that have labels, by their index. */
  readonly labelled: readonly { readonly stage: number; readonly study: Study }[];
  /** Voxels by given and predicted class, of all these. */
  readonly confusion: ConfusionMatrix | undefined;
}

/** How far a measure of the segmentation is from that of the labels. */
export interface FeatureError {
  readonly name: VesselFeature;
  readonly unit: string;
  readonly patients: number;
  /** Of the labels' measures, over the patients. */
  readonly deviation: number;
  readonly bias: Measure;
  readonly meanAbsoluteError: Measure;
  /** Pearson's, of both. */
  readonly correlation: Measure;
}

export interface Evaluation {
  readonly patients: readonly PatientSource[];
  /** Over the voxels of all studies with labels, intervals over patients; undefined where none has. */
  readonly segmentation: SegmentationMeasures | undefined;
  readonly studies: number;
  /** Of stage 1, and of its change a year. */
  readonly features: readonly FeatureError[];
  readonly changes: readonly FeatureError[];
  /** By target: change factors predicted from the segmented stage 1, against those measured from labels. */
  readonly prediction: ReadonlyMap<
    string,
    { readonly measures: PredictionMeasures; readonly predictions: readonly JudgedPrediction[] }
  >;
  /** Of patients whose change labels tell: stage 1 as segmented, and the change by the labels. */
  readonly rows: readonly TableRow[];
  readonly failures: readonly SkippedFile[];
  /** The patients are those that the model was trained on. */
  readonly trainedOn: boolean;
  readonly seconds: number;
}

/**
 * Predicts the test patients of a data set (all, where it has none) and compares with their labels: classes of voxels, measures, change
 * factors, and what was predicted of these. A patient that cannot be read is named in `failures`.
 */
export const evaluatePatients = async (options: EvaluateOptions): Promise<Evaluation> => {
  const { segmenter, predictor, data, trainingData, onStudy, onPatient, listener, signal } = options;
  const { patients, skipped, notes, areTest } = await testPatients(data);
  for (const text of notes) listener?.({ kind: "warning", text });
  const { classes, sequences } = segmenter.config;
  const confusions: StudyConfusion[] = [];
  const pairs: Pair[] = [];
  const rows: TableRow[] = [];
  const failures = [...skipped];
  const started = performance.now();
  for (const [index, patient] of patients.entries()) {
    signal?.throwIfAborted();
    try {
      const labelled: { stage: number; study: Study }[] = [];
      const matrices: ConfusionMatrix[] = [];
      let stage = 0;
      const result = await predictPatient(segmenter, patient, {
        ...{ predictor, readLabels: true },
        signal,
        onStage: (study, { labels }) => {
          if (study.labels !== undefined) {
            labelled.push({ stage, study });
            matrices.push(confusionOf(study, labels, classes.length));
            onStudy?.(study, patient);
          }
          stage++;
        },
      });
      failures.push(...result.unusable);
      confusions.push(...matrices.map((matrix) => ({ patient: patient.name, matrix })));
      await onPatient?.({ result, labelled, confusion: matrices.length > 0 ? sumOfConfusions(matrices) : undefined });
      if (areVesselClasses(classes) && labelled.length === patient.stages.length) {
        const byLabels = labelled.map(({ stage, study: { reference, givenLabels } }) => {
          const labels = givenLabels as LabelVolume;
          return { reference, labels, measured: measureStage(labels, reference, patient.stages[stage].byHand) };
        });
        const { stages } = await alignedStages(byLabels, signal);
        const given = stages.map(({ measured }) => measured as MeasuredStage);
        const { comparison } = compared(given, await elapsedOf(patient, sequences[0]));
        const found = result.stages.map(requireMeasured);
        pairs.push({ patient: patient.name, given, found, truth: comparison, comparison: result.comparison });
        if (comparison) rows.push(tableRow(patient, found[0], comparison));
      }
    } catch (error) {
      signal?.throwIfAborted();
      failures.push({ path: patient.stages[0].folder, reason: (error as Error).message });
    }
    listener?.({ kind: "count", text: "predicting patients", done: index + 1, total: patients.length });
  }
  return {
    patients,
    studies: confusions.length,
    segmentation: confusions.length === 0 ? undefined : voxelMeasures(confusions, classes.length),
    features: errorsOf(pairs, ({ given, found }, name) => [given[0].features[name], found[0].features[name]]),
    changes: errorsOf(pairs, ({ truth, comparison }, name) => [
      truth?.changes[name].absolute ?? null,
      comparison?.changes[name].absolute ?? null,
    ]),
    prediction: predictor && rows.length > 0 ? evaluatePredictor(predictor, rows) : new Map(),
    rows,
    failures,
    trainedOn: !areTest && trainingData !== undefined && resolve(data) === trainingData,
    seconds: (performance.now() - started) / 1000,
  };
};

/** Voxels of a study by given and predicted class. */
export interface StudyConfusion {
  readonly patient: string;
  readonly matrix: ConfusionMatrix;
}

/** Measures over the voxels of all studies, intervals over patients; the mean is of all classes but the background. */
export const voxelMeasures = (studies: readonly StudyConfusion[], classes: number): SegmentationMeasures =>
  segmentationMeasures(
    studies.map(({ matrix }) => matrix),
    { groups: studies.map(({ patient }) => patient), meanOf: Array.from({ length: classes - 1 }, (_, n) => n + 1) },
  );

/** The test patients of a data set; where it has none, the validation patients, else all. */
export const testPatients = async (
  data: string,
): Promise<Pick<PatientDataset, "patients" | "skipped" | "notes"> & { readonly areTest: boolean }> => {
  const { patients, ...others } = await readPatients(data);
  for (const split of ["test", "validation"] as const) {
    const own = patients.filter((patient) => patient.split === split);
    if (own.length > 0) return { ...others, patients: own, areTest: true };
  }
  return { ...others, patients, areTest: false };
};

/** Given classes against predicted ones, on the reference's grid. @throws RangeError for a class that the model has not. */
const confusionOf = ({ givenLabels }: Study, predicted: LabelVolume, classes: number): ConfusionMatrix =>
  confusionMatrix((givenLabels as LabelVolume).data, predicted.data, classes);

interface Pair {
  readonly patient: string;
  readonly given: readonly MeasuredStage[];
  readonly found: readonly MeasuredStage[];
  readonly truth: StageComparison | undefined;
  readonly comparison: StageComparison | undefined;
}

const errorsOf = (
  pairs: readonly Pair[],
  valuesOf: (pair: Pair, feature: VesselFeature) => readonly [true: number | null, found: number | null],
): FeatureError[] =>
  vesselFeatures.flatMap(({ name, unit }) => {
    const known = pairs
      .map((pair) => valuesOf(pair, name))
      .filter((own): own is readonly [number, number] => !own.includes(null));
    if (known.length === 0) return [];
    const [bias, meanAbsoluteError, correlation] = measuresOverCases(known.length, (positions) => {
      const drawn = Array.from(positions, (position) => known[position]);
      const errors = drawn.map(([truth, found]) => found - truth);
      return [
        meanOf(errors),
        meanOf(errors.map(Math.abs)),
        correlationOf(
          drawn.map(([truth]) => truth),
          drawn.map(([, found]) => found),
        ),
      ];
    });
    const deviation = deviationOf(known.map(([truth]) => truth));
    return [{ name, unit, patients: known.length, deviation, bias, meanAbsoluteError, correlation }];
  });

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const deviationOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
};

const correlationOf = (a: readonly number[], b: readonly number[]): number => {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  return meanOf(a.map((value, n) => (value - meanA) * (b[n] - meanB))) / (deviationOf(a) * deviationOf(b));
};

/** `{ dice_mean, dice_lumen, ..., <change>_error, <target>_r2, ... }`, for machines. */
export const measuresForMachines = (
  { segmentation, changes, prediction }: Evaluation,
  classes: readonly string[],
): Record<string, Measure> => ({
  ...(segmentation
    ? {
        dice_mean: segmentation.meanDice,
        ...Object.fromEntries(
          segmentation.classes.slice(1).map(({ dice }, n) => [`dice_${classes[n + 1].replaceAll(/[^a-z0-9]+/gi, "_")}`, dice]),
        ),
      }
    : {}),
  ...Object.fromEntries(changes.map(({ name, meanAbsoluteError }) => [`${name}_change_error`, meanAbsoluteError])),
  ...Object.fromEntries(
    [...prediction].flatMap(([name, { measures }]) => [
      [`${name}_r2`, measures.r2],
      [`${name}_coverage`, measures.coverage],
    ]),
  ),
});
