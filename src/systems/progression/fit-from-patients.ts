import type { SkippedFile } from "../../imaging/index.ts";
import type { Listener } from "../../training/index.ts";
import type { PatientSource } from "./data.ts";
import {
  compared,
  elapsedOf,
  haveLabels,
  type MeasuredStage,
  measureLabels,
  predictorInputs,
  predictorTargets,
  tableRow,
} from "./measure-patient.ts";
import { predictStage, requireMeasured } from "./predict-patient.ts";
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
 * Fits the predictor of change factors from all patients with two stages, measured from their labels where both have such, else from what the
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
  const { kinds, folds, coverage, deadBands } = prediction;
  const targets = predictorTargets.map((target) => ({ ...target, deadBand: deadBands[target.name] }));
  const options = { kinds, folds, outerFolds: folds, coverage, seed, listener, signal };
  try {
    return { fitted: await fitPredictor({ inputs: predictorInputs, rows }, targets, options), failures };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return {
      fitted: undefined,
      failures: [...failures, { path: "predictor", reason: `No change can be predicted: ${error.message}` }],
    };
  }
};

/** Rows of patients with two stages: labels where both stages have them, and not `segmented`, else the segmenter's. */
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
      const { comparison, reason } = compared(stages, await elapsedOf(patient, segmenter.config.sequences[0]));
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
  const isGiven = !segmented && haveLabels(stages); // of both or none: a change must not be that from one reader to another
  for (const source of stages) {
    measured.push(
      isGiven
        ? await measureLabels(source, segmenter.config.sequences[0])
        : requireMeasured((await predictStage(segmenter, source, { signal })).result),
    );
  }
  return measured;
};
