import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readCells } from "./cells.ts";
import { encode, learnEncoder } from "./encoder.ts";
import { categorical, numeric, PERSONAL_INPUTS, requireInputs, STAGE_1_INPUTS, yesNo } from "./inputs.ts";
import { matrix, takeRows } from "./models/index.ts";

const inputs = [
  numeric("age", "years", 18, 110),
  numeric("weight", "kg", 30, 300),
  categorical("smoking", "never", "former", "current"),
  yesNo("statin"),
];

describe("reading cells", () => {
  test("numbers, words, yes and no are read however they are written", () => {
    const { values, problems, unknownNames } = readCells(inputs, [
      { age: 63, weight: "81.5", smoking: "Former", statin: true },
      { age: " 70 ", weight: 90, smoking: "never", statin: "no" },
    ]);
    expect([...values.data]).toEqual([63, 81.5, 1, 1, 70, 90, 0, 0]);
    expect([problems, unknownNames]).toEqual([[], []]);
  });

  test("nothing, in any form, is missing", () => {
    for (const nothing of [null, undefined, Number.NaN, "", "NA", "n/a"]) {
      const { values, problems } = readCells(inputs, [{ age: nothing, weight: nothing, smoking: nothing, statin: nothing }]);
      expect(values.data.every(Number.isNaN)).toBe(true);
      expect(problems).toEqual([]);
    }
  });

  test("what is implausible or unknown is missing too, and is reported with row, input and reason", () => {
    const { values, problems, unknownNames } = readCells(inputs, [
      { age: 63, weight: 81, smoking: "never", statin: "yes" },
      { age: 630, weight: "heavy", smoking: "pipe", statin: "yes", hight: 170 },
    ]);
    expect([...values.data.subarray(4)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 1]);
    expect(problems).toEqual([
      { row: 1, input: "age", reason: "630 years is outside the plausible 18 to 110" },
      { row: 1, input: "weight", reason: "it is no number" },
      { row: 1, input: "smoking", reason: "it is none of never, former, current" },
    ]);
    expect(unknownNames).toEqual(["hight"]);
  });
});

describe("encoding", () => {
  test("is that of scikit-learn's imputer, indicator and one-hot encoder", () => {
    const path = new URL("./fixtures/change-predictors.json", import.meta.url);
    const { encoding }: { encoding: { cells: (number | null)[][]; encoded: number[][] } } = JSON.parse(
      readFileSync(path, "utf8"),
    );
    const columns = [numeric("a", "1", -9, 9), numeric("b", "1", -9, 9), categorical("c", "x", "y", "z"), yesNo("d")];
    const cells = matrix(
      encoding.cells.length,
      4,
      Float64Array.from(encoding.cells.flat(), (cell) => cell ?? Number.NaN),
    );
    const encoder = learnEncoder(columns, cells);
    expect(encoder.columns).toBe(7);
    const encoded = encode(encoder, cells);
    for (const [at, value] of encoding.encoded.flat().entries()) expect(encoded.data[at]).toBeCloseTo(value, 12);
  });

  test("knows the training rows alone, and fills new gaps with what is usual there", () => {
    const { values } = readCells(inputs, [
      { age: 50, weight: 70, smoking: "current", statin: "yes" },
      { age: 60, weight: null, smoking: "current", statin: "yes" },
      { age: 90, weight: 80, smoking: "never", statin: "no" },
      { age: null, weight: 300, smoking: null, statin: null },
    ]);
    const encoder = learnEncoder(inputs, takeRows(values, [0, 1, 2]));
    expect(encoder.inputs.map(({ fill }) => fill)).toEqual([60, 75, 2, 1]);
    expect(encoder.inputs.map(({ missing }) => missing)).toEqual([0, 1 / 3, 0, 0].map((share) => expect.closeTo(share)));
    expect(encoder.inputs.map(({ indicator }) => indicator)).toEqual([false, true, false, false]);
    expect(encoder.inputs[0]).toMatchObject({ low: 50, high: 90 });
    const [last] = [encode(JSON.parse(JSON.stringify(encoder)), takeRows(values, [3]))];
    expect([...last.data]).toEqual([60, 300, 0, 0, 0, 1, 1]);
    expect([...encode(encoder, takeRows(values, [1])).data]).toEqual([60, 75, 1, 0, 0, 1, 1]);
  });

  test("an input that no training row knows takes no column", () => {
    const { values } = readCells(inputs, [{ age: 50, smoking: "never", statin: "no" }]);
    const encoder = learnEncoder(inputs, values);
    expect(encoder.inputs[1].columns).toBe(0);
    expect(encode(encoder, values)).toMatchObject({ rows: 1, columns: 5 });
  });
});

test("inputs with one name, an empty range or a single category are refused; those that ship are sound", () => {
  expect(() => requireInputs([inputs[0], inputs[0]])).toThrow('Two inputs have the name "age"');
  expect(() => requireInputs([])).toThrow("no inputs");
  expect(() => numeric("age", "years", 90, 18)).toThrow("plausible range");
  expect(() => categorical("sex", "female")).toThrow("two different categories");
  requireInputs([...PERSONAL_INPUTS, ...STAGE_1_INPUTS]);
});
