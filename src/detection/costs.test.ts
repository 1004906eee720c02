import { expect, test } from "vitest";
import { costsOf } from "./costs.ts";
import type { EvaluatedSample } from "./evaluate.ts";

const samplesOf = (normal: readonly number[], defective: readonly number[]): EvaluatedSample[] =>
  [...normal.map((score) => [score, 0] as const), ...defective.map((score) => [score, 1] as const)].map(([score, label]) => ({
    sample: { path: "", name: "", split: "test", kind: label ? "crack" : "good", label },
    score,
    anomalous: undefined,
  }));
const threshold = { value: 0.6, falseAlarmRate: 0.05, attainedRate: 0.05, normalImages: 20, normalLevel: 0.1 };

test("the threshold of least cost follows the prices; the model's threshold is priced beside it", () => {
  const samples = samplesOf([0.1, 0.2, 0.3, 0.5], [0.4, 0.7, 0.8, 0.9]);
  const dearMisses = costsOf(samples, { miss: 100, falseAlarm: 1, prevalence: 0.5 }, threshold)!;
  const dearAlarms = costsOf(samples, { miss: 1, falseAlarm: 100, prevalence: 0.5 }, threshold)!;
  const [given, least] = dearMisses.table.lines;
  expect(given).toMatchObject({
    name: "the model's threshold",
    threshold: 0.6,
    cost: { value: 12.5 },
    missRate: { value: 0.25 },
  });
  expect(least.threshold).toBeCloseTo(0.35, 6);
  expect(dearAlarms.table.lines[1].threshold).toBeCloseTo(0.6, 6);
  expect(dearMisses.chart.points.length).toBe(8);
  expect(dearMisses.chart.points.every(([at, cost]) => Number.isFinite(at) && cost >= 0)).toBe(true);
});

test("the threshold of least cost is advised only where it is surely cheaper than the model's", () => {
  const samples = samplesOf(
    Array.from({ length: 40 }, (_, i) => i / 100),
    Array.from({ length: 40 }, (_, i) => 0.5 + i / 100),
  );
  const costs = { miss: 10, falseAlarm: 1, prevalence: 0.5 };
  const noteAt = (value?: number) =>
    costsOf(samples, costs, value === undefined ? undefined : { ...threshold, value })!.chart.note;
  const advice = "Use the least-cost choice with lynceus predict --threshold.";
  expect(noteAt(0.9)).toContain(advice);
  expect(noteAt()).toContain(advice);
  expect(noteAt(0.45)).toContain("is no better than the model's threshold on these 80 images: keep it.");
  expect(noteAt(0.45)).not.toContain(advice);
});

test("a class with fewer than two images has no costs; impossible prices are errors", () => {
  expect(costsOf(samplesOf([0.1, 0.2], [0.5]), { miss: 1, falseAlarm: 1, prevalence: 0.1 }, undefined)).toBeUndefined();
  expect(
    costsOf(samplesOf([0.1, 0.2], [0.5, 0.6]), { miss: 1, falseAlarm: 1, prevalence: 0.1 }, undefined)!.table.lines,
  ).toHaveLength(1);
  expect(() => costsOf(samplesOf([0.1, 0.2], [0.5, 0.6]), { miss: -1, falseAlarm: 1, prevalence: 0.1 }, undefined)).toThrow(
    "cost",
  );
});
