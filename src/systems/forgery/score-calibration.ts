import { confusionAt, thresholdAtFalseAlarmRate } from "../../metrics/index.ts";

/** p = sigmoid(sum of slopes evidence + offset). */
export interface ScoreCalibration {
  readonly slopes: readonly [ofLogit: number, ofRegion: number];
  readonly offset: number;
}

/** The classifier's own probability. */
export const UNCALIBRATED: ScoreCalibration = { slopes: [1, 0], offset: 0 };

/** What an image of validation got, see `evidence`, and whether it is forged. */
export interface JudgedImage {
  readonly evidence: ArrayLike<number>;
  readonly label: 0 | 1;
}

/** The probability of evidence. */
export const probabilityOf = (evidence: ArrayLike<number>, { slopes, offset }: ScoreCalibration): number =>
  1 / (1 + Math.exp(-(slopes[0] * evidence[0] + slopes[1] * evidence[1] + offset)));

/**
 * Probabilities that mean what they say (Platt 1999, "Probabilistic outputs for support vector machines"): logistic regression on the evidence of
 * images that were not trained on, both classes counting alike, with the targets (n + 1) / (n + 2) and 1 / (n + 2), n being the images of the class, in the
 * place of 1 and 0, which keeps slopes finite where the classes do not overlap. Evidence that would count the wrong way is left out; where
 * all would, the classifier's logit counts a little, about a half, so that there still is an order. Undefined unless there are images of both classes.
 */
export const calibrateScore = (images: readonly JudgedImage[]): ScoreCalibration | undefined => {
  if (new Set(images.map(({ label }) => label)).size < 2) return undefined;
  for (const used of [[0, 1], [0], [1]]) {
    const [offset, ...own] = logisticRegression(images, used);
    if (own.some((slope) => slope <= 0)) continue;
    const slopes = [0, 0] as [number, number];
    for (const [index, which] of used.entries()) slopes[which] = own[index];
    return { slopes, offset };
  }
  const mean = images.reduce((total, { evidence }) => total + evidence[0], 0) / images.length;
  return { slopes: [LEAST_SLOPE, 0], offset: -LEAST_SLOPE * mean };
};

/** How much the logit counts where it told nothing. */
export const LEAST_SLOPE = 0.01;
/** Keeps the curvature from vanishing where evidence does not vary. */
const RIDGE = 1e-6;

/** Offset and slopes of least cross-entropy, by Newton's method with steps halved until they help. */
const logisticRegression = (images: readonly JudgedImage[], used: readonly number[]): number[] => {
  const among = [0, 1].map((label) => images.filter((image) => image.label === label).length);
  const points = images.map(({ evidence, label }) => {
    const n = among[label];
    return {
      x: [1, ...used.map((which) => evidence[which])],
      target: label === 1 ? (n + 1) / (n + 2) : 1 / (n + 2),
      weight: 1 / n,
    };
  });
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, value, i) => total + value * b[i], 0);
  const lossOf = (w: readonly number[]): number =>
    points.reduce((total, { x, target, weight }) => {
      const z = dot(w, x);
      return total + weight * (Math.max(z, 0) - z * target + Math.log1p(Math.exp(-Math.abs(z))));
    }, 0);
  let w: number[] = [0, ...used.map(() => 0)];
  let loss = lossOf(w);
  for (let iteration = 0; iteration < 100; iteration++) {
    const slope = w.map(() => 0);
    const curvature = w.map((_, i) => w.map((__, j) => (i === j ? RIDGE : 0)));
    for (const { x, target, weight } of points) {
      const p = 1 / (1 + Math.exp(-dot(w, x)));
      for (let i = 0; i < x.length; i++) {
        slope[i] += weight * (p - target) * x[i];
        for (let j = 0; j < x.length; j++) curvature[i][j] += weight * p * (1 - p) * x[i] * x[j];
      }
    }
    const step = solved(curvature, slope);
    let share = 1;
    const moved = () => w.map((value, i) => value - share * step[i]);
    while (share > 1e-10 && !(lossOf(moved()) <= loss)) share /= 2;
    const next = lossOf(moved());
    if (!(loss - next > 1e-13)) break;
    w = moved();
    loss = next;
  }
  return w;
};

/** A x = b for a small positive definite A, by elimination. */
const solved = (matrix: readonly (readonly number[])[], right: readonly number[]): number[] => {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  for (let k = 0; k < rows.length; k++) {
    for (let i = 0; i < rows.length; i++) {
      if (i === k) continue;
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j < rows[i].length; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  return rows.map((row, i) => row[rows.length] / row[i]);
};

/**
 * The probability at and above which an image is called forged: that of the largest balanced accuracy on these images, in the middle between its
 * neighbours; or, with a false-alarm rate, as `thresholdAtFalseAlarmRate` sets it from the real ones.
 */
export const thresholdOfScores = (
  scores: Float32Array,
  labels: readonly (0 | 1)[],
  falseAlarmRate?: number,
): { readonly value: number; readonly falseAlarmRate?: number; readonly attainedRate?: number } => {
  if (falseAlarmRate !== undefined) {
    const { threshold, attainedRate } = thresholdAtFalseAlarmRate(
      scores.filter((_, index) => labels[index] === 0),
      falseAlarmRate,
    );
    return { value: threshold, falseAlarmRate, attainedRate };
  }
  const sorted = Float32Array.from(new Set(scores)).sort();
  const candidates = [...sorted.subarray(1)].map((score, index) => (score + sorted[index]) / 2);
  const balanced = (threshold: number): number => {
    const { truePositives, falseNegatives, trueNegatives, falsePositives } = confusionAt(scores, labels, threshold);
    return truePositives / (truePositives + falseNegatives) + trueNegatives / (trueNegatives + falsePositives);
  };
  let best = { value: 0.5, accuracy: balanced(0.5) };
  for (const value of candidates) {
    const accuracy = balanced(value);
    if (accuracy > best.accuracy) best = { value, accuracy };
  }
  return { value: best.value };
};
