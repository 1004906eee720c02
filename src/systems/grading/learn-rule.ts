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
 * The rule from all slides, and the limits of the table for their maps; and its calibration from probabilities that rules without each fifth of the patients give to that fifth, with the
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
  const limits = learnLimits(graded, grade.secondary);
  return probabilities.length === 0
    ? { rule, limits }
    : { rule, limits, calibration: calibrateConformal(probabilities, reference, grade.missRate) };
};
