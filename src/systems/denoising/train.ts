import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { openDetector, setThreshold, type Threshold, writeDetector } from "../../detection/index.ts";
import { writeFileAtomic } from "../../files/index.ts";
import { readFolder, type Sample, type SkippedFile } from "../../imaging/index.ts";
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
import { openRuntime, type Provider, requireProvider } from "../../runtime/index.ts";
import {
  digestOf,
  digestOfCode,
  digestOfFiles,
  type Environment,
  environment,
  environmentChanges,
  hasCheckpoint,
  type Listener,
  readJson,
  removeModel,
  requireCheckpointOf,
  runFiles,
  train as trainLoop,
  writeJson,
} from "../../training/index.ts";
import { calibrate } from "./calibration.ts";
import type { Config, ModelConfig } from "./config.ts";
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
  /** Where training and scoring are computed. Default "cpu". */
  readonly provider?: Provider;
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

/** What a training is made of, before anything is computed or written. */
export interface TrainingPlan {
  readonly config: ModelConfig;
  readonly training: readonly Sample[];
  readonly validation: readonly Sample[];
  readonly dataDigest: string;
  /** Identifies everything that decides the weights: two plans of one digest end with the same bits. */
  readonly digest: string;
}

/** Reads the folder and settles what the settings left open. @throws Error when there is no normal image to train on. */
export const planTraining = async (data: string, given: Config): Promise<TrainingPlan> => {
  const dataset = await readFolder(data);
  const { training, validation } = splitTraining(dataset.train, given);
  if (training.length === 0) throw new Error(`"${data}" holds no normal image to train on. Put them in "${data}/train/good".`);
  const channels = given.image.channels === "auto" ? ((await imagesAreGrey(training)) ? 1 : 3) : given.image.channels;
  const config: ModelConfig = { ...given, image: { ...given.image, channels } };
  const dataDigest = await digestOfFiles(training);
  const {
    score: _,
    validation: { share },
    training: { cacheMegabytes, checkpointEvery, ...optimisation },
    ...rest
  } = config;
  return {
    config,
    training,
    validation,
    dataDigest,
    digest: digestOf(JSON.stringify({ rest, share, optimisation, dataDigest })),
  };
};

/** Trains a detector on a folder and writes the run folder with `model.onnx`. @throws Error as sentences for the user. */
export const train = async (options: TrainOptions): Promise<TrainSummary> => {
  const { data, out, threads = availableParallelism(), provider = "cpu", listener, signal } = options;
  const files = runFiles(out);
  const stage = (text: string) => listener?.({ kind: "stage", text });
  const now = environment(threads, provider);
  // A wrong folder or an absent provider is refused before anything is written.
  await readFolder(data);
  await requireProvider(provider);
  const identity = { system: "denoising", data: resolve(data), seed: options.config.seed, ...now };
  const resume = options.resume === true && (await hasCheckpoint(files));
  // Written before anything slow, so that a run killed at any moment can be resumed. The configuration comes last and marks a run.
  if (!resume) {
    await removeModel(files);
    await writeJson(files.manifest, identity);
    await writeJson(files.config, options.config);
  }

  stage("reading the folder");
  const { config, training, validation, dataDigest, digest } = await planTraining(data, options.config);
  const begun = (await readJson(files.manifest)) as Partial<Environment>;
  if (resume) {
    await requireCheckpointOf(files, digest);
    for (const text of environmentChanges(begun, now)) listener?.({ kind: "warning", text });
  }
  const counts = {
    dataDigest,
    codeDigest: await digestOfCode(),
    trainingImages: training.length,
    validationImages: validation.length,
  };
  const manifest = { ...identity, ...begun, ...counts };
  await writeJson(files.manifest, manifest);
  await writeJson(files.config, config);

  const runtime = openRuntime({ threads, provider });
  try {
    const prepare = await openPreprocessor(runtime, config.image);
    const images = await prepareImages(training, prepare, config.training.cacheMegabytes * 2 ** 20, (done) =>
      listener?.({ kind: "count", text: "preparing images", done, total: training.length }),
    );
    for (const { reason } of images.skipped) listener?.({ kind: "warning", text: reason });
    if (images.samples.length === 0) {
      throw new Error(`None of the training images of "${data}" could be read. ${images.skipped[0]?.reason}`);
    }

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
    const outputs = detector(frozen(network), config, calibration);
    const plain = {
      system: "denoising",
      preprocess: config.image,
      config,
      threshold: undefined,
      provenance: shareable(manifest),
    };
    const scorer = await openDetector(writeDetector(outputs, plain), { threads, provider });
    const threshold = await setThreshold(scorer, validation, config.validation.falseAlarmRate, listener);
    await scorer.close();
    await writeFileAtomic(files.model, writeDetector(outputs, { ...plain, threshold }));
    return { finished, step, threshold, skipped: images.skipped };
  } finally {
    await runtime.close();
  }
};

/** What may leave the machine inside a model file: the data folder's name without the way to it. */
const shareable = <Manifest extends { data: string }>(manifest: Manifest): Manifest => ({
  ...manifest,
  data: basename(manifest.data),
});

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
    accumulate: training.accumulate,
    average: training.average > 0 ? { decay: training.average } : undefined,
  });
};

const optimiser = ({ optimiser, weightDecay }: Config["training"]) =>
  ({ adam: adam(), adamw: adamW({ weightDecay }), sgd: sgd({ weightDecay }) })[optimiser];

const schedule = ({ schedule, learningRate, warmup }: Config["training"]): Schedule =>
  ({ cosine: warmupCosine(learningRate, warmup), "one-cycle": oneCycle(learningRate), constant: constantRate(learningRate) })[
    schedule
  ];
