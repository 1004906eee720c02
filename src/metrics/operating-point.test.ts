import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { confusionAt } from "./image-measures.ts";
import { type CostModel, costAt, costCurve, expectedCost, lowestCost } from "./operating-point.ts";
import { OneClassError } from "./roc.ts";

type CostCase = {
  name: string;
  scores: number[];
  labels: number[];
  costs: CostModel;
  curve: { thresholds: number[]; missRates: number[]; falseAlarmRates: number[]; costs: number[] };
  lowest: { threshold: number; missRate: number; falseAlarmRate: number; cost: number };
  threshold: number;
  costAt: number;
};

/** Made by scripts/reference/operating-points.py with scikit-learn and numpy. */
const reference: { costs: CostCase[] } = JSON.parse(
  readFileSync(new URL("./fixtures/operating-points.json", import.meta.url), "utf8"),
);

describe.each(reference.costs)("costs agree with scikit-learn and numpy: $name", (expected) => {
  const scores = Float32Array.from(expected.scores);
  const { labels, costs } = expected;

  test("the curve has scikit-learn's rates, and above every score everything passes", () => {
    const curve = costCurve(scores, labels, costs);
    expect([...curve.thresholds]).toEqual([...expected.curve.thresholds, Infinity]);
    for (const name of ["missRates", "falseAlarmRates", "costs"] as const) {
      expect(curve[name]).toHaveLength(expected.curve[name].length);
      for (const [i, value] of expected.curve[name].entries()) expect(curve[name][i]).toBeCloseTo(value, 12);
    }
  });

  test("the least cost, its threshold, and the cost at a given one", () => {
    const { threshold, ...rest } = lowestCost(scores, labels, costs);
    expect(threshold).toBe(Math.fround(expected.lowest.threshold));
    for (const name of ["missRate", "falseAlarmRate", "cost"] as const) expect(rest[name]).toBeCloseTo(expected.lowest[name], 12);
    expect(costAt(scores, labels, expected.threshold, costs, { replicates: 1 }).cost.value).toBeCloseTo(expected.costAt, 12);
  });
});

const share = fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8);
const price = fc.integer({ min: 0, max: 5 });
/** Small whole scores, so that ties are common, now and then infinite, with both classes present. */
const cases = fc
  .record({
    samples: fc.array(
      fc.record({
        score: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -4, max: 4 }) }, fc.constantFrom(-Infinity, Infinity)),
        label: fc.integer({ min: 0, max: 1 }),
      }),
      { minLength: 2, maxLength: 14 },
    ),
    costs: fc.record({ miss: price, falseAlarm: price, prevalence: share }),
  })
  .filter(({ samples }) => new Set(samples.map(({ label }) => label)).size === 2)
  .map(({ samples, costs }) => ({
    scores: Float32Array.from(samples, ({ score }) => score),
    labels: samples.map(({ label }) => label),
    costs,
  }));

/** What a threshold does, by counting. */
const pointAt = (scores: Float32Array, labels: number[], threshold: number, costs: CostModel) => {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = confusionAt(scores, labels, threshold);
  const missRate = falseNegatives / (falseNegatives + truePositives);
  const falseAlarmRate = falsePositives / (falsePositives + trueNegatives);
  return { threshold, missRate, falseAlarmRate, cost: expectedCost(missRate, falseAlarmRate, costs) };
};

const everyPoint = (scores: Float32Array, labels: number[], costs: CostModel) =>
  [-Infinity, ...Array.from({ length: 19 }, (_, i) => -4.5 + i / 2), 1e30, Infinity].map((threshold) =>
    pointAt(scores, labels, threshold, costs),
  );

describe("the least cost", () => {
  test("is that of trying every threshold; of equal ones with the fewest false alarms, then misses", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels, costs }) => {
        const chosen = lowestCost(scores, labels, costs);
        expect(chosen).toEqual(pointAt(scores, labels, chosen.threshold, costs));
        const points = everyPoint(scores, labels, costs);
        const least = Math.min(...points.map(({ cost }) => cost));
        const best = points.filter(({ cost }) => cost <= least + 1e-9);
        expect(chosen.cost).toBeCloseTo(least, 12);
        expect(chosen.falseAlarmRate).toBe(Math.min(...best.map(({ falseAlarmRate }) => falseAlarmRate)));
        const quietest = best.filter(({ falseAlarmRate }) => falseAlarmRate === chosen.falseAlarmRate);
        expect(chosen.missRate).toBe(Math.min(...quietest.map(({ missRate }) => missRate)));
      }),
      { numRuns: 400 },
    );
  });

  test("has its threshold halfway between two neighbouring scores, infinite only at the ends", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels, costs }) => {
        const { threshold, missRate, falseAlarmRate } = lowestCost(scores, labels, costs);
        const below = Math.max(...scores.filter((score) => score < threshold));
        const above = Math.min(...scores.filter((score) => score >= threshold));
        if (missRate === 0 && falseAlarmRate === 1) expect(threshold).toBe(-Infinity);
        else if (missRate === 1 && falseAlarmRate === 0) expect(threshold).toBe(Infinity);
        else expect(threshold).toBe(Number.isFinite(below) ? (below + above) / 2 : above);
      }),
    );
  });

  test("by hand: misses ten times as dear", () => {
    const scores = Float32Array.of(1, 2, 3, 4, 5, 6);
    const labels = [0, 0, 1, 0, 0, 1];
    const costs = { miss: 10, falseAlarm: 1, prevalence: 0.1 };
    // Passing one of two anomalous costs 0.1 * 10 / 2 = 0.5, stopping one of four normal 0.9 * 1 / 4 = 0.225.
    expect(lowestCost(scores, labels, costs)).toEqual({ threshold: 2.5, missRate: 0, falseAlarmRate: 0.5, cost: 0.45 });
    expect(lowestCost(scores, labels, { ...costs, miss: 8 })).toMatchObject({ threshold: 5.5, missRate: 0.5, cost: 0.4 });
    const curve = costCurve(scores, labels, costs);
    expect([...curve.thresholds]).toEqual([1, 2, 3, 4, 5, 6, Infinity]);
    for (const [i, cost] of [0.9, 0.675, 0.45, 0.95, 0.725, 0.5, 1].entries()) expect(curve.costs[i]).toBeCloseTo(cost, 12);
  });

  test("at prevalence 0 and 1 nothing is wrong at no cost, and the other class is served as well as it can be", () => {
    const scores = Float32Array.of(1, 2, 3, 4, 5, 6);
    const labels = [0, 0, 1, 0, 0, 1];
    const none = lowestCost(scores, labels, { miss: 1, falseAlarm: 1, prevalence: 0 });
    expect(none).toEqual({ threshold: 5.5, missRate: 0.5, falseAlarmRate: 0, cost: 0 });
    const all = lowestCost(scores, labels, { miss: 1, falseAlarm: 1, prevalence: 1 });
    expect(all).toEqual({ threshold: 2.5, missRate: 0, falseAlarmRate: 0.5, cost: 0 });
  });

  test("takes costs that differ by rounding alone as equal", () => {
    const sizes = fc.integer({ min: 1, max: 13 });
    fc.assert(
      fc.property(
        sizes,
        sizes,
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer(),
        (normal, anomalous, prevalence, seed) => {
          const order = random("ties", seed).permutation(normal + anomalous);
          const labels = Array.from(order, (place) => place < anomalous);
          const scores = Float32Array.from(labels, (_, i) => i);
          // Each mistake costs 1.
          const costs = { miss: anomalous / prevalence, falseAlarm: normal / (1 - prevalence), prevalence };
          const mistakes = Array.from({ length: labels.length + 1 }, (_, from) => {
            const falseAlarms = labels.slice(from).filter((label) => !label).length;
            return { falseAlarms, all: falseAlarms + labels.slice(0, from).filter((label) => label).length };
          });
          const fewest = Math.min(...mistakes.map(({ all }) => all));
          const quietest = mistakes.filter(({ all }) => all === fewest).at(-1)!;
          const { falseAlarmRate, cost } = lowestCost(scores, labels, costs);
          expect(cost).toBeCloseTo(fewest, 9);
          expect(falseAlarmRate).toBe(quietest.falseAlarms / normal);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("stays between neighbours that are next to each other as 32-bit floats, and with infinite scores", () => {
    const costs = { miss: 1, falseAlarm: 1, prevalence: 0.5 };
    const [low, high] = [1, 1 + 2 ** -23];
    expect(lowestCost(Float32Array.of(low, high), [0, 1], costs)).toMatchObject({ threshold: high, cost: 0 });
    expect(lowestCost(Float32Array.of(-Infinity, Infinity), [0, 1], costs)).toMatchObject({ threshold: Infinity, cost: 0 });
    expect(lowestCost(Float32Array.of(3.4e38, -3.4e38), [1, 0], costs)).toMatchObject({ threshold: 0, cost: 0 });
    // No threshold passes an infinite score, so "pass everything" is no choice here.
    const infinite = Float32Array.of(Infinity, Infinity, 0);
    expect(lowestCost(infinite, [0, 1, 1], { ...costs, falseAlarm: 9 })).toMatchObject({ missRate: 0, falseAlarmRate: 1 });
    expect([...costCurve(infinite, [0, 1, 1], costs).thresholds]).toEqual([0, Infinity]);
  });

  test("refuses a missing class, bad costs and bad scores in a sentence", () => {
    const costs = { miss: 1, falseAlarm: 1, prevalence: 0.5 };
    const two = Float32Array.of(1, 2);
    for (const measure of [lowestCost, costCurve]) {
      expect(() => measure(two, [0, 0], costs)).toThrow(OneClassError);
      expect(() => measure(two, [1, 1], { ...costs, prevalence: 0 })).toThrow(/no normal sample/);
      expect(() => measure(two, [0, 1], { ...costs, miss: -1 })).toThrow(/cost "miss" is -1/);
      expect(() => measure(two, [0, 1], { ...costs, falseAlarm: Infinity })).toThrow(/cost "falseAlarm" is Infinity/);
      expect(() => measure(two, [0, 1], { ...costs, prevalence: 2 })).toThrow(/prevalence is 2/);
      expect(() => measure(Float32Array.of(1, NaN), [0, 1], costs)).toThrow(/index 1 is NaN/);
    }
    expect(() => costAt(two, [0, 0], 1, costs)).toThrow(OneClassError);
    expect(() => costAt(two, [0, 1], NaN, costs)).toThrow(/threshold is NaN/);
  });
});

/** Normal scores of deviation 1, those of anomalous images raised. */
const testSet = (name: string, normal: number, anomalous: number, raise: number) => {
  const source = random("costs", name);
  const labels = Array.from({ length: normal + anomalous }, (_, i) => i >= normal);
  return { labels, scores: Float32Array.from(labels, (label) => source.normal(label ? raise : 0)) };
};

describe("the cost curve", () => {
  test("holds the cost of every threshold", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels, costs }) => {
        const curve = costCurve(scores, labels, costs);
        for (const { threshold, missRate, falseAlarmRate, cost } of everyPoint(scores, labels, costs)) {
          const step = curve.thresholds.findIndex((upper) => upper >= threshold);
          expect(curve.missRates[step]).toBe(missRate);
          expect(curve.falseAlarmRates[step]).toBe(falseAlarmRate);
          expect(curve.costs[step]).toBe(cost);
        }
      }),
    );
  });

  test("of many scores keeps 500 steps, both ends and the chosen one, and leaves out small steps alone", () => {
    const { scores, labels } = testSet("curve", 20000, 5, 1);
    // So that neither end has the least or the greatest cost of its stretch.
    scores.set([-100, 100]);
    scores.set([-99, 99], 20000);
    const costs = { miss: 50, falseAlarm: 1, prevalence: 0.02 };
    const curve = costCurve(scores, labels, costs);
    expect(curve.thresholds.length).toBeLessThanOrEqual(500);
    expect(curve.thresholds.length).toBeGreaterThan(400);
    const lowest = lowestCost(scores, labels, costs);
    const chosen = curve.thresholds.findIndex((upper) => upper >= lowest.threshold);
    expect(Math.min(...curve.costs)).toBe(lowest.cost);
    expect(curve.costs[chosen]).toBe(lowest.cost);
    expect([curve.falseAlarmRates[0], curve.missRates[0], curve.falseAlarmRates.at(-1), curve.missRates.at(-1)]).toEqual([
      1, 0, 0, 1,
    ]);
    // A miss costs 50 * 0.02 / 5 = 0.2 at once; between kept steps nothing else moves the cost by more than 0.01.
    for (let i = 1; i < curve.costs.length; i++) {
      const missed = curve.missRates[i] - curve.missRates[i - 1];
      expect(Math.abs(curve.costs[i] - curve.costs[i - 1] - missed)).toBeLessThan(0.01);
    }
  });
});

describe("the cost at a threshold", () => {
  test("has intervals of the binomial width, the same for the same seed", () => {
    const { scores, labels } = testSet("binomial", 400, 100, 2);
    const costs = { miss: 3, falseAlarm: 2, prevalence: 0.1 };
    const { cost, missRate, falseAlarmRate } = costAt(scores, labels, 1, costs, { replicates: 2000, seed: 5 });
    expect(pointAt(scores, labels.map(Number), 1, costs)).toMatchObject({
      cost: cost.value,
      missRate: missRate.value,
      falseAlarmRate: falseAlarmRate.value,
    });
    const variances = [missRate, falseAlarmRate].map(({ value }, i) => (value * (1 - value)) / [100, 400][i]);
    for (const [i, { low, high }] of [missRate, falseAlarmRate].entries()) {
      expect((high - low) / (2 * 1.96 * Math.sqrt(variances[i]))).toBeGreaterThan(0.85);
      expect((high - low) / (2 * 1.96 * Math.sqrt(variances[i]))).toBeLessThan(1.15);
    }
    const deviation = Math.sqrt((0.1 * 3) ** 2 * variances[0] + (0.9 * 2) ** 2 * variances[1]);
    expect(Math.abs((cost.high - cost.low) / (2 * 1.96 * deviation) - 1)).toBeLessThan(0.15);
    expect(costAt(scores, labels, 1, costs, { replicates: 2000, seed: 5 }).cost).toEqual(cost);
    expect(costAt(scores, labels, 1, costs, { replicates: 2000, seed: 6 }).cost).not.toEqual(cost);
  });
});

test("a score at the threshold is anomalous in the resamples too", () => {
  const scores = new Float32Array(7).fill(1);
  const costs = { miss: 4, falseAlarm: 1, prevalence: 0.5 };
  const sure = (value: number) => ({ value, low: value, high: value });
  const at = costAt(scores, [0, 0, 0, 0, 1, 1, 1], 1, costs, { replicates: 20 });
  expect(at).toEqual({ cost: sure(0.5), missRate: sure(0), falseAlarmRate: sure(1) });
  const above = costAt(scores, [0, 0, 0, 0, 1, 1, 1], 1.000001, costs, { replicates: 20 });
  expect(above).toEqual({ cost: sure(2), missRate: sure(1), falseAlarmRate: sure(0) });
});
