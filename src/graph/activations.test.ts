import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import {
  gelu,
  gradients,
  input,
  leakyRelu,
  logSoftmax,
  mul,
  program,
  relu,
  silu,
  softmax,
  softplus,
  sum,
  type Tensor,
  transpose,
} from "./index.ts";

/** y, and the gradient of its sum. */
const run = async (build: (x: Tensor) => Tensor, shape: number[], values: number[]) => {
  const x = input("x", shape);
  const y = build(x);
  const [dx] = gradients(sum(y), [x]);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [x], results: { y, dx } }));
  const found = await loaded.run({ x: { data: Float32Array.from(values), shape } });
  await runtime.close();
  return { y: Array.from(found.y.data, Number), dx: Array.from(found.dx.data, Number) };
};

/** Values away from the kink at 0, where finite differences fail. */
const awayFrom0 = (shape: readonly number[]) => {
  const rng = random("activations", ...shape);
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, () => (rng.uniform() < 0.5 ? -1 : 1) * rng.uniform(0.2, 2)) };
};

const shapes = [[9], [2, 3, 5], [2, 3, 1, 4]];

describe("gradients against finite differences", () => {
  test.each([
    ["relu", relu],
    ["leakyRelu", (x: Tensor) => leakyRelu(x, 0.2)],
  ])("%s", async (_, build) => {
    for (const shape of shapes) expect(await gradientError(build, [awayFrom0(shape)])).toBeLessThan(5e-3);
  });

  test.each([
    ["softplus", softplus],
    ["gelu", gelu],
    ["silu", silu],
    ["softmax", (x: Tensor) => softmax(x)],
    ["softmax along the first axis", (x: Tensor) => softmax(x, 0)],
    ["logSoftmax", (x: Tensor) => logSoftmax(x)],
    ["logSoftmax along the first axis", (x: Tensor) => logSoftmax(x, 0)],
  ])("%s, also of its gradient", async (_, build) => {
    for (const shape of shapes) expect(await gradientError(build, [{ shape }])).toBeLessThan(5e-3);
    const slope = (x: Tensor) => gradients(sum(mul(build(x), build(x))), [x])[0];
    expect(await gradientError(slope, [{ shape: [2, 3, 4] }])).toBeLessThan(5e-3);
  });
});

test("at the kinks the lower slope counts", async () => {
  expect(await run(relu, [3], [-1, 0, 2])).toEqual({ y: [0, 0, 2], dx: [0, 0, 1] });
  const { dx } = await run((x) => leakyRelu(x, 0.25), [3], [-1, 0, 2]);
  expect(dx).toEqual([0.25, 0.25, 1]);
});

test.each([
  ["softplus", softplus, [0, 0, 100, 1e4], [0, 0, 1, 1]],
  ["gelu", gelu, [0, 0, 100, 1e4], [0, 0, 1, 1]],
  ["silu", silu, [0, 0, 100, 1e4], [0, 0, 1, 1]],
])("%s is right far out", async (_, build, y, dx) => {
  const found = await run(build, [4], [-1e4, -100, 100, 1e4]);
  for (const [i, value] of y.entries()) expect(found.y[i]).toBeCloseTo(value, 20);
  for (const [i, slope] of dx.entries()) expect(found.dx[i]).toBeCloseTo(slope, 20);
});

describe.each([0, 1])("softmax of large values along axis %i", (axis) => {
  const shape = axis === 0 ? [3, 1] : [1, 3];

  test("keeps shares and their logarithms", async () => {
    const { y } = await run((x) => softmax(x, axis), shape, [1e4, 1e4, -1e4]);
    expect(y).toEqual([0.5, 0.5, 0]);
    const { y: logarithms, dx } = await run((x) => logSoftmax(x, axis), shape, [1e4, 1e4, -1e4]);
    for (const [i, value] of [-Math.LN2, -Math.LN2, -2e4 - Math.LN2].entries()) expect(logarithms[i] / value).toBeCloseTo(1, 6);
    expect(dx).toEqual([-0.5, -0.5, 1]);
  });

  test("of equal values is the same share for each", async () => {
    expect(await run((x) => softmax(x, axis), shape, [100, 100, 100])).toEqual({
      y: [1, 1, 1].map((value) => Math.fround(value / 3)),
      dx: [0, 0, 0],
    });
  });
});

test("softmax along a middle axis is that along the last one, with the axes exchanged", async () => {
  const rng = random("softmax");
  const values = Array.from({ length: 24 }, () => 4 * rng.normal());
  for (const operator of [softmax, logSoftmax]) {
    const direct = await run((x) => operator(x, 1), [2, 4, 3], values);
    const turned = await run((x) => transpose(operator(transpose(x, [0, 2, 1])), [0, 2, 1]), [2, 4, 3], values);
    for (const [i, value] of turned.y.entries()) expect(direct.y[i]).toBeCloseTo(value, 5);
  }
});

test("mistakes name the operator", () => {
  const x = input("x", [2, 3]);
  expect(() => softmax(x, 2)).toThrow("Softmax: axis 2 does not exist in the shape [2, 3].");
  expect(() => gelu(input("x", [2], "int64"))).toThrow("gelu: needs float32, but got int64 of shape [2].");
});
