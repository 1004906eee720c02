import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { openDetector, type Threshold, writeDetector } from "../../detection/index.ts";
import { decodeImage, readFolder, type Sample, type SkippedFile, writeFileAtomic } from "../../imaging/index.ts";
import { thresholdAtFalseAlarmRate } from "../../metrics/index.ts";
import {
  adam,
  adamW,
  constantRate,
  frozen,
  oneCycle,
  type Schedule,
  sgd,
  type TrainingStep,
  trainingStep,
  warmupCosine,
  weightedMean,
  weightedResidual,
} from "../../nn/index.ts";
import { openRuntime } from "../../runtime/index.ts";
import {
  digestOf,
  digestOfFiles,
  type Environment,
  environment,
  environmentChanges,
  type Listener,
  readJson,
  readTensors,
  runFiles,
  train as trainLoop,
  writeJson,
} from "../../training/index.ts";
import { calibrate } from "./calibration.ts";
import { type Config, configSchema, type ModelConfig } from "./config.ts";
import { batchMaker, imagesAreGrey, openPreprocessor, prepareImages, splitTraining } from "./data.ts";
import { detector } from "./detector.ts";
import { restore } from "./model.ts";

export interface TrainOptions {
  /** Folder of images: `train/good` and so on, or any folder of normal images. */
  readonly data: string;
  /** The run folder. */
  readonly out: string;
  readonly config: Config;
  /** Go on with the run in `out`. Default false. */
  readonly resume?: boolean;
  readonly threads?: number;
  readonly listener?: Listener;
  /** Saves and stops after the running step. */
  readonly signal?: AbortSignal;
}

export interface TrainSummary {
  readonly finished: boolean;
  readonly step: number;
  readonly threshold: Threshold | undefined;
  readonly skipped: readonly SkippedFile[];
}

/** Trains a detector on a folder and writes the run folder with `model.onnx`. @throws Error as sentences for the user. */
export const train = async (options: TrainOptions): Promise<TrainSummary> => {
  const { data, out, resume = false, threads, listener, signal } = options;
  const files = runFiles(out);
  const stage = (text: string) => listener?.({ kind: "stage", text });

  stage("reading the folder");
  const dataset = await readFolder(data);
  const { training, validation } = splitTraining(dataset.train, options.config);
  if (training.length === 0) throw new Error(`"${data}" holds no normal image to train on. Put them in "${data}/train/good".`);
  const channels =
    options.config.image.channels === "auto" ? ((await imagesAreGrey(training)) ? 1 : 3) : options.config.image.channels;
  const config: ModelConfig = { ...options.config, image: { ...options.config.image, channels } };
  const dataDigest = await digestOfFiles(training);
  const digest = digestOf(JSON.stringify({ config, dataDigest }));
  const manifest = {
    system: "denoising",
    data: resolve(data),
    dataDigest,
    trainingImages: training.length,
    validationImages: validation.length,
    ...environment(),
  };
  if (resume) await warnOfChanges(files.manifest, listener);
  await writeJson(files.config, config);
  await writeJson(files.manifest, manifest);

  const runtime = openRuntime({ threads });
  try {
    const prepare = await openPreprocessor(runtime, config.image as ModelConfig["image"]);
    const images = await prepareImages(training, prepare, config.training.cacheMegabytes * 2 ** 20, (done) =>
      listener?.({ kind: "count", text: "preparing images", done, total: training.length }),
    );
    for (const { reason } of images.skipped) listener?.({ kind: "warning", text: reason });
    if (images.samples.length === 0)
      throw new Error(`None of the training images of "${data}" could be read. ${images.skipped[0]?.reason}`);

    stage("compiling the training step");
    const { network, step, finished } = await trainLoop({
      runtime,
      step: buildStep(config),
      batch: batchMaker(images, config),
      steps: config.training.steps,
      learningRate: schedule(config.training),
      files,
      digest,
      resume,
      checkpointEvery: config.training.checkpointEvery,
      listener,
      signal,
    });
    if (!finished) return { finished, step, threshold: undefined, skipped: images.skipped };

    stage("calibrating");
    const calibration = config.score.standardise ? await calibrate(runtime, network, config, images) : undefined;
    stage("setting the threshold");
    const uncalibrated = { system: "denoising", preprocess: config.image, config, threshold: undefined, provenance: manifest };
    const outputs = detector(frozen(network), config, calibration);
    const threshold = await setThreshold(writeDetector(outputs, uncalibrated), config, validation, threads, listener);
    await writeFileAtomic(files.model, writeDetector(outputs, { ...uncalibrated, threshold }));
    return { finished, step, threshold, skipped: images.skipped };
  } finally {
    await runtime.close();
  }
};

/** The graph of one step: restore the corrupted image, compare with the target. */
export const buildStep = ({ seed, image, network, loss, training }: ModelConfig): TrainingStep => {
  const batchOf = (channels: number) => [training.batch, channels, image.size, image.size];
  const residual = weightedResidual({ l1: loss.l1, l2: loss.l2, ssim: loss.ssim, msgms: loss.msgms });
  return trainingStep({
    seed,
    batch: {
      corrupted: batchOf(image.channels),
      target: batchOf(image.channels),
      ...(loss.maskWeight > 0 ? { weights: batchOf(1) } : {}),
    },
    objective: (p, { corrupted, target, weights }) => ({
      loss: weightedMean(residual(target, restore(p, corrupted, network)), weights),
    }),
    optimiser: optimiser(training),
    clipNorm: training.clipNorm,
  });
};

const optimiser = ({ optimiser, weightDecay }: Config["training"]) =>
  ({ adam: adam(), adamw: adamW({ weightDecay }), sgd: sgd({ weightDecay }) })[optimiser];

const schedule = ({ schedule, learningRate, warmup }: Config["training"]): Schedule =>
  ({ cosine: warmupCosine(learningRate, warmup), "one-cycle": oneCycle(learningRate), constant: constantRate(learningRate) })[
    schedule
  ];

/** Scores the normal images kept out of training with the finished model. */
const setThreshold = async (
  model: Uint8Array,
  config: ModelConfig,
  validation: readonly Sample[],
  threads: number | undefined,
  listener: Listener | undefined,
): Promise<Threshold | undefined> => {
  const detector = await openDetector(model, { threads });
  const scores: number[] = [];
  const levels: number[] = [];
  for (const [index, { path }] of validation.entries()) {
    try {
      const { score, map } = await detector.detect(await decodeImage(path));
      scores.push(score);
      levels.push(map.reduce((sum, value) => sum + value, 0) / map.length);
    } catch (error) {
      listener?.({ kind: "warning", text: (error as Error).message });
    }
    listener?.({ kind: "count", text: "scoring validation images", done: index + 1, total: validation.length });
  }
  await detector.close();
  if (scores.length === 0) {
    listener?.({
      kind: "warning",
      text: "There are too few normal images to set a threshold: images get scores, but no verdict.",
    });
    return undefined;
  }
  const { falseAlarmRate } = config.validation;
  const { threshold, attainedRate } = thresholdAtFalseAlarmRate(Float32Array.from(scores), falseAlarmRate);
  const normalLevel = levels.sort((a, b) => a - b)[Math.floor(levels.length / 2)];
  return { value: threshold, falseAlarmRate, attainedRate, normalImages: scores.length, normalLevel };
};

const warnOfChanges = async (manifest: string, listener: Listener | undefined): Promise<void> => {
  const before = (await readJson(manifest)) as Partial<Environment> | undefined;
  if (before === undefined) return;
  for (const text of environmentChanges(before, environment())) listener?.({ kind: "warning", text });
};

/** The configuration of a run folder. @throws Error when it is missing or not one of this system. */
export const readConfig = async (folder: string): Promise<Config> => {
  const stored = await readJson(runFiles(folder).config);
  if (stored === undefined) throw new Error(`"${folder}" holds no run: its config.json is missing.`);
  return configSchema.parse(stored);
};

/** The model of a run: the finished file, or one from the last checkpoint, without a threshold, of an unfinished run. */
export const rebuildModel = async (folder: string): Promise<Uint8Array> => {
  const files = runFiles(folder);
  const finished = await readFile(files.model).catch(() => undefined);
  if (finished !== undefined) return finished;
  const config = (await readConfig(folder)) as ModelConfig;
  const { tensors } = await readTensors(files.checkpoint).catch(() => {
    throw new Error(`"${folder}" holds neither a model nor a checkpoint yet: train it first.`);
  });
  const provenance = await readJson(files.manifest);
  return writeDetector(detector(frozen(tensors), config), {
    system: "denoising",
    preprocess: config.image,
    config,
    threshold: undefined,
    provenance,
  });
};
