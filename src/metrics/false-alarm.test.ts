import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { thresholdAtFalseAlarmRate } from "./false-alarm.ts";

const reaching = (scores: Float32Array, threshold: number): number => scores.filter((score) => score >= threshold).length;

describe("threshold at a false-alarm rate", () => {
  test("lies just above the k-th smallest score, k = ceil((n + 1) (1 - rate))", () => {
    const scores = Float32Array.from({ length: 99 }, (_, i) => 99 - i);
    const { threshold, attainedRate } = thresholdAtFalseAlarmRate(scores, 0.05);
    expect(threshold).toBe(Math.fround(95 + 2 ** -17));
    expect(attainedRate).toBeCloseTo(0.05, 12);
    expect(thresholdAtFalseAlarmRate(scores, 0.29).attainedRate).toBeCloseTo(0.29, 12);
    expect(scores[0]).toBe(99);
  });

  test("is the lowest such threshold and holds the rate on the given scores, ties included", () => {
    const scores = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1 }).map((values) => Float32Array.from(values));
    fc.assert(
      fc.property(scores, fc.constantFrom(0, 0.05, 0.1, 0.25, 0.5, 0.9), (values, rate) => {
        const { threshold, attainedRate } = thresholdAtFalseAlarmRate(values, rate);
        expect(reaching(values, threshold)).toBeLessThanOrEqual(rate * values.length + 1e-9);
        const isEnough = (values.length + 1) * rate >= 1 - 1e-9;
        expect(attainedRate <= rate + 1e-9).toBe(isEnough);
        const kept = isEnough ? Math.ceil((values.length + 1) * (1 - rate) - 1e-9) : values.length;
        const below = values.filter((score) => score < threshold);
        expect(below.length).toBeGreaterThanOrEqual(kept);
        expect(below.filter((score) => score < Math.max(...below)).length).toBeLessThan(kept);
      }),
    );
  });

  test("keeps the promised rate on new scores on average, which the plain quantile does not", () => {
    const source = random("conformal");
    let alarms = 0;
    let plainAlarms = 0;
    const rounds = 4000;
    for (let round = 0; round < rounds; round++) {
      const scores = Float32Array.from({ length: 15 }, () => source.normal());
      const fresh = Math.fround(source.normal());
      if (fresh >= thresholdAtFalseAlarmRate(scores, 0.1).threshold) alarms++;
      if (fresh > scores.toSorted()[Math.ceil(0.9 * 15) - 1]) plainAlarms++;
    }
    const { attainedRate } = thresholdAtFalseAlarmRate(new Float32Array(15), 0.1);
    expect(attainedRate).toBe(1 / 16);
    expect(Math.abs(alarms / rounds - attainedRate)).toBeLessThan(0.012);
    expect(plainAlarms / rounds).toBeGreaterThan(0.1 + 0.012);
  });

  test("says so when there are too few scores, and refuses what has no answer", () => {
    const few = thresholdAtFalseAlarmRate(Float32Array.of(1, 3, 2), 0.01);
    expect(few.threshold).toBeGreaterThan(3);
    expect(few.threshold).toBeLessThan(3.000001);
    expect(few.attainedRate).toBeCloseTo(0.25, 12);
    expect(() => thresholdAtFalseAlarmRate(new Float32Array(0), 0.1)).toThrow(/no normal scores/);
    expect(() => thresholdAtFalseAlarmRate(Float32Array.of(1, Number.NaN), 0.1)).toThrow(/index 1 is NaN/);
    expect(() => thresholdAtFalseAlarmRate(Float32Array.of(1), 1)).toThrow(/rate is 1/);
    expect(() => thresholdAtFalseAlarmRate(Float32Array.of(1, Infinity), 0)).toThrow(/infinite/);
  });
});
