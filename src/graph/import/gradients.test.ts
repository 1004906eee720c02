import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { gradientError } from "../../runtime/index.ts";
import { GraphError, gradients, input, readFunction, readModel, sum, type Tensor, toOnnx } from "../index.ts";
import { type RawAttribute, type RawModel, rawModel, rawTensor } from "./raw-model.ts";

const floats = (name: string, shape: number[], values?: number[]) => {
  const rng = random("gradients of imports", name, ...shape);
  const size = shape.reduce((product, length) => product * length, 1);
  return rawTensor(name, Float32Array.from(values ?? Array.from({ length: size }, () => rng.normal())), shape);
};
const ints = (name: string, ...values: number[]) => rawTensor(name, BigInt64Array.from(values, BigInt), [values.length]);

/** A model of one node, of the input x and constants. */
const single = (
  operator: string,
  shape: number[],
  constants: RawModel["constants"] = [],
  attributes: Record<string, RawAttribute> = {},
  opset = 17,
) =>
  rawModel({
    nodes: [{ operator, inputs: ["x", ...constants.map(({ name }) => name)], outputs: ["y"], attributes }],
    inputs: { x: { shape } },
    constants,
    outputs: { y: "float32" },
    opset,
  });

/** Values that lie apart from each other and from 0, so that a small step changes no order and crosses no kink. */
const apart = (shape: number[]) => {
  const size = shape.reduce((product, length) => product * length, 1);
  const order = random("apart", ...shape).permutation(size);
  return { shape, data: Float32Array.from(order, (position) => 0.3 * (position - Math.floor(size / 2)) + 0.15) };
};
const [three, bounds] = [
  [1, 3, 4, 5],
  [floats("low", [], [-1]), floats("high", [], [1])],
];
const kernel = { kernel_shape: [2, 3], strides: [1, 2], pads: [1, 0, 0, 1] };
const scaleAndShift = (size: number) => [floats("scale", [size]), floats("shift", [size])];

/** Operators that the import makes of more than one function of the graph, or with a rule of its own. */
const cases: [name: string, bytes: Uint8Array, shape: number[]][] = [
  ["Clip", single("Clip", [9], bounds), [9]],
  ["HardSwish", single("HardSwish", [9]), [9]],
  ["PRelu", single("PRelu", three, [floats("slope", [3, 1, 1])]), three],
  ["Elu", single("Elu", [9], [], { alpha: { float: 0.7 } }), [9]],
  ["Selu", single("Selu", [9]), [9]],
  ["Mish", single("Mish", [9], [], {}, 18), [9]],
  ["Gelu by tanh", single("Gelu", [9], [], { approximate: "tanh" }, 20), [9]],
  ["Softmax of old", single("Softmax", [2, 3, 2], [], {}, 11), [2, 3, 2]],
  ["Pad with a value", single("Pad", [3, 4], [ints("pads", 1, -1, 0, 2), floats("value", [], [2])]), [3, 4]],
  ["Pad by reflection", single("Pad", [3, 4], [ints("pads", 0, 3, 1, 2)], { mode: "reflect" }), [3, 4]],
  ["Slice backwards", single("Slice", [7], [ints("s", -1), ints("e", 0), ints("a", 0), ints("t", -2)]), [7]],
  ["Expand", single("Expand", [3, 1], [ints("shape", 2, 1, 4)]), [3, 1]],
  ["DepthToSpace", single("DepthToSpace", [1, 8, 2, 2], [], { blocksize: 2, mode: "CRD" }), [1, 8, 2, 2]],
  ["GlobalAveragePool", single("GlobalAveragePool", three), three],
  ["GlobalMaxPool", single("GlobalMaxPool", three), three],
  ["MaxPool", single("MaxPool", three, [], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }), three],
  ["MaxPool, not square", single("MaxPool", three, [], kernel), three],
  ["AveragePool, not square", single("AveragePool", three, [], kernel), three],
  [
    "Conv, grouped",
    single("Conv", [1, 4, 5, 5], [floats("w", [4, 2, 3, 3])], { group: 2, auto_pad: "SAME_UPPER" }),
    [1, 4, 5, 5],
  ],
  [
    "ConvTranspose",
    single("ConvTranspose", three, [floats("w", [3, 2, 3, 3])], { strides: [2, 2], output_shape: [8, 10] }),
    three,
  ],
  ["Resize, nearest", single("Resize", three, [floats("r", [0]), floats("s", [4], [1, 1, 2, 1.5])]), three],
  ["Resize, cubic", single("Resize", three, [floats("r", [0]), floats("s", [4], [1, 1, 2, 1.5])], { mode: "cubic" }), three],
  [
    "BatchNormalization",
    single("BatchNormalization", three, [...scaleAndShift(3), floats("m", [3]), floats("v", [3], [1, 2, 3])]),
    three,
  ],
  ["InstanceNormalization", single("InstanceNormalization", three, scaleAndShift(3)), three],
  ["LayerNormalization", single("LayerNormalization", [4, 6], scaleAndShift(6)), [4, 6]],
  ["GroupNormalization", single("GroupNormalization", [1, 4, 3, 3], scaleAndShift(4), { num_groups: 2 }, 21), [1, 4, 3, 3]],
  ["LRN", single("LRN", [1, 5, 2, 2], [], { size: 3, alpha: { float: 0.5 } }), [1, 5, 2, 2]],
  ["ReduceLogSumExp", single("ReduceLogSumExp", [3, 4], [], { axes: [1] }), [3, 4]],
  ["ReduceL2", single("ReduceL2", [3, 4], [], { axes: [1] }), [3, 4]],
  ["MatMul of a line", single("MatMul", [4], [floats("w", [4, 3])]), [4]],
];

test.each(cases)("gradients through an imported %s agree with finite differences", async (_, bytes, shape) => {
  const model = readFunction(bytes);
  for (const seed of [1, 2]) expect(await gradientError((x) => model.call({ x }).y, [apart(shape)], { seed })).toBeLessThan(5e-3);
});

describe("a whole network", () => {
  const model = readFunction(readFileSync(new URL("../fixtures/exported-transformer-13.onnx", import.meta.url)));
  const features = (image: Tensor): Tensor => model.call({ image }).out;

  test("lets gradients through to its input", async () => {
    expect(await gradientError(features, [{ shape: [2, 3, 12, 8] }], { step: 3e-3 })).toBeLessThan(5e-3);
  });

  test("holds its weights as constants: the image is all that its gradient needs", () => {
    const image = input("image", [1, 3, 8, 8]);
    const [slope] = gradients(sum(features(image)), [image]);
    const written = readModel(toOnnx({ inputs: [image], outputs: { slope } }));
    expect(written.feeds.map(({ name }) => name)).toEqual(["image"]);
    expect(written.constantCount).toBeGreaterThan(500);
  });
});

test("an operator without a gradient says so", () => {
  const x = input("x", [5]);
  const { y } = readFunction(single("Round", [5])).call({ x });
  expect(() => gradients(sum(y), [x])).toThrow(
    new GraphError("gradients: the operator Round has no gradient, but the loss depends on it."),
  );
});
