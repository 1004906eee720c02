import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Value } from "../runtime/index.ts";
import * as graph from "./index.ts";

type Numbers = { shape: number[]; data: number[] };
type Case = { operator: string; settings: number[]; x: Numbers; y: Numbers; dy: Numbers; dx: Numbers };
/** Made by scripts/reference/operators.py with float64 PyTorch. */
const cases: Case[] = JSON.parse(readFileSync(new URL("./fixtures/operators.json", import.meta.url), "utf8"));

type Build = (x: graph.Tensor, ...settings: number[]) => graph.Tensor;
const whole = (shape: readonly number[], ...values: number[]) => graph.constant(BigInt64Array.from(values, BigInt), shape);
const countPadding = false;

/** The operators of the reference, by their names there, with the settings given there. */
const operators: Record<string, Build> = {
  relu: graph.relu,
  leakyRelu: graph.leakyRelu,
  softplus: graph.softplus,
  gelu: graph.gelu,
  silu: graph.silu,
  softmax: graph.softmax,
  logSoftmax: graph.logSoftmax,
  erf: graph.erf,
  pow: graph.pow,
  split: (x) => {
    const [first, , last] = graph.split(x, [1, 3, 2], 1);
    return graph.mul(first, last);
  },
  roll: graph.roll,
  "gather in another order": (x, axis) => graph.gather(x, whole([4], 2, 0, 3, 1), axis),
  "gather repeatedly": (x, axis) => graph.gather(x, whole([2, 3], 3, 0, 3, 1, 3, 0), axis),
  "gather one": (x) => graph.gather(x, whole([], -2), 1),
  max: (x, ...axes) => graph.max(x, axes, { keepAxes: axes.length > 1 }),
  min: (x, ...axes) => graph.min(x, axes, { keepAxes: axes.length > 1 }),
  maxPool2d: (x, size, stride, padding) => graph.maxPool2d(x, size, { stride, padding }),
  averagePool2d: (x, size, stride, padding) => graph.averagePool2d(x, size, { stride, padding }),
  "averagePool2d of what is inside": (x, size, stride, padding) =>
    graph.averagePool2d(x, size, { stride, padding, countPadding }),
  adaptiveMaxPool2d: (x, height, width) => graph.adaptiveMaxPool2d(x, [height, width]),
  adaptiveAveragePool2d: (x, height, width) => graph.adaptiveAveragePool2d(x, [height, width]),
  "resize2d nearest": (x, height, width) => graph.resize2d(x, [height, width], "nearest"),
  "resize2d bilinear": (x, height, width) => graph.resize2d(x, [height, width], "bilinear"),
  "resize2d antialiased": (x, height, width) => graph.resize2d(x, [height, width], "antialiased"),
};

const toValue = ({ shape, data }: Numbers): Value => ({ shape, data: Float32Array.from(data) });

/** Largest difference, relative to expected values beyond 1. */
const error = (found: Value, { shape, data }: Numbers): number => {
  expect(found.shape).toEqual(shape);
  return Math.max(...data.map((value, i) => Math.abs(value - Number(found.data[i])) / Math.max(1, Math.abs(value))));
};

describe("result and gradient agree with PyTorch", () => {
  const numbered = cases.map((each, index) => ({ ...each, index }));
  test.each(numbered)("$operator $settings of $x.shape ($index)", async ({ operator, settings, x, y, dy, dx }) => {
    const [input, slope] = [graph.input("x", x.shape), graph.input("dy", dy.shape)];
    const result = operators[operator](input, ...settings);
    const [gradient] = graph.gradients(graph.sum(graph.mul(result, slope)), [input]);
    const results = { y: result, dx: gradient };
    const runtime = openLocalRuntime({ threads: 1 });
    const loaded = await runtime.load(graph.program({ feeds: [input, slope], results }));
    const found = await loaded.run({ x: toValue(x), dy: toValue(dy) });
    await runtime.close();
    expect(error(found.y, y)).toBeLessThan(1e-5);
    expect(error(found.dx, dx)).toBeLessThan(1e-5);
  });

  test("in all operators listed here", () => {
    expect(new Set(cases.map(({ operator }) => operator))).toEqual(new Set(Object.keys(operators)));
  });
});
