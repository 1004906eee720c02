import { GRADES } from "./grade.ts";
import { type GradeClassifier, requireGrade, softmax } from "./slide-grade.ts";

export interface GradeClassifierOptions {
  /** How strongly weights are drawn to 0, as if by so many slides. Default 1. */
  readonly penalty?: number;
  /** Every grade counts alike, however many slides have it. Default false: the classifier learns how frequent grades are. */
  readonly balanced?: boolean;
}

/** The bias is drawn to 0 a hundred times less: just enough that a grade without slides gets a small probability, not none. */
const BIAS_PENALTY = 0.01;

/** Proportions that differ less between slides than this are not stretched further: a single patch should not decide. */
const LEAST_DEVIATION = 0.01;

/**
 * Trains the rule by multinomial logistic regression: it minimises, by Newton's method,
 *
 *   -sum_i c_i log softmax(V z_i + a)[grade_i] + penalty / 2 (|V|^2 + 0.01 |a|^2)
 *
 * over the slides i, z being the proportions less their means and over their standard deviations, because a share of a percent of
 * grade 5 says more than one of grade 0. c_i is 1, or slides / (grades present * slides of this grade) when balanced. The
 * function is strictly convex, so the result is a function of the slides alone, in whatever order. V and a are returned as W and
 * b of the proportions themselves.
 *
 * @param proportions of each slide, [slides][6], of patch grades that the network predicts on slides it was not trained on.
 * @param grades the reference grade of each slide.
 * @throws RangeError without slides, when lengths or grades do not fit, or when the penalty is not above 0.
 */
export const fitGradeClassifier = (
  proportions: readonly (readonly number[])[],
  grades: ArrayLike<number>,
  { penalty = 1, balanced = false }: GradeClassifierOptions = {},
): GradeClassifier => {
  const slides = proportions.length;
  if (!(penalty > 0 && penalty < Infinity)) throw new RangeError(`The penalty is ${penalty}; it must be above 0.`);
  if (slides === 0 || slides !== grades.length) {
    throw new RangeError(
      `A grade classifier is trained on slides with grades, but got ${slides} slides and ${grades.length} grades.`,
    );
  }
  for (const [i, r] of proportions.entries()) {
    requireGrade(grades[i], `slide ${i}`);
    if (r.length !== GRADES || r.some((share) => !Number.isFinite(share))) {
      throw new RangeError(`The proportions of slide ${i} must be ${GRADES} numbers, not ${r.join(", ")}.`);
    }
  }
  const perGrade = new Array<number>(GRADES).fill(0);
  for (let i = 0; i < slides; i++) perGrade[grades[i]]++;
  const present = perGrade.filter((count) => count > 0).length;
  const counts = Array.from(proportions, (_, i) => (balanced ? slides / (present * perGrade[grades[i]]) : 1));

  const mean = proportions[0].map((_, k) => proportions.reduce((sum, r) => sum + r[k], 0) / slides);
  const deviation = mean.map((middle, k) =>
    Math.max(LEAST_DEVIATION, Math.sqrt(proportions.reduce((sum, r) => sum + (r[k] - middle) ** 2, 0) / slides)),
  );
  // One row a slide: the standardised proportions, and a 1 for the bias.
  const rows = proportions.map((r) => [...r.map((share, k) => (share - mean[k]) / deviation[k]), 1]);
  const found = minimise(rows, grades, counts, penalty);
  const weights = found.map((row) => row.slice(0, GRADES).map((value, k) => value / deviation[k]));
  return { weights, bias: found.map((row, grade) => row[GRADES] - weights[grade].reduce((sum, w, k) => sum + w * mean[k], 0)) };
};

/** Where the objective of `fitGradeClassifier` is least, [grades][features], for rows [slides][features]; the bias is the last. */
const minimise = (
  rows: readonly (readonly number[])[],
  grades: ArrayLike<number>,
  counts: readonly number[],
  penalty: number,
): number[][] => {
  const features = rows[0].length;
  const size = GRADES * features;
  const penalties = Float64Array.from({ length: size }, (_, at) => (at % features === features - 1 ? BIAS_PENALTY : 1) * penalty);
  const probabilitiesOf = (parameters: Float64Array, row: readonly number[]): number[] => {
    const logits = new Array<number>(GRADES).fill(0);
    for (let at = 0; at < size; at++) logits[Math.floor(at / features)] += parameters[at] * row[at % features];
    return softmax(logits);
  };
  const loss = (parameters: Float64Array): number =>
    rows.reduce((sum, row, i) => sum - counts[i] * Math.log(probabilitiesOf(parameters, row)[grades[i]]), 0) +
    parameters.reduce((sum, value, at) => sum + (penalties[at] * value * value) / 2, 0);

  /** The Newton step and the decrease it promises, twice. */
  const newton = (parameters: Float64Array): { readonly step: Float64Array; readonly decrease: number } => {
    const gradient = parameters.map((value, at) => penalties[at] * value);
    const hessian = Array.from(penalties, (value, at) => new Float64Array(size).fill(value, at, at + 1));
    for (const [i, row] of rows.entries()) {
      const p = probabilitiesOf(parameters, row);
      for (let at = 0; at < size; at++) {
        const g = Math.floor(at / features);
        const x = counts[i] * row[at % features];
        gradient[at] += (p[g] - (grades[i] === g ? 1 : 0)) * x;
        for (let h = 0, to = 0; h <= g; h++) {
          const curvature = p[g] * ((g === h ? 1 : 0) - p[h]) * x;
          for (let f = 0; f < features; f++, to++) hessian[at][to] += curvature * row[f];
        }
      }
    }
    const step = solve(hessian, gradient);
    return { step, decrease: step.reduce((sum, value, at) => sum + value * gradient[at], 0) };
  };

  let parameters = new Float64Array(size);
  let before = loss(parameters);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { step, decrease } = newton(parameters);
    const moved = (length: number): Float64Array<ArrayBuffer> => parameters.map((value, at) => value - length * step[at]);
    let length = 1;
    while (loss(moved(length)) > before - 1e-4 * length * decrease && length > 1e-6) length /= 2;
    parameters = moved(length);
    before = loss(parameters);
    if (decrease < 1e-10 * (1 + before)) break;
  }
  return Array.from({ length: GRADES }, (_, g) => Array.from(parameters.subarray(g * features, (g + 1) * features)));
};

/** Solves `matrix x = right` for a positive definite matrix, of which the lower triangle is read and overwritten (Cholesky). */
const solve = (matrix: readonly Float64Array[], right: Float64Array): Float64Array => {
  const size = right.length;
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i][j];
      for (let k = 0; k < j; k++) rest -= matrix[i][k] * matrix[j][k];
      matrix[i][j] = i === j ? Math.sqrt(rest) : rest / matrix[j][j];
    }
  }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) solution[i] -= matrix[i][k] * solution[k];
    solution[i] /= matrix[i][i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) solution[i] -= matrix[k][i] * solution[k];
    solution[i] /= matrix[i][i];
  }
  return solution;
};
