import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fitBoosting, predictBoosting } from "./boosting.ts";
import { fitForest, predictForest } from "./forest.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { fitPerceptron, predictPerceptron } from "./perceptron.ts";
import { fitRidge, predictRidge, ridgePath } from "./ridge.ts";
import { growTree, sortColumns, treeValue } from "./tree.ts";

interface Reference {
  readonly train: { readonly x: number[][]; readonly y: number[] };
  readonly test: { readonly x: number[][]; readonly y: number[] };
  readonly ridge: { readonly penalty: number; readonly predicted: number[] }[];
  readonly trees: { columns: number[]; depth: number; leaf: number; cuts: number[]; predicted: number[] }[];
  readonly forest: { readonly r2: number[] };
  readonly boosting: { readonly r2: number[] };
}

const reference: Reference = JSON.parse(readFileSync(new URL("../fixtures/change-predictors.json", import.meta.url), "utf8"));

const matrixOf = (rows: readonly (readonly number[])[], columns = rows[0].map((_, column) => column)): Matrix =>
  matrix(rows.length, columns.length, Float64Array.from(rows.flatMap((row) => columns.map((column) => row[column]))));

const train = {
  x: matrixOf(reference.train.x),
  y: Float64Array.from(reference.train.y),
  patients: reference.train.y.map((_, row) => `patient ${row}`),
};
const unseen = matrixOf(reference.test.x);
const truth = reference.test.y;
const middle = truth.reduce((sum, value) => sum + value, 0) / truth.length;

const r2 = (predicted: Float64Array): number =>
  1 -
  truth.reduce((sum, value, row) => sum + (value - predicted[row]) ** 2, 0) /
    truth.reduce((sum, value) => sum + (value - middle) ** 2, 0);

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("against scikit-learn", () => {
  test("ridge regression of every penalty is the same", () => {
    const models = ridgePath(
      train,
      reference.ridge.map(({ penalty }) => penalty),
    );
    for (const [i, { predicted }] of reference.ridge.entries()) {
      const own = predictRidge(models[i], unseen);
      for (const [row, value] of predicted.entries()) expect(own[row]).toBeCloseTo(value, 9);
    }
  });

  test("a tree of one column, and of ten, has the same cuts and values", () => {
    for (const { columns, depth, leaf, cuts, predicted } of reference.trees) {
      const x = matrixOf(reference.train.x, columns);
      const tree = growTree(sortColumns(x), train.y, new Float64Array(x.rows).fill(1), { depth, leaf });
      const own = tree.cut.filter((_, node) => tree.column[node] >= 0).sort((a, b) => a - b);
      expect(own).toHaveLength(cuts.length);
      for (const [i, cut] of cuts.entries()) expect(own[i]).toBeCloseTo(cut, 6);
      const asked = matrixOf(reference.test.x, columns);
      for (const [row, value] of predicted.entries()) {
        expect(treeValue(tree, asked.data, row * asked.columns)).toBeCloseTo(value, 4);
      }
    }
  });

  test("a forest predicts as well", () => {
    const own = [0, 1, 2].map((seed) => r2(predictForest(fitForest(train, [seed]), unseen)));
    expect(Math.abs(mean(own) - mean(reference.forest.r2))).toBeLessThan(0.03);
  });

  test("boosting that stops by itself predicts as well as three hundred trees do", () => {
    const model = fitBoosting(train, ["reference"]);
    expect(r2(predictBoosting(model, unseen))).toBeGreaterThan(mean(reference.boosting.r2) - 0.03);
    expect(model.trees.length).toBeGreaterThan(50);
  });
});

test("what bends is learnt by a perceptron, and not by a line", async () => {
  const line = r2(predictRidge(fitRidge(train, ["line"]), unseen));
  const bent = r2(predictPerceptron(await fitPerceptron(train, ["bent"]), unseen));
  expect(line).toBeGreaterThan(0.6);
  expect(bent).toBeGreaterThan(line + 0.05);
});
