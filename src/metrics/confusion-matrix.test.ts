import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  accuracy,
  classMeasures,
  confusionMatrix,
  meanOverClasses,
  predictedCounts,
  quadraticKappa,
  referenceCounts,
  sumOfConfusions,
} from "./confusion-matrix.ts";

/** Made by scripts/reference/grades.py with scikit-learn. */
const cases: {
  name: string;
  classes: number;
  reference: number[];
  predicted: number[];
  confusion: number[][];
  accuracy: number;
  quadraticKappa: number;
  perClass: ([number, number, number, number] | null)[];
  support: number[];
  macro: [number, number, number];
  macroJaccard: number;
}[] = JSON.parse(readFileSync(new URL("./fixtures/grades.json", import.meta.url), "utf8"));

test.each(cases)("all measures agree with scikit-learn: $name", (expected) => {
  const matrix = confusionMatrix(expected.reference, expected.predicted, expected.classes);
  expect(matrix).toEqual(expected.confusion);
  expect(accuracy(matrix)).toBeCloseTo(expected.accuracy, 12);
  expect(quadraticKappa(matrix)).toBeCloseTo(expected.quadraticKappa, 12);
  const measures = classMeasures(matrix);
  for (const [c, { precision, recall, f1, intersectionOverUnion, support }] of measures.entries()) {
    const found = [precision, recall, f1, intersectionOverUnion];
    const wanted = expected.perClass[c];
    for (const [k, value] of found.entries()) {
      if (wanted === null) expect(value).toBeNaN();
      else expect(value).toBeCloseTo(wanted[k], 12);
    }
    expect(support).toBe(expected.support[c]);
  }
  for (const [k, name] of (["precision", "recall", "f1"] as const).entries()) {
    expect(meanOverClasses(measures, name)).toBeCloseTo(expected.macro[k], 12);
  }
  expect(meanOverClasses(measures, "intersectionOverUnion")).toBeCloseTo(expected.macroJaccard, 12);
});

describe("confusion matrix", () => {
  test("rows are the reference, columns the prediction, and ignored pixels do not count", () => {
    const matrix = confusionMatrix(Uint8Array.of(0, 0, 2, 255, 1), Uint8Array.of(0, 1, 2, 2, 1), 3, 255);
    expect(matrix).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(referenceCounts(matrix)).toEqual([2, 1, 1]);
    expect(predictedCounts(matrix)).toEqual([1, 2, 1]);
  });

  test("the sum of matrices is the matrix of all samples", () => {
    const [first, second] = [confusionMatrix([0, 1, 2], [0, 2, 2], 3), confusionMatrix([2, 2], [1, 2], 3)];
    expect(sumOfConfusions([first, second])).toEqual(confusionMatrix([0, 1, 2, 2, 2], [0, 2, 2, 1, 2], 3));
    expect(() => sumOfConfusions([])).toThrow(/no confusion matrix/);
  });

  test("refuses lengths that differ and unknown classes, by their sample", () => {
    expect(() => confusionMatrix([0, 1], [0], 2)).toThrow(/2 reference classes but 1 predicted/);
    expect(() => confusionMatrix([0, 1], [0, 6], 6)).toThrow(/class of sample 1 is 6; there are the classes 0 to 5/);
    expect(() => confusionMatrix([0.5], [0], 6)).toThrow(RangeError);
  });
});

describe("where a measure is undefined", () => {
  test("kappa is NaN when all classes are one and the same, and when there are no samples", () => {
    expect(quadraticKappa(confusionMatrix([3, 3], [3, 3], 6))).toBeNaN();
    expect(quadraticKappa(confusionMatrix([], [], 6))).toBeNaN();
    expect(accuracy(confusionMatrix([], [], 6))).toBeNaN();
    expect(accuracy(confusionMatrix([3, 3], [3, 3], 6))).toBe(1);
  });

  test("a class that occurs nowhere is NaN and not part of the means; one on one side alone is 0", () => {
    const measures = classMeasures(confusionMatrix([0, 0], [0, 1], 3));
    expect(measures[1]).toEqual({ precision: 0, recall: 0, f1: 0, intersectionOverUnion: 0, support: 0 });
    expect(measures[2].f1).toBeNaN();
    expect(meanOverClasses(measures, "f1")).toBeCloseTo((2 / 3 + 0) / 2, 12);
    expect(meanOverClasses(classMeasures(confusionMatrix([], [], 3)), "f1")).toBeNaN();
  });
});
