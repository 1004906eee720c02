import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, writeFileAtomic } from "../../files/index.ts";
import { encodeJpeg, type LabelVolume } from "../../imaging/index.ts";
import { classMeasures, type Measure, meanOverClasses } from "../../metrics/index.ts";
import { frozen, networkOf } from "../../nn/index.ts";
import { type Comparison, type Picture, type ReportData, renderReport } from "../../report/index.ts";
import { readJson, readLastState, readMetrics, runFiles, writeJson } from "../../training/index.ts";
import { evaluationFolder } from "../evaluation-folder.ts";
import type { Evaluated, EvaluateRequest } from "../system.ts";
import { configSchema, type ModelConfig } from "./config.ts";
import { type EvaluateOptions, type Evaluation, evaluatePatients, measuresForMachines, type SeenPatient } from "./evaluate.ts";
import { type EvaluatedPatient, evaluationReport } from "./evaluation-report.ts";
import { overlayPicture } from "./output/index.ts";
import { type Predictor, readPredictor } from "./prediction/index.ts";
import { openSegmenter, segmenter, writeSegmenter } from "./segmenter.ts";
import { progressionFiles } from "./train.ts";

/** The model of a run: the finished file, or, of an unfinished run, one from the last checkpoint. */
export const rebuildModel = async (run: string): Promise<Uint8Array> => {
  const files = runFiles(run);
  if (await exists(files.model)) return readFile(files.model);
  const config = configSchema.parse((await readJson(files.config)) ?? {}) as ModelConfig;
  const network = frozen(networkOf(await readLastState(files)));
  return writeSegmenter(segmenter(network, config), { config, provenance: { unfinished: true } });
};

/** The predictor that lies beside a model file, where there is one. @throws Error naming the file when it is damaged. */
export const predictorBeside = async (folder: string): Promise<Predictor | undefined> => {
  const path = progressionFiles(folder).predictor;
  return (await exists(path)) ? readPredictor(await readJson(path)) : undefined;
};

export interface EvaluateModelRequest extends Omit<EvaluateRequest, "run" | "out" | "ablation"> {
  readonly model: Uint8Array;
  readonly out: string;
  /** Folder of the model file, where its predictor lies. */
  readonly beside?: string;
  readonly onStudy?: EvaluateOptions["onStudy"];
  /** Shown in the report, once the patients are seen. */
  readonly compare?: (found: Evaluation) => readonly Comparison[];
}

/** Evaluates a model on the test patients of a data set and writes `report.html` and `evaluation.json`. */
export const evaluateModel = async (request: EvaluateModelRequest): Promise<Evaluated> => {
  const { model, data, out, beside, costs, onStudy, compare, threads, provider, listener, signal } = request;
  if (costs) throw new Error("Progression has no threshold, so it has no costs of one: leave out --cost-miss and --prevalence.");
  const predictor = beside === undefined ? undefined : await predictorBeside(beside);
  const opened = await openSegmenter(model, { threads, provider });
  try {
    const shown: EvaluatedPatient[] = [];
    const found = await evaluatePatients({
      segmenter: opened,
      predictor,
      data,
      trainingData: beside === undefined ? undefined : await dataOf(beside),
      onStudy,
      onPatient: async (patient) => {
        shown.push(await shownPatient(patient));
      },
      listener,
      signal,
    });
    const { classes } = opened.config;
    const metrics = beside === undefined ? [] : await readMetrics(runFiles(beside).metrics);
    const judged = evaluationReport(found, shown, classes, metrics);
    const page: ReportData = { ...judged, comparisons: [...(compare?.(found) ?? []), ...(judged.comparisons ?? [])] };
    const measures: Record<string, Measure> = measuresForMachines(found, classes);
    const report = join(out, "report.html");
    await writeFileAtomic(report, renderReport(page));
    const { trainedOn, features, changes, failures } = found;
    const prediction = Object.fromEntries([...found.prediction].map(([name, own]) => [name, own.measures]));
    await writeJson(join(out, "evaluation.json"), { measures, trainedOn, features, changes, prediction, failures });
    const images = found.studies;
    return { measures, images, secondsPerImage: found.seconds / Math.max(1, images), failures, report, page };
  } finally {
    await opened.close();
  }
};

/** What a run was trained on. */
const dataOf = async (run: string): Promise<string | undefined> =>
  ((await readJson(runFiles(run).manifest)) as { readonly data?: string } | undefined)?.data;

/** Longest side of a sheet of slices in the report, in pixels. */
const PICTURE = 900;

const shownPatient = async ({ result, labelled, confusion }: SeenPatient): Promise<EvaluatedPatient> => {
  const { name, classes, stages } = result;
  const dice = confusion === undefined ? Number.NaN : meanOverClasses(classMeasures(confusion).slice(1), "f1");
  const pictures: Picture[] = [];
  for (const { stage, study } of labelled) {
    const { reference, labels, measured } = stages[stage];
    const sheet = async (classesThere: LabelVolume) =>
      encodeJpeg(overlayPicture(reference, classesThere, classes, measured?.vessel), 85, PICTURE);
    pictures.push({ caption: `stage ${stage + 1}, predicted`, bytes: await sheet(labels) });
    pictures.push({ caption: `stage ${stage + 1}, labels`, bytes: await sheet(study.givenLabels as LabelVolume) });
  }
  return { name, pictures, dice, label: Number.isNaN(dice) ? undefined : `Dice ${dice.toFixed(3)}` };
};

/** Evaluates a run on its own or another data set. */
export const evaluateRun = async ({ run, data, out, ablation, ...options }: EvaluateRequest): Promise<Evaluated> => {
  if (ablation) throw new Error('The system "progression" has no variants to compare: leave out --ablation.');
  const model = await rebuildModel(run);
  return evaluateModel({ model, data, out: out ?? (await evaluationFolder(run, data)), beside: run, ...options });
};
