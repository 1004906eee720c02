import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { aurocDifference, imageMeasure, percentileIntervals } from "./bootstrap.ts";
import { imageAuroc } from "./image-measures.ts";
import { averagePrecision } from "./precision-recall.ts";
import { areaUnderRoc, OneClassError } from "./roc.ts";

const labels = Array.from({ length: 90 }, (_, i) => i % 3 === 0);

const scoresFrom = (name: string, raise: number): Float32Array => {
  const source = random(name);
  return Float32Array.from(labels, (label) => source.normal() + (label ? raise : 0));
};

describe("percentile intervals", () => {
  test("of a mean match the normal approximation, stratum by stratum", () => {
    const source = random("mean");
    const values = Float64Array.from({ length: 400 }, (_, i) => source.normal(i < 100 ? 0 : 5));
    const strata = [Uint32Array.from({ length: 100 }, (_, i) => i), Uint32Array.from({ length: 300 }, (_, i) => 100 + i)];
    const mean = (positions: ArrayLike<number>): number =>
      Array.from(positions, (position) => values[position]).reduce((sum, value) => sum + value, 0) / positions.length;
    const [interval] = percentileIntervals(strata, (positions) => [mean(positions)], { replicates: 2000 });
    const centre = mean(Array.from(values.keys()));
    // Without strata the spread between them (deviation 2.2) would more than double the interval.
    expect(interval.low).toBeCloseTo(centre - 1.96 / 20, 1);
    expect(Math.abs(interval.high - interval.low - (2 * 1.96) / 20)).toBeLessThan(0.03);
  });

  test("each stratum keeps its size, and undefined resamples are left out", () => {
    const seen = new Set<number>();
    const [interval] = percentileIntervals([Uint32Array.of(7), Uint32Array.of(8, 9)], (positions) => {
      expect([positions.length, positions[0]]).toEqual([3, 7]);
      for (const position of positions) seen.add(position);
      return [positions[1] === 8 ? Number.NaN : 1];
    });
    expect([...seen].sort()).toEqual([7, 8, 9]);
    expect(interval).toEqual({ low: 1, high: 1 });
  });

  test("interpolate between replicates at 2.5 and 97.5 percent", () => {
    let call = 0;
    const [interval] = percentileIntervals([Uint32Array.of(0)], () => [call++], { replicates: 201 });
    expect(interval).toEqual({ low: 5, high: 195 });
    expect(() => percentileIntervals([], () => [0], { replicates: 0 })).toThrow(/replicates is 0/);
  });
});

describe("image measures with intervals", () => {
  test("the value is the measure itself, inside an interval of the expected width, the same for the same seed", () => {
    const scores = scoresFrom("one", 1);
    const measure = imageMeasure(areaUnderRoc, scores, labels);
    expect(measure.value).toBe(imageAuroc(scores, labels));
    expect(measure.low).toBeLessThan(measure.value);
    expect(measure.high).toBeGreaterThan(measure.value);
    // Hanley and McNeil's standard error for 30 against 60 samples at 0.76 is 0.056.
    expect(measure.high - measure.low).toBeGreaterThan(0.14);
    expect(measure.high - measure.low).toBeLessThan(0.3);
    expect(imageMeasure(areaUnderRoc, scores, labels)).toEqual(measure);
    expect(imageMeasure(areaUnderRoc, scores, labels, { seed: 1 })).not.toEqual(measure);
  });

  test("a perfect ranking stays perfect in every resample, and a missing class throws", () => {
    const scores = Float32Array.from(labels, (label, i) => (label ? 100 : 0) + i / 100);
    expect(imageMeasure(averagePrecision, scores, labels)).toEqual({ value: 1, low: 1, high: 1 });
    expect(() => imageMeasure(areaUnderRoc, Float32Array.of(1, 2), [1, 1])).toThrow(OneClassError);
  });
});

describe("difference of two systems", () => {
  test("resamples both alike, so that what they share cancels out", () => {
    const scores = scoresFrom("shared", 1);
    const source = random("own");
    const slightlyWorse = scores.map((score, i) => score - (labels[i] ? 0.25 : 0) + source.normal(0, 0.02));
    const paired = aurocDifference(scores, slightlyWorse, labels);
    const single = imageMeasure(areaUnderRoc, scores, labels);
    expect(paired.value).toBeCloseTo(imageAuroc(scores, labels) - imageAuroc(slightlyWorse, labels), 12);
    expect(paired.low).toBeGreaterThan(0);
    expect(paired.high - paired.low).toBeLessThan((single.high - single.low) / 2);
    expect(aurocDifference(scores, scores, labels)).toEqual({ value: 0, low: 0, high: 0 });
  });

  test("is near symmetric in its systems", () => {
    const [first, second] = [scoresFrom("first", 1), scoresFrom("second", 0.7)];
    const forward = aurocDifference(first, second, labels);
    const backward = aurocDifference(second, first, labels);
    expect(backward.value).toBeCloseTo(-forward.value, 12);
    expect(backward.low).toBeCloseTo(-forward.high, 12);
  });
});
