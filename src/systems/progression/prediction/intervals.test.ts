import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { callOf, directionOf, type Target } from "./call.ts";
import { numeric } from "./inputs.ts";
import { conformalQuantile, crossInterval, patientWeights, requireCoverage, splitConformalRadius } from "./intervals.ts";
import { matrix } from "./models/index.ts";
import { fitTargetModel, predictTarget, type TargetRows } from "./target-model.ts";

describe("the conformal quantile", () => {
  test("of patients with a row each is the ceil((n + 1) coverage)-th smallest, or infinite", () => {
    const values = [5, 1, 4, 2, 3, 9, 8, 7, 6];
    const ones = values.map(() => 1);
    expect(conformalQuantile(values, ones, 0.5)).toBe(5);
    expect(conformalQuantile(values, ones, 0.51)).toBe(6);
    expect(conformalQuantile(values, ones, 0.9)).toBe(9);
    expect(conformalQuantile(values, ones, 0.91)).toBe(Number.POSITIVE_INFINITY);
  });

  test("counts patients, not rows", () => {
    // One patient with eight large errors is one of ten.
    const patients = [...Array.from({ length: 9 }, (_, i) => `p${i}`), ...Array<string>(8).fill("often")];
    const values = [...Array(9).keys(), ...Array<number>(8).fill(100)];
    expect(conformalQuantile(values, patientWeights(patients), 0.8)).toBe(8);
    expect(conformalQuantile(values, patientWeights(values.map((_, row) => `${row}`)), 0.8)).toBe(100);
  });
});

test("the CV+ interval of Barber et al., by hand", () => {
  // Nine rows in three folds; the new row's predictions by their models are 10, 11 and 20.
  const rows = { fold: [0, 0, 0, 1, 1, 1, 2, 2, 2], residual: [1, 2, 3, 1, 2, 3, 1, 2, 3], weight: Array<number>(9).fill(1) };
  // mu + R: 11 12 13 | 12 13 14 | 21 22 23; mu - R: 9 8 7 | 10 9 8 | 19 18 17.
  expect(crossInterval([10, 11, 20], rows, 0.9)).toEqual({ low: 7, high: 23 });
  expect(crossInterval([10, 11, 20], rows, 0.8)).toEqual({ low: 8, high: 22 });
  expect(crossInterval([10, 11, 20], rows, 0.5)).toEqual({ low: 9, high: 13 });
});

test("too few patients for a coverage, and a coverage that is none, are refused", () => {
  expect(() => requireCoverage(0.9, 8)).toThrow("need at least 9 patients, but there are 8");
  expect(() => requireCoverage(0.9, 9)).not.toThrow();
  expect(() => requireCoverage(1, 100)).toThrow("between 0 and 1");
  expect(() => splitConformalRadius([1, 2, 3], ["a", "a", "b"], 0.9)).toThrow("there are 2");
});

const target: Target = { name: "wall_thickening", unit: "mm/year", progression: "increases" };
const inputs = Array.from({ length: 6 }, (_, i) => numeric(`x${i}`, "1", -100, 100));

/** Patients with one to three rows; what a patient's rows share is most of the noise. */
const made = (patients: number, ...keys: (string | number)[]): TargetRows => {
  const [cells, y, names]: [number[], number[], string[]] = [[], [], []];
  for (let patient = 0; patient < patients; patient++) {
    const rng = random("coverage", ...keys, patient);
    const shared = rng.laplace(0, 1);
    const rows = 1 + (patient % 3);
    for (let row = 0; row < rows; row++) {
      const x = inputs.map(() => rng.normal());
      cells.push(...x);
      y.push(x[0] - 0.5 * x[1] + shared + rng.normal(0, 0.4));
      names.push(`${patient}`);
    }
  }
  return { inputs, cells: matrix(y.length, inputs.length, Float64Array.from(cells)), y: Float64Array.from(y), patients: names };
};

describe("simulated patients", () => {
  const unseen = made(400, "unseen");
  const weights = patientWeights(unseen.patients);

  /** Share of intervals that hold the truth, patients counting alike. */
  const coverageOf = async (intervals: "cross" | "split", coverage: number): Promise<number> => {
    const shares: number[] = [];
    for (let repeat = 0; repeat < 5; repeat++) {
      const options = { kinds: ["mean", "ridge"] as const, folds: 5, coverage, intervals, keys: [repeat] };
      const { model } = await fitTargetModel(made(120, "training", repeat), target, options);
      const held = predictTarget(model, unseen.cells).map(({ low, high }, row) =>
        unseen.y[row] >= low && unseen.y[row] <= high ? weights[row] : 0,
      );
      shares.push(held.reduce((sum, value) => sum + value, 0) / 400);
    }
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };

  test("400 of them are covered within four points of nominal, by both kinds of interval", async () => {
    for (const coverage of [0.8, 0.9]) {
      for (const intervals of ["cross", "split"] as const) {
        expect(Math.abs((await coverageOf(intervals, coverage)) - coverage), `${intervals} ${coverage}`).toBeLessThan(0.04);
      }
    }
  });
});

describe("calls", () => {
  const thickening: Target = { ...target, deadBand: 0.1 };
  const cap: Target = { name: "cap_change", unit: "mm/year", progression: "decreases" };

  test("follow the sign, and which sign is bad", () => {
    expect(callOf(0.4, { low: 0.1, high: 0.7 }, thickening)).toBe("progression");
    expect(callOf(-0.4, { low: -0.7, high: -0.1 }, thickening)).toBe("regression");
    expect(callOf(-0.4, { low: -0.7, high: -0.1 }, cap)).toBe("progression");
  });

  test("are uncertain when the interval holds 0, unless all of it lies in the dead band", () => {
    expect(callOf(0.4, { low: -0.01, high: 0.8 }, thickening)).toBe("uncertain");
    expect(callOf(0.02, { low: -0.05, high: 0.09 }, thickening)).toBe("stable");
    expect(callOf(0, { low: 0, high: 0 }, cap)).toBe("uncertain");
  });

  test("are stable for a change too small to matter, however sure", () => {
    expect(callOf(0.08, { low: 0.02, high: 0.14 }, thickening)).toBe("stable");
    expect([0.11, 0.1, -0.1, -0.11].map((change) => directionOf(change, thickening))).toEqual([
      "progression",
      "stable",
      "stable",
      "regression",
    ]);
  });
});
