import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { calibrateConformal, isUnsure, predictionSet } from "./conformal.ts";

/** A case of a classifier that is overconfident and has a favourite class: probabilities of 6 grades and the true grade. */
const drawCase = (source: ReturnType<typeof random>): { probabilities: number[]; grade: number } => {
  const grade = source.choice([0.3, 0.25, 0.15, 0.1, 0.1, 0.1]);
  const odds = Array.from({ length: 6 }, (_, c) =>
    Math.exp(source.normal(-1.2 * Math.abs(c - grade) + (c === 1 ? 0.7 : 0), 1.5) * 2),
  );
  const total = odds.reduce((sum, odd) => sum + odd, 0);
  return { probabilities: odds.map((odd) => odd / total), grade };
};

describe("conformal prediction sets", () => {
  test("hold the true grade as often as promised, over calibrations and new cases, and not much more often", () => {
    for (const [cases, missRate] of [
      [19, 0.1],
      [50, 0.2],
      [99, 0.05],
    ]) {
      let held = 0;
      const rounds = 4000;
      for (let round = 0; round < rounds; round++) {
        const source = random("coverage", cases, round);
        const drawn = Array.from({ length: cases }, () => drawCase(source));
        const calibration = calibrateConformal(
          drawn.map(({ probabilities }) => probabilities),
          drawn.map(({ grade }) => grade),
          missRate,
        );
        const { probabilities, grade } = drawCase(source);
        if (predictionSet(probabilities, calibration).includes(grade)) held++;
      }
      // Exactly ceil((n + 1) (1 - missRate)) / (n + 1) where scores have no ties; four standard errors.
      const expected = Math.ceil((cases + 1) * (1 - missRate) - 1e-9) / (cases + 1);
      expect(expected).toBeGreaterThanOrEqual(1 - missRate - 1e-12);
      expect(Math.abs(held / rounds - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / rounds));
    }
  });

  test("of the n + 1 cases of any data, at most floor((n + 1) missRate) are missed by the calibration on the others", () => {
    // Exchangeability in full: leaving out each case in turn, the promise holds by counting, with ties as with none.
    const cases = fc.array(fc.tuple(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 }), fc.nat(2)), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(cases, fc.double({ min: 0.02, max: 0.6, noNaN: true }), (drawn, missRate) => {
        const probabilities = drawn.map(([odds]) => odds.map((odd) => (odd + 1) / (odds[0] + odds[1] + odds[2] + 3)));
        const grades = drawn.map(([, grade]) => grade);
        const without = <T>(values: T[], left: number): T[] => values.filter((_, i) => i !== left);
        const missed = grades.filter((grade, left) => {
          const calibration = calibrateConformal(without(probabilities, left), without(grades, left), missRate);
          return !predictionSet(probabilities[left], calibration).includes(grade);
        });
        expect(missed.length).toBeLessThanOrEqual(Math.floor(drawn.length * missRate + 1e-9));
      }),
    );
  });

  test("the threshold is the ceil((n + 1) (1 - rate))-th smallest score, and 1 when there are too few cases", () => {
    const probabilities = Array.from({ length: 9 }, (_, i) => [(i + 1) / 16, 1 - (i + 1) / 16]);
    const grades = new Array(9).fill(0);
    expect(calibrateConformal(probabilities, grades, 0.3).threshold).toBe(1 - 3 / 16); // the 7th of 15/16, 14/16, ... from below
    expect(calibrateConformal(probabilities, grades, 0.1).threshold).toBe(1 - 1 / 16); // the 9th
    const tooFew = calibrateConformal(probabilities, grades, 0.05);
    expect(tooFew).toEqual({ threshold: 1, missRate: 0.05, cases: 9 });
    expect(predictionSet([1, 0, 0], tooFew)).toEqual([0, 1, 2]);
  });

  test("a class as likely as the threshold asks is in the set", () => {
    const calibration = { threshold: 0.75, missRate: 0.1, cases: 20 };
    expect(predictionSet([0.25, 0.1, 0.25, 0.4, 0, 0], calibration)).toEqual([0, 2, 3]);
    expect(predictionSet(Float32Array.of(0.2, 0.2, 0.2, 0.2, 0.2), calibration)).toEqual([]);
  });

  test("is unsure of nothing, of too many, and of grades that are no neighbours", () => {
    expect([[2], []].map((set) => isUnsure(set))).toEqual([false, true]);
    expect(
      [
        [2, 3],
        [2, 4],
        [1, 2, 3],
      ].map((set) => isUnsure(set)),
    ).toEqual([true, true, true]);
    expect(
      [
        [2, 3],
        [2, 4],
        [1, 2, 3],
      ].map((set) => isUnsure(set, 2)),
    ).toEqual([false, true, true]);
  });

  test("refuses rates and cases that make no sense", () => {
    expect(() => calibrateConformal([[1]], [0], 0)).toThrow(/miss rate is 0/);
    expect(() => calibrateConformal([], [], 0.1)).toThrow(/0 cases/);
    expect(() => calibrateConformal([[0.5, 0.5]], [2], 0.1)).toThrow(/class of case 0 is 2, but its 2 values/);
    expect(() => calibrateConformal([[0.5, Number.NaN]], [1], 0.1)).toThrow(RangeError);
  });
});
