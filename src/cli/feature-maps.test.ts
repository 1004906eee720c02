import { expect, test } from "vitest";
import { rawModel, rawTensor } from "../graph/import/raw-model.ts";
import type { DataType } from "../graph/index.ts";
import { formatFeatureMaps, listFeatureMaps } from "./feature-maps.ts";

type Inputs = Parameters<typeof rawModel>[0]["inputs"];

/** A step at full size and convolutions of strides 4 and 2, of 5 and 7 filters, on an image whose channels come first, or last. */
const network = (shape: readonly (number | string)[], options: { last?: boolean; channels?: number; before?: Inputs } = {}) => {
  const { last = false, channels = 3, before = {} } = options;
  const weights = (name: string, ...dims: number[]) =>
    rawTensor(name, new Float32Array(dims.reduce((product, size) => product * size, 1)), dims);
  const conv = (from: string, to: string, weight: string, stride: number) => ({
    operator: "Conv",
    inputs: [from, weight],
    outputs: [to],
    attributes: { strides: [stride, stride], auto_pad: "SAME_UPPER" },
  });
  const first = last ? { operator: "Transpose", attributes: { perm: [0, 3, 1, 2] } } : { operator: "Relu" };
  return rawModel({
    nodes: [{ ...first, inputs: ["image"], outputs: ["full"] }, conv("full", "fine", "w1", 4), conv("fine", "coarse\n", "w2", 2)],
    inputs: { ...before, image: { shape } },
    constants: [weights("w1", 5, channels, 4, 4), weights("w2", 7, 5, 3, 3)],
    outputs: { "coarse\n": "float32" },
  });
};

test("the feature maps of a model are listed for people, at 256 x 256 where its file leaves the size open", () => {
  expect(formatFeatureMaps(listFeatureMaps(network(["n", 3, "h", "w"]))!).split("\n")).toEqual([
    "Feature maps (at 256 x 256):",
    "  stride 1: full, 3 channels, 256 x 256",
    "  stride 4: fine, 5 channels, 64 x 64",
    "  stride 8: coarse\\x0a, 7 channels, 32 x 32",
  ]);
});

test("sizes that the file fixes are kept", () => {
  expect(listFeatureMaps(network([2, 3, 64, "w"]))).toMatchObject({
    height: 64,
    width: 256,
    maps: [
      { stride: 1, name: "full", channels: 3, shape: [2, 3, 64, 256] },
      { stride: 4, name: "fine", channels: 5, shape: [2, 5, 16, 64] },
      { stride: 8, name: "coarse\n", channels: 7, shape: [2, 7, 8, 32] },
    ],
  });
});

test.each([
  ["channels last", [1, 96, 64, 3], { last: true }, [96, 64]],
  ["channels last, all else open", ["n", "h", "w", 1], { last: true, channels: 1 }, [256, 256]],
  ["grey", [1, 1, "h", "w"], { channels: 1 }, [256, 256]],
  ["every size open", ["n", "c", "h", "w"], {}, [256, 256]],
  ["every size open, grey", ["n", "c", "h", "w"], { channels: 1 }, [256, 256]],
  ["every size open, channels last", ["n", "h", "w", "c"], { last: true }, [256, 256]],
  [
    "other inputs before",
    [1, 3, 64, 64],
    { before: { size: { shape: [2] }, bytes: { shape: [1, 3, 8, 8], type: "uint8" } } },
    [64, 64],
  ],
] as [string, (number | string)[], Parameters<typeof network>[1], number[]][])(
  "an image is recognised: %s",
  (_, shape, options, [height, width]) => {
    const found = listFeatureMaps(network(shape, options));
    expect(found).toMatchObject({ height, width });
    expect(found?.maps).toMatchObject([
      { stride: 1, channels: options?.channels ?? 3, shape: [1, options?.channels ?? 3, height, width] },
      { stride: 4, channels: 5, shape: [1, 5, height / 4, width / 4] },
      { stride: 8, channels: 7, shape: [1, 7, height / 8, width / 8] },
    ]);
  },
);

const single = (shape: number[], type: DataType, opset = 17) =>
  rawModel({
    nodes: [{ operator: "Relu", inputs: ["x"], outputs: ["y"] }],
    inputs: { x: { shape, type } },
    outputs: { y: type },
    opset,
  });

test.each([
  ["takes no image", single([1, 10], "float32")],
  ["takes 7 channels", single([1, 7, 64, 64], "float32")],
  ["takes 8-bit values", single([1, 3, 64, 64], "uint8")],
  ["has an impossible size", single([1, 3, -1, -1], "float32")],
  ["is of an opset that is not read", single([1, 3, 64, 64], "float32", 6)],
  ["is none", new TextEncoder().encode("no model")],
])("a model that %s has no list", (_, bytes) => {
  expect(listFeatureMaps(bytes)).toBeUndefined();
});

test("the same model has one of an image of 3 channels", () => {
  expect(listFeatureMaps(single([1, 3, 64, 64], "float32"))?.maps).toMatchObject([
    { stride: 1, name: "y", channels: 3, shape: [1, 3, 64, 64] },
  ]);
});
