import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { gradientError } from "../runtime/index.ts";
import type { Tensor } from "./index.ts";
import * as graph from "./index.ts";

/** Values away from 0 by at least 0.2, where kinks (|x|, relu) would spoil finite differences. */
const awayFromZero = (...shape: number[]) => {
  const rng = random("away", ...shape);
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, () => (rng.uniform() < 0.5 ? -1 : 1) * rng.uniform(0.2, 2)) };
};
const positive = (...shape: number[]) => {
  const { data } = awayFromZero(...shape);
  return { shape, data: data.map((value) => Math.abs(value) + 0.3) };
};
const normal = (...shape: number[]) => ({ shape });

type Case = [name: string, build: (...inputs: Tensor[]) => Tensor, at: Parameters<typeof gradientError>[1]];

const elementwise: Case[] = [
  ["add, broadcasting", graph.add, [normal(2, 3, 5), normal(3, 1)]],
  ["sub, broadcasting both ways", graph.sub, [normal(4, 1), normal(1, 3)]],
  ["mul, broadcasting", graph.mul, [normal(2, 3, 3), normal(3)]],
  ["mul of a tensor with itself", (x) => graph.mul(x, x), [normal(7)]],
  ["div", graph.div, [normal(3, 5), positive(5)]],
  ["maximum", (a) => graph.maximum(a, 0.1), [awayFromZero(4, 3)]],
  ["minimum", (a) => graph.minimum(0.1, a), [awayFromZero(4, 3)]],
  ["neg", graph.neg, [normal(5)]],
  ["exp", graph.exp, [normal(3, 3)]],
  ["log", graph.log, [positive(3, 3)]],
  ["sqrt", graph.sqrt, [positive(9)]],
  ["abs", graph.abs, [awayFromZero(9)]],
  ["sigmoid", graph.sigmoid, [normal(2, 7)]],
  ["tanh", graph.tanh, [normal(2, 7)]],
  ["asinh", graph.asinh, [normal(2, 7)]],
  ["square", graph.square, [normal(2, 7)]],
  ["clip", (x) => graph.clip(x, -0.1, 0.1), [awayFromZero(11)]],
  ["where", (a, b) => graph.where(graph.greater(a, 0), b, a), [awayFromZero(4, 3), normal(3)]],
];

const reductionsAndLayout: Case[] = [
  ["sum of everything", (x) => graph.sum(x), [normal(3, 2)]],
  ["sum over a middle axis", (x) => graph.sum(x, [1]), [normal(3, 2, 5)]],
  ["sum, axes kept", (x) => graph.sum(x, [0, -1], { keepAxes: true }), [normal(3, 2, 5)]],
  ["mean", (x) => graph.mean(x, [2, 3]), [normal(2, 3, 5, 4)]],
  ["mean of everything", (x) => graph.mean(x), [normal(4, 3)]],
  ["reshape", (x) => graph.reshape(x, [6, 5]), [normal(2, 3, 5)]],
  ["transpose", (x) => graph.transpose(x, [2, 0, 1]), [normal(2, 3, 5)]],
  ["expand", (x) => graph.expand(x, [4, 3, 2]), [normal(1, 3, 1)]],
  ["concat", (a, b) => graph.concat([a, b, a], 1), [normal(2, 3), normal(2, 1)]],
  ["slice", (x) => graph.slice(x, 1, 2, 5), [normal(2, 7)]],
  ["slice in steps", (x) => graph.slice(x, 0, 1, 7, 3), [normal(8, 2)]],
  [
    "pad and cut",
    (x) =>
      graph.padAll(x, [
        [1, 0],
        [-1, 2],
      ]),
    [normal(3, 4)],
  ],
];

const products: Case[] = [
  ["matmul", (a, b) => graph.matmul(a, b), [normal(3, 4), normal(4, 5)]],
  ["matmul, a transposed", (a, b) => graph.matmul(a, b, { transposeA: true }), [normal(4, 3), normal(4, 5)]],
  ["matmul, b transposed", (a, b) => graph.matmul(a, b, { transposeB: true }), [normal(2, 3, 4), normal(2, 5, 4)]],
  ["matmul, both transposed", (a, b) => graph.matmul(a, b, { transposeA: true, transposeB: true }), [normal(4, 3), normal(5, 4)]],
  ["matmul of many rows by one matrix", (a, b) => graph.matmul(a, b, { transposeB: true }), [normal(2, 3, 4), normal(5, 4)]],
  ["affine", graph.affine, [normal(7, 4), normal(5, 4), normal(5)]],
  ["affine of an image of vectors", graph.affine, [normal(2, 3, 2, 4), normal(5, 4), normal(5)]],
  ["matmul, leading axes broadcast", (a, b) => graph.matmul(a, b), [normal(3, 4), normal(2, 5, 4, 3)]],
];

describe.each([
  ["elementwise", elementwise],
  ["reductions and layout", reductionsAndLayout],
  ["products", products],
])("gradients against finite differences: %s", (_, cases) => {
  test.each(cases)("%s", async (_name, build, at) => {
    for (const seed of [1, 2]) expect(await gradientError(build, at, { seed })).toBeLessThan(5e-3);
  });
});

test("the check itself sees a wrong rule", async () => {
  const wrong = (x: Tensor) => graph.withGradient(graph.square(x), [x], (dy) => [graph.mul(dy, x)]);
  expect(await gradientError(wrong, [{ shape: [5] }])).toBeGreaterThan(0.1);
});

test("gradients of gradients follow the same rules", async () => {
  const slope = (x: Tensor, w: Tensor) =>
    graph.gradients(graph.sum(graph.tanh(graph.mul(graph.conv2d(x, w, { padding: 1 }), 0.1))), [w])[0];
  expect(await gradientError(slope, [{ shape: [1, 5, 4, 5] }, { shape: [2, 5, 3, 3] }])).toBeLessThan(5e-3);
});

test("mistakes in shape are sentences that name the operator and both shapes", () => {
  const x = graph.input("x", [2, 3, 8, 8]);
  expect(() => graph.add(x, graph.input("y", [2, 4, 8, 8]))).toThrow(
    "Add: the shapes [2, 3, 8, 8] and [2, 4, 8, 8] do not broadcast together.",
  );
  expect(() => graph.conv2d(x, graph.input("w", [4, 5, 3, 3]))).toThrow(
    /Conv: .*\[2, 3, 8, 8\] has 3 channels.*\[4, 5, 3, 3\] expects 5/,
  );
  expect(() => graph.matmul(x, graph.input("w", [9, 2]))).toThrow(/MatMul: .*differ in the inner size/);
  expect(() => graph.reshape(x, [5, 5])).toThrow(/Reshape: .*384.*25/);
  expect(() => graph.gradients(x, [x])).toThrow(/single float32 value/);
  expect(() => graph.gradients(graph.max(graph.largest(x, 2)), [x])).toThrow(/TopK has no gradient/);
  expect(() => graph.toOnnx({ inputs: [], outputs: { y: graph.neg(x) } })).toThrow(
    /input "x" of shape \[2, 3, 8, 8\].*not listed/,
  );
});
