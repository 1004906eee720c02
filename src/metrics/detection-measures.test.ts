import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { imageMeasure } from "./bootstrap.ts";
import { detectionMeasures } from "./detection-measures.ts";
import { equalErrorRate } from "./equal-error-rate.ts";
import { imageRoc } from "./image-measures.ts";
import { OneClassError } from "./roc.ts";

type Case = { name: string; scores: number[]; labels: number[]; threshold: number } & Record<
  "auc" | "eer" | "ap" | "accuracy" | "balancedAccuracy",
  number
>;

/** Made by scripts/reference/detection-measures.py with scikit-learn and SciPy. */
const reference: { images: Case[] } = JSON.parse(
  readFileSync(new URL("./fixtures/detection-measures.json", import.meta.url), "utf8"),
);

test.each(reference.images)("agrees with scikit-learn: $name", ({ scores, labels, threshold, ...expected }) => {
  const measures = detectionMeasures(Float32Array.from(scores), labels, { threshold, replicates: 5 });
  for (const name of ["auc", "eer", "ap", "accuracy", "balancedAccuracy"] as const) {
    expect(measures[name].value, name).toBeCloseTo(expected[name], 11);
  }
});

describe("the equal error rate", () => {
  test("lies between two operating points, and in the middle of a tie", () => {
    // Corners (0, 0), (0, 1/3), (1/4, 1/3), then a tie to (3/4, 1): the line from (0, 1) to (1, 0) is met inside the tie.
    const roc = imageRoc(Float32Array.of(5, 3, 3, 4, 3, 3, 1), [1, 1, 1, 0, 0, 0, 0]);
    const along = (1 - 1 / 3 - 1 / 4) / (1 / 2 + 2 / 3);
    expect(equalErrorRate(roc)).toBeCloseTo(1 / 4 + along / 2, 12);
    expect(equalErrorRate(imageRoc(Float32Array.of(1, 1, 1), [0, 1, 1]))).toBe(0.5);
    expect(equalErrorRate(imageRoc(Float32Array.of(3, 2, 1), [1, 1, 0]))).toBe(0);
    expect(equalErrorRate(imageRoc(Float32Array.of(1, 2, 3), [1, 1, 0]))).toBe(1);
  });

  test("is its complement for negated scores, and that of swapped classes, however scores tie", () => {
    const samples = fc
      .array(fc.record({ score: fc.integer({ min: -4, max: 4 }), label: fc.integer({ min: 0, max: 1 }) }), { minLength: 2 })
      .filter((drawn) => new Set(drawn.map(({ label }) => label)).size === 2);
    fc.assert(
      fc.property(samples, (drawn) => {
        const scores = Float32Array.from(drawn, ({ score }) => score);
        const negated = scores.map((score) => -score);
        const labels = drawn.map(({ label }) => label);
        const rate = equalErrorRate(imageRoc(scores, labels));
        expect(equalErrorRate(imageRoc(negated, labels))).toBeCloseTo(1 - rate, 12);
        const swapped = labels.map((label) => 1 - label);
        expect(equalErrorRate(imageRoc(negated, swapped))).toBeCloseTo(rate, 12);
      }),
    );
  });
});

describe("intervals", () => {
  const source = random("images");
  const labels = Array.from({ length: 80 }, (_, i) => i % 2);
  const scores = Float32Array.from(labels, (label) => source.normal(label, 1));

  test("without groups are those of imageMeasure: each class resampled by itself", () => {
    const { eer } = detectionMeasures(scores, labels, { threshold: 0.5, seed: 3, replicates: 100 });
    expect(eer).toEqual(imageMeasure(equalErrorRate, scores, labels, { seed: 3, replicates: 100 }));
  });

  test("widen by the root of what a group holds when its images are all alike", () => {
    const copies = 9;
    const repeated = Float32Array.from({ length: copies * scores.length }, (_, i) => scores[Math.floor(i / copies)]);
    const truth = Array.from(repeated, (_, i) => labels[Math.floor(i / copies)]);
    const groups = Array.from(repeated, (_, i) => `video ${Math.floor(i / copies)}`);
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    const together = detectionMeasures(repeated, truth, { threshold: 0.5, groups, replicates: 200 });
    const alone = detectionMeasures(repeated, truth, { threshold: 0.5, replicates: 200 });
    for (const name of ["auc", "eer", "accuracy"] as const) {
      expect(together[name].value).toBe(alone[name].value);
      expect(width(together[name]) / width(alone[name]), name).toBeGreaterThan(2.4);
      expect(width(together[name]) / width(alone[name]), name).toBeLessThan(3.8);
    }
  });

  test("draws of groups that lack a class do not count", () => {
    const { auc } = detectionMeasures(Float32Array.of(1, 0), [1, 0], { threshold: 0.5, groups: ["a", "b"], replicates: 50 });
    expect(auc).toEqual({ value: 1, low: 1, high: 1 });
  });
});

test("a missing class, and a threshold that is none, are said in a sentence", () => {
  expect(() => detectionMeasures(Float32Array.of(1, 2), [1, 1], { threshold: 0 })).toThrow(OneClassError);
  expect(() => detectionMeasures(Float32Array.of(1, 2), [0, 1], { threshold: Number.NaN })).toThrow(/threshold is NaN/);
  expect(() => detectionMeasures(Float32Array.of(1, 2), [0, 1], { threshold: 0, groups: ["a"] })).toThrow(
    /groups are given for 1/,
  );
  expect(() => equalErrorRate(imageRoc(Float32Array.of(1), [0]))).toThrow(/equal error rate.*no anomalous/);
});
