import { availableParallelism } from "node:os";
import { basename, dirname, resolve } from "node:path";
import { exists, holdFolder, removeTemporaryFiles, writeFileAtomic } from "../files/index.ts";
import type { Tensor } from "../graph/index.ts";
import { decodeMask, readDataset, type SkippedFile } from "../imaging/index.ts";
import type { Schedule, TrainingStep } from "../nn/index.ts";
import { openRuntime, type Provider, type Runtime, requireProvider, type Value, type Values } from "../runtime/index.ts";
import {
  digestOf,
  digestOfCode,
  type Environment,
  environment,
  environmentChanges,
  foldFiles,
  foldsOfRun,
  hasBegun,
  hasCheckpoint,
  type Listener,
  type RunFiles,
  readJson,
  removeModel,
  requireCheckpointOf,
  runFiles,
  train as trainLoop,
  writeJson,
} from "../training/index.ts";
import { type DetectorDescription, type Threshold, writeDetector } from "./contract.ts";
import { type Detector, openDetector } from "./detector.ts";
import { planTraining } from "./plan.ts";
import { type Region, regionOfRun } from "./region.ts";
import type { DetectorConfig, Settled } from "./settings.ts";
import { foldsOfImages, type NormalScore, scoreNormal, thresholdOf } from "./threshold.ts";
import { chosen, type PreparedImages, prepareImages } from "./training-data.ts";

/** What a trained network is turned into the finished detector with. */
export interface Trained<Config extends DetectorConfig> {
  readonly runtime: Runtime;
  /** Weights and running statistics. */
  readonly network: ReadonlyMap<string, Value>;
  readonly config: Settled<Config>;
  /** The images it was trained on. */
  readonly images: PreparedImages;
  /** Undefined when all of an image is of interest. */
  readonly region: Region | undefined;
}

/** The graph of a finished detector: the file's input and outputs (see `writeDetector`). */
export type DetectorGraph = { readonly image: Tensor; readonly map: Tensor; readonly score: Tensor } & Readonly<
  Record<string, Tensor>
>;

/** A method of detection: what differs from one system to the next in training. */
export interface Method<Config extends DetectorConfig> {
  readonly system: string;
  /** The part of a configuration that decides the weights: another one is another training. */
  weightsOf(config: Settled<Config>): unknown;
  step(config: Settled<Config>, images: PreparedImages): TrainingStep;
  learningRate(config: Settled<Config>): Schedule;
  /** Batches by number (from 1): a function of (seed, number) alone. */
  batches(images: PreparedImages, config: Settled<Config>): (number: number) => Promise<Values>;
  finish(trained: Trained<Config>): Promise<DetectorGraph>;
  /** How the image's score follows from the map. */
  imageScore(config: Settled<Config>): DetectorDescription["imageScore"];
}

export interface TrainOptions<Config> {
  /** Images: a folder, a table or a pattern, see `readDataset`. */
  readonly data: string;
  /** The run folder. */
  readonly out: string;
  readonly config: Config;
  /** Go on with the run in `out`. Default false. */
  readonly resume?: boolean;
  readonly threads?: number;
  /** Images that are decoded at once. Default 4. */
  readonly workers?: number;
  /** Where training and scoring are computed. Default "cpu". */
  readonly provider?: Provider;
  readonly listener?: Listener;
  /** Saves and stops at the next safe point. */
  readonly signal?: AbortSignal;
}

export interface TrainSummary {
  readonly finished: boolean;
  readonly step: number;
  readonly threshold: Threshold | undefined;
  readonly skipped: readonly SkippedFile[];
}

/**
 * Trains a detector on normal images and writes the run folder with `model.onnx`: plan, network, calibration, threshold. The
 * folder is held against other runs; whatever stops the work, `resume` goes on and ends with the same bits.
 * @throws Error as sentences for the user.
 */
export const trainDetector = async <Config extends DetectorConfig>(
  method: Method<Config>,
  options: TrainOptions<Config>,
): Promise<TrainSummary> => {
  // A wrong folder or an absent provider is refused before anything is written.
  await readDataset(options.data);
  await requireProvider(options.provider ?? "cpu");
  const { roi } = options.config.image;
  if (roi !== undefined && !(await exists(runFiles(options.out).region))) await decodeMask(roi);
  const folder = await holdFolder(options.out);
  try {
    return await trainInFolder(method, options);
  } finally {
    await folder.release();
  }
};

const trainInFolder = async <Config extends DetectorConfig>(
  method: Method<Config>,
  options: TrainOptions<Config>,
): Promise<TrainSummary> => {
  const { data, out, threads = availableParallelism(), workers = 4, provider = "cpu", listener, signal } = options;
  const files = runFiles(out);
  const { config, training, validation, unusable, manifest, resume, digest } = await beginRun(method, options, files);
  const stage = (text: string) => listener?.({ kind: "stage", text });

  // Preparing has a thread of its own, which the training's own threads leave time for.
  const preparing = openRuntime({ threads: 1 });
  try {
    const region = await regionOfRun(files, config.image.roi, config.image);
    const images = await prepareImages(training, preparing, {
      image: config.image,
      region,
      cacheBytes: config.training.cacheMegabytes * 2 ** 20,
      workers,
      signal,
      onProgress: (done) => listener?.({ kind: "count", text: "preparing images", done, total: training.length }),
    });
    if (images.samples.length === 0) {
      throw new Error(`None of the training images of "${data}" could be read. ${images.skipped[0]?.reason}`);
    }
    const describe = (threshold: Threshold | undefined): DetectorDescription => ({
      system: method.system,
      preprocess: { ...config.image, proportions: region?.proportions },
      imageScore: method.imageScore(config),
      config,
      threshold,
      provenance: shareable(manifest),
    });

    /** One network from some of the images, to its finished graph; undefined where the signal stopped it. */
    const trainOn = async (own: PreparedImages, ownFiles: RunFiles, ownDigest: string) => {
      const runtime = openRuntime({ threads, provider });
      try {
        stage("compiling the training step");
        const { network, step, finished } = await trainLoop({
          runtime,
          step: method.step(config, own),
          batch: method.batches(own, config),
          steps: config.training.steps,
          learningRate: method.learningRate(config),
          files: ownFiles,
          digest: ownDigest,
          resume,
          checkpointEvery: config.training.checkpointEvery,
          listener,
          signal,
        });
        if (!finished) return { step, graph: undefined };
        stage("calibrating");
        return { step, graph: await method.finish({ runtime, network, config, images: own, region }) };
      } finally {
        await runtime.close();
      }
    };
    const openScorer = (graph: DetectorGraph): Promise<Detector> =>
      openDetector(writeDetector(graph, describe(undefined)), { threads, provider });
    const skipped = [...unusable, ...images.skipped];
    const stopped = (step: number): TrainSummary => ({ finished: false, step, threshold: undefined, skipped });
    const scoring = { listener, signal, workers };

    const folds: NormalScore[][] = [];
    for (const [index, { kept, left }] of foldsOfImages(images, config).entries()) {
      stage(`network ${index + 1} of ${config.validation.folds} for the threshold`);
      const own = foldFiles(files, index + 1);
      // What scored them counts as well, and so does who was left out.
      const names = (positions: readonly number[]) => positions.map((position) => images.samples[position].name);
      const foldDigest = digestOf(JSON.stringify({ digest, left: names(left), kept: names(kept) }));
      const scoredBy = digestOf(JSON.stringify({ foldDigest, config }));
      const scored = (await readJson(own.evaluation)) as { digest: string; scores: NormalScore[] } | undefined;
      if (resume && scored?.digest === scoredBy) {
        folds.push(scored.scores);
        continue;
      }
      const { step, graph } = await trainOn(chosen(images, kept), own, foldDigest);
      if (graph === undefined) return stopped(step);
      const samples = left.map((position) => images.samples[position]);
      const scores = await scoreNormal(await openScorer(graph), samples, scoring, skipped);
      await writeJson(own.evaluation, { digest: scoredBy, scores });
      folds.push(scores);
    }

    if (folds.length > 0) stage("the network itself, from all images");
    const { step, graph } = await trainOn(images, files, digest);
    if (graph === undefined) return stopped(step);
    stage("setting the threshold");
    if (folds.length === 0) folds.push(await scoreNormal(await openScorer(graph), validation, scoring, skipped));
    const threshold = thresholdOf(folds, config.validation.falseAlarmRate, listener);
    await writeFileAtomic(files.model, writeDetector(graph, describe(threshold)));
    return { finished: true, step, threshold, skipped };
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return { finished: false, step: 0, threshold: undefined, skipped: [] };
    throw error;
  } finally {
    await preparing.close();
  }
};

/** Writes what a run is before anything slow, so that one killed at any moment can be resumed, and settles its settings. */
const beginRun = async <Config extends DetectorConfig>(
  method: Method<Config>,
  { data, out, config: given, threads = availableParallelism(), provider = "cpu", listener, ...options }: TrainOptions<Config>,
  files: RunFiles,
) => {
  for (const { folder, checkpoint } of [files, ...(await foldsOfRun(files))]) {
    await removeTemporaryFiles(folder);
    await removeTemporaryFiles(dirname(checkpoint));
  }
  const now = environment(threads, provider);
  const identity = { system: method.system, data: resolve(data), seed: given.seed, ...now };
  const resume = options.resume === true && (await hasBegun(files));
  // The configuration comes last and marks a run.
  if (!resume) {
    await removeModel(files);
    await writeJson(files.manifest, identity);
    await writeJson(files.config, given);
  }
  listener?.({ kind: "stage", text: "reading the data" });
  const plan = await planTraining(data, out, given, method.weightsOf);
  const begun = (await readJson(files.manifest)) as Partial<Environment>;
  if (resume) {
    if (await hasCheckpoint(files)) await requireCheckpointOf(files, plan.digest);
    for (const text of environmentChanges(begun, now)) listener?.({ kind: "warning", text });
  }
  for (const text of plan.warnings) listener?.({ kind: "warning", text });
  const manifest = {
    ...identity,
    ...begun,
    dataDigest: plan.dataDigest,
    codeDigest: await digestOfCode(),
    trainingImages: plan.training.length,
    validationImages: plan.validation.length,
  };
  await writeJson(files.manifest, manifest);
  await writeJson(files.config, plan.config);
  return { ...plan, manifest, resume };
};

/** What may leave the machine inside a model file: the data's name without the way to it. */
const shareable = <Manifest extends { data: string }>(manifest: Manifest): Manifest => ({
  ...manifest,
  data: basename(manifest.data),
});
