import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import type { Target } from "./call.ts";
import { permutationImportance } from "./importance.ts";
import { type Input, numeric, yesNo } from "./inputs.ts";
import { matrix } from "./models/index.ts";
import { nestedValidation } from "./nested-validation.ts";
import { type JudgedPrediction, measurePredictions, measureValues } from "./prediction-measures.ts";
import { fitTargetModel, type TargetRows } from "./target-model.ts";

const target: Target = { name: "wall_thickening", unit: "mm/year", progression: "increases", deadBand: 0.5 };

const tableOf = (
  inputs: readonly Input[],
  rows: readonly { readonly x: readonly number[]; readonly y: number; readonly patient: string }[],
): TargetRows => ({
  inputs,
  cells: matrix(rows.length, inputs.length, Float64Array.from(rows.flatMap(({ x }) => x))),
  y: Float64Array.from(rows, ({ y }) => y),
  patients: rows.map(({ patient }) => patient),
});

const fitting = { folds: 4, outerFolds: 4, coverage: 0.8, intervals: "cross" } as const;

const r2Of = (folds: readonly { readonly predictions: readonly JudgedPrediction[] }[]) =>
  measurePredictions(
    folds.flatMap(({ predictions }) => predictions),
    target,
    { replicates: 200 },
  ).r2;

describe("patients stay together", () => {
  /** Six rows of each patient, alike in x, and with a y that belongs to the patient and to nothing that can be learnt. */
  const rows = Array.from({ length: 240 }, (_, row) => {
    const own = random("patient", Math.floor(row / 6));
    const noise = random("row", row);
    const x = Array.from({ length: 4 }, () => own.normal() + noise.normal(0, 0.02));
    return { x, y: own.normal() + noise.normal(0, 0.1), patient: `${Math.floor(row / 6)}` };
  });
  const inputs = Array.from({ length: 4 }, (_, i) => numeric(`x${i}`, "1", -10, 10));

  test("so that recognising a patient is not taken for prediction", async () => {
    const options = { ...fitting, kinds: ["forest"] as const, keys: [1] };
    const divided = await nestedValidation(
      tableOf(
        inputs,
        rows.map((row, i) => ({ ...row, patient: `${i}` })),
      ),
      target,
      options,
    );
    expect(r2Of(divided).value).toBeGreaterThan(0.6);
    const together = tableOf(inputs, rows);
    const folds = await nestedValidation(together, target, options);
    expect(r2Of(folds).value).toBeLessThan(0.1);
    for (const { held } of folds) {
      const left = new Set(Array.from(held, (row) => together.patients[row]));
      expect(held.length).toBe(together.patients.filter((patient) => left.has(patient)).length);
    }
  });

  test("and the intervals know what a new patient is like", async () => {
    const folds = await nestedValidation(tableOf(inputs, rows), target, { ...fitting, kinds: ["forest"], keys: [1] });
    const { coverage } = measurePredictions(
      folds.flatMap(({ predictions }) => predictions),
      target,
    );
    expect(coverage.value).toBeGreaterThan(0.7);
  });
});

/** x0 matters, x1 does through being missing, x2 and x3 do not. */
const informative = (count: number, name: string): TargetRows =>
  tableOf(
    [numeric("dose", "1", -10, 10), numeric("cap", "mm", -10, 10), numeric("chance", "1", -10, 10), yesNo("coin")],
    Array.from({ length: count }, (_, row) => {
      const rng = random(name, row);
      const [dose, cap, chance, coin] = [rng.normal(), rng.normal(), rng.normal(), rng.integer(0, 1)];
      const absent = rng.uniform() < 0.4;
      const y = dose + (absent ? 1.2 : 0) + rng.normal(0, 0.5);
      return { x: [dose, absent ? Number.NaN : cap, chance, coin], y, patient: `${row}` };
    }),
  );

test("where there is nothing to predict, choosing among models does not make it seem so", async () => {
  const noise = informative(80, "noise");
  const rows = { ...noise, y: noise.y.map((_, row) => random("y", row).normal()) };
  const folds = await nestedValidation(rows, target, { ...fitting, kinds: ["mean", "ridge", "forest", "boosting"], keys: [2] });
  expect(r2Of(folds).value).toBeLessThan(0.05);
});

describe("where there is something to predict", () => {
  const rows = informative(160, "informative");
  const options = { ...fitting, kinds: ["mean", "ridge", "forest"] as const, keys: [3] };

  test("the kind that suits is chosen in each fold, missing values and all", async () => {
    const folds = await nestedValidation(rows, target, options);
    expect(folds.map(({ model }) => model.kind)).toEqual(Array(4).fill("ridge"));
    const r2 = r2Of(folds);
    expect(r2.low).toBeGreaterThan(0.6);
    const { fits, model } = await fitTargetModel(rows, target, options);
    expect(fits.find(({ kind }) => kind === model.kind)!.error).toBe(Math.min(...fits.map(({ error }) => error)));
  });

  test("dealing out an input that matters costs R2, by its absence too, and one that does not costs none", async () => {
    const folds = await nestedValidation(rows, target, options);
    const found = permutationImportance(rows, folds, { keys: ["importance"], replicates: 200 });
    expect(found.map(({ input }) => input).slice(0, 2)).toEqual(["dose", "cap"]);
    const [dose, cap, ...others] = found.map(({ drop }) => drop);
    expect(dose.low).toBeGreaterThan(0.5);
    expect(cap.low).toBeGreaterThan(0.15);
    for (const { value } of others) expect(Math.abs(value)).toBeLessThan(0.03);
    expect(permutationImportance(rows, folds, { keys: ["importance"], replicates: 200 })).toEqual(found);
  });

  test("few training patients are part of more, and predict worse", async () => {
    const few = await nestedValidation(rows, target, { ...options, trainingPatients: 20 });
    expect(few.map(({ trainingPatients }) => trainingPatients)).toEqual([20, 20, 20, 20]);
    const all = await nestedValidation(rows, target, options);
    expect(all[0].trainingPatients).toBe(120);
    expect(r2Of(few).value).toBeLessThan(r2Of(all).value - 0.02);
  });
});

describe("measures", () => {
  test("are those of scikit-learn", () => {
    const { test: unseen, measures } = JSON.parse(
      readFileSync(new URL("./fixtures/change-predictors.json", import.meta.url), "utf8"),
    ) as { test: { y: number[] }; measures: { guess: number[]; r2: number; meanAbsoluteError: number } };
    const rows = unseen.y.map((actual, row) => ({ actual, value: measures.guess[row], patient: `${row}` }));
    const found = measureValues(rows);
    expect(found.r2.value).toBeCloseTo(measures.r2, 10);
    expect(found.meanAbsoluteError.value).toBeCloseTo(measures.meanAbsoluteError, 10);
    expect(found.r2.low).toBeLessThan(measures.r2);
    expect(found.r2.high).toBeGreaterThan(measures.r2);
  });

  test("draw whole patients: rows that repeat each other do not narrow an interval", () => {
    const row = (i: number): JudgedPrediction => {
      const rng = random("judged", i);
      const actual = rng.normal();
      return { patient: `${i}`, actual, value: 0.8 * actual, low: -1, high: 1, call: "uncertain" };
    };
    const once = Array.from({ length: 40 }, (_, i) => row(i));
    const often = once.flatMap((own) => [own, own, own, own]);
    const [first, second] = [once, often].map((rows) => measurePredictions(rows, target).meanAbsoluteError);
    expect(second.high - second.low).toBeCloseTo(first.high - first.low, 10);
  });

  test("count calls by what came, and tell progression from the rest by the predicted change", () => {
    const judged = (actual: number, value: number, call: JudgedPrediction["call"], i: number): JudgedPrediction => ({
      patient: `${i}`,
      actual,
      value,
      low: value - 1,
      high: value + 1,
      call,
    });
    const rows = [judged(2, 1, "progression", 0), judged(0.1, 2, "progression", 1), judged(-3, -1, "uncertain", 2)];
    const { calls, progressionAuroc, coverage, width } = measurePredictions(rows, target, { replicates: 50 });
    expect(calls.progression).toEqual({ progression: 1, stable: 1, regression: 0 });
    expect(calls.uncertain).toEqual({ progression: 0, stable: 0, regression: 1 });
    expect(progressionAuroc?.value).toBe(0.5);
    expect(coverage.value).toBeCloseTo(1 / 3);
    expect(width.value).toBe(2);
    expect(measurePredictions(rows.slice(1), target).progressionAuroc).toBeUndefined();
    const thinning = measurePredictions(rows, { ...target, progression: "decreases" }, { replicates: 50 });
    expect(thinning.calls.uncertain.progression).toBe(1);
    expect(thinning.progressionAuroc?.value).toBe(1);
  });
});
