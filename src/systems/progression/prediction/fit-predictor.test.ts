import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import {
  categorical,
  evaluatePredictor,
  fitPredictor,
  numeric,
  predictPatient,
  readPredictor,
  type Table,
  type TableRow,
  type Target,
  yesNo,
} from "./index.ts";

const inputs = [
  numeric("age", "years", 18, 110),
  numeric("systolic_pressure", "mmHg", 60, 260),
  categorical("smoking", "never", "former", "current"),
  yesNo("statin"),
  numeric("lipid_core_volume", "mm3", 0, 10000),
];

const thickening: Target = { name: "wall_thickening", unit: "mm/year", progression: "increases", deadBand: 0.05 };
const capChange: Target = { name: "cap_change", unit: "mm/year", progression: "decreases" };

/** A patient whose wall thickens with smoking, pressure and a large core, less with a statin; a cap is there in half. */
const made = (name: string, index: number): TableRow => {
  const rng = random(name, index);
  const age = rng.normal(65, 8);
  const pressure = rng.normal(140, 15);
  const smoking = ["never", "former", "current"][rng.integer(0, 2)];
  const statin = rng.uniform() < 0.5;
  const core = Math.exp(rng.normal(4, 0.7));
  const growth = 0.01 * (pressure - 140) + (smoking === "current" ? 0.3 : 0) - (statin ? 0.25 : 0) + (core > 60 ? 0.2 : 0);
  const known = <Value>(value: Value): Value | null => (rng.uniform() < 0.1 ? null : value);
  return {
    patient: `${name} ${index}`,
    inputs: {
      age: known(age),
      systolic_pressure: known(pressure),
      smoking: known(smoking),
      statin: known(statin),
      lipid_core_volume: known(core),
    },
    targets: {
      wall_thickening: growth + rng.normal(0, 0.12),
      cap_change: index % 2 === 0 ? -growth / 4 + rng.normal(0, 0.05) : null,
    },
  };
};

const table: Table = { inputs, rows: Array.from({ length: 150 }, (_, i) => made("training", i)) };
const unseen = Array.from({ length: 400 }, (_, i) => made("unseen", i));
const options = { kinds: ["mean", "ridge", "boosting"], folds: 4, outerFolds: 4, replicates: 200, seed: 5 } as const;
const fitted = fitPredictor(table, [thickening, capChange, { ...capChange, name: "never_measured" }], options);

describe("a fitted predictor", () => {
  test("predicts 400 unseen patients about as well as its report says, and covers them within four points", async () => {
    const { predictor, report } = await fitted;
    const found = evaluatePredictor(predictor, unseen, { replicates: 200 });
    for (const { target, measures } of report.targets) {
      const { r2, coverage } = found.get(target.name)!.measures;
      expect(measures.r2.low).toBeGreaterThan(0.15);
      expect(r2.low).toBeGreaterThan(0.15);
      expect(Math.abs(r2.value - measures.r2.value)).toBeLessThan(0.1);
      expect(coverage.value).toBeGreaterThan(0.86);
    }
    expect(Math.abs(found.get("wall_thickening")!.measures.coverage.value - 0.9)).toBeLessThan(0.04);
    expect(found.get("wall_thickening")!.measures.progressionAuroc!.low).toBeGreaterThan(0.8);
  });

  test("reports everything that was measured", async () => {
    const { report } = await fitted;
    expect(report.inputs.map(({ name, refused }) => [name, refused])).toEqual(inputs.map(({ name }) => [name, 0]));
    for (const { missing } of report.inputs) expect(missing).toBeGreaterThan(0.02);
    expect(report.skipped).toEqual([{ target: "never_measured", reason: expect.stringContaining("known of 0 patients") }]);
    const [wall, cap] = report.targets;
    expect([wall.rows, wall.undefinedRows, cap.rows, cap.undefinedRows]).toEqual([150, 0, 75, 75]);
    expect(wall.predictions.map(({ patient }) => patient).sort()).toEqual(table.rows.map(({ patient }) => patient).sort());
    expect(wall.candidates.map(({ kind }) => kind)).toEqual(options.kinds);
    expect(wall.candidates.reduce((sum, { chosen }) => sum + chosen, 0)).toBe(4);
    expect(wall.candidates[0].r2.value).toBeLessThanOrEqual(0);
    expect(wall.importance.at(-1)!.input).toBe("age");
    expect(wall.learningCurve.map(({ trainingPatients }) => trainingPatients)).toEqual([28, 56, 113]);
    expect(wall.learningCurve[2].r2).toEqual(wall.measures.r2);
    expect(wall.learningCurve[0].r2.value).toBeLessThan(wall.learningCurve[2].r2.value);
  });

  test("is the same after JSON, and says what was missing and what was odd", async () => {
    const { predictor } = await fitted;
    const read = readPredictor(JSON.parse(JSON.stringify(predictor)));
    for (const { inputs: values } of unseen.slice(0, 20)) {
      expect(predictPatient(read, values)).toEqual(predictPatient(predictor, values));
    }
    const { targets, missing, warnings } = predictPatient(read, {
      age: 104,
      systolic_pressure: 14,
      smoking: "current",
      statin: false,
      lipids: 3,
    });
    expect(missing).toEqual(["systolic_pressure", "lipid_core_volume"]);
    expect(warnings).toEqual([
      "systolic pressure: 14 mmHg is outside the plausible 60 to 260, and is treated as missing.",
      "lipids: no input of this predictor, and is not used.",
      expect.stringMatching(/^age: 104 years is beyond the training patients' \d+\.\d+ to \d+\.\d+\.$/),
    ]);
    const { value, low, high, call, unit, coverage } = targets.wall_thickening;
    expect([low < value, value < high, unit, coverage]).toEqual([true, true, "mm/year", 0.9]);
    expect(["progression", "uncertain"]).toContain(call);
  });

  test("is a function of table and options", async () => {
    const few = { inputs, rows: table.rows.slice(0, 60) };
    const quick = { kinds: ["ridge"], importanceRepeats: 1, learningCurve: [], replicates: 20, folds: 3, outerFolds: 3 } as const;
    const first = await fitPredictor(few, [thickening], quick);
    expect(await fitPredictor(few, [thickening], quick)).toEqual(first);
    expect((await fitPredictor(few, [thickening], { ...quick, seed: 1 })).predictor).not.toEqual(first.predictor);
    const split = await fitPredictor(few, [thickening], { ...quick, intervals: "split", coverage: 0.75 });
    expect(split.predictor.targets[0].bounds.kind).toBe("split");
    expect(predictPatient(split.predictor, {}).missing).toHaveLength(5);
  });
});

describe("refused are", () => {
  test("targets that are no numbers, come twice, or are known of too few", async () => {
    const rows = [...table.rows, { ...table.rows[0], targets: { wall_thickening: Number.POSITIVE_INFINITY } }];
    await expect(fitPredictor({ inputs, rows }, [thickening])).rejects.toThrow(
      'Row 150 (patient "training 0") has Infinity for "wall_thickening"',
    );
    await expect(fitPredictor(table, [thickening, thickening])).rejects.toThrow("Two targets");
    await expect(fitPredictor(table, [])).rejects.toThrow("no targets");
    const few = { inputs, rows: table.rows.slice(0, 29) };
    await expect(fitPredictor(few, [thickening])).rejects.toThrow("known of 29 patients, but at least 30 are needed");
    const flat = { inputs, rows: table.rows.map((row) => ({ ...row, targets: { wall_thickening: 0 } })) };
    await expect(fitPredictor(flat, [thickening])).rejects.toThrow("it is 0 in every row");
  });

  test("an aborted fit, at the next model", async () => {
    await expect(fitPredictor(table, [thickening], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  test("predictor files that could do harm", async () => {
    const { predictor } = await fitted;
    const spoilt = (change: (copy: { targets: { folds: { model: Record<string, unknown> }[] }[] }) => void) => {
      const copy = JSON.parse(JSON.stringify(predictor));
      change(copy);
      return () => readPredictor(copy);
    };
    expect(() => readPredictor({})).toThrow("no predictor");
    const loop = { column: [0, -1, -1], cut: [1, 2, 3], right: [0, 0, 0] };
    expect(
      spoilt((copy) => {
        copy.targets[0].folds[0].model = { kind: "boosting", base: 0, rate: 1, trees: [loop] };
      }),
    ).toThrow("nodes of a tree do not fit together");
    expect(
      spoilt((copy) => {
        copy.targets[0].folds[0].model = { kind: "ridge", weights: [1], intercept: 0, penalty: 1 };
      }),
    ).toThrow("does not fit its encoding");
  });
});
