import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { depthOfImages, openPreparingRuntime, prepareImages } from "../../detection/index.ts";
import { holdFolder, writeFileAtomic } from "../../files/index.ts";
import { type Provider, requireProvider, type Value } from "../../runtime/index.ts";
import {
  beginInFolder,
  decidingPart,
  digestOf,
  digestOfCode,
  environment,
  environmentChanges,
  type MetricsLine,
  type RunFiles,
  readJson,
  requireCheckpointOf,
  runFiles,
  type SettledTraining,
  trainBySettings,
  writeJson,
} from "../../training/index.ts";
import type { TrainRequestOf, TrainSummary, WorkOptions } from "../system.ts";
import { batchCounts, batchMaker, type ForgeryImages } from "./batches.ts";
import type { Config, ModelConfig } from "./config.ts";
import { datasetOf, digestOfImages, type ForgeryDataset, kindsOf } from "./data.ts";
import { finishDetector } from "./finish.ts";
import { checkLeaks } from "./leak-check.ts";
import { buildStep, buildStyleStep } from "./training-step.ts";

export type TrainOptions = TrainRequestOf<Config>;

/**
 * Trains a detector against its own forger, and writes the run folder with `model.onnx`, the detector alone. First the generator's style branch
 * learns to give images the style of others; then generator and detector take turns; last, probabilities and threshold are set from the
 * validation images. Both networks are in the checkpoint; whatever stops the work, `resume` goes on and ends with the same bits.
 * @throws DatasetError, FolderInUseError; Error as sentences for the user.
 */
export const trainForgeryDetector = async (options: TrainOptions): Promise<TrainSummary> => {
  await requireProvider(options.provider ?? "cpu");
  const dataset = await datasetOf(options.data, options.config);
  const folder = await holdFolder(options.out);
  try {
    return await trainInFolder(options, dataset);
  } finally {
    await folder.release();
  }
};

const trainInFolder = async (options: TrainOptions, dataset: ForgeryDataset): Promise<TrainSummary> => {
  const { data, config, threads = availableParallelism(), provider = "cpu", workers = 4, listener, signal } = options;
  const files = runFiles(options.out);
  const run = { threads, provider, workers, listener, signal };
  const { settled, digest, resume, provenance } = await begin(options, dataset, files, threads, provider);
  const training = dataset.train.filter(({ label }) => config.trainOn === "all" || label === 0);
  if (config.simulated === "none" && kindsOf(training).length === 0) {
    throw new Error(`"${data}" has no forged images to train on. Give some, or let them be simulated (simulated=generator).`);
  }
  if (training.length === 0) throw new Error(`"${data}" has no images to train on. Put some into train/real and train/fake.`);
  const preparing = openPreparingRuntime(1);
  try {
    const images = await prepareImages(training, preparing, {
      image: settled.image,
      region: undefined,
      truths: true,
      cacheBytes: config.training.cacheMegabytes * 2 ** 20,
      workers,
      signal,
      onProgress: (done) => listener?.({ kind: "count", text: "preparing images", done, total: training.length }),
    });
    const skipped = [...dataset.skipped, ...images.skipped];
    if (images.samples.length === 0)
      throw new Error(`None of the training images of "${data}" could be read. ${images.skipped[0]?.reason}`);
    const work: Work = { ...run, config: settled, images: images as ForgeryImages, files, digest, resume };
    const style = await trainStyle(work);
    if (style === undefined) return { finished: false, step: 0, skipped };
    const { network, step, finished } = await trainNetworks(work, style);
    if (!finished) return { finished: false, step, skipped };
    const { model, failures } = await finishDetector(network, dataset.validation, { ...run, config: settled, provenance });
    await writeFileAtomic(files.model, model);
    return { finished: true, step, skipped: [...skipped, ...failures] };
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return { finished: false, step: 0, skipped: dataset.skipped };
    throw error;
  } finally {
    await preparing.close();
  }
};

/** Writes what the run is, says what is remarkable about its data, and settles what the settings left to them. */
const begin = async (
  { data, config, resume: asked = false, listener }: TrainOptions,
  dataset: ForgeryDataset,
  files: RunFiles,
  threads: number,
  provider: Provider,
) => {
  const now = environment(threads, provider);
  const resume = await beginInFolder(files, asked);
  listener?.({ kind: "stage", text: "reading the data" });
  const { depth, range } = config.image;
  const { train, validation, notes } = dataset;
  const settled: ModelConfig = {
    ...config,
    image: {
      ...config.image,
      channels: 3,
      depth: depth === "auto" && !range ? await depthOfImages(train) : depth === "auto" ? 8 : depth,
    },
  };
  const dataDigest = await digestOfImages([...train, ...validation]);
  const digest = digestOf(JSON.stringify({ weights: weightsOf(settled), dataDigest }));
  const before = resume ? ((await readJson(files.manifest)) as Partial<ReturnType<typeof environment>>) : {};
  if (resume) {
    await requireCheckpointOf(files, digest).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error; // stopped before the networks' first checkpoint
    });
    for (const text of environmentChanges(before, now)) listener?.({ kind: "warning", text });
  } else await warnOfLeaks(dataset, listener);
  for (const text of notes) listener?.({ kind: "warning", text });
  const manifest = {
    system: "forgery",
    data: resolve(data),
    seed: config.seed,
    ...now,
    ...before,
    dataDigest,
    codeDigest: await digestOfCode(),
    trainingImages: train.length,
    validationImages: validation.length,
  };
  await writeJson(files.manifest, manifest);
  await writeJson(files.config, settled);
  return { settled, digest, resume, provenance: { ...manifest, data: basename(data) } };
};

/** What of a configuration decides the weights: not where the threshold lies, nor how memory and disk are used. */
const weightsOf = ({ falseAlarmRate: _, training, ...rest }: ModelConfig): unknown => {
  return { ...rest, optimisation: decidingPart(training) };
};

const warnOfLeaks = async ({ train, validation }: ForgeryDataset, listener: WorkOptions["listener"]): Promise<void> => {
  const { leaks } = await checkLeaks([...train, ...validation]);
  for (const { sentence } of leaks) listener?.({ kind: "warning", text: sentence });
};

interface Work extends WorkOptions {
  readonly config: ModelConfig;
  readonly images: ForgeryImages;
  readonly files: RunFiles;
  readonly digest: string;
  readonly resume: boolean;
}

/** Where the style branch's own training lies. */
export const styleFiles = ({ folds }: RunFiles): RunFiles => runFiles(join(folds, "style-branch"));

/** First values of the style branch, of its own training; none where there is no such branch, undefined where the signal stopped it. */
const trainStyle = async (work: Work): Promise<ReadonlyMap<string, Value> | undefined> => {
  const { config, images, files, listener } = work;
  const { simulated, network, alternation } = config;
  if (simulated !== "generator" || !network.generator.style || alternation.styleSteps === 0) return new Map();
  listener?.({ kind: "stage", text: "the style branch, which comes first" });
  const { network: found, finished } = await trained(work, {
    step: buildStyleStep(config, batchCounts(images, config)),
    steps: alternation.styleSteps,
    files: styleFiles(files),
  });
  return finished ? found : undefined;
};

const trainNetworks = (work: Work, style: ReadonlyMap<string, Value>) => {
  const { config, images, files, listener } = work;
  const { simulated, alternation, training } = config;
  const { stopBelow } = alternation;
  const text = simulated === "generator" ? "generator and detector, in turn" : "the detector";
  listener?.({ kind: "stage", text });
  return trained(work, {
    step: buildStep(config, batchCounts(images, config), style),
    steps: training.steps,
    files,
    until: stopBelow === undefined ? undefined : (lines) => isBelow(lines, stopBelow),
  });
};

const LINES = 10;

/** Whether the mean of the loss over the last lines of a log is below a limit. */
export const isBelow = (lines: readonly MetricsLine[], limit: number): boolean => {
  const last = lines.slice(-LINES);
  return last.length === LINES && last.reduce((sum, { loss }) => sum + loss, 0) / LINES < limit;
};

const trained = (
  { config, images, digest, resume, threads, provider, listener, signal }: Work,
  own: Pick<SettledTraining, "step" | "steps" | "files" | "until">,
) =>
  trainBySettings({
    ...{ ...own, batch: batchMaker(images, config) },
    ...{ settings: config.training, digest, resume, threads, provider, listener, signal },
  });
