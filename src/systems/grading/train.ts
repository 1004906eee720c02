import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { holdFolder, writeFileAtomic } from "../../files/index.ts";
import type { SkippedFile } from "../../imaging/index.ts";
import { foldsOf } from "../../metrics/index.ts";
import { frozen } from "../../nn/index.ts";
import { requireProvider, type Value } from "../../runtime/index.ts";
import {
  beginInFolder,
  decidingPart,
  digestOf,
  digestOfCode,
  digestOfFile,
  environment,
  foldFiles,
  type RunFiles,
  readJson,
  runFiles,
  trainBySettings,
  writeJson,
} from "../../training/index.ts";
import type { TrainRequestOf, TrainSummary } from "../system.ts";
import { canGrade, classesOf } from "./classes.ts";
import type { Config } from "./config.ts";
import { digestOfSlides, readSlides, type SlideSample, trainingSlides } from "./data.ts";
import { type GradedSlide, gradeSlides, jointRule, learnRule } from "./learn-rule.ts";
import { grader, networkOptions } from "./model.ts";
import { PretrainedError, parametersOf, readPretrained } from "./network/index.ts";
import { type GradingRule, writeGrader } from "./segmenter.ts";
import { type TrainingPatches, trainingPatches } from "./training-patches.ts";
import { batchMaker, buildStep } from "./training-step.ts";

export type TrainOptions = TrainRequestOf<Config>;

/**
 * Trains a grader in two stages. First a network by the loss of pixels, which grades the patches of the validation slides; where there are none,
 * networks without each part of the patients (`validation.folds`), which grade the patches of that part, and one from all. Then the rule
 * softmax(W r + b) of the slide's grade, by cross-entropy on the shares r of those patch grades, and its calibration.
 * @throws SlideDatasetError, FolderInUseError; Error as sentences for the user.
 */
export const trainGrader = async (options: TrainOptions): Promise<TrainSummary> => {
  await requireProvider(options.provider ?? "cpu");
  const { slides, skipped } = await readSlides(options.data);
  const training = trainingSlides(slides);
  const validation = slides.filter(({ split, grade }) => split === "validation" && grade !== undefined);
  if (training.length === 0) {
    throw new Error(
      `"${options.data}" has no slides with masks to train on. Give masks in a folder masks, or in the column mask of slides.csv.`,
    );
  }
  const folder = await holdFolder(options.out);
  try {
    return await trainInFolder(options, { training, validation }, skipped);
  } finally {
    await folder.release();
  }
};

const trainInFolder = async (
  options: TrainOptions,
  { training, validation }: Readonly<Record<"training" | "validation", readonly SlideSample[]>>,
  missing: readonly SkippedFile[],
): Promise<TrainSummary> => {
  const { data, out, config, threads = availableParallelism(), provider = "cpu", listener, signal } = options;
  const files = runFiles(out);
  const resume = await beginInFolder(files, options.resume);
  const dataDigest = await digestOfSlides(training);
  const manifest = {
    system: "grading",
    data: resolve(data),
    seed: config.seed,
    ...environment(threads, provider),
    dataDigest,
    codeDigest: await digestOfCode(),
    trainingSlides: training.length,
  };
  await writeJson(files.manifest, manifest);
  await writeJson(files.config, config);
  const from = await publishedWeights(config, listener);
  const published = config.network.weights && (await digestOfFile(config.network.weights));
  const digest = digestOf(JSON.stringify({ weights: weightsOf(config), dataDigest, published }));
  const patches = await trainingPatches(training, config, { listener, signal });
  try {
    const skipped = [...missing, ...patches.skipped];
    if (patches.slides.length === 0) throw new Error(`None of the slides of "${data}" could be used. ${skipped[0]?.reason}`);
    const work: Work = {
      config,
      from,
      threads,
      provider,
      resume,
      listener,
      signal,
      provenance: { ...manifest, data: basename(data) },
    };
    const learnt = validation.length > 0 ? { graded: [] } : await outOfFold(work, patches, files, digest);
    if ("stoppedAt" in learnt) return { finished: false, step: learnt.stoppedAt, skipped };
    if (learnt.graded.length > 0) listener?.({ kind: "stage", text: "the network itself, from all slides" });
    const { step, network } = await trainNetwork(work, patches, files, digest);
    if (network === undefined) return { finished: false, step, skipped };
    const judged = canGrade(classesOf(config.classes)) ? validation : [];
    const { found, failures } = await gradeSlides(modelOf(network, work, undefined), judged, files.folder, work);
    const graded = [...learnt.graded, ...found];
    const grading = graded.length === 0 ? jointRule(network) : learnRule(graded, config);
    await writeFileAtomic(files.model, modelOf(network, work, grading));
    return { finished: true, step, skipped: [...skipped, ...failures] };
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return { finished: false, step: 0, skipped: missing };
    throw error;
  } finally {
    await patches.close();
  }
};

/** The part of a configuration that decides the weights: where slides are looked at, and how they are graded only in joint training. */
const weightsOf = ({ grade, crf: _, training, ...rest }: Config): unknown => {
  return { ...rest, optimisation: decidingPart(training), ...(rest.loss.slide > 0 ? { grade } : {}) };
};

interface Work extends Pick<TrainOptions, "config" | "listener" | "signal"> {
  readonly threads: number;
  readonly provider: NonNullable<TrainOptions["provider"]>;
  readonly resume: boolean;
  /** First values of the networks. */
  readonly from: ReadonlyMap<string, Value> | undefined;
  readonly provenance: unknown;
}

/** Trains one network; `network` is undefined where the signal stopped it. */
const trainNetwork = async (
  { config, from, threads, provider, resume, listener, signal }: Work,
  patches: TrainingPatches,
  files: RunFiles,
  digest: string,
): Promise<{ readonly step: number; readonly network: ReadonlyMap<string, Value> | undefined }> => {
  const { network, step, finished } = await trainBySettings({
    ...{ step: buildStep(config, from), batch: batchMaker(patches, config), steps: config.training.steps },
    ...{ settings: config.training, files, digest, resume, threads, provider, listener, signal },
  });
  return { step, network: finished ? network : undefined };
};

/** What of the network has published values; how much that is, is said. Most of the backbone must have them. @throws PretrainedError when the file does not fit. */
const publishedWeights = async (config: Config, listener: Work["listener"]): Promise<ReadonlyMap<string, Value> | undefined> => {
  const { weights } = config.network;
  if (weights === undefined) return undefined;
  const parameters = parametersOf(networkOptions(config), [config.patch, config.patch]);
  const { values, unused } = await readPretrained(weights, parameters);
  const ofBackbone = (names: Iterable<string>) => [...names].filter((name) => name.startsWith("backbone.")).length;
  if (ofBackbone(values.keys()) < ofBackbone(parameters.keys()) / 2) {
    const example = [...unused].find(([, why]) => !why.startsWith("the "));
    const reason = example === undefined ? "" : `, since for "${example[0]}" ${example[1]}`;
    throw new PretrainedError(
      `The weights "${basename(weights)}" fit ${values.size} of the ${parameters.size} parameters of this network alone${reason}. Use the settings of the network that they are of (--preset, network).`,
    );
  }
  const left = unused.size > 0 ? `; ${unused.size} of its tensors have no use here` : "";
  listener?.({ kind: "stage", text: `${values.size} of ${parameters.size} parameters begin with values of "${weights}"${left}` });
  return values;
};

const modelOf = (
  network: ReadonlyMap<string, Value>,
  { config, provenance }: Work,
  grading: GradingRule | undefined,
): Uint8Array => writeGrader(grader(frozen(network), config), { config, grading, provenance });

/** The networks without a part of the patients each, and what they see in that part; what is done is not done again. */
const outOfFold = async (
  work: Work,
  patches: TrainingPatches,
  files: RunFiles,
  digest: string,
): Promise<{ readonly graded: readonly GradedSlide[] } | { readonly stoppedAt: number }> => {
  const { config, listener } = work;
  const { folds } = config.validation;
  const graded: GradedSlide[] = [];
  const { slides } = patches;
  if (folds === 0 || !canGrade(classesOf(config.classes)) || slides.every(({ sample }) => sample.grade === undefined))
    return { graded };
  const foldOf = foldsOf(
    slides.map(({ sample }) => sample.patient),
    folds,
    "grading",
    config.seed,
  );
  for (let fold = 0; fold < folds; fold++) {
    const own = foldFiles(files, fold + 1);
    const place = `${own.folder}/graded.json`;
    const of = digestOf(JSON.stringify([digest, fold, config.crf, config.grade]));
    const left = slides.filter((_, index) => foldOf[index] === fold);
    const rest = only(patches, (index) => foldOf[index] !== fold);
    if (left.length === 0 || rest.slides.length === 0) continue;
    const kept = (work.resume ? await readJson(place) : undefined) as { of: string; found: GradedSlide[] } | undefined;
    if (kept?.of === of) graded.push(...kept.found);
    else {
      listener?.({ kind: "stage", text: `network ${fold + 1} of ${folds} for the slide's grade, without ${left.length} slides` });
      const { step, network } = await trainNetwork(work, rest, own, `${digest} without ${fold}`);
      if (network === undefined) return { stoppedAt: step };
      const { found } = await gradeSlides(
        modelOf(network, work, undefined),
        left.map(({ sample }) => sample),
        own.folder,
        work,
      );
      await writeJson(place, { of, found });
      graded.push(...found);
    }
  }
  return { graded };
};

/** The patches of some slides. */
const only = (patches: TrainingPatches, keeps: (slide: number) => boolean): TrainingPatches => {
  const places: number[] = [];
  const slides: { sample: SlideSample; first: number; count: number }[] = [];
  for (const [index, { sample, first, count }] of patches.slides.entries()) {
    if (!keeps(index)) continue;
    slides.push({ sample, first: places.length, count });
    for (let i = 0; i < count; i++) places.push(first + i);
  }
  return { ...patches, count: places.length, slides, get: (index) => patches.get(places[index]) };
};
