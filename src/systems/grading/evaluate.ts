import { join } from "node:path";
import { openSlide, type SkippedFile } from "../../imaging/index.ts";
import {
  type ConfusionMatrix,
  confusionMatrix,
  type GradeMeasures,
  gradeMeasures,
  type Measure,
  type SegmentationMeasures,
  segmentationMeasures,
  sumOfConfusions,
} from "../../metrics/index.ts";
import { digestOf } from "../../training/index.ts";
import type { WorkOptions } from "../system.ts";
import { NO_CLASS } from "./classes.ts";
import type { Config } from "./config.ts";
import { readSlides, type SlideDataset, type SlideSample } from "./data.ts";
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
  /** By each rule that there is: of patch grades, and of the map. */
  readonly grades: Readonly<Partial<Record<"patches" | "map", GradeMeasures>>>;
  readonly seconds: number;
}

/** Predicts the test slides of a data set (all, where it has none), and measures maps and grades, with 95 % intervals over patients. */
export const evaluateSlides = async ({ model, data, onSlide, ...options }: EvaluateOptions): Promise<Evaluation> => {
  const { slides: samples, skipped } = await testSlides(data);
  const opened = await openSegmenter(model, { threads: options.threads, provider: options.provider });
  const segmenter = { ...opened, config: options.configure?.(opened.config) ?? opened.config };
  const slides: EvaluatedSlide[] = [];
  const failures = [...skipped];
  const started = performance.now();
  try {
    for (const sample of samples) {
      options.signal?.throwIfAborted();
      try {
        const predicted = await predictSlide(segmenter, sample.path, {
          folder: join(options.folder, "slides"),
          modelDigest: digestOf(model),
          signal: options.signal,
        });
        try {
          const confusion = await confusionOf(predicted, sample, segmenter);
          const evaluated = { sample, result: predicted.result, confusion };
          await onSlide?.(evaluated, predicted);
          slides.push(evaluated);
        } finally {
          await predicted.close();
        }
      } catch (error) {
        options.signal?.throwIfAborted();
        failures.push({ path: sample.path, reason: (error as Error).message });
      }
      options.listener?.({
        kind: "count",
        text: "predicting slides",
        done: slides.length + failures.length,
        total: samples.length,
      });
    }
  } finally {
    await segmenter.close();
  }
  return { slides, failures, ...measure(slides), seconds: (performance.now() - started) / 1000 };
};

/** The test slides of a data set, or all, where it has none. */
export const testSlides = async (data: string): Promise<Pick<SlideDataset, "slides" | "skipped">> => {
  const { slides, skipped } = await readSlides(data);
  const test = slides.filter(({ split }) => split === "test");
  return { slides: test.length > 0 ? test : slides, skipped };
};

const measure = (slides: readonly EvaluatedSlide[]): Pick<Evaluation, "segmentation" | "grades"> => {
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
            groupsOf(masked),
          ),
    grades:
      graded.length === 0
        ? {}
        : {
            ...(byPatches ? { patches: measures(({ result }) => decideGrade(result.grade?.probabilities as number[])) } : {}),
            map: measures(({ result }) => result.grade?.map.isup as number),
          },
  };
};

/** `{ quadratic_kappa: { value, low, high }, ... }` for machines: the grade by the rule of the configuration, or by the map. */
export const measuresForMachines = ({ grades, segmentation, slides }: Evaluation): Record<string, Measure> => {
  const rule = slides[0]?.result.grade?.rule ?? "map";
  const own = grades[rule] ?? grades.map;
  const classes = slides[0]?.result.classes ?? [];
  const key = (name: string): string => `dice_${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}`;
  return {
    ...(own ? { quadratic_kappa: own.quadraticKappa, accuracy: own.accuracy, f1: own.f1 } : {}),
    ...(grades.patches ? { quadratic_kappa_patches: grades.patches.quadraticKappa } : {}),
    ...(grades.map ? { quadratic_kappa_map: grades.map.quadraticKappa } : {}),
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
        // What was taken for glass, and not looked at, counts as the first class: background, or normal.
        const predicted = found.map((label) => (label === NO_CLASS ? 0 : label));
        parts.push(confusionMatrix(reference, predicted, classes.length, NO_CLASS));
      }
    }
    return sumOfConfusions(parts);
  } finally {
    await mask.close();
  }
};
