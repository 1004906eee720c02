import { join } from "node:path";
import { openSlide, type SkippedFile } from "../../imaging/index.ts";
import {
  type CaseBootstrapOptions,
  type ConfusionMatrix,
  confusionMatrix,
  type GradeMeasures,
  gradeMeasures,
  type Measure,
  measuresOverCases,
  quadraticKappa,
  type SegmentationMeasures,
  segmentationMeasures,
  sumOfConfusions,
} from "../../metrics/index.ts";
import { digestOf } from "../../training/index.ts";
import type { WorkOptions } from "../system.ts";
import { canGrade, classOfGlass, isTissue, NO_CLASS } from "./classes.ts";
import type { Config } from "./config.ts";
import { digestOfSlides, readSlides, type SlideDataset, type SlideSample, trainingSlides } from "./data.ts";
import { GRADES } from "./grade.ts";
import { maskReader } from "./patch-pixels.ts";
import { type PredictedSlide, predictSlide } from "./predict.ts";
import type { SlideResult } from "./result.ts";
import { openSegmenter, type Segmenter } from "./segmenter.ts";
import { decideGrade } from "./slide-grade.ts";

export interface EvaluateOptions extends Omit<WorkOptions, "workers"> {
  readonly model: Uint8Array;
  readonly data: string;
  /** Folder for what is kept while it goes on. */
  readonly folder: string;
  /** Other settings of prediction than the model's own. */
  readonly configure?: (config: Config) => Config;
  /** Sees each slide while its map can be read: to draw it. */
  readonly onSlide?: (evaluated: EvaluatedSlide, predicted: PredictedSlide) => Promise<void>;
}

/** A slide beside what a pathologist said of it. */
export interface EvaluatedSlide {
  readonly sample: SlideSample;
  readonly result: SlideResult;
  /** Pixels by reference and predicted class, where there is a mask. */
  readonly confusion: ConfusionMatrix | undefined;
}

export interface Evaluation {
  readonly slides: readonly EvaluatedSlide[];
  readonly failures: readonly SkippedFile[];
  readonly segmentation: SegmentationMeasures | undefined;
  /** The rule of the configuration, or the map where the model has learnt none of patches. */
  readonly rule: "patches" | "map";
  /** By each rule that there is: of patch grades, and of the map. Over `graded` slides. */
  readonly grades: Readonly<Partial<Record<"patches" | "map", GradeMeasures>>>;
  /** Slides that have a reference and that the model graded, and those with a reference. */
  readonly graded: number;
  readonly referenced: number;
  /** How the sets of grades do that the model cannot exclude; undefined where it is not calibrated. */
  readonly doubt: DoubtMeasures | undefined;
  /** The slides are those that the model was trained on. */
  readonly trainedOn: boolean;
  readonly seconds: number;
}

/** What a model's doubts are worth. */
export interface DoubtMeasures {
  /** The share of slides whose set holds the reference. */
  readonly coverage: Measure;
  /** The share of slides that are for a person: more than one grade, or none, in the set. */
  readonly unsure: Measure;
  /** Quadratic weighted kappa over the others; NaN where they are all of one grade. */
  readonly kappaOfSure: Measure;
}

/**
 * Predicts the test slides of a data set (all, where it has none), and measures maps and grades, with 95 % intervals over patients. A slide that cannot be read,
 * or has a reference and was not graded, is named in `failures`.
 */
export const evaluateSlides = async ({ model, data, onSlide, ...options }: EvaluateOptions): Promise<Evaluation> => {
  const { slides: samples, skipped, areTest } = await testSlides(data);
  const opened = await openSegmenter(model, { threads: options.threads, provider: options.provider });
  const segmenter = { ...opened, config: options.configure?.(opened.config) ?? opened.config };
  const slides: EvaluatedSlide[] = [];
  const failures = [...skipped];
  const started = performance.now();
  try {
    for (const [index, sample] of samples.entries()) {
      options.signal?.throwIfAborted();
      try {
        const predicted = await predictSlide(segmenter, sample.path, {
          folder: join(options.folder, "slides"),
          modelDigest: digestOf(model),
          signal: options.signal,
        });
        let done = false;
        try {
          const confusion = await confusionOf(predicted, sample, segmenter);
          const evaluated = { sample, result: predicted.result, confusion };
          await onSlide?.(evaluated, predicted);
          slides.push(evaluated);
          if (sample.grade !== undefined && canGrade(segmenter.classes) && predicted.result.grade === undefined)
            failures.push({
              path: sample.path,
              reason: "no tissue was found, so the slide has no grade and is missing in kappa.",
            });
          done = true;
        } finally {
          await predicted.close({ keep: !done });
        }
      } catch (error) {
        options.signal?.throwIfAborted();
        failures.push({ path: sample.path, reason: (error as Error).message });
      }
      options.listener?.({
        kind: "count",
        text: "predicting slides",
        done: index + 1,
        total: samples.length,
      });
    }
  } finally {
    await segmenter.close();
  }
  const learntFrom = (opened.provenance as { dataDigest?: unknown } | undefined)?.dataDigest;
  const trainedOn = !areTest && learntFrom === (await digestOfSlides(trainingSlides(samples)));
  return { slides, failures, trainedOn, ...measure(slides, segmenter), seconds: (performance.now() - started) / 1000 };
};

/** The test slides of a data set, or all, where it has none. */
export const testSlides = async (
  data: string,
): Promise<Pick<SlideDataset, "slides" | "skipped"> & { readonly areTest: boolean }> => {
  const { slides, skipped } = await readSlides(data);
  const test = slides.filter(({ split }) => split === "test");
  return { slides: test.length > 0 ? test : slides, skipped, areTest: test.length > 0 };
};

const measure = (
  slides: readonly EvaluatedSlide[],
  { classes, config, grading }: Segmenter,
): Omit<Evaluation, "slides" | "failures" | "trainedOn" | "seconds"> => {
  const masked = slides.filter(({ confusion }) => confusion !== undefined);
  const graded = slides.filter(({ sample, result }) => sample.grade !== undefined && result.grade !== undefined);
  const groupsOf = (chosen: readonly EvaluatedSlide[]) => ({ groups: chosen.map(({ sample }) => sample.patient) });
  const measures = (gradeOf: (slide: EvaluatedSlide) => number): GradeMeasures =>
    gradeMeasures(
      graded.map(({ sample }) => sample.grade as number),
      graded.map(gradeOf),
      GRADES,
      groupsOf(graded),
    );
  const byPatches = graded.every(({ result }) => result.grade?.probabilities !== undefined);
  return {
    segmentation:
      masked.length === 0
        ? undefined
        : segmentationMeasures(
            masked.map(({ confusion }) => confusion as ConfusionMatrix),
            { ...groupsOf(masked), meanOf: [...classes.keys()].filter((c) => isTissue(classes[c])) },
          ),
    rule: grading === undefined ? "map" : config.grade.rule,
    graded: graded.length,
    referenced: slides.filter(({ sample }) => sample.grade !== undefined).length,
    doubt: doubtOf(graded, groupsOf(graded)),
    grades:
      graded.length === 0
        ? {}
        : {
            ...(byPatches ? { patches: measures(({ result }) => decideGrade(result.grade?.probabilities as number[])) } : {}),
            map: measures(({ result }) => result.grade?.map.isup as number),
          },
  };
};

const doubtOf = (graded: readonly EvaluatedSlide[], options: CaseBootstrapOptions): DoubtMeasures | undefined => {
  const cases = graded.map(({ sample, result: { grade } }) => ({ ...grade, reference: sample.grade as number }));
  if (cases.length === 0 || cases.some(({ set }) => set === undefined)) return undefined;
  const share = (positions: Uint32Array, holds: (of: (typeof cases)[number]) => boolean): number =>
    positions.reduce((count, position) => count + (holds(cases[position]) ? 1 : 0), 0) / positions.length;
  const kappaOfSure = (positions: Uint32Array): number => {
    const sure = [...positions].map((position) => cases[position]).filter(({ unsure }) => !unsure);
    if (sure.length === 0) return Number.NaN;
    return quadraticKappa(
      confusionMatrix(
        sure.map(({ reference }) => reference),
        sure.map(({ isup }) => isup as number),
        GRADES,
      ),
    );
  };
  const [coverage, unsure, kappa] = measuresOverCases(
    cases.length,
    (positions) => [
      share(positions, ({ set, reference }) => set?.includes(reference) === true),
      share(positions, (of) => of.unsure === true),
      kappaOfSure(positions),
    ],
    options,
  );
  return { coverage, unsure, kappaOfSure: kappa };
};

/** `{ quadratic_kappa: { value, low, high }, ... }` for machines: the grade by the rule of the configuration, or by the map. */
export const measuresForMachines = ({ grades, rule, doubt, segmentation, slides }: Evaluation): Record<string, Measure> => {
  const own = grades[rule] ?? grades.map;
  const classes = slides[0]?.result.classes ?? [];
  const key = (name: string): string => `dice_${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}`;
  return {
    ...(own ? { quadratic_kappa: own.quadraticKappa, accuracy: own.accuracy, f1: own.f1 } : {}),
    ...(grades.patches ? { quadratic_kappa_patches: grades.patches.quadraticKappa } : {}),
    ...(grades.map ? { quadratic_kappa_map: grades.map.quadraticKappa } : {}),
    ...(doubt ? { set_coverage: doubt.coverage, unsure_share: doubt.unsure, quadratic_kappa_sure: doubt.kappaOfSure } : {}),
    ...(segmentation
      ? {
          dice_mean: segmentation.meanDice,
          pixel_accuracy: segmentation.pixelAccuracy,
          ...Object.fromEntries(segmentation.classes.map(({ dice }, c) => [key(classes[c].name), dice])),
        }
      : {}),
  };
};

/** Rows of the map that are compared at a time. */
const ROWS = 256;

/** Pixels of a slide's map by reference and predicted class, where the mask knows one. */
const confusionOf = async (
  { slide, labels }: PredictedSlide,
  { maskPath }: SlideSample,
  { classes }: Segmenter,
): Promise<ConfusionMatrix | undefined> => {
  if (maskPath === undefined) return undefined;
  const mask = await openSlide(maskPath, { indices: true });
  const unseen = classOfGlass(classes);
  try {
    const parts: ConfusionMatrix[] = [];
    const { width, height, downsample } = labels;
    for (let y = 0; y < height; y += ROWS) {
      for (let x = 0; x < width; x += ROWS) {
        const [across, down] = [Math.min(ROWS, width - x), Math.min(ROWS, height - y)];
        const side = Math.max(across, down);
        const truth = await maskReader(
          slide,
          mask,
          classes,
          side,
        )({ x: x * downsample, y: y * downsample, size: side * downsample });
        const found = await labels.read(x, y, across, down);
        const reference = found.map((_, i) => truth[Math.floor(i / across) * side + (i % across)]);
        const predicted = found.map((label) => (label === NO_CLASS ? unseen : label));
        parts.push(confusionMatrix(reference, predicted, classes.length, NO_CLASS));
      }
    }
    return sumOfConfusions(parts);
  } finally {
    await mask.close();
  }
};
