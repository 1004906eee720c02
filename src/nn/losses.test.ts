import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { constant, gradients, input, program, softmax, type Tensor } from "../graph/index.ts";
import { gradientError, openLocalRuntime, type Value } from "../runtime/index.ts";
import { binaryCrossEntropy, crossEntropy, diceLoss, focalLoss } from "./index.ts";

type Numbers = { shape: number[]; type: "float32" | "int64"; data: number[] };
type Case = {
  loss: "crossEntropy" | "binaryCrossEntropy" | "focalLoss" | "diceLoss";
  name: string;
  options: object;
  x: Numbers;
  target: Numbers;
  weights?: Numbers;
  value: number;
  gradient: Numbers;
};
/** Made by scripts/reference/losses.py with float64 PyTorch. */
const cases: Case[] = JSON.parse(readFileSync(new URL("./fixtures/losses.json", import.meta.url), "utf8"));
const losses = { crossEntropy, binaryCrossEntropy, focalLoss, diceLoss };

const toValue = ({ shape, type, data }: Numbers): Value => ({
  shape,
  data: type === "int64" ? BigInt64Array.from(data, BigInt) : Float32Array.from(data),
});
const floats = (shape: number[], data: number[]): Numbers => ({ shape, type: "float32", data });
const numbers = (shape: number[], data: number[]): Numbers => ({ shape, type: "int64", data });

/** Value and gradient by x of a loss. */
const run = async (x: Numbers, given: Readonly<Record<string, Numbers>>, build: (...inputs: Tensor[]) => Tensor) => {
  const feeds = Object.entries({ x, ...given }).map(([name, { shape, type }]) => input(name, shape, type));
  const loss = build(...feeds);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds, results: { loss, slope: gradients(loss, [feeds[0]])[0] } }));
  const values = Object.fromEntries(Object.entries({ x, ...given }).map(([name, numbers]) => [name, toValue(numbers)]));
  const results = await loaded.run(values);
  await runtime.close();
  return { loss: Number(results.loss.data[0]), slope: [...(results.slope.data as Float32Array)] };
};
const furthest = (found: number[], expected: number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs(value - found[i])));

test.each(cases)("$loss agrees with PyTorch: $name", async ({ loss, options, x, target, weights, value, gradient }) => {
  const given = { target, ...(weights && { weights }) };
  const found = await run(x, given, (logits, wanted, weighing) => {
    const all: object = { ...options, ...(weighing && { weights: weighing }) };
    return losses[loss](logits, wanted, all);
  });
  expect(Math.abs(found.loss / value - 1)).toBeLessThan(1e-5);
  expect(furthest(found.slope, gradient.data)).toBeLessThan(1e-6);
});

describe("class numbers and one-hot shares are one target", () => {
  const logits = floats([2, 3, 2], [1, -1, 0.5, 2, 0, 0.25, -2, 1, 1.5, 0, 0, 3]);
  const classes = numbers([2, 2], [0, 2, 1, 1]);
  const oneHot = floats([2, 3, 2], [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0]);
  test.each<[string, (x: Tensor, target: Tensor) => Tensor]>([
    ["crossEntropy", (x, t) => crossEntropy(x, t, { weights: [1, 5, 0.5], labelSmoothing: 0.1 })],
    ["focalLoss", (x, t) => focalLoss(x, t, { classAxis: 1, alpha: [1, 5, 0.5] })],
    ["diceLoss", (x, t) => diceLoss(softmax(x, 1), t)],
  ])("%s", async (_, loss) => {
    const [byNumber, byShare] = [await run(logits, { classes }, loss), await run(logits, { oneHot }, loss)];
    expect(byNumber).toEqual(byShare);
    expect(byNumber.loss).toBeGreaterThan(0);
  });
});

describe("what counts for nothing", () => {
  const x = floats([3, 2], [1, 2, -1, 0.5, 0.25, -3]);

  test("a class number beyond the classes, the ignored class, shares of 0", async () => {
    const [first] = [await run(floats([1, 2], [1, 2]), { t: numbers([1], [1]) }, (z, t) => crossEntropy(z, t))];
    const others: Promise<{ loss: number; slope: number[] }>[] = [
      run(x, { t: numbers([3], [1, 255, -1]) }, (z, t) => crossEntropy(z, t)),
      run(x, { t: numbers([3], [1, 0, 0]) }, (z, t) => crossEntropy(z, t, { ignore: 0 })),
      run(x, { t: floats([3, 2], [0, 1, 0, 0, 0, 0]) }, (z, t) => crossEntropy(z, t)),
    ];
    for (const found of await Promise.all(others)) {
      expect(found.loss).toBeCloseTo(first.loss, 6);
      expect(furthest(found.slope, [...first.slope, 0, 0, 0, 0])).toBeLessThan(1e-6);
    }
  });

  test("positions of weight 0, as if they were not there; whole weights, as if they were repeated", async () => {
    const kinds: ((x: Tensor, t: Tensor, w?: Tensor) => Tensor)[] = [
      (z, t, positionWeights) => crossEntropy(z, t, { positionWeights, labelSmoothing: 0.1, weights: [1, 3] }),
      (z, t, positionWeights) => diceLoss(softmax(z, 1), t, { positionWeights }),
    ];
    for (const loss of kinds) {
      const [t, w] = [numbers([3], [1, 0, 1]), floats([3], [2, 0, 1])];
      const weighted = await run(x, { t, w }, loss);
      const repeated = await run(floats([3, 2], [1, 2, 1, 2, 0.25, -3]), { t: numbers([3], [1, 1, 1]) }, (z, u) => loss(z, u));
      expect(weighted.loss).toBeCloseTo(repeated.loss, 6);
      const [first, again, last] = [0, 2, 4].map((at) => repeated.slope.slice(at, at + 2));
      expect(furthest(weighted.slope, [first[0] + again[0], first[1] + again[1], 0, 0, ...last])).toBeLessThan(1e-6);
    }
  });

  test("where nothing counts, loss and gradient are 0", async () => {
    const none = await run(x, { t: numbers([3], [0, 0, 0]) }, (z, t) => crossEntropy(z, t, { ignore: 0, labelSmoothing: 0.1 }));
    const weightless = await run(
      x,
      { t: floats([3, 2], [1, 0, 1, 0, 1, 1]), w: floats([3, 2], new Array(6).fill(0)) },
      (z, t, w) => binaryCrossEntropy(z, t, { weights: w }),
    );
    for (const { loss, slope } of [none, weightless]) expect([loss, ...slope].every((value) => value === 0)).toBe(true);
  });
});

describe("constant and saturated logits", () => {
  const flat = (value: number) => floats([2, 3], new Array(6).fill(value));
  const extreme = floats([2, 3], [100, -100, -100, -100, 100, 100]);
  const classes = numbers([2], [0, 0]);
  const answers = floats([2, 3], [1, 0, 1, 1, 1, 0]);
  const kinds: [string, Numbers, (x: Tensor, target: Tensor) => Tensor][] = [
    ["crossEntropy", classes, (x, t) => crossEntropy(x, t)],
    ["crossEntropy, smoothed and weighted", classes, (x, t) => crossEntropy(x, t, { labelSmoothing: 0.1, weights: [1, 2, 3] })],
    ["binaryCrossEntropy", answers, (x, t) => binaryCrossEntropy(x, t)],
    ["diceLoss", classes, (x, t) => diceLoss(softmax(x, 1), t)],
    ...[0, 0.5, 1, 2, 5].flatMap((gamma): [string, Numbers, (x: Tensor, target: Tensor) => Tensor][] => [
      [`focalLoss, gamma ${gamma}`, answers, (x, t) => focalLoss(x, t, { gamma, alpha: 0.25 })],
      [`focalLoss with classes, gamma ${gamma}`, classes, (x, t) => focalLoss(x, t, { gamma, classAxis: 1 })],
    ]),
  ];
  test.each(kinds)("%s: finite, not negative, with finite gradients", async (_, target, loss) => {
    for (const x of [flat(0), flat(100), flat(-100), extreme, { ...extreme, data: extreme.data.map((value) => -value) }]) {
      const found = await run(x, { target }, loss);
      expect(found.slope.every(Number.isFinite)).toBe(true);
      expect(found.loss).toBeGreaterThanOrEqual(0);
      expect(found.loss).toBeLessThanOrEqual(401);
    }
  });

  test("a sure and wrong answer still pulls with full strength", async () => {
    const wrong = await run(floats([1, 2], [-100, 100]), { t: numbers([1], [0]) }, (x, t) => crossEntropy(x, t));
    expect(wrong).toEqual({ loss: 200, slope: [-1, 1] });
    const binary = await run(floats([1], [-100]), { t: floats([1], [1]) }, (x, t) => binaryCrossEntropy(x, t));
    expect(binary).toEqual({ loss: 100, slope: [-1] });
    const focal = await run(floats([1], [-100]), { t: floats([1], [1]) }, (x, t) => focalLoss(x, t));
    expect(focal).toEqual({ loss: 100, slope: [-1] });
  });

  test("equal logits cost the logarithm of the number of answers", async () => {
    expect((await run(flat(7), { classes }, (x, t) => crossEntropy(x, t))).loss).toBeCloseTo(Math.log(3), 6);
    expect((await run(flat(0), { answers }, (x, t) => binaryCrossEntropy(x, t))).loss).toBeCloseTo(Math.log(2), 6);
  });
});

test("focal loss leaves aside what is already right", async () => {
  const ratio = async (logit: number) => {
    const [x, t] = [floats([1], [logit]), floats([1], [1])];
    const focal = await run(x, { t }, (z, y) => focalLoss(z, y));
    return focal.loss / (await run(x, { t }, (z, y) => binaryCrossEntropy(z, y))).loss;
  };
  expect(await ratio(0)).toBeCloseTo(0.25, 5); // (1 - p)^2
  expect(await ratio(3)).toBeCloseTo((1 / (1 + Math.exp(3))) ** 2, 5);
});

test("focal loss with gamma 0 is cross-entropy, also of shares", async () => {
  const [x, t] = [floats([2, 2], [1, -2, 0.5, 3]), floats([2, 2], [0.25, 0.75, 1, 0])];
  const [focal, binary] = [
    await run(x, { t }, (z, y) => focalLoss(z, y, { gamma: 0 })),
    await run(x, { t }, (z, y) => binaryCrossEntropy(z, y)),
  ];
  expect(focal.loss).toBeCloseTo(binary.loss, 6);
  expect(furthest(focal.slope, binary.slope)).toBeLessThan(1e-6);
});

test("Dice: 0 for a perfect map, near 1 for a disjoint one; an absent class costs what is predicted of it", async () => {
  const certain = (classes: number[]) => floats([1, 2, 4], [...classes.map((c) => 1 - c), ...classes]);
  const dice = async (predicted: number[], truth: number[]) =>
    (await run(certain(predicted), { t: numbers([1, 4], truth) }, (p, t) => diceLoss(p, t, { smooth: 0.5 }))).loss;
  expect(await dice([0, 1, 1, 0], [0, 1, 1, 0])).toBe(0);
  expect(await dice([1, 0, 0, 1], [0, 1, 1, 0])).toBeCloseTo(1 - 0.5 / 4.5, 6);
  expect(await dice([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0);
  // Class 1 is absent and predicted once: 1 / 1.5; class 0 has 3 of 4 positions.
  expect(await dice([0, 0, 0, 1], [0, 0, 0, 0])).toBeCloseTo((1 / 1.5 + (1 - 6.5 / 7.5)) / 2, 6);
});

const oneHot = constant(Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0), [2, 3, 2]);
const yes = constant(Float32Array.of(1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0), [2, 3, 2]);
const some = constant(Float32Array.of(1, 0, 0.5, 2), [2, 2]);
test.each<[string, (x: Tensor) => Tensor]>([
  ["crossEntropy", (x) => crossEntropy(x, oneHot, { weights: [1, 2, 0.5], labelSmoothing: 0.2 })],
  ["binaryCrossEntropy", (x) => binaryCrossEntropy(x, yes, { weights: constant(new Float32Array(12).fill(2), [2, 3, 2]) })],
  ["focalLoss", (x) => focalLoss(x, yes, { gamma: 1.5, alpha: 0.25 })],
  ["focalLoss with classes", (x) => focalLoss(x, oneHot, { classAxis: 1, gamma: 1.5 })],
  ["diceLoss", (x) => diceLoss(softmax(x, 1), oneHot)],
  ["crossEntropy with weighed positions", (x) => crossEntropy(x, oneHot, { positionWeights: some })],
  ["diceLoss with weighed positions", (x) => diceLoss(softmax(x, 1), oneHot, { positionWeights: some })],
])("gradient of %s against finite differences", async (_, loss) => {
  for (const seed of [1, 2]) expect(await gradientError(loss, [{ shape: [2, 3, 2] }], { seed })).toBeLessThan(5e-3);
});

test("mistakes are named", () => {
  const x = input("x", [2, 3, 4]);
  const classes = input("classes", [2, 3], "int64");
  expect(() => crossEntropy(x, classes)).toThrow(
    "crossEntropy: class numbers for [2, 3, 4] must have the shape [2, 4], but have [2, 3].",
  );
  expect(() => crossEntropy(x, input("t", [2, 4]))).toThrow(
    "crossEntropy: The target must have the shape [2, 3, 4], but has [2, 4].",
  );
  expect(() => crossEntropy(x, input("t", [2, 4], "int64"), { weights: [1, 2] })).toThrow(
    "crossEntropy: 2 weights for 3 classes.",
  );
  expect(() => crossEntropy(x, classes, { classAxis: 3 })).toThrow(/axis 3 of \[2, 3, 4\] is no axis/);
  expect(() => binaryCrossEntropy(x, x, { weights: input("w", [1]) })).toThrow("The weights must have the shape [2, 3, 4]");
  expect(() => focalLoss(x, classes)).toThrow("The target must have the shape");
  expect(() => focalLoss(x, x, { alpha: [1, 2, 3] })).toThrow("a list for alpha needs a classAxis");
  expect(() => focalLoss(x, x, { classAxis: 1, alpha: 0.5 })).toThrow("alpha is a list with a weight for each");
  expect(() => diceLoss(x, x, { positionWeights: x })).toThrow(
    "diceLoss: positionWeights for [2, 3, 4] must have the shape [2, 4], but have [2, 3, 4].",
  );
  expect(() => diceLoss(x, x, { smooth: 0 })).toThrow("smooth must be above 0");
});
