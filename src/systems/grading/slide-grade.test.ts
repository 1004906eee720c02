import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { confusionMatrix, quadraticKappa } from "../../metrics/index.ts";
import { random } from "../../random/index.ts";
import { fitGradeClassifier } from "./grade-classifier.ts";
import { decideGrade, gradeProportions, slideGradeProbabilities } from "./slide-grade.ts";
import { trainGradeClassifier } from "./train-grade-classifier.ts";

type Slides = { readonly proportions: number[][]; readonly grades: number[] };

/** Made by scripts/reference/slide-grades.py with scikit-learn. */
const reference: {
  train: Slides;
  test: Slides;
  fits: { penalty: number; balanced: boolean; probabilities: number[][] }[];
} = JSON.parse(readFileSync(new URL("./fixtures/slide-grades.json", import.meta.url), "utf8"));

const { train, test: unseen } = reference;

describe("the classifier softmax(W r + b)", () => {
  test.each(reference.fits)("is scikit-learn's: penalty $penalty, balanced $balanced", ({ penalty, balanced, probabilities }) => {
    const classifier = fitGradeClassifier(train.proportions, train.grades, { penalty, balanced });
    for (const [i, expected] of probabilities.entries()) {
      const found = slideGradeProbabilities(classifier, unseen.proportions[i]);
      for (const [grade, p] of found.entries()) expect(p).toBeCloseTo(expected[grade], 5);
    }
  });

  test("is trained with the penalty that suits the slides, and grades unseen ones better than with a guessed one", () => {
    const kappa = (grades: number[]): number => quadraticKappa(confusionMatrix(unseen.grades, grades, 6));
    const { classifier, penalty } = trainGradeClassifier(train.proportions, train.grades);
    const kappaOf = (by: "most-likely" | "expected", of = classifier): number =>
      kappa(unseen.proportions.map((r) => decideGrade(slideGradeProbabilities(of, r), by)));
    expect(penalty).toBeLessThan(0.1);
    expect(kappaOf("most-likely")).toBeGreaterThan(0.92);
    expect(kappaOf("expected")).toBeGreaterThan(0.94);
    expect(kappaOf("most-likely", fitGradeClassifier(train.proportions, train.grades))).toBeLessThan(kappaOf("most-likely"));
    // The grade of the most patches with cancer, a rule without training.
    expect(kappa(unseen.proportions.map((r) => r.indexOf(Math.max(...r.slice(1)), 1)))).toBeLessThan(kappaOf("most-likely"));
    expect(trainGradeClassifier(train.proportions, train.grades)).toEqual({ classifier, penalty });
  });

  test("the penalty is strong where proportions say nothing, and where nothing can be left out", () => {
    const shuffled = random("grades without relation").permutation(140);
    const meaningless = Array.from(shuffled, (i) => train.grades[i]);
    expect(trainGradeClassifier(train.proportions, meaningless).penalty).toBeGreaterThanOrEqual(3);
    const groups = train.grades.map(() => "one patient");
    expect(trainGradeClassifier(train.proportions, train.grades, { groups, penalties: [0.1, 1] }).penalty).toBe(1);
    // Slides that are known by heart say nothing of others: copies of one must be left out together.
    const four = <T>(values: readonly T[]): T[] => [0, 1, 2, 3].flatMap(() => values.slice(0, 7));
    const patients = four(train.grades.map((_, i) => `patient ${i}`));
    const penaltyOf = (options: object): number =>
      trainGradeClassifier(four(train.proportions), four(meaningless), { penalties: [10, 0.1], ...options }).penalty;
    expect(penaltyOf({ groups: patients })).toBe(10);
    expect(penaltyOf({})).toBe(0.1);
    expect(() => trainGradeClassifier(train.proportions, train.grades, { penalties: [] })).toThrow(/no penalties/);
  });

  test("is a function of the slides, in whatever order", () => {
    const once = fitGradeClassifier(train.proportions, train.grades);
    expect(fitGradeClassifier(train.proportions, train.grades)).toEqual(once);
    const reversed = fitGradeClassifier(train.proportions.toReversed(), train.grades.toReversed());
    for (const [g, row] of reversed.weights.entries()) {
      for (const [k, weight] of row.entries()) expect(weight).toBeCloseTo(once.weights[g][k], 5);
      expect(reversed.bias[g]).toBeCloseTo(once.bias[g], 5);
    }
  });

  test("a grade that no slide has stays possible, but unlikely", () => {
    const kept = train.grades.flatMap((grade, i) => (grade === 3 ? [] : [i]));
    const classifier = fitGradeClassifier(
      kept.map((i) => train.proportions[i]),
      kept.map((i) => train.grades[i]),
    );
    for (const r of train.proportions) {
      const p = slideGradeProbabilities(classifier, r)[3];
      expect(p).toBeGreaterThan(0);
      expect(p).toBeLessThan(0.1);
    }
  });

  test("learns from a few slides, even of one grade, without numbers running away", () => {
    const few = fitGradeClassifier([gradeProportions([0, 0, 0]), gradeProportions([0, 5, 5])], [0, 5]);
    expect(decideGrade(slideGradeProbabilities(few, gradeProportions([0, 0, 0])))).toBe(0);
    expect(decideGrade(slideGradeProbabilities(few, gradeProportions([0, 5, 5])))).toBe(5);
    const one = fitGradeClassifier([gradeProportions([0, 1])], [1], { balanced: true });
    expect(decideGrade(slideGradeProbabilities(one, gradeProportions([0, 1])))).toBe(1);
    for (const value of [...few.weights.flat(), ...few.bias, ...one.weights.flat(), ...one.bias]) {
      expect(Math.abs(value)).toBeLessThan(1e3);
    }
  });

  test("refuses slides without patches, grades that are none and penalties of 0", () => {
    expect(() => gradeProportions([])).toThrow(/without patches/);
    expect(() => gradeProportions([0, 6])).toThrow(/patch 1 is 6; grades are whole numbers of 0 to 5/);
    expect(() => fitGradeClassifier(train.proportions, train.grades.slice(1))).toThrow(/140 slides and 139 grades/);
    expect(() => fitGradeClassifier([[1, 0]], [0])).toThrow(/proportions of slide 0 must be 6 numbers/);
    expect(() => fitGradeClassifier(train.proportions, train.grades, { penalty: 0 })).toThrow(/penalty is 0/);
  });
});

test("proportions are the shares of the patch grades", () => {
  expect(gradeProportions(Uint8Array.of(0, 0, 2, 5))).toEqual([0.5, 0, 0.25, 0, 0, 0.25]);
});

test("a decision is the most likely grade, or the nearest to the expected one", () => {
  const probabilities = [0.45, 0, 0, 0, 0.15, 0.4];
  expect(decideGrade(probabilities)).toBe(0);
  expect(decideGrade(probabilities, "expected")).toBe(3);
  expect(decideGrade([0.3, 0.3, 0.1, 0.1, 0.1, 0.1])).toBe(1);
});
