import { GRADES, type IsupGrade } from "./grade.ts";

/** The rule softmax(W r + b) for a slide's grade; r are the proportions of its patches' grades. */
export interface GradeClassifier {
  /** W, [slide grade][patch grade]. */
  readonly weights: readonly (readonly number[])[];
  /** b, one a slide grade. */
  readonly bias: readonly number[];
}

/** r_k = n_k / n: the share of each grade among a slide's patches, [6]. @throws RangeError without patches or for no grade. */
export const gradeProportions = (patchGrades: ArrayLike<number>): number[] => {
  if (patchGrades.length === 0) throw new RangeError("A slide without patches has no grade.");
  const counts = new Array<number>(GRADES).fill(0);
  for (let i = 0; i < patchGrades.length; i++) {
    requireGrade(patchGrades[i], `patch ${i}`);
    counts[patchGrades[i]]++;
  }
  return counts.map((count) => count / patchGrades.length);
};

/** The probabilities softmax(W r + b) of a slide's grades, [6]. */
export const slideGradeProbabilities = ({ weights, bias }: GradeClassifier, proportions: readonly number[]): number[] =>
  softmax(weights.map((row, grade) => row.reduce((sum, weight, k) => sum + weight * proportions[k], bias[grade])));

/**
 * The grade that probabilities of grades speak for: the most likely one (default; of equal ones the higher), or the whole number
 * nearest to the expected grade ("expected"). The latter has the least expected squared error, which quadratic weighted kappa
 * punishes, but can choose a grade that is itself unlikely.
 */
export const decideGrade = (probabilities: readonly number[], by: "most-likely" | "expected" = "most-likely"): IsupGrade => {
  if (by === "expected") return Math.round(probabilities.reduce((sum, p, grade) => sum + grade * p, 0)) as IsupGrade;
  return probabilities.lastIndexOf(Math.max(...probabilities)) as IsupGrade;
};

/** @throws RangeError naming whose grade is none. */
export const requireGrade = (grade: number, owner: string): void => {
  if (!(Number.isInteger(grade) && grade >= 0 && grade < GRADES)) {
    throw new RangeError(`The ISUP grade of ${owner} is ${grade}; grades are whole numbers of 0 to ${GRADES - 1}.`);
  }
};

/** exp(x_c) / sum exp(x). */
export const softmax = (logits: readonly number[]): number[] => {
  const largest = Math.max(...logits);
  const odds = logits.map((logit) => Math.exp(logit - largest));
  const total = odds.reduce((sum, odd) => sum + odd, 0);
  return odds.map((odd) => odd / total);
};
