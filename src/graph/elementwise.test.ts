import { describe, expect, test } from "vitest";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import {
  abs,
  add,
  and,
  cast,
  constant,
  type DataType,
  div,
  equal,
  erf,
  greater,
  greaterOrEqual,
  input,
  less,
  lessOrEqual,
  max,
  maximum,
  minimum,
  mul,
  neg,
  not,
  or,
  pow,
  program,
  sign,
  sub,
  type Tensor,
  where,
} from "./index.ts";

const typed = (type: DataType, ...values: number[]): Tensor => {
  const arrays = { float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array, bool: Uint8Array };
  const data = arrays[type as keyof typeof arrays];
  return constant(type === "int64" ? BigInt64Array.from(values, BigInt) : data.from(values), [values.length], type);
};

/** Values of tensors, as they come when ONNX Runtime gets them as inputs: constants it might fold before it runs. */
const valuesOf = async (build: (...inputs: Tensor[]) => Tensor, ...operands: Tensor[]) => {
  const feeds = operands.map(({ shape, type }, i) => input(`x${i}`, shape, type));
  const y = build(...feeds);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds, results: { y } }));
  const values = operands.map(({ origin, shape }, i) => {
    if (origin.kind !== "constant") throw new Error("not a constant");
    return [`x${i}`, { data: origin.data, shape: shape as number[] }] as const;
  });
  const found = (await loaded.run(Object.fromEntries(values))).y;
  await runtime.close();
  expect(found.shape).toEqual(y.shape);
  return { type: y.type, values: Array.from(found.data, Number) };
};

test.each([
  ["erf", erf],
  ["pow 3", (x: Tensor) => pow(x, 3)],
  ["pow -2 of 1 + x^2", (x: Tensor) => pow(add(mul(x, x), 1), -2)],
  ["pow 0.3 of 1 + x^2", (x: Tensor) => pow(add(mul(x, x), 1), 0.3)],
])("gradient of %s against finite differences", async (_, build) => {
  for (const shape of [[7], [2, 3, 5], [1, 1]]) expect(await gradientError(build, [{ shape }])).toBeLessThan(5e-3);
});

describe("int64", () => {
  const [a, b] = [typed("int64", 7, -7, 2 ** 40, 0), typed("int64", 2, 2, 3, -5)];
  test.each<[string, (a: Tensor, b: Tensor) => Tensor, number[]]>([
    ["add", add, [9, -5, 2 ** 40 + 3, -5]],
    ["sub", sub, [5, -9, 2 ** 40 - 3, 5]],
    ["mul", mul, [14, -14, 3 * 2 ** 40, 0]],
    ["div, towards 0", div, [3, -3, Math.floor(2 ** 40 / 3), 0]],
    ["maximum", maximum, [7, 2, 2 ** 40, 0]],
    ["minimum", minimum, [2, -7, 3, -5]],
    ["neg", (x) => neg(x), [-7, 7, -(2 ** 40), 0]],
    ["abs", (x) => abs(x), [7, 7, 2 ** 40, 0]],
    ["sign", (x) => sign(x), [1, -1, 1, 0]],
    ["a number on the right", (x) => sub(x, 2 ** 41), [7 - 2 ** 41, -7 - 2 ** 41, -(2 ** 40), -(2 ** 41)]],
    ["a number on the left", (_, y) => div(-9, y), [-4, -4, -3, 1]],
  ])("%s", async (_, build, values) => {
    expect(await valuesOf(build, a, b)).toEqual({ type: "int64", values: values.map((value) => value + 0) });
  });

  test("does not mix with float32, nor with numbers that are not whole", () => {
    expect(() => add(a, typed("float32", 1, 2, 3, 4))).toThrow("Add: cannot combine int64 with float32; cast one of them first.");
    expect(() => mul(a, 0.5)).toThrow("scalar: the number 0.5 is no int64 value.");
    expect(() => where(typed("bool", 1), typed("uint8", 1), 256)).toThrow("scalar: the number 256 is no uint8 value.");
    expect(() => where(typed("bool", 1), typed("uint16", 1), 65536)).toThrow("scalar: the number 65536 is no uint16 value.");
    expect(() => max(typed("uint16", 1))).toThrow("ReduceMax: needs float32 or int64 or uint8, but got uint16 of shape [1].");
    expect(() => add(typed("uint8", 1), 1)).toThrow("Add: needs float32 or int64, but got uint8 of shape [1].");
  });
});

describe.each<DataType>(["float32", "int64", "uint8", "uint16"])("comparisons of %s", (type) => {
  const comparisons = { greater, greaterOrEqual, less, lessOrEqual, equal };
  const expected: Record<keyof typeof comparisons, (a: number, b: number) => boolean> = {
    greater: (a, b) => a > b,
    greaterOrEqual: (a, b) => a >= b,
    less: (a, b) => a < b,
    lessOrEqual: (a, b) => a <= b,
    equal: (a, b) => a === b,
  };
  const [left, right] = [
    [0, 1, 2, 200, 255],
    [2, 1, 0, 255, 200],
  ];

  test.each(Object.keys(comparisons) as (keyof typeof comparisons)[])("%s", async (name) => {
    const [compare, holds] = [comparisons[name], expected[name]];
    const flags = (b: number[]) => ({ type: "bool", values: left.map((value, i) => Number(holds(value, b[i]))) });
    expect(await valuesOf(compare, typed(type, ...left), typed(type, ...right))).toEqual(flags(right));
    expect(await valuesOf((x) => compare(x, 2), typed(type, ...left))).toEqual(flags([2, 2, 2, 2, 2]));
    expect(await valuesOf((x) => compare(0, x), typed(type, 0, 1))).toEqual({
      type: "bool",
      values: [0, 1].map((value) => Number(holds(0, value))),
    });
  });

  test("two tensors broadcast both ways", async () => {
    const column = (x: Tensor) => constant((x.origin as { data: Float32Array }).data, [2, 1], type);
    const found = await valuesOf(lessOrEqual, column(typed(type, 1, 3)), typed(type, 0, 1, 3));
    expect(found.values).toEqual([0, 1, 1, 0, 0, 1]);
  });
});

test("8- and 16-bit values compare with fractions, 64-bit values beyond float32 exactly", async () => {
  expect((await valuesOf((x) => greater(x, 65534.5), typed("uint16", 65534, 65535))).values).toEqual([0, 1]);
  expect((await valuesOf((x) => greater(x, 127.5), typed("uint8", 127, 128))).values).toEqual([0, 1]);
  expect((await valuesOf((x) => equal(x, 2 ** 40), typed("int64", 2 ** 40, 2 ** 40 + 1))).values).toEqual([1, 0]);
});

test("truth tables, with broadcasting", async () => {
  const [a, b] = [typed("bool", 0, 0, 1, 1), typed("bool", 0, 1, 0, 1)];
  expect(await valuesOf(and, a, b)).toEqual({ type: "bool", values: [0, 0, 0, 1] });
  expect(await valuesOf(or, a, b)).toEqual({ type: "bool", values: [0, 1, 1, 1] });
  expect(await valuesOf(equal, a, b)).toEqual({ type: "bool", values: [1, 0, 0, 1] });
  expect(await valuesOf(not, a)).toEqual({ type: "bool", values: [1, 1, 0, 0] });
  expect((await valuesOf(and, a, typed("bool", 1))).values).toEqual([0, 0, 1, 1]);
  expect(() => or(a, typed("uint8", 1))).toThrow("Or: needs bool, but got uint8 of shape [1].");
  expect(() => greater(a, b)).toThrow("Greater: needs float32 or int64, but got bool of shape [4].");
});

test.each<DataType>(["float32", "int64", "uint8", "uint16", "bool"])("where chooses among %s", async (type) => {
  const condition = typed("bool", 0, 1, 0, 1);
  expect(await valuesOf(where, condition, typed(type, 1, 1, 0, 0), typed(type, 0, 0, 1, 1))).toEqual({
    type,
    values: [0, 1, 1, 0],
  });
  expect((await valuesOf((c, a) => where(c, a, 1), condition, typed(type, 0))).values).toEqual([1, 0, 1, 0]);
});

describe("cast", () => {
  const values: Record<DataType, number[]> = {
    float32: [0, 1, 2.75, 200],
    int64: [0, 1, 2, 200],
    uint8: [0, 1, 2, 200],
    uint16: [0, 1, 2, 200],
    bool: [0, 1, 1, 1],
  };
  const types = Object.keys(values) as DataType[];
  test.each(types.flatMap((from) => types.map((to) => [from, to] as const)))("%s to %s", async (from, to) => {
    const expected = values[from].map((value) =>
      to === "bool" ? Number(value !== 0) : to === "float32" ? value : Math.trunc(value),
    );
    expect(await valuesOf((x) => cast(x, to), typed(from, ...values[from]))).toEqual({ type: to, values: expected });
  });

  test("to int64 cuts towards 0", async () => {
    expect((await valuesOf((x) => cast(x, "int64"), typed("float32", -2.75, -0.5, 3e9))).values).toEqual([-2, 0, 3e9]);
  });
});
