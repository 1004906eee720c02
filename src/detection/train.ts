import { availableParallelism } from "node:os";
import { exists, holdFolder, writeFileAtomic } from "../files/index.ts";
import { readDataset, type SkippedFile } from "../imaging/index.ts";
import { type Provider, type Runtime, requireProvider } from "../runtime/index.ts";
import { type Listener, type RunFiles, runFiles } from "../training/index.ts";
import { beginRun } from "./begin-run.ts";
import { type Threshold, writeDetector } from "./contract.ts";
import { scoreFolds } from "./cross-fitting.ts";
import { describeDetector, type Method, type MethodConfig } from "./method.ts";
import { openScorer, type RunOfNetworks, trainNetwork } from "./network.ts";
import type { TrainingPlan } from "./plan.ts";
import { type PreparedImages, prepareImages } from "./prepared-images.ts";
import { openPreparingRuntime } from "./preparing-runtime.ts";
import { type Region, regionOfRun, requireRegion } from "./region.ts";
import { scoreNormal, thresholdOf } from "./threshold.ts";

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
export const trainDetector = async <Config extends MethodConfig>(
  method: Method<Config>,
  options: TrainOptions<Config>,
): Promise<TrainSummary> => {
  // A wrong folder or an absent provider is refused before anything is written.
  const { train } = await readDataset(options.data);
  await requireProvider(options.provider ?? "cpu");
  const { roi } = options.config.image;
  if (roi !== undefined && !(await exists(runFiles(options.out).region))) await requireRegion(roi, train);
  const folder = await holdFolder(options.out);
  try {
    return await trainInFolder(method, options);
  } finally {
    await folder.release();
  }
};

const trainInFolder = async <Config extends MethodConfig>(
  method: Method<Config>,
  options: TrainOptions<Config>,
): Promise<TrainSummary> => {
  const { threads = availableParallelism(), workers = 4, provider = "cpu", listener, signal } = options;
  const files = runFiles(options.out);
  const { provenance, resume, ...plan } = await beginRun(method, options, files);
  const { config, digest, validation, unusable } = plan;

  // While training runs, preparing has one thread, which the training's own threads leave time for; what is kept may take them all
  // before.
  const preparing = openPreparingRuntime(method.keep ? threads : 1);
  try {
    const { images, region } = await prepare(method, plan, options, files, preparing);
    await preparing.leaveThreads();
    const description = describeDetector(method, config, region, provenance);
    const run = { method, config, region, description, resume, threads, workers, provider, listener, signal };
    return await trainAndSetThreshold(run, images, validation, files, digest, [...unusable, ...images.skipped]);
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return { finished: false, step: 0, threshold: undefined, skipped: [] };
    throw error;
  } finally {
    await preparing.close();
  }
};

/** The training images as the method wants them, and the region of interest. */
const prepare = async <Config extends MethodConfig>(
  method: Method<Config>,
  { config, training }: TrainingPlan<Config>,
  { data, workers = 4, listener, signal }: TrainOptions<Config>,
  files: RunFiles,
  runtime: Runtime,
): Promise<{ images: PreparedImages; region: Region | undefined }> => {
  const region = await regionOfRun(files, config.image.roi, config.image);
  const images = await prepareImages(training, runtime, {
    image: config.image,
    region,
    keep: method.keep?.(config),
    cacheBytes: config.training.cacheMegabytes * 2 ** 20,
    workers,
    signal,
    onProgress: (done) => listener?.({ kind: "count", text: "preparing images", done, total: training.length }),
  });
  if (images.samples.length > 0) return { images, region };
  throw new Error(`None of the training images of "${data}" could be read. ${images.skipped[0]?.reason}`);
};

/** The networks for the threshold, where there are any; then the run's own, its threshold and its model file. */
const trainAndSetThreshold = async <Config extends MethodConfig>(
  run: RunOfNetworks<Config>,
  images: PreparedImages,
  validation: TrainingPlan<Config>["validation"],
  files: RunFiles,
  digest: string,
  skipped: SkippedFile[],
): Promise<TrainSummary> => {
  const { config, description, listener } = run;
  const stage = (text: string) => listener?.({ kind: "stage", text });
  const stopped = (step: number): TrainSummary => ({ finished: false, step, threshold: undefined, skipped });

  const scored = await scoreFolds(run, images, files, digest, skipped);
  if ("stoppedAt" in scored) return stopped(scored.stoppedAt);
  const { folds } = scored;
  if (folds.length > 0) stage("the network itself, from all images");
  const { step, graph } = await trainNetwork(run, images, files, digest);
  if (graph === undefined) return stopped(step);
  stage("setting the threshold");
  if (folds.length === 0) folds.push(await scoreNormal(await openScorer(run, graph), validation, run, skipped));
  const threshold = thresholdOf(folds, config.validation.falseAlarmRate, listener);
  await writeFileAtomic(files.model, writeDetector(graph, { ...description, threshold }));
  return { finished: true, step, threshold, skipped };
};
