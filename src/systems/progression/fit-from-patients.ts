import type { SkippedFile } from "../../imaging/index.ts";
import type { Listener } from "../../training/index.ts";
import type { PatientSource } from "./data.ts";
import {
  compared,
  type MeasuredStage,
  measureLabels,
  predictorInputs,
  predictorTargets,
  tableRow,
  yearsOf,
} from "./measure-patient.ts";
import { predictStage } from "./predict-patient.ts";
import { fitPredictor, LEAST_PATIENTS, type Predictor, type PredictorReport, type TableRow } from "./prediction/index.ts";
import type { Segmenter } from "./segmenter.ts";

interface Watch {
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

export interface FittedFromPatients {
  /** Undefined with fewer than `LEAST_PATIENTS` patients whose change is known. */
  readonly fitted: { readonly predictor: Predictor; readonly report: PredictorReport } | undefined;
  readonly failures: readonly SkippedFile[];
}

/**
 * Fits the predictor of change factors from all patients with two stages, measured from their labels where there are such, else from what the
 * segmenter sees. A patient that cannot be measured or compared is named in `failures`.
 */
export const fitFromPatients = async (
  patients: readonly PatientSource[],
  segmenter: Segmenter,
  { listener, signal }: Watch = {},
): Promise<FittedFromPatients> => {
  const { seed, prediction } = segmenter.config;
  const followed = patients.filter(({ stages }) => stages.length === 2);
  if (followed.length < LEAST_PATIENTS) return { fitted: undefined, failures: [] };
  const { rows, failures } = await tableOf(followed, segmenter, { listener, signal });
  if (rows.length < LEAST_PATIENTS) return { fitted: undefined, failures };
  const { kinds, folds, coverage } = prediction;
  const options = { kinds, folds, outerFolds: folds, coverage, seed, listener, signal };
  return { fitted: await fitPredictor({ inputs: predictorInputs, rows }, predictorTargets, options), failures };
};

/** Rows of patients with two stages: labels where given, and not `segmented`, else the segmenter's. */
export const tableOf = async (
  patients: readonly PatientSource[],
  segmenter: Segmenter,
  { listener, signal, segmented = false }: Watch & { readonly segmented?: boolean } = {},
): Promise<{ readonly rows: readonly TableRow[]; readonly failures: readonly SkippedFile[] }> => {
  const rows: TableRow[] = [];
  const failures: SkippedFile[] = [];
  for (const [index, patient] of patients.entries()) {
    signal?.throwIfAborted();
    const [{ folder }] = patient.stages;
    try {
      const stages = await measureStages(patient, segmenter, { segmented, signal });
      const { comparison, reason } = compared(stages, await yearsOf(patient, segmenter.config.sequences[0]));
      if (comparison) rows.push(tableRow(patient, stages[0], comparison));
      else failures.push({ path: folder, reason: reason ?? `${patient.name} has one stage.` });
    } catch (error) {
      signal?.throwIfAborted();
      failures.push({ path: folder, reason: (error as Error).message });
    }
    listener?.({ kind: "count", text: "measuring patients", done: index + 1, total: patients.length });
  }
  return { rows, failures };
};

const measureStages = async (
  { stages }: PatientSource,
  segmenter: Segmenter,
  { segmented, signal }: { readonly segmented: boolean; readonly signal?: AbortSignal },
): Promise<readonly MeasuredStage[]> => {
  const measured: MeasuredStage[] = [];
  for (const source of stages) {
    const isGiven = source.labels !== undefined && !segmented;
    const stage = isGiven
      ? await measureLabels(source, segmenter.config.sequences[0])
      : (await predictStage(segmenter, source, { signal })).result.measured;
    measured.push(stage as MeasuredStage); // the classes are a vessel's, or there is no predictor
  }
  return measured;
};
