import { expect, test } from "vitest";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import { argMax, cast, constant, type DataType, gradients, input, max, min, mul, program, sum, type Tensor } from "./index.ts";

const evaluate = async (results: Record<string, Tensor>): Promise<Record<string, number[]>> => {
  const runtime = openLocalRuntime({ threads: 1 });
  const found = await (await runtime.load(program({ feeds: [], results }))).run({});
  await runtime.close();
  return Object.fromEntries(
    Object.entries(found).map(([name, { data, shape }]) => {
      expect(shape).toEqual(results[name].shape);
      return [name, Array.from(data, Number)];
    }),
  );
};

/** Values in random order, so far apart that no finite step exchanges two. */
const apart = (...shape: number[]) => {
  const order = random("apart", ...shape);
  const size = shape.reduce((product, length) => product * length, 1);
  const keys = Array.from({ length: size }, () => order.uniform());
  const sorted = [...keys].sort((a, b) => a - b);
  return { shape, data: Float32Array.from(keys, (key) => sorted.indexOf(key) / 4) };
};

test.each([
  ["max", max],
  ["min", min],
])("gradients of %s against finite differences", async (_, reduce) => {
  expect(await gradientError((x) => reduce(x), [apart(7)])).toBeLessThan(5e-3);
  expect(await gradientError((x) => reduce(x, [1]), [apart(2, 5, 3)])).toBeLessThan(5e-3);
  expect(await gradientError((x) => reduce(x, [0, -1], { keepAxes: true }), [apart(3, 2, 4)])).toBeLessThan(5e-3);
  const slope = (x: Tensor) => gradients(sum(mul(reduce(x, [1]), reduce(x, [1]))), [x])[0];
  expect(await gradientError(slope, [apart(3, 4)])).toBeLessThan(5e-3);
});

test("equal extremes share the gradient equally, all of them in a constant image", async () => {
  const x = constant(Float32Array.of(1, 3, 3, -1, -1, -1, 2, 2, 2, 2, 2, 2), [2, 6]);
  const slope = (reduce: typeof max) => gradients(sum(mul(reduce(x, [1]), 6)), [x])[0];
  expect(await evaluate({ high: slope(max), low: slope(min) })).toEqual({
    high: [0, 3, 3, 0, 0, 0, 1, 1, 1, 1, 1, 1],
    low: [0, 0, 0, 2, 2, 2, 1, 1, 1, 1, 1, 1],
  });
});

test.each<DataType>(["float32", "int64", "uint8"])(
  "extremes of %s and where the largest is, first of equal ones",
  async (type) => {
    const x = cast(constant(Float32Array.of(5, 200, 200, 9, 0, 9), [2, 3]), type);
    const results = {
      high: max(x, [1]),
      low: min(x, [-1], { keepAxes: true }),
      all: max(x),
      where: argMax(x, -1),
      down: argMax(x, 0, { keepAxes: true }),
    };
    expect(Object.values(results).map((tensor) => tensor.type)).toEqual([type, type, type, "int64", "int64"]);
    expect(Object.values(results).map(({ shape }) => shape)).toEqual([[2], [2, 1], [], [2], [1, 3]]);
    expect(await evaluate(results)).toEqual({ high: [200, 9], low: [5, 0], all: [200], where: [1, 0], down: [1, 0, 0] });
  },
);

test("over no axes a tensor stays as it is; positions have no gradient", () => {
  const x = input("x", [2, 3]);
  expect(max(x, [])).toBe(x);
  expect(() => gradients(sum(cast(argMax(x, 0), "float32")), [x])).toThrow("has no gradient");
  expect(() => min(input("flags", [2], "bool"))).toThrow(
    "ReduceMin: needs float32 or int64 or uint8, but got bool of shape [2].",
  );
  expect(() => argMax(x, 2)).toThrow("ArgMax: axis 2 does not exist in the shape [2, 3].");
});
