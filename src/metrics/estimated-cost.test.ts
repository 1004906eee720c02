import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { estimatedLowestCost } from "./estimated-cost.ts";
import { type CostModel, expectedCost, lowestCost } from "./operating-point.ts";
import { OneClassError } from "./roc.ts";

type CostCase = {
  name: string;
  scores: number[];
  labels: number[];
  costs: CostModel;
  estimated: { value: number; low: number; high: number };
};

/** Made by scripts/reference/operating-points.py with numpy and resamples of its own. */
const reference: { costs: CostCase[] } = JSON.parse(
  readFileSync(new URL("./fixtures/operating-points.json", import.meta.url), "utf8"),
);

test.each(reference.costs)("the estimated cost agrees with numpy up to the chance of the resamples: $name", (expected) => {
  const scores = Float32Array.from(expected.scores);
  const { labels, costs } = expected;
  const { cost } = estimatedLowestCost(scores, labels, costs, { replicates: 2000 });
  const width = expected.estimated.high - expected.estimated.low;
  expect(Math.abs(cost.value - expected.estimated.value)).toBeLessThan(0.02 * width);
  expect(Math.abs(cost.low - expected.estimated.low)).toBeLessThan(0.06 * width);
  expect(Math.abs(cost.high - expected.estimated.high)).toBeLessThan(0.06 * width);
});

/** Normal scores of deviation 1, those of anomalous images raised. */
const testSet = (name: string, normal: number, anomalous: number, raise: number) => {
  const source = random("costs", name);
  const labels = Array.from({ length: normal + anomalous }, (_, i) => i >= normal);
  return { labels, scores: Float32Array.from(labels, (label) => source.normal(label ? raise : 0)) };
};

describe("the estimated least cost", () => {
  const costs = { miss: 2, falseAlarm: 2, prevalence: 0.5 };
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  test("of scores that tell nothing is about that of the trivial verdict, where the optimistic one promises less", () => {
    const sets = Array.from({ length: 20 }, (_, i) => testSet(`noise ${i}`, 20, 20, 0));
    const optimistic = sets.map(({ scores, labels }) => lowestCost(scores, labels, costs).cost);
    const honest = sets.map(({ scores, labels }) => estimatedLowestCost(scores, labels, costs, { replicates: 100 }).cost.value);
    expect(Math.max(...optimistic)).toBeLessThanOrEqual(1);
    expect(mean(optimistic)).toBeLessThan(0.87);
    expect(Math.abs(mean(honest) - 1)).toBeLessThan(0.04);
    for (const [i, cost] of honest.entries()) expect(cost).toBeGreaterThan(optimistic[i] + 0.02);
  });

  test("is on average the true cost of the chosen threshold, and its interval contains that nearly always", () => {
    const rounds = 60;
    const [honest, optimistic, truth]: number[][] = [[], [], []];
    let covered = 0;
    for (let round = 0; round < rounds; round++) {
      const { scores, labels } = testSet(`raised ${round}`, 30, 30, 1.5);
      const { threshold, cost } = lowestCost(scores, labels, costs);
      const estimate = estimatedLowestCost(scores, labels, costs, { replicates: 100 }).cost;
      const trueCost = expectedCost(normalBelow(threshold - 1.5), 1 - normalBelow(threshold), costs);
      if (estimate.low <= trueCost && trueCost <= estimate.high) covered++;
      honest.push(estimate.value);
      optimistic.push(cost);
      truth.push(trueCost);
    }
    expect(Math.abs(mean(honest) - mean(truth))).toBeLessThan(0.04);
    expect(mean(optimistic)).toBeLessThan(mean(truth) - 0.07);
    expect(covered / rounds).toBeGreaterThan(0.94);
  });

  test("has value, rates and cost in agreement, and no cost where the classes are far apart", () => {
    const { scores, labels } = testSet("agree", 25, 10, 1);
    const { cost, missRate, falseAlarmRate } = estimatedLowestCost(scores, labels, costs, { replicates: 50, seed: 2 });
    expect(cost.value).toBeCloseTo(expectedCost(missRate.value, falseAlarmRate.value, costs), 12);
    expect(cost.low).toBeLessThan(cost.value);
    expect(cost.high).toBeGreaterThan(cost.value);
    expect(estimatedLowestCost(scores, labels, costs, { replicates: 50, seed: 2 }).cost).toEqual(cost);
    const far = testSet("far", 10, 2, 100);
    expect(estimatedLowestCost(far.scores, far.labels, costs, { replicates: 50 }).cost).toEqual({ value: 0, low: 0, high: 0 });
  });

  test("has an interval that contains the value even where few resamples differ from the rest", () => {
    // Only a resample without any of the four raised normal images, fewer than 2.5 in 100, sets a threshold below these.
    const raised = Float32Array.from({ length: 40 }, (_, i) => (i < 20 ? 10 : i < 24 ? 6 : 0));
    const labels = Array.from(raised, (_, i) => i < 20);
    const rare = estimatedLowestCost(raised, labels, costs).cost;
    expect(rare.value).toBeGreaterThan(0);
    expect(rare).toMatchObject({ low: 0, high: rare.value });
    // The same with all anomalous images below the raised ones: in nearly every resample it is cheapest to miss them all.
    const buried = raised.map((score) => (score === 10 ? 5 : score));
    const { missRate } = estimatedLowestCost(buried, labels, { ...costs, falseAlarm: 100 });
    expect(missRate.value).toBeLessThan(1);
    expect(missRate).toMatchObject({ low: missRate.value, high: 1 });
  });

  test("refuses what has no answer in a sentence", () => {
    const two = Float32Array.of(1, 2);
    expect(() => estimatedLowestCost(two, [0, 0], costs)).toThrow(OneClassError);
    expect(() => estimatedLowestCost(two, [0, 1], costs)).toThrow(/single normal image/);
    expect(() => estimatedLowestCost(Float32Array.of(1, 2, 3), [0, 0, 1], costs)).toThrow(/single anomalous image/);
    expect(() => estimatedLowestCost(two, [0, 1], { ...costs, prevalence: 2 })).toThrow(/prevalence is 2/);
  });
});

/** The standard normal distribution function, by Simpson's rule. */
const normalBelow = (z: number): number => {
  const pieces = 200;
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let sum = 0;
  for (let i = 0; i <= pieces; i++) sum += (i === 0 || i === pieces ? 1 : i % 2 ? 4 : 2) * density((z * i) / pieces);
  return 0.5 + (sum * z) / (3 * pieces);
};
