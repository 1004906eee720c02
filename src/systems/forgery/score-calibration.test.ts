import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { calibrateScore, type JudgedImage, probabilityOf, thresholdOfScores } from "./score-calibration.ts";

/** Evidence for which sigmoid(a logit + b region + offset) is the true probability. */
const drawn = (count: number, [a, b, offset]: readonly number[]): JudgedImage[] =>
  Array.from({ length: count }, (_, index) => {
    const source = random("judged", index);
    const evidence = [source.normal(0, 4), source.normal(0, 2)];
    return { evidence, label: source.uniform() < 1 / (1 + Math.exp(-(a * evidence[0] + b * evidence[1] + offset))) ? 1 : 0 };
  });

test("finds how much logit and region count", () => {
  const found = calibrateScore(drawn(20_000, [0.4, 0.8, 0]));
  expect(found?.slopes[0]).toBeCloseTo(0.4, 1);
  expect(found?.slopes[1]).toBeCloseTo(0.8, 1);
  expect(found?.offset).toBeCloseTo(0, 1);
});

test("the probabilities minimise the cross-entropy of Platt's targets: its slopes are 0", () => {
  const images = drawn(60, [0.5, 0.5, 0.5]);
  const calibration = calibrateScore(images)!;
  const among = (label: number): number => images.filter((image) => image.label === label).length;
  const sums = [0, 0, 0];
  for (const { evidence, label } of images) {
    const n = among(label);
    const error = (probabilityOf(evidence, calibration) - (label === 1 ? n + 1 : 1) / (n + 2)) / n;
    for (const [i, x] of [1, evidence[0], evidence[1]].entries()) sums[i] += error * x;
  }
  for (const sum of sums) expect(sum).toBeCloseTo(0, 4);
});

const judged = (logits: readonly number[], regions: readonly number[], isForged: (index: number) => boolean): JudgedImage[] =>
  logits.map((logit, i) => ({ evidence: [logit, regions[i]], label: isForged(i) ? 1 : 0 }));

test("stays finite where the classes do not overlap, and leaves out what would count the wrong way", () => {
  const apart = calibrateScore(judged([-30, -20, 20, 30], [1, 2, 2, 1], (i) => i > 1))!;
  expect(apart.slopes[0]).toBeGreaterThan(0.01);
  expect(apart.slopes[0]).toBeLessThan(1);
  expect(apart.slopes[1]).toBeGreaterThanOrEqual(0);
  const logitMisleads = calibrateScore(judged([3, 2, -2, -3], [-1, 0.5, 0, 1], (i) => i > 1))!;
  expect(logitMisleads.slopes[0]).toBe(0);
  expect(logitMisleads.slopes[1]).toBeGreaterThan(0);
  const bothMislead = calibrateScore(judged([8, 7, 5, 4], [3, 2, -2, -3], (i) => i > 1))!;
  expect(bothMislead.slopes).toEqual([0.01, 0]);
  expect(probabilityOf([6, 0], bothMislead)).toBeCloseTo(0.5, 6);
  expect(calibrateScore(judged([1], [1], () => true))).toBeUndefined();
});

test("the threshold has the largest balanced accuracy of all, or the false-alarm rate that is asked for", () => {
  // 0.5 would take two of three real images for forged; above 0.7 all are right.
  const scores = Float32Array.of(0.2, 0.6, 0.65, 0.75, 0.8, 0.9);
  const labels = [0, 0, 0, 1, 1, 1] as const;
  expect(thresholdOfScores(scores, labels).value).toBeCloseTo(0.7, 5);
  const { value, attainedRate } = thresholdOfScores(scores, labels, 0.4);
  expect(value).toBeCloseTo(0.65, 5);
  expect(attainedRate).toBe(0.25);
});
