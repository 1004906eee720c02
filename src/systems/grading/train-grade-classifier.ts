import { foldsOf } from "../../metrics/index.ts";
import { fitGradeClassifier, type GradeClassifierOptions } from "./grade-classifier.ts";
import { type GradeClassifier, slideGradeProbabilities } from "./slide-grade.ts";

export interface TrainGradeClassifierOptions extends Omit<GradeClassifierOptions, "penalty"> {
  /** Penalties to choose from. Default: 10 to 0.001 in steps of about the root of ten. */
  readonly penalties?: readonly number[];
  /** What each slide belongs to, such as its patient: a group is never fitted in one fold and judged in another. */
  readonly groups?: readonly (string | undefined)[];
  /** The same seed gives the same folds. Default 0. */
  readonly seed?: number;
}

/** How strong a penalty should be depends on how many patches slides have and how few of them show cancer: from weak to strong. */
const PENALTIES = [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001];

const FOLDS = 5;

/**
 * Trains the rule softmax(W r + b) with the penalty under which slides left out, a fifth in turn, have the least cross-entropy;
 * of equal ones the strongest. With fewer than two groups nothing can be left out, and the strongest penalty is taken.
 *
 * @param proportions of each slide, [slides][6]. @param grades the reference grade of each slide.
 * @throws RangeError as `fitGradeClassifier`, and without penalties.
 */
export const trainGradeClassifier = (
  proportions: readonly (readonly number[])[],
  grades: ArrayLike<number>,
  { penalties = PENALTIES, groups, seed = 0, balanced }: TrainGradeClassifierOptions = {},
): { readonly classifier: GradeClassifier; readonly penalty: number } => {
  if (penalties.length === 0) throw new RangeError("There are no penalties to choose from.");
  const foldOf = foldsOf(groups ?? proportions.length, FOLDS, "grade classifier", seed);
  const folds = [...new Set(foldOf)];
  const fittedTo = (chosen: readonly number[], penalty: number): GradeClassifier =>
    fitGradeClassifier(
      chosen.map((i) => proportions[i]),
      chosen.map((i) => grades[i]),
      { penalty, balanced },
    );
  const slides = Array.from(foldOf, (_, i) => i);
  const leftOutLoss = (penalty: number): number =>
    folds.reduce((sum, fold) => {
      const classifier = fittedTo(
        slides.filter((i) => foldOf[i] !== fold),
        penalty,
      );
      return slides
        .filter((i) => foldOf[i] === fold)
        .reduce((total, i) => total - Math.log(slideGradeProbabilities(classifier, proportions[i])[grades[i]]), sum);
    }, 0);
  const strongestFirst = penalties.toSorted((a, b) => b - a);
  const losses = folds.length < 2 ? strongestFirst.map(() => 0) : strongestFirst.map(leftOutLoss);
  const penalty = strongestFirst[losses.indexOf(Math.min(...losses))];
  return { classifier: fittedTo(slides, penalty), penalty };
};
