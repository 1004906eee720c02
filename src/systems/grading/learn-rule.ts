import type { SkippedFile } from "../../imaging/index.ts";
import { calibrateConformal, foldsOf } from "../../metrics/index.ts";
import type { Value } from "../../runtime/index.ts";
import { digestOf } from "../../training/index.ts";
import type { WorkOptions } from "../system.ts";
import type { Config } from "./config.ts";
import type { SlideSample } from "./data.ts";
import { GRADES } from "./grade.ts";
import { fitGradeClassifier } from "./grade-classifier.ts";
import { learnLimits, type MappedSlide } from "./learn-limits.ts";
import { plausibleGrades } from "./plausible-grades.ts";
import { predictSlide, tissueOf } from "./predict.ts";
import { type GradingRule, openSegmenter } from "./segmenter.ts";
import { gradeProportions, slideGradeProbabilities } from "./slide-grade.ts";
import { trainGradeClassifier } from "./train-grade-classifier.ts";

/** A slide's patch grades, by a network that was not trained on it, and what a pathologist said. */
export interface GradedSlide extends MappedSlide {
  readonly name: string;
  readonly proportions: readonly number[];
  readonly patient?: string;
}

/**
 * Grades slides that a model was not trained on. A slide that cannot be read, or shows no tissue, is named in `failures`. Files of
 * one slide at a time are kept in `folder` while it is graded.
 */
export const gradeSlides = async (
  model: Uint8Array,
  samples: readonly SlideSample[],
  folder: string,
  { threads, provider, listener, signal }: WorkOptions,
): Promise<{ readonly found: readonly GradedSlide[]; readonly failures: readonly SkippedFile[] }> => {
  const [found, failures]: [GradedSlide[], SkippedFile[]] = [[], []];
  if (samples.length === 0) return { found, failures };
  const segmenter = await openSegmenter(model, { threads, provider });
  const modelDigest = digestOf(model);
  try {
    for (const [index, { name, path, grade, patient }] of samples.entries()) {
      listener?.({ kind: "count", text: "grading slides left out", done: index + 1, total: samples.length });
      if (grade === undefined) continue;
      try {
        const predicted = await predictSlide(segmenter, path, { folder, stem: "left out", modelDigest, signal });
        await predicted.close();
        const { areas, classes, patches } = predicted.result;
        const proportions = gradeProportions(patches.map(({ gleason }) => gleason.isup));
        found.push({ name, proportions, ...tissueOf(classes, areas), grade, patient });
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ path, reason: (error as Error).message });
      }
    }
  } finally {
    await segmenter.close();
  }
  return { found, failures };
};

/** The rule that joint training learnt with the network, from soft grades of patches; undefined where there was none. */
export const jointRule = (network: ReadonlyMap<string, Value>): GradingRule | undefined => {
  const [weight, bias] = [network.get("slide.weight"), network.get("slide.bias")];
  if (weight === undefined || bias === undefined) return undefined;
  const values = Array.from(weight.data, Number);
  const weights = Array.from({ length: GRADES }, (_, grade) => values.slice(grade * GRADES, (grade + 1) * GRADES));
  return { rule: { weights, bias: Array.from(bias.data, Number) } };
};

const CALIBRATION_FOLDS = 5;

/**
 * The rule and the limits of the table, from all slides; and a calibration of each way to grade, from scores that rules and limits without
 * each fifth of the patients give to that fifth. Pooled over the fifths: every slide counts, but what is calibrated is not quite the rule that
 * all slides give, so the miss rate is aimed at and not guaranteed, as it would be for slides that are kept for it alone. How often
 * the sets hold the grade is measured by `evaluate`.
 */
export const learnRule = (graded: readonly GradedSlide[], { grade, seed }: Pick<Config, "grade" | "seed">): GradingRule => {
  const groups = graded.map(({ patient }) => patient);
  const [proportions, grades] = [graded.map((slide) => slide.proportions), graded.map((slide) => slide.grade)];
  const { classifier, penalty } = trainGradeClassifier(proportions, grades, { groups, seed });
  const limitsOf = (slides: readonly GradedSlide[]) => learnLimits(slides, grade.secondary, grade);
  const foldOf = foldsOf(groups, CALIBRATION_FOLDS, "calibration", seed);
  const [byPatches, byMap, reference]: [number[][], number[][], number[]] = [[], [], []];
  for (const fold of new Set(foldOf)) {
    const rest = graded.filter((_, index) => foldOf[index] !== fold);
    if (rest.length === 0) continue;
    const rule = fitGradeClassifier(
      rest.map((slide) => slide.proportions),
      rest.map((slide) => slide.grade),
      { penalty },
    );
    const limits = limitsOf(rest);
    for (const slide of graded.filter((_, index) => foldOf[index] === fold)) {
      byPatches.push(slideGradeProbabilities(rule, slide.proportions));
      byMap.push(plausibleGrades(slide, { secondary: grade.secondary, ...limits }));
      reference.push(slide.grade);
    }
  }
  const { minimumCancer, minimumPattern } = limitsOf(graded);
  return {
    rule: { weights: classifier.weights.map((row) => [...row]), bias: [...classifier.bias] },
    limits: { minimumCancer, minimumPattern },
    ...(reference.length === 0
      ? {}
      : {
          calibration: calibrateConformal(byPatches, reference, grade.missRate),
          mapCalibration: calibrateConformal(byMap, reference, grade.missRate),
        }),
  };
};
