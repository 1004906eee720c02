import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type ConvolutionOptions, conv2d, input, readModel, toOnnx } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { withBlockedConvolutions } from "./blocked.ts";

const normal = (shape: readonly number[]): OrtTensor => {
  const rng = random("blocked", ...shape);
  const size = shape.reduce((product, length) => product * length, 1);
  return new OrtTensor(
    "float32",
    Float32Array.from({ length: size }, () => rng.normal()),
    shape,
  );
};

/** A convolution of inputs as it is written, and with its layout chosen. */
const both = async (
  xShape: number[],
  wShape: number[],
  { bias, ...options }: Omit<ConvolutionOptions, "bias"> & { bias?: boolean },
) => {
  const [x, w, b] = [input("x", xShape), input("w", wShape), input("b", [wShape[0]])];
  const y = conv2d(x, w, { ...options, bias: bias ? b : undefined });
  const plain = toOnnx({ inputs: bias ? [x, w, b] : [x, w], outputs: { y } });
  return {
    plain,
    chosen: await withBlockedConvolutions(plain),
    feeds: { x: normal(xShape), w: normal(wShape), ...(bias && { b: normal([wShape[0]]) }) },
  };
};

describe("convolutions with computed weights", () => {
  test.each<[string, number[], number[], Parameters<typeof both>[2]]>([
    ["padded", [4, 32, 17, 19], [48, 32, 3, 3], { padding: 1 }],
    ["strided, with bias", [4, 64, 34, 32], [64, 64, 3, 3], { padding: 1, stride: 2, bias: true }],
    ["dilated", [4, 16, 33, 32], [32, 16, 3, 3], { padding: 2, dilation: 2 }],
    ["strided, dilated, padded unevenly", [4, 32, 41, 38], [32, 32, 3, 3], { stride: 2, dilation: 2, padding: [1, 0, 2, 3] }],
    ["of an odd kernel", [4, 16, 33, 32], [32, 16, 2, 4], { padding: [0, 1, 1, 2] }],
  ])("%s: the same numbers in blocks", async (_, xShape, wShape, options) => {
    const { plain, chosen, feeds } = await both(xShape, wShape, options);
    // On today's x64 processors the layout was changed; elsewhere it may not be, and then there is nothing to compare.
    if (process.arch === "x64") expect(readModel(chosen).operators).toMatchObject({ ReorderInput: 2, ReorderOutput: 1 });
    const [expected, found] = await Promise.all(
      [plain, chosen].map(async (model) => (await (await InferenceSession.create(model)).run(feeds)).y),
    );
    expect(found.dims).toEqual(expected.dims);
    const largest = (values: Float32Array): number => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const [a, b] = [found.data as Float32Array, expected.data as Float32Array];
    expect(largest(a.map((value, i) => value - b[i])) / largest(b)).toBeLessThan(1e-5);
  });

  test.each<[string, number[], number[], Parameters<typeof both>[2]]>([
    ["on few positions", [2, 32, 8, 8], [32, 32, 3, 3], { padding: 1 }],
    ["of 1 x 1 kernels", [4, 32, 32, 32], [32, 32, 1, 1], {}],
    ["in groups", [4, 32, 32, 32], [32, 16, 3, 3], { padding: 1, groups: 2 }],
    ["of channels that make no blocks", [4, 20, 32, 32], [32, 20, 3, 3], { padding: 1 }],
  ])("%s stay as they are", async (_, xShape, wShape, options) => {
    const { plain, chosen } = await both(xShape, wShape, options);
    expect(chosen).toBe(plain);
  });
});
