import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import {
  adaptiveAveragePool2d,
  adaptiveMaxPool2d,
  averagePool2d,
  constant,
  gradients,
  input,
  maxPool2d,
  mul,
  program,
  sum,
  type Tensor,
} from "./index.ts";

type Shape = readonly [number, number, number, number];

const evaluate = async (y: Tensor, x: Tensor, shape: Shape, data: Float32Array) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const found = await (await runtime.load(program({ feeds: [x], results: { y } }))).run({ x: { data, shape } });
  await runtime.close();
  return { shape: found.y.shape, values: Array.from(found.y.data, Number) };
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Values in random order, so far apart that no finite step exchanges two. */
const apart = (shape: Shape) => {
  const order = random("apart", ...shape);
  const keys = Array.from({ length: sizeOf(shape) }, () => order.uniform());
  const sorted = [...keys].sort((a, b) => a - b);
  return { shape, data: Float32Array.from(keys, (key) => sorted.indexOf(key) / 4 - 3) };
};

const cases: [name: string, pool: (x: Tensor) => Tensor, shape: Shape][] = [
  ["maxPool2d 2, even", (x) => maxPool2d(x, 2), [2, 3, 4, 6]],
  ["maxPool2d 2, odd", (x) => maxPool2d(x, 2), [1, 2, 5, 7]],
  ["maxPool2d 3, stride 2, padding 1, as in ResNet", (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }), [2, 2, 7, 6]],
  ["maxPool2d 3, stride 1, padding 1", (x) => maxPool2d(x, 3, { stride: 1, padding: 1 }), [1, 1, 5, 4]],
  ["maxPool2d 2, stride 3", (x) => maxPool2d(x, 2, { stride: 3 }), [1, 2, 8, 5]],
  ["maxPool2d 1", (x) => maxPool2d(x, 1), [1, 2, 2, 3]],
  ["averagePool2d 2, even", (x) => averagePool2d(x, 2), [2, 3, 4, 6]],
  ["averagePool2d 2, odd", (x) => averagePool2d(x, 2), [1, 2, 5, 7]],
  ["averagePool2d 3, stride 2, padding 1", (x) => averagePool2d(x, 3, { stride: 2, padding: 1 }), [2, 2, 7, 6]],
  [
    "averagePool2d 3, stride 1, padding 1, of what is inside",
    (x) => averagePool2d(x, 3, { stride: 1, padding: 1, countPadding: false }),
    [1, 1, 5, 4],
  ],
  ["averagePool2d 2, padding 1", (x) => averagePool2d(x, 2, { padding: 1 }), [1, 1, 4, 6]],
  ["averagePool2d 4, padding 1, as many windows as without", (x) => averagePool2d(x, 4, { padding: 1 }), [1, 1, 8, 4]],
  ["averagePool2d 2, stride 3", (x) => averagePool2d(x, 2, { stride: 3 }), [1, 2, 8, 5]],
  ["adaptiveAveragePool2d, even", (x) => adaptiveAveragePool2d(x, [2, 3]), [1, 2, 4, 6]],
  ["adaptiveAveragePool2d, uneven", (x) => adaptiveAveragePool2d(x, [3, 4]), [2, 1, 7, 5]],
  ["adaptiveAveragePool2d to one", (x) => adaptiveAveragePool2d(x, [1, 1]), [2, 3, 5, 4]],
  ["adaptiveAveragePool2d to more", (x) => adaptiveAveragePool2d(x, [5, 2]), [1, 1, 3, 2]],
  ["adaptiveMaxPool2d, even", (x) => adaptiveMaxPool2d(x, [2, 3]), [1, 2, 4, 6]],
  ["adaptiveMaxPool2d, uneven", (x) => adaptiveMaxPool2d(x, [3, 4]), [2, 1, 7, 5]],
  ["adaptiveMaxPool2d to one", (x) => adaptiveMaxPool2d(x, [1, 1]), [2, 3, 5, 4]],
];

test.each(cases)("gradient of %s against finite differences, also of the gradient", async (_, pool, shape) => {
  expect(await gradientError(pool, [apart(shape)])).toBeLessThan(5e-3);
  const slope = (x: Tensor) => gradients(sum(mul(pool(x), pool(x))), [x])[0];
  expect(await gradientError(slope, [apart(shape)])).toBeLessThan(5e-3);
});

describe("of a constant image", () => {
  const shape: Shape = [1, 1, 4, 4];
  const image = new Float32Array(16).fill(0.5);
  const x = input("x", shape);
  const slope = (pool: (x: Tensor) => Tensor) => evaluate(gradients(sum(pool(x)), [x])[0], x, shape, image);

  test.each<[string, (x: Tensor) => Tensor, number[]]>([
    ["windows side by side", (a) => maxPool2d(a, 2), [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]],
    ["windows that overlap", (a) => maxPool2d(a, 3, { stride: 1 }), [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    [
      "windows beyond the border",
      (a) => maxPool2d(a, 3, { stride: 2, padding: 1 }),
      [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    ["uneven parts", (a) => adaptiveMaxPool2d(a, [1, 3]), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])("the first place of each window gets its whole gradient: %s", async (_, pool, expected) => {
    expect((await slope(pool)).values).toEqual(expected);
  });

  test("averages are the constant, less the zeros around it, and spread their gradient evenly", async () => {
    const uncounted = (a: Tensor) => averagePool2d(a, 3, { stride: 2, padding: 1, countPadding: false });
    expect((await evaluate(uncounted(x), x, shape, image)).values).toEqual([0.5, 0.5, 0.5, 0.5]);
    const counted = (await evaluate(averagePool2d(x, 3, { stride: 2, padding: 1 }), x, shape, image)).values;
    for (const [i, share] of [4, 6, 6, 9].entries()) expect(counted[i]).toBeCloseTo((0.5 * share) / 9, 6);
    expect((await slope((a) => averagePool2d(a, 2))).values).toEqual(new Array(16).fill(0.25));
  });
});

test("a gradient goes to a negative largest value beside the border, never to the padding", async () => {
  const shape: Shape = [1, 1, 2, 2];
  const x = input("x", shape);
  const y = maxPool2d(x, 2, { padding: 1 });
  const image = Float32Array.of(-4, -3, -2, -1);
  expect((await evaluate(y, x, shape, image)).values).toEqual([-4, -3, -2, -1]);
  const weights = constant(Float32Array.of(1, 2, 3, 4), [1, 1, 2, 2]);
  expect((await evaluate(gradients(sum(mul(y, weights)), [x])[0], x, shape, image)).values).toEqual([1, 2, 3, 4]);
});

describe("images of a size that is known only at run time", () => {
  const pools: Record<string, (x: Tensor) => Tensor> = {
    "maxPool2d 3 2 1": (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
    "averagePool2d 3 1 1": (x) => averagePool2d(x, 3, { stride: 1, padding: 1 }),
    "averagePool2d 2": (x) => averagePool2d(x, 2),
    "adaptiveAveragePool2d 1 1": (x) => adaptiveAveragePool2d(x, [1, 1]),
    "adaptiveAveragePool2d 3 5": (x) => adaptiveAveragePool2d(x, [3, 5]),
    "adaptiveMaxPool2d 1 1": (x) => adaptiveMaxPool2d(x, [1, 1]),
  };

  test.each(Object.entries(pools))("%s is the same as for a known size", async (_, pool) => {
    const open = input("x", ["batch", 2, "height", "width"]);
    for (const shape of [
      [2, 2, 7, 9],
      [1, 2, 6, 10],
    ] as const) {
      const known = input("x", shape);
      const { data } = apart(shape);
      const [found, expected] = [await evaluate(pool(open), open, shape, data), await evaluate(pool(known), known, shape, data)];
      expect(found.shape).toEqual(expected.shape);
      for (const [i, value] of expected.values.entries()) expect(found.values[i]).toBeCloseTo(value, 5);
    }
  });

  test("keep the name of a size that a pool keeps, and only that", () => {
    const x = input("x", ["batch", 2, "height", 8]);
    expect(maxPool2d(x, 3, { stride: 1, padding: 1 }).shape).toEqual(["batch", 2, "height", 8]);
    expect(averagePool2d(x, 2).shape).toEqual(["batch", 2, "pool(height)", 4]);
    expect(() => adaptiveMaxPool2d(x, [2, 2])).toThrow("adaptiveMaxPool2d: needs sizes known when the graph is built");
    expect(() => gradients(sum(maxPool2d(x, 2)), [x])).toThrow("needs sizes known when the graph is built");
  });
});

test("mistakes name the operator and the shapes", () => {
  const x = input("x", [1, 2, 4, 4]);
  expect(() => maxPool2d(x, 5)).toThrow("MaxPool: the window [5, 5] is larger than the padded [1, 2, 4, 4].");
  expect(() => averagePool2d(x, 3, { padding: 2 })).toThrow(
    "AveragePool: a padding of 2 is more than half of the window [3, 3].",
  );
  expect(() => maxPool2d(input("x", [4, 4]), 2)).toThrow(/MaxPool: needs an image batch .* got the shape \[4, 4\]/);
  expect(() => adaptiveMaxPool2d(x, [0, 1])).toThrow("adaptiveMaxPool2d: [1, 2, 4, 4] cannot be cut into 0 x 1 parts.");
  expect(() => averagePool2d(input("x", [1, 2, 4, 4], "uint8"), 2)).toThrow("AveragePool: needs float32, but got uint8");
});
