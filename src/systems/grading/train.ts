import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { exists, holdFolder, removeTemporaryFiles, writeFileAtomic } from "../../files/index.ts";
import { openSlide, type SkippedFile } from "../../imaging/index.ts";
import { calibrateConformal, foldsOf } from "../../metrics/index.ts";
import { frozen } from "../../nn/index.ts";
import { openRuntime, requireProvider, type Value } from "../../runtime/index.ts";
import {
  digestOf,
  digestOfCode,
  digestOfFile,
  environment,
  foldFiles,
  hasBegun,
  type RunFiles,
  readJson,
  removeModel,
  runFiles,
  scheduleOf,
  train as trainLoop,
  writeJson,
} from "../../training/index.ts";
import type { WorkOptions } from "../system.ts";
import { canGrade, classesOf } from "./classes.ts";
import type { Config } from "./config.ts";
import { digestOfSlides, readSlides, type SlideSample } from "./data.ts";
import { GRADES } from "./grade.ts";
import { fitGradeClassifier } from "./grade-classifier.ts";
import { grader, networkOptions } from "./model.ts";
import { parametersOf, readPretrained } from "./network/index.ts";
import { stainsOf } from "./patch-pixels.ts";
import { planPatches } from "./plan-patches.ts";
import { gradePatch, seePatches } from "./see-patches.ts";
import { type GradingRule, openSegmenter, type Segmenter, writeGrader } from "./segmenter.ts";
import { gradeProportions, slideGradeProbabilities } from "./slide-grade.ts";
import { trainGradeClassifier } from "./train-grade-classifier.ts";
import { type TrainingPatches, trainingPatches } from "./training-patches.ts";
import { batchMaker, buildStep } from "./training-step.ts";

export interface TrainOptions extends WorkOptions {
  readonly data: string;
  /** The run folder. */
  readonly out: string;
  readonly config: Config;
  readonly resume?: boolean;
}

export interface TrainSummary {
  readonly finished: boolean;
  readonly step: number;
  readonly skipped: readonly SkippedFile[];
}

/**
 * Trains a grader in two stages. First networks by the loss of pixels: one without each part of the patients (`validation.folds`), which grades the
 * patches of that part, and one from all. Then the rule softmax(W r + b) of the slide's grade, by cross-entropy on the shares r of those patch grades, and
 * its calibration, likewise on slides left out.
 * @throws SlideDatasetError, FolderInUseError; Error as sentences for the user.
 */
export const trainGrader = async (options: TrainOptions): Promise<TrainSummary> => {
  await requireProvider(options.provider ?? "cpu");
  const { slides, skipped } = await readSlides(options.data);
  const training = slides.filter(({ split, maskPath }) => split === "train" && maskPath !== undefined);
  if (training.length === 0) {
    throw new Error(
      `"${options.data}" has no slides with masks to train on. Give masks in a folder masks, or in the column mask of slides.csv.`,
    );
  }
  const folder = await holdFolder(options.out);
  try {
    return await trainInFolder(options, training, skipped);
  } finally {
    await folder.release();
  }
};

const trainInFolder = async (
  options: TrainOptions,
  training: readonly SlideSample[],
  missing: readonly SkippedFile[],
): Promise<TrainSummary> => {
  const { data, out, config, threads = availableParallelism(), provider = "cpu", listener, signal } = options;
  const files = runFiles(out);
  await removeTemporaryFiles(out);
  const resume = options.resume === true && (await hasBegun(files));
  if (!resume) await removeModel(files);
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
    const learnt = await outOfFold(work, patches, files, digest);
    if ("stoppedAt" in learnt) return { finished: false, step: learnt.stoppedAt, skipped };
    if (config.validation.folds > 0) listener?.({ kind: "stage", text: "the network itself, from all slides" });
    const { step, network } = await trainNetwork(work, patches, files, digest);
    if (network === undefined) return { finished: false, step, skipped };
    const grading = learnt.graded.length === 0 ? jointRule(network) : learnRule(learnt.graded, config);
    await writeFileAtomic(files.model, modelOf(network, work, grading));
    return { finished: true, step, skipped };
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return { finished: false, step: 0, skipped: missing };
    throw error;
  } finally {
    await patches.close();
  }
};

/** The part of a configuration that decides the weights: where slides are looked at, but not how they are graded and refined. */
const weightsOf = ({ grade: _, crf: __, training, ...rest }: Config): unknown => {
  const { cacheMegabytes: ___, checkpointEvery: ____, ...optimisation } = training;
  return { ...rest, optimisation };
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
  const runtime = openRuntime({ threads, provider });
  try {
    listener?.({ kind: "stage", text: "compiling the training step" });
    const { network, step, finished } = await trainLoop({
      runtime,
      step: buildStep(config, from),
      batch: batchMaker(patches, config),
      steps: config.training.steps,
      learningRate: scheduleOf(config.training),
      files,
      digest,
      resume,
      checkpointEvery: config.training.checkpointEvery,
      listener,
      signal,
    });
    return { step, network: finished ? network : undefined };
  } finally {
    await runtime.close();
  }
};

/** What of the network has published values; how much that is, is said. @throws PretrainedError when the file does not fit. */
const publishedWeights = async (config: Config, listener: Work["listener"]): Promise<ReadonlyMap<string, Value> | undefined> => {
  const { weights } = config.network;
  if (weights === undefined) return undefined;
  const parameters = parametersOf(networkOptions(config), [config.patch, config.patch]);
  const { values, unused } = await readPretrained(weights, parameters);
  const left = unused.size > 0 ? `; ${unused.size} of its tensors have no use here` : "";
  listener?.({ kind: "stage", text: `${values.size} of ${parameters.size} parameters begin with values of "${weights}"${left}` });
  return values;
};

const modelOf = (
  network: ReadonlyMap<string, Value>,
  { config, provenance }: Work,
  grading: GradingRule | undefined,
): Uint8Array => writeGrader(grader(frozen(network), config), { config, grading, provenance });

/** A slide's patch grades, by a network that was not trained on it, and what a pathologist said. */
export interface GradedSlide {
  readonly name: string;
  readonly proportions: readonly number[];
  readonly grade: number;
  readonly patient?: string;
}

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
    const left = slides.filter((_, index) => foldOf[index] === fold);
    const rest = only(patches, (index) => foldOf[index] !== fold);
    if (left.length === 0 || rest.slides.length === 0) continue;
    if (!(work.resume && (await exists(place)))) {
      listener?.({ kind: "stage", text: `network ${fold + 1} of ${folds} for the slide's grade, without ${left.length} slides` });
      const { step, network } = await trainNetwork(work, rest, own, `${digest} without ${fold}`);
      if (network === undefined) return { stoppedAt: step };
      const segmenter = await openSegmenter(modelOf(network, work, undefined), {
        threads: work.threads,
        provider: work.provider,
      });
      try {
        const found: GradedSlide[] = [];
        for (const { sample } of left) {
          if (sample.grade === undefined) continue;
          listener?.({ kind: "count", text: "grading slides left out", done: found.length + 1, total: left.length });
          const proportions = await proportionsOf(segmenter, sample, work);
          found.push({ name: sample.name, proportions, grade: sample.grade, patient: sample.patient });
        }
        await writeJson(place, found);
      } finally {
        await segmenter.close();
      }
    }
    graded.push(...((await readJson(place)) as GradedSlide[]));
  }
  return { graded };
};

/** The shares of the grades of a slide's patches. */
const proportionsOf = async (segmenter: Segmenter, { path }: SlideSample, { config, signal }: Work): Promise<number[]> => {
  const slide = await openSlide(path, { micronsPerPixel: config.slide.micronsPerPixel });
  try {
    const { patches, thumbnail } = await planPatches(slide, config);
    const grades: number[] = [];
    for await (const seen of seePatches(segmenter, slide, patches, { stains: stainsOf(thumbnail, config), signal })) {
      grades.push(gradePatch(seen, config).gleason.isup);
    }
    return gradeProportions(grades);
  } finally {
    await slide.close();
  }
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

/** The rule that joint training learnt with the network, from soft grades of patches; undefined where there was none. */
const jointRule = (network: ReadonlyMap<string, Value>): GradingRule | undefined => {
  const [weight, bias] = [network.get("slide.weight"), network.get("slide.bias")];
  if (weight === undefined || bias === undefined) return undefined;
  const values = Array.from(weight.data, Number);
  const weights = Array.from({ length: GRADES }, (_, grade) => values.slice(grade * GRADES, (grade + 1) * GRADES));
  return { rule: { weights, bias: Array.from(bias.data, Number) } };
};

const CALIBRATION_FOLDS = 5;

/**
 * The rule from all slides; and its calibration from probabilities that rules without each fifth of the patients give to that fifth, with the
 * penalty chosen for all. (Cross-conformal, Vovk 2015: without the guarantee of a held-out set, but with every slide.)
 */
export const learnRule = (graded: readonly GradedSlide[], { grade, seed }: Pick<Config, "grade" | "seed">): GradingRule => {
  const groups = graded.map(({ patient }) => patient);
  const [proportions, grades] = [graded.map((slide) => slide.proportions), graded.map((slide) => slide.grade)];
  const { classifier, penalty } = trainGradeClassifier(proportions, grades, { groups, seed });
  const foldOf = foldsOf(groups, CALIBRATION_FOLDS, "calibration", seed);
  const probabilities: number[][] = [];
  const reference: number[] = [];
  for (const fold of new Set(foldOf)) {
    const chosen = [...foldOf.keys()].filter((index) => foldOf[index] !== fold);
    if (chosen.length === 0) continue;
    const rule = fitGradeClassifier(
      chosen.map((index) => proportions[index]),
      chosen.map((index) => grades[index]),
      { penalty },
    );
    for (const index of foldOf.keys()) {
      if (foldOf[index] !== fold) continue;
      probabilities.push(slideGradeProbabilities(rule, proportions[index]));
      reference.push(grades[index]);
    }
  }
  const rule = { weights: classifier.weights.map((row) => [...row]), bias: [...classifier.bias] };
  return probabilities.length === 0
    ? { rule }
    : { rule, calibration: calibrateConformal(probabilities, reference, grade.missRate) };
};
