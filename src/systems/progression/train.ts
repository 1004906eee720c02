import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { holdFolder, writeFileAtomic } from "../../files/index.ts";
import type { SkippedFile } from "../../imaging/index.ts";
import { frozen } from "../../nn/index.ts";
import { requireProvider } from "../../runtime/index.ts";
import {
  beginInFolder,
  decidingPart,
  digestOf,
  digestOfCode,
  environment,
  runFiles,
  trainBySettings,
  writeJson,
} from "../../training/index.ts";
import type { TrainRequestOf, TrainSummary } from "../system.ts";
import { batchMaker, classWeightsOf } from "./batches.ts";
import type { Config, ModelConfig } from "./config.ts";
import { digestOfPatients, type PatientSource, readPatients } from "./data.ts";
import { fitFromPatients } from "./fit-from-patients.ts";
import { areVesselClasses } from "./measure-patient.ts";
import { openSegmenter, segmenter, writeSegmenter } from "./segmenter.ts";
import { buildStep } from "./training-step.ts";
import { decidedBy, trainingStudies } from "./training-studies.ts";

export type TrainOptions = TrainRequestOf<Config>;

/** What a run has beside the files of every run. */
export const progressionFiles = (folder: string) => ({
  /** Registered training studies. */
  studies: join(folder, "studies"),
  predictor: join(folder, "predictor.json"),
  /** What the predictor is worth on patients left out. */
  validation: join(folder, "predictor-validation.json"),
});

/**
 * Trains a segmenter on all training studies with labels, then, where there are enough patients with two stages, a predictor of their change
 * factors. Without such patients the run has no predictor.
 * @throws PatientDatasetError, FolderInUseError; Error as sentences for the user.
 */
export const trainProgression = async (options: TrainOptions): Promise<TrainSummary> => {
  await requireProvider(options.provider ?? "cpu");
  const { patients, notes, skipped } = await readPatients(options.data);
  for (const text of notes) options.listener?.({ kind: "warning", text });
  const training = patients.filter(({ split }) => split === "train");
  if (!training.some(({ stages }) => stages.some(({ labels }) => labels !== undefined))) {
    throw new Error(
      `"${options.data}" has no labels to learn from. Give a file labels.nii.gz beside the images of training studies.`,
    );
  }
  const folder = await holdFolder(options.out);
  try {
    return await trainInFolder(options, training, skipped);
  } catch (error) {
    if (options.signal?.aborted && error === options.signal.reason) return { finished: false, step: 0, skipped };
    throw error;
  } finally {
    await folder.release();
  }
};

const trainInFolder = async (
  options: TrainOptions,
  training: readonly PatientSource[],
  missing: readonly SkippedFile[],
): Promise<TrainSummary> => {
  const { data, out, threads = availableParallelism(), provider = "cpu", listener, signal } = options;
  const files = runFiles(out);
  const resume = await beginInFolder(files, options.resume);
  const labelled = training.flatMap(({ stages }) => stages.filter(({ labels }) => labels !== undefined));
  const dataDigest = await digestOfPatients(training);
  const config = await decidedBy(labelled, options.config);
  const manifest = {
    system: "progression",
    data: resolve(data),
    seed: config.seed,
    ...environment(threads, provider),
    dataDigest,
    codeDigest: await digestOfCode(),
    trainingPatients: training.length,
    trainingStudies: labelled.length,
  };
  await writeJson(files.manifest, manifest);
  await writeJson(files.config, config);
  const watch = { listener, signal };
  const prepared = await trainingStudies(labelled, config, progressionFiles(out).studies, dataDigest, watch);
  const skipped = [...missing, ...prepared.skipped];
  if (prepared.studies.length === 0)
    throw new Error(`None of the studies of "${data}" could be used. ${prepared.skipped[0]?.reason}`);
  const digest = digestOf(JSON.stringify({ weights: weightsOf(config), dataDigest }));
  const weights = classWeightsOf(prepared.studies, config.classes.length, config.loss.balance);
  const { step, network, finished } = await trainBySettings({
    ...{ step: buildStep(config, weights), batch: batchMaker(prepared.studies, config), steps: config.training.steps },
    ...{ settings: config.training, files, digest, resume, threads, provider, listener, signal },
  });
  if (!finished) return { finished, step, skipped };
  const provenance = { ...manifest, data: basename(data) };
  const model = writeSegmenter(segmenter(frozen(network), config), { config, provenance });
  await writeFileAtomic(files.model, model);
  const { predictor, validation } = progressionFiles(out);
  for (const path of [predictor, validation]) await rm(path, { force: true }); // an earlier one is of another segmenter
  if (!config.prediction.use || !areVesselClasses(config.classes)) return { finished: true, step, skipped };
  const opened = await openSegmenter(model, { threads, provider });
  try {
    const { fitted, failures } = await fitFromPatients(training, opened, watch);
    if (fitted) {
      await writeJson(predictor, fitted.predictor);
      await writeJson(validation, fitted.report);
    }
    return { finished: true, step, skipped: [...skipped, ...failures] };
  } finally {
    await opened.close();
  }
};

/** The part of a configuration that decides the weights. */
const weightsOf = ({ prediction: _, training, ...rest }: ModelConfig): unknown => {
  return { ...rest, optimisation: decidingPart(training) };
};
