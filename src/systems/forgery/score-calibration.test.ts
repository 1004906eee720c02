import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { calibrateScore, type JudgedImage, thresholdOfScores } from "./score-calibration.ts";

/** Logits for which sigmoid(slope logit + offset) is the true probability. */
const drawn = (count: number, slope: number, offset: number): JudgedImage[] =>
  Array.from({ length: count }, (_, index) => {
    const source = random("judged", index);
    const logit = source.normal(0, 4);
    return { logit, label: source.uniform() < 1 / (1 + Math.exp(-(slope * logit + offset))) ? 1 : 0 };
  });

test("finds the slope by which logits are too sure", () => {
  const found = calibrateScore(drawn(20_000, 0.4, 0));
  expect(found?.slope).toBeCloseTo(0.4, 1);
  expect(found?.offset).toBeCloseTo(0, 1);
});

test("the probabilities minimise the cross-entropy of Platt's targets: its slopes are 0", () => {
  const images = drawn(60, 1, 0.5);
  const { slope, offset } = calibrateScore(images) ?? { slope: 0, offset: 0 };
  const among = (label: number): number => images.filter((image) => image.label === label).length;
  let [ofSlope, ofOffset] = [0, 0];
  for (const { logit, label } of images) {
    const n = among(label);
    const error = (1 / (1 + Math.exp(-(slope * logit + offset))) - (label === 1 ? n + 1 : 1) / (n + 2)) / n;
    ofSlope += error * logit;
    ofOffset += error;
  }
  expect(ofSlope).toBeCloseTo(0, 5);
  expect(ofOffset).toBeCloseTo(0, 5);
});

test("stays finite where the classes do not overlap, and keeps the order where logits mislead", () => {
  const apart = calibrateScore([-30, -20, 20, 30].map((logit): JudgedImage => ({ logit, label: logit > 0 ? 1 : 0 })));
  expect(apart?.slope).toBeGreaterThan(0.01);
  expect(apart?.slope).toBeLessThan(1);
  const misleading = calibrateScore([-3, -2, 2, 3].map((logit): JudgedImage => ({ logit, label: logit > 0 ? 0 : 1 })));
  expect(misleading?.slope).toBe(0.01);
  expect(calibrateScore([{ logit: 1, label: 1 }])).toBeUndefined();
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
