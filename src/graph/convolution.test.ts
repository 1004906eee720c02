import { describe, expect, test } from "vitest";
import { gradientError } from "../runtime/index.ts";
import { type ConvolutionOptions, conv2d, convTranspose2d, depthToSpace, input, spaceToDepth, type Tensor } from "./index.ts";

type Case = [name: string, build: (...inputs: Tensor[]) => Tensor, at: { shape: number[]; data?: Float32Array }[]];

const named = (operator: string, { bias, ...options }: object & { bias?: unknown }, x: number[], w: number[]): string =>
  `${operator} ${x.join("x")} by ${w.join("x")} ${JSON.stringify(options)}${bias ? " with bias" : ""}`;

const convolution = (x: number[], w: number[], options: ConvolutionOptions = {}): Case => [
  named("conv2d", options, x, w),
  (a, b) => conv2d(a, b, options),
  [{ shape: x }, { shape: w }],
];
const transposed = (x: number[], w: number[], options: Parameters<typeof convTranspose2d>[2] = {}): Case => [
  named("convTranspose2d", options, x, w),
  (a, b) => convTranspose2d(a, b, options),
  [{ shape: x }, { shape: w }],
];
const constantImage = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.7) });

// The forms of the gradients depend on whether maps are larger than weights, on strides and on the number of channels.
const cases: Case[] = [
  convolution([2, 3, 7, 5], [4, 3, 3, 3], { padding: 1 }),
  convolution([2, 6, 17, 15], [4, 6, 3, 3], { padding: 1 }),
  convolution([2, 9, 3, 2], [16, 9, 3, 3], { padding: 1 }),
  convolution([2, 9, 4, 5], [16, 9, 3, 3], { padding: 1, stride: 2 }),
  convolution([2, 9, 5, 6], [16, 9, 3, 2], { padding: [2, 1], stride: [2, 3], dilation: 2 }),
  convolution([1, 5, 16, 19], [2, 5, 3, 3]),
  convolution([1, 5, 16, 19], [2, 5, 5, 5], { padding: 2 }),
  convolution([1, 5, 12, 11], [2, 5, 2, 2], { padding: 2 }),
  convolution([2, 5, 5, 3], [6, 5, 1, 1]),
  convolution([2, 15, 2, 3], [16, 15, 1, 1]),
  convolution([2, 5, 14, 17], [3, 5, 3, 1], { padding: [1, 0] }),
  convolution([2, 5, 14, 17], [3, 5, 2, 4], { padding: [0, 1, 1, 2] }),
  convolution([2, 5, 17, 19], [3, 5, 3, 3], { stride: 2, padding: 1 }),
  convolution([2, 5, 18, 16], [3, 5, 4, 4], { stride: 2, padding: 1 }),
  convolution([1, 3, 9, 6], [3, 3, 4, 4], { stride: 2, padding: 1 }),
  convolution([1, 2, 11, 8], [3, 2, 2, 2], { stride: 3 }),
  convolution([1, 6, 19, 14], [3, 6, 3, 5], { stride: [2, 3], padding: [1, 2] }),
  convolution([1, 3, 21, 20], [4, 3, 7, 7], { stride: 2, padding: 3 }),
  convolution([2, 5, 19, 13], [4, 5, 3, 3], { dilation: 2, padding: 2 }),
  convolution([1, 3, 11, 12], [2, 3, 3, 3], { dilation: [3, 2], padding: [3, 1] }),
  convolution([1, 6, 23, 17], [4, 6, 3, 3], { dilation: 2, stride: 2, padding: 2 }),
  convolution([1, 5, 17, 17], [4, 5, 3, 2], { dilation: 3, stride: 2, padding: 1 }),
  convolution([2, 6, 9, 8], [4, 3, 3, 3], { groups: 2, padding: 1 }),
  convolution([1, 15, 19, 18], [6, 5, 3, 3], { groups: 3, padding: 1 }),
  convolution([1, 15, 13, 12], [6, 5, 3, 3], { groups: 3, padding: 1, stride: 2 }),
  convolution([2, 5, 9, 7], [5, 1, 3, 3], { groups: 5, padding: 1 }),
  convolution([2, 4, 9, 8], [8, 1, 3, 3], { groups: 4, padding: 1, stride: 2 }),
  convolution([1, 3, 13, 11], [3, 1, 5, 5], { groups: 3, padding: 4, dilation: 2 }),
  transposed([2, 3, 5, 4], [3, 6, 2, 2], { stride: 2 }),
  transposed([2, 3, 5, 4], [3, 6, 4, 4], { stride: 2, padding: 1 }),
  transposed([1, 5, 3, 5], [5, 2, 3, 3], { stride: 2, padding: 1, outputPadding: 1 }),
  transposed([1, 5, 3, 5], [5, 2, 3, 3], { padding: 1 }),
  transposed([1, 5, 4, 5], [5, 2, 3, 3], { stride: [3, 2], dilation: 2, padding: [1, 2], outputPadding: [2, 1] }),
  transposed([2, 6, 5, 4], [6, 2, 3, 3], { stride: 2, groups: 3 }),
  [
    "conv2d with bias",
    (x, w, bias) => conv2d(x, w, { padding: 1, bias }),
    [{ shape: [2, 3, 5, 6] }, { shape: [4, 3, 3, 3] }, { shape: [4] }],
  ],
  [
    "convTranspose2d with bias",
    (x, w, bias) => convTranspose2d(x, w, { stride: 2, bias }),
    [{ shape: [2, 3, 5, 4] }, { shape: [3, 4, 2, 2] }, { shape: [4] }],
  ],
  ["conv2d of a constant image", (x, w) => conv2d(x, w, { padding: 1 }), [constantImage(2, 5, 17, 9), { shape: [3, 5, 3, 3] }]],
  ["spaceToDepth", (x) => spaceToDepth(x, 2), [{ shape: [2, 3, 4, 6] }]],
  ["depthToSpace", (x) => depthToSpace(x, 3), [{ shape: [2, 18, 2, 3] }]],
];

describe("gradients against finite differences", () => {
  test.each(cases)("%s", async (_name, build, at) => {
    for (const seed of [1, 2]) expect(await gradientError(build, at, { seed })).toBeLessThan(5e-3);
  });
});

test("mistakes are sentences that name the operator and the shapes", () => {
  const x = input("x", [2, 6, 8, 8]);
  const w = (...shape: number[]) => input("w", shape);
  expect(() => conv2d(x, w(4, 5, 3, 3))).toThrow(/Conv: .*\[2, 6, 8, 8\] has 6 channels.*\[4, 5, 3, 3\] expects 5/);
  expect(() => conv2d(x, w(4, 5, 3, 3), { groups: 2 })).toThrow(/has 6 channels, but .* expects 10/);
  expect(() => conv2d(x, w(5, 3, 3, 3), { groups: 2 })).toThrow("Conv: 5 filters do not divide into 2 groups.");
  expect(() => conv2d(x, w(4, 6, 3, 3), { dilation: 4 })).toThrow(/Conv: the kernel .* is larger than the padded/);
  expect(() => conv2d(x, w(4, 6, 3, 3), { stride: 0 })).toThrow(/whole numbers of at least 1/);
  expect(() => conv2d(x, w(4, 6, 3, 3), { bias: input("b", [3]) })).toThrow("must have the shape [4], but has [3]");
  expect(() => convTranspose2d(x, w(6, 4, 3, 3), { bias: input("b", [6]) })).toThrow("must have the shape [4], but has [6]");
  expect(() => convTranspose2d(x, w(6, 4, 1, 1), { padding: 5 })).toThrow(/padding leaves nothing/);
  expect(() => convTranspose2d(x, w(6, 4, 3, 3), { outputPadding: 1, dilation: 2 })).toThrow(
    /output padding of 1 must be smaller/,
  );
  expect(() => spaceToDepth(x, 3)).toThrow("SpaceToDepth: the sides of [2, 6, 8, 8] do not divide by 3.");
  expect(() => depthToSpace(x, 2)).toThrow("DepthToSpace: the channels of [2, 6, 8, 8] do not divide by 4.");
});
