import { confusionAt, thresholdAtFalseAlarmRate } from "../../metrics/index.ts";

/** p = sigmoid(slope logit + offset). */
export interface ScoreCalibration {
  readonly slope: number;
  readonly offset: number;
}

/** What an image of validation got: the detector's logit, and whether it is forged. */
export interface JudgedImage {
  readonly logit: number;
  readonly label: 0 | 1;
}

/**
 * Probabilities that mean what they say (Platt 1999, "Probabilistic outputs for support vector machines"): slope and offset minimise the cross-entropy over
 * images that were not trained on, both classes counting alike, with the targets (n + 1) / (n + 2) and 1 / (n + 2), n being the images of the class, in the
 * place of 1 and 0, which keeps them finite where the classes do not overlap. By Newton's method with halved steps. The slope is positive, so
 * the order of images stays: where the logits tell nothing, it is 0.01. Undefined unless there are images of both classes.
 */
export const calibrateScore = (images: readonly JudgedImage[]): ScoreCalibration | undefined => {
  const among = [0, 1].map((label) => images.filter((image) => image.label === label).length);
  if (among[0] === 0 || among[1] === 0) return undefined;
  const points = images.map(({ logit, label }) => {
    const n = among[label];
    return { logit, target: label === 1 ? (n + 1) / (n + 2) : 1 / (n + 2), weight: 1 / n };
  });
  const lossOf = (slope: number, offset: number): number =>
    points.reduce((sum, { logit, target, weight }) => {
      const z = slope * logit + offset;
      return sum + weight * (Math.max(z, 0) - z * target + Math.log1p(Math.exp(-Math.abs(z))));
    }, 0);
  let [slope, offset] = [1, 0];
  let loss = lossOf(slope, offset);
  for (let iteration = 0; iteration < 100; iteration++) {
    let [gs, go, hss, hso, hoo] = [0, 0, 1e-9, 0, 1e-9];
    for (const { logit, target, weight } of points) {
      const p = 1 / (1 + Math.exp(-(slope * logit + offset)));
      const [error, curvature] = [weight * (p - target), weight * p * (1 - p)];
      gs += error * logit;
      go += error;
      hss += curvature * logit * logit;
      hso += curvature * logit;
      hoo += curvature;
    }
    const determinant = hss * hoo - hso * hso;
    const [ds, dO] = [(hoo * gs - hso * go) / determinant, (hss * go - hso * gs) / determinant];
    let share = 1;
    while (share > 1e-10 && !(lossOf(slope - share * ds, offset - share * dO) <= loss)) share /= 2;
    const next = lossOf(slope - share * ds, offset - share * dO);
    if (!(loss - next > 1e-12)) break;
    [slope, offset, loss] = [slope - share * ds, offset - share * dO, next];
  }
  return { slope: Math.max(slope, LEAST_SLOPE), offset };
};

const LEAST_SLOPE = 0.01;

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
