import { describe, expect, test } from "vitest";
import { random } from "../../../../random/index.ts";
import { fitBoosting } from "./boosting.ts";
import { symmetricEigen } from "./eigen.ts";
import { fitForest } from "./forest.ts";
import { matrix, takeRows } from "./matrix.ts";
import { fitModel, MODEL_KINDS, predictModel } from "./model.ts";
import { fitPerceptron } from "./perceptron.ts";
import { fitRidge, PENALTIES, predictRidge } from "./ridge.ts";
import { divisions, type TrainingSet } from "./training-set.ts";
import { growTree, sortColumns, treeValue } from "./tree.ts";

const COLUMNS = 6;

/** A step in one column, a line in another, noise. */
const made = (rows: number, name: string): TrainingSet => {
  const x = matrix(rows, COLUMNS);
  const y = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const rng = random(name, row);
    const own = x.data.subarray(row * COLUMNS, (row + 1) * COLUMNS);
    for (let column = 0; column < COLUMNS; column++) own[column] = rng.normal(column, 1 + column);
    y[row] = 100 + (own[0] > 0.3 ? 2 : 0) + 0.3 * own[1] + rng.normal(0, 0.5);
  }
  return { x, y, patients: Array.from({ length: rows }, (_, row) => `patient ${row}`) };
};

const set = made(80, "training");
const unseen = made(100, "unseen");
const squaredError = (predicted: Float64Array): number =>
  predicted.reduce((sum, value, row) => sum + (value - unseen.y[row]) ** 2, 0) / predicted.length;

/** Each row twice, as if a patient had been measured once more with the same result. */
const doubled = ({ x, y, patients }: TrainingSet): TrainingSet => {
  const rows = Array.from(y, (_, row) => [row, row]).flat();
  return { x: takeRows(x, rows), y: Float64Array.from(rows, (row) => y[row]), patients: rows.map((row) => patients[row]) };
};

describe("every kind of model", () => {
  test("is a function of data and keys, is the same after JSON, and beats the mean", async () => {
    const mean = squaredError(predictModel(await fitModel("mean", set, []), unseen.x));
    for (const kind of MODEL_KINDS) {
      const model = await fitModel(kind, set, ["seed", 1]);
      expect(await fitModel(kind, set, ["seed", 1])).toEqual(model);
      const predicted = predictModel(model, unseen.x);
      expect(predictModel(JSON.parse(JSON.stringify(model)), unseen.x)).toEqual(predicted);
      if (kind !== "mean") expect(squaredError(predicted), kind).toBeLessThan(0.75 * mean);
    }
  });

  test("of chance depends on its keys", async () => {
    for (const kind of ["forest", "boosting", "perceptron"] as const) {
      expect(await fitModel(kind, set, ["seed", 2])).not.toEqual(await fitModel(kind, set, ["seed", 1]));
    }
  });

  test("lives with a column that does not vary, and with no columns at all", async () => {
    const flat = matrix(80, COLUMNS, set.x.data.slice());
    for (let row = 0; row < flat.rows; row++) flat.data[row * COLUMNS + 2] = 0.1;
    for (const kind of MODEL_KINDS) {
      const model = await fitModel(kind, { ...set, x: flat }, []);
      expect(predictModel(model, flat).every(Number.isFinite)).toBe(true);
      const empty = await fitModel(kind, { ...set, x: matrix(80, 0) }, []);
      expect(predictModel(empty, matrix(1, 0))[0]).toBeCloseTo(set.y.reduce((sum, value) => sum + value, 0) / 80, 6);
    }
  });
});

test("no patient is on both sides of a division, and each is left out once", () => {
  const patients = Array.from({ length: 60 }, (_, row) => `patient ${row % 23}`);
  const held = divisions(patients, 5, "seed").flatMap(({ train, held }) => {
    const taught = new Set(Array.from(train, (row) => patients[row]));
    expect(Array.from(held, (row) => patients[row]).filter((patient) => taught.has(patient))).toEqual([]);
    expect(train.length + held.length).toBe(60);
    return [...held];
  });
  expect(held.sort((a, b) => a - b)).toEqual([...Array(60).keys()]);
});

test("eigenvectors make the matrix again", () => {
  const size = 7;
  const rng = random("eigen");
  const half = Array.from({ length: size * size }, () => rng.normal());
  const a = Float64Array.from(half, (value, at) => value + half[(at % size) * size + Math.floor(at / size)]);
  const { values, vectors } = symmetricEigen(a, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let entry = 0;
      let product = 0;
      for (let k = 0; k < size; k++) {
        entry += vectors[i * size + k] * values[k] * vectors[j * size + k];
        product += vectors[k * size + i] * vectors[k * size + j];
      }
      expect(entry).toBeCloseTo(a[i * size + j], 12);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 12);
    }
  }
});

describe("ridge regression", () => {
  test("chooses a strong penalty where there is nothing to learn, a weak one where everything is a line", () => {
    const rng = random("noise");
    const noise = fitRidge({ ...set, y: set.y.map(() => rng.normal()) }, []);
    expect(noise.penalty).toBeGreaterThanOrEqual(1);
    const line = fitRidge({ ...set, y: set.y.map((_, row) => 3 - 2 * set.x.data[row * COLUMNS + 4]) }, []);
    expect(line.penalty).toBe(Math.min(...PENALTIES));
    expect(line.weights[4]).toBeCloseTo(-2, 1);
    expect(predictRidge(line, matrix(1, COLUMNS))[0]).toBeCloseTo(3, 0);
  });
});

describe("a tree", () => {
  const x = matrix(6, 1, Float64Array.of(1, 2, 3, 4, 5, 6));
  const y = Float64Array.of(0, 0, 0, 9, 9, 3);
  const grown = (weights: readonly number[], depth: number, leaf: number) =>
    growTree(sortColumns(x), y, Float64Array.from(weights), { depth, leaf });

  test("splits where squares fall most, and leaves no fewer rows than it may", () => {
    expect(grown([1, 1, 1, 1, 1, 1], 1, 1)).toEqual({ column: [0, -1, -1], cut: [3.5, 0, 7], right: [2, 0, 0] });
    expect(grown([1, 1, 1, 1, 1, 1], 9, 4)).toEqual({ column: [-1], cut: [3.5], right: [0] });
    expect(grown([1, 1, 1, 1, 1, 1], 9, 1).cut.length).toBe(5);
  });

  test("counts a row as often as it weighs, and one of weight 0 not at all", () => {
    expect(grown([1, 1, 1, 1, 1, 0], 1, 1).cut).toEqual([3.5, 0, 9]);
    expect(grown([1, 1, 1, 1, 1, 4], 1, 1).cut).toEqual([3.5, 0, 5]);
  });

  test("does not split equal values, in x or in y", () => {
    const flat = sortColumns(matrix(6, 1, new Float64Array(6).fill(0.1)));
    expect(growTree(flat, y, new Float64Array(6).fill(1), { depth: 9, leaf: 1 }).column).toEqual([-1]);
    const even = growTree(sortColumns(x), new Float64Array(6).fill(0.1), new Float64Array(6).fill(1), { depth: 9, leaf: 1 });
    expect(even.column).toEqual([-1]);
  });

  test("keeps neighbours apart that differ in the last digit only", () => {
    const [low, high] = [1, 1 + Number.EPSILON];
    const near = matrix(2, 1, Float64Array.of(low, high));
    const tree = growTree(sortColumns(near), Float64Array.of(5, 7), Float64Array.of(1, 1), { depth: 1, leaf: 1 });
    expect([treeValue(tree, near.data, 0), treeValue(tree, near.data, 1)]).toEqual([5, 7]);
  });
});

test("forest and boosting draw patients, not rows: measuring each twice grows the same trees", () => {
  const twice = doubled(set);
  expect(fitForest(twice, ["twice"], { trees: 10, leaf: 10 })).toEqual(fitForest(set, ["twice"], { trees: 10, leaf: 5 }));
  const [once, again] = [fitBoosting(set, ["twice"], { leaf: 5 }), fitBoosting(twice, ["twice"], { leaf: 10 })];
  expect(again.trees.length).toBe(once.trees.length);
  expect(predictModel(again, unseen.x)).toEqual(predictModel(once, unseen.x));
});

test("boosting stops early where there is nothing to learn, and shrinks what it learns", () => {
  const rng = random("noise");
  const noise = fitBoosting({ ...set, y: set.y.map(() => rng.normal()) }, []);
  expect(noise.trees.length).toBeLessThan(30);
  const few = fitBoosting(set, [], { rate: 0.5 });
  expect(fitBoosting(set, [], { rate: 0.05 }).trees.length).toBeGreaterThan(2 * few.trees.length);
});

test("perceptrons stop by patients left out: with a single look they are what they started as, the mean", async () => {
  const start = await fitPerceptron(set, [], { most: 1 });
  expect(predictModel(start, unseen.x).every((value) => value === start.mean)).toBe(true);
  expect(start.members).toHaveLength(4);
  const noise = await fitPerceptron({ ...set, y: set.y.map((_, row) => random("nothing", row).normal()) }, []);
  const spread = Math.max(...predictModel(noise, unseen.x).map(Math.abs));
  expect(spread).toBeLessThan(1);
});
