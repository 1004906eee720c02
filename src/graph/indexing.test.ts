import { describe, expect, test } from "vitest";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import {
  cast,
  constant,
  type DataType,
  gather,
  gradients,
  input,
  mul,
  program,
  readModel,
  reshape,
  reverse,
  roll,
  sum,
  type Tensor,
  toOnnx,
} from "./index.ts";

const whole = (shape: readonly number[], ...values: number[]): Tensor => constant(BigInt64Array.from(values, BigInt), shape);
/** The same positions, but known only when the program runs. */
const computed = (positions: Tensor): Tensor => {
  const { origin, shape } = positions;
  const numbers = Array.from((origin as { data: BigInt64Array }).data, Number);
  return cast(constant(Float32Array.from(numbers), shape as number[]), "int64");
};

const evaluate = async (y: Tensor, feeds: Tensor[] = [], values: number[][] = []): Promise<number[]> => {
  const runtime = openLocalRuntime({ threads: 2 });
  const loaded = await runtime.load(program({ feeds, results: { y } }));
  const given = feeds.map(({ shape }, i) => [`x${i}`, { data: Float32Array.from(values[i]), shape: shape as number[] }] as const);
  const { data, shape } = (await loaded.run(Object.fromEntries(given))).y;
  await runtime.close();
  expect(shape).toEqual(y.shape);
  return Array.from(data, Number);
};

const count = (size: number): number[] => Array.from({ length: size }, (_, i) => i);

describe("gather", () => {
  const positions: [string, Tensor][] = [
    ["in another order", whole([5], 3, 0, 4, 2, 1)],
    ["some, repeatedly, some from the end", whole([2, 4], 0, -1, 0, 3, 3, -5, 0, 1)],
    ["one", whole([], 2)],
  ];
  const shapes = [
    [[5, 2, 3], 0],
    [[2, 5, 3], 1],
    [[2, 3, 5], -1],
    [[5], 0],
  ] as const;

  test.each(positions)("%s: gradients against finite differences, positions known or not", async (_, at) => {
    for (const [shape, axis] of shapes) {
      for (const build of [(x: Tensor) => gather(x, at, axis), (x: Tensor) => gather(x, computed(at), axis)]) {
        expect(await gradientError(build, [{ shape }])).toBeLessThan(5e-3);
        const slope = (x: Tensor) => gradients(sum(mul(build(x), build(x))), [x])[0];
        expect(await gradientError(slope, [{ shape }])).toBeLessThan(5e-3);
      }
    }
  });

  test.each<DataType>(["float32", "int64", "uint8", "uint16", "bool"])("takes elements of %s", async (type) => {
    const x = cast(constant(Float32Array.of(0, 1, 2, 3, 4, 5), [2, 3]), type);
    const y = gather(x, whole([2, 2], 2, 0, 0, -2), 1);
    expect([y.shape, y.type]).toEqual([[2, 2, 2], type]);
    const expected = [2, 0, 0, 1, 5, 3, 3, 4];
    expect(await evaluate(y)).toEqual(type === "bool" ? expected.map((value) => Number(value !== 0)) : expected);
  });

  test.each([
    ["a product, for few known positions", 100, whole, "MatMul"],
    ["one by one, for many", 900, whole, "ScatterElements"],
    [
      "one by one, for unknown ones",
      100,
      (...positions: Parameters<typeof whole>) => computed(whole(...positions)),
      "ScatterElements",
    ],
  ])("sums gradients by position: %s", async (_, taken, positionsOf, operator) => {
    const size = 300;
    const places = count(taken).map((i) => (i * i) % size);
    const weights = count(2 * taken * 2).map((i) => (i % 7) - 3);
    const expected = new Array(2 * size * 2).fill(0);
    for (const [i, weight] of weights.entries()) {
      const [outer, place, inner] = [Math.floor(i / (2 * taken)), places[Math.floor(i / 2) % taken], i % 2];
      expected[(outer * size + place) * 2 + inner] += weight;
    }
    const x = input("x0", [2, size, 2]);
    const y = gather(x, positionsOf([taken], ...places), 1);
    const [dx] = gradients(sum(mul(y, constant(Float32Array.from(weights), [2, taken, 2]))), [x]);
    expect(readModel(toOnnx({ inputs: [x], outputs: { dx } })).operators[operator]).toBe(1);
    expect(await evaluate(dx, [x], [new Array(2 * size * 2).fill(0)])).toEqual(expected);
  });

  test("refuses what does not exist", () => {
    const x = input("x", [2, 3]);
    expect(() => gather(x, whole([2], 0, 3), 1)).toThrow("Gather: position 3 of [2] does not lie in axis 1 of [2, 3].");
    expect(() => gather(x, whole([1], -3), 0)).toThrow("Gather: position -3 of [1] does not lie in axis 0 of [2, 3].");
    expect(() => gather(x, input("at", [1]), 0)).toThrow("Gather: needs int64, but got float32 of shape [1].");
  });
});

describe("an axis turned in a circle", () => {
  test.each([
    [1, [3, 0, 1, 2]],
    [-1, [1, 2, 3, 0]],
    [6, [2, 3, 0, 1]],
    [-4, [0, 1, 2, 3]],
  ])("by %i", async (shift, expected) => {
    const line = constant(Float32Array.from(count(4)), [4]);
    expect(await evaluate(roll(line, shift, 0))).toEqual(expected);
  });

  test("keeps the element type and passes gradients back", async () => {
    expect(await evaluate(roll(whole([1, 3], 5, 6, 7), 1, -1))).toEqual([7, 5, 6]);
    for (const axis of [0, 1, 2]) {
      expect(await gradientError((x) => roll(x, 2, axis), [{ shape: [3, 4, 5] }])).toBeLessThan(5e-3);
    }
    expect(() => roll(input("x", ["n"]), 1, 0)).toThrow("roll: axis 0 of [n] cannot be turned by 1");
    expect(() => roll(input("x", [3]), 0.5, 0)).toThrow("its size must be known, the shift a whole number.");
  });
});

test("reverse turns one axis round", async () => {
  const x = reshape(constant(Float32Array.from(count(6)), [6]), [2, 3]);
  expect(await evaluate(reverse(x, 1))).toEqual([2, 1, 0, 5, 4, 3]);
  expect(await evaluate(reverse(x, -2))).toEqual([3, 4, 5, 0, 1, 2]);
  for (const axis of [0, 1, 2]) expect(await gradientError((a) => reverse(a, axis), [{ shape: [3, 4, 5] }])).toBeLessThan(5e-3);
});
