import type { TensorProto } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import * as graph from "../index.ts";
import { constant, GraphError, input, lastOfEachStride, readFunction, readModel, type Tensor, toOnnx } from "../index.ts";
import { rawModel, rawTensor } from "./raw-model.ts";

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const normal = (...shape: number[]): Value => {
  const rng = random("function", ...shape);
  return { shape, data: Float32Array.from({ length: count(shape) }, () => rng.normal()) };
};
const weight = (...shape: number[]): Tensor => constant(normal(...shape).data, shape);

const run = async (bytes: Uint8Array, feeds: Record<string, Value>) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const results = await (await runtime.load(readModel(bytes))).run(feeds);
  await runtime.close();
  return results;
};

/** Networks of the graph's own functions. */
const networks: Record<string, (x: Tensor) => Record<string, Tensor>> = {
  "convolutions, pooling and resizing": (x) => {
    const first = graph.relu(graph.conv2d(x, weight(6, 3, 3, 3), { stride: 2, padding: 1, bias: weight(6) }));
    const pooled = graph.maxPool2d(first, 3, { stride: 2, padding: 1 });
    const deep = graph.silu(graph.conv2d(pooled, weight(6, 1, 3, 3), { groups: 6, padding: 2, dilation: 2 }));
    const up = graph.convTranspose2d(deep, weight(6, 4, 2, 2), { stride: 2 });
    const near = graph.resize2d(graph.averagePool2d(first, 2), [8, 8], "nearest");
    return {
      map: graph.concat([graph.leakyRelu(up, 0.2), near, graph.reverse(first, 3)], 1),
      far: graph.resize2d(deep, [5, 7], "bilinear"),
    };
  },
  "attention and normalisation": (x) => {
    const patches = graph.reshape(graph.transpose(x, [0, 2, 3, 1]), [2, 64, 12]);
    const centred = graph.sub(patches, graph.mean(patches, [2], { keepAxes: true }));
    const scale = graph.sqrt(graph.add(graph.mean(graph.square(centred), [2], { keepAxes: true }), 1e-5));
    const [q, k, v] = graph.split(graph.matmul(graph.div(centred, scale), weight(12, 36)), [12, 12, 12], 2);
    const shares = graph.softmax(graph.mul(graph.matmul(q, k, { transposeB: true }), 12 ** -0.5));
    const y = graph.gelu(graph.matmul(shares, v));
    return {
      y,
      rolled: graph.roll(y, 3, 1),
      top: graph.largest === undefined ? y : graph.max(y, [1]),
      low: graph.logSoftmax(y, 1),
    };
  },
  "comparisons, padding and slices": (x) => {
    const clipped = graph.clip(
      graph.padAll(x, [
        [0, 0],
        [0, 0],
        [1, -2],
        [3, 0],
      ]),
      -1,
      1,
    );
    const part = graph.slice(graph.slice(clipped, 2, 1, 14, 3), 3, 2, 12);
    const chosen = graph.where(
      graph.and(graph.greater(part, 0), graph.not(graph.less(part, 0.5))),
      graph.tanh(part),
      graph.abs(part),
    );
    return { chosen, bits: graph.lessOrEqual(part, 0), blocks: graph.depthToSpace(graph.spaceToDepth(x, 2), 2) };
  },
};

describe("a network written and read again", () => {
  test.each(Object.entries(networks))("gives the same bits: %s", async (_, network) => {
    const shape = network === networks["attention and normalisation"] ? [2, 12, 8, 8] : [2, 3, 16, 16];
    const x = input("x", shape);
    const written = toOnnx({ inputs: [x], outputs: network(x) });
    const again = toOnnx({ inputs: [x], outputs: readFunction(written).call({ x }) });
    const image = normal(...shape);
    expect(await run(again, { x: image })).toEqual(await run(written, { x: image }));
  });

  test("says what it takes and gives, and can be called twice in one graph with one copy of its weights", () => {
    const x = input("x", ["batch", 4]);
    const w = weight(4, 40);
    const model = readFunction(toOnnx({ inputs: [x], outputs: { y: graph.matmul(x, w) } }));
    expect(model.inputs).toEqual([{ name: "x", shape: ["batch", 4], type: "float32" }]);
    expect(model.outputs).toEqual([{ name: "y", shape: ["batch", 40], type: "float32" }]);
    const [a, b] = [input("a", [1, 4]), input("b", [7, 4])];
    const outputs = { one: model.call({ x: a }).y, seven: model.call({ x: b }).y };
    expect([outputs.one.shape, outputs.seven.shape]).toEqual([
      [1, 40],
      [7, 40],
    ]);
    expect(readModel(toOnnx({ inputs: [a, b], outputs })).constantCount).toBe(160);
  });
});

/** A strided convolution, then a node that cannot be imported, then one that needs it. */
const partly = rawModel({
  nodes: [
    { operator: "Conv", name: "conv", inputs: ["image", "w"], outputs: ["features"], attributes: { strides: [2, 2] } },
    { operator: "Relu", inputs: ["features"], outputs: ["active"] },
    { operator: "NonZero", name: "places", inputs: ["active"], outputs: ["found"] },
    { operator: "Transpose", name: "turn", inputs: ["found"], outputs: ["turned"] },
  ],
  inputs: { image: { shape: ["n", 3, 32, 32] } },
  constants: [rawTensor("w", normal(5, 3, 2, 2).data, [5, 3, 2, 2])],
  outputs: { turned: "int64" },
});

describe("values of a model", () => {
  const image = input("image", [1, 3, 32, 32]);

  test("are returned by name, inputs and constants too, and only what they need is built", () => {
    const { active, features, w, image: same } = readFunction(partly).call({ image }, ["active", "features", "w", "image"]);
    expect(active.shape).toEqual([1, 5, 16, 16]);
    expect(active.origin.kind === "operation" && active.origin.operation.inputs).toEqual([features]);
    expect([w.origin.kind, same]).toEqual(["constant", image]);
  });

  test("are listed with operator and shape, or with why they cannot be had", () => {
    const values = readFunction(partly).values({ image });
    expect(values.map(({ name, operator, tensor }) => [name, operator, tensor?.shape])).toEqual([
      ["features", "Conv", [1, 5, 16, 16]],
      ["active", "Relu", [1, 5, 16, 16]],
      ["found", "NonZero", undefined],
      ["turned", "Transpose", undefined],
    ]);
    expect(values.slice(2).map(({ problem }) => problem)).toEqual([
      'Node "places" (NonZero): the operator NonZero of ai.onnx 17 cannot be imported; ask for values made before it, or export the model without it.',
      'Node "turn" (Transpose): The value "found" of NonZero cannot be imported.',
    ]);
  });

  test("are found by stride: the last feature map of each", () => {
    const x = input("x", [1, 3, 48, 64]);
    const step = (t: Tensor, filters: number) =>
      graph.relu(graph.conv2d(t, weight(filters, Number(t.shape[1]), 3, 3), { stride: 2, padding: 1 }));
    const two = step(x, 4);
    const four = step(two, 6);
    const pooled = graph.mean(step(four, 8), [2, 3], { keepAxes: true });
    const model = readFunction(toOnnx({ inputs: [x], outputs: { two, four, pooled, tokens: graph.reshape(four, [1, 6, 192]) } }));
    expect(lastOfEachStride(model, x)).toMatchObject([
      { stride: 2, name: "two", channels: 4, shape: [1, 4, 24, 32] },
      { stride: 4, name: "four", channels: 6, shape: [1, 6, 12, 16] },
      { stride: 8, name: expect.stringMatching(/^Relu_/), channels: 8, shape: [1, 8, 6, 8] },
    ]);
  });
});

test("an image whose channels come last is measured along its height and width, and weights are no feature maps", () => {
  const bytes = rawModel({
    nodes: [
      { operator: "Transpose", inputs: ["image"], outputs: ["turned"], attributes: { perm: [0, 3, 1, 2] } },
      { operator: "Identity", inputs: ["stored"], outputs: ["w"] },
      {
        operator: "Conv",
        inputs: ["turned", "w"],
        outputs: ["features"],
        attributes: { strides: [4, 4], auto_pad: "SAME_UPPER" },
      },
    ],
    inputs: { image: { shape: [1, 224, 224, 3] } },
    constants: [rawTensor("stored", normal(5, 3, 2, 2).data, [5, 3, 2, 2])],
    outputs: { features: "float32" },
  });
  expect(lastOfEachStride(readFunction(bytes, { anySize: true }), input("image", [1, 64, 64, 3]))).toMatchObject([
    { stride: 1, name: "turned", channels: 3, shape: [1, 3, 64, 64] },
    { stride: 4, name: "features", channels: 5, shape: [1, 5, 16, 16] },
  ]);
});

describe("a call is refused", () => {
  const model = readFunction(partly);
  const image = input("image", [2, 3, 32, 32]);
  const wide = input("image", [2, 3, 32, 64]);

  test("for an input that is unknown, missing, or of another shape or type", () => {
    expect(() => model.call({ img: image })).toThrow(new GraphError('The model has no input "img"; its inputs are "image".'));
    expect(() => model.call({}, ["active"])).toThrow(
      'Node "conv" (Conv): The model\'s input "image" is needed, but no tensor was given for it.',
    );
    expect(() => model.call({ image: input("image", [3, 32, 32]) })).toThrow(
      'The model\'s input "image" is float32 of shape [n, 3, 32, 32], but was given float32 of shape [3, 32, 32].',
    );
    expect(() => model.call({ image: input("image", [2, 3, 32, 32], "uint8") })).toThrow(
      "but was given uint8 of shape [2, 3, 32, 32].",
    );
    expect(() => model.call({ image: wide })).toThrow(
      "but was given float32 of shape [2, 3, 32, 64]; with `anySize` its operators decide whether they can use another size.",
    );
  });

  test("but not for another size when any will do, as far as the operators agree", () => {
    const any = readFunction(partly, { anySize: true });
    expect(any.call({ image: wide }, ["active"]).active.shape).toEqual([2, 5, 16, 32]);
    expect(() => any.call({ image: input("image", [2, 4, 32, 32]) }, ["active"])).toThrow(
      /^Node "conv" \(Conv\): the input \[2, 4, 32, 32\] has 4 channels, but the weight \[5, 3, 2, 2\] expects 3\.$/,
    );
  });

  test("for an unknown value, with the nearest names", () => {
    expect(() => model.call({ image }, ["activ"])).toThrow(
      new GraphError('The model has no value "activ"; the nearest names are "active", "image", "found".'),
    );
  });

  test("for an operator outside the table, with its node, domain and version", () => {
    expect(() => model.call({ image })).toThrow(
      'Node "places" (NonZero): the operator NonZero of ai.onnx 17 cannot be imported; ask for values made before it, or export the model without it.',
    );
    const own = rawModel({
      nodes: [{ operator: "constructor", domain: "own", inputs: ["x"], outputs: ["y"] }],
      inputs: { x: { shape: [1] } },
      outputs: { y: "float32" },
    });
    expect(() => readFunction(own).call({ x: input("x", [1]) })).toThrow(
      'Node "y" (constructor): the operator constructor of own 1',
    );
  });
});

const nodeOf = (
  operator: string,
  attributes: Parameters<typeof rawModel>[0]["nodes"][0]["attributes"],
  constants: TensorProto[] = [],
) =>
  rawModel({
    nodes: [{ operator, inputs: ["x", ...constants.map(({ name }) => name)], outputs: ["y"], attributes }],
    inputs: { x: { shape: [1, 2, 8, 8] } },
    constants,
    outputs: { y: "float32" },
  });

test.each([
  ["Resize", { mode: "linear", antialias: 1 }, "a resize with antialiasing cannot be imported."],
  [
    "Resize",
    { coordinate_transformation_mode: "tf_crop_and_resize" },
    'the coordinate mode "tf_crop_and_resize" cannot be imported.',
  ],
  ["Pad", { mode: "own", pads: Array(8).fill(0) }, 'the mode "own" cannot be imported.'],
  ["BatchNormalization", { training_mode: 1 }, "a batch normalisation in training mode cannot be imported."],
  ["ReduceProd", {}, "products of values that are computed from the model's inputs cannot be imported."],
  ["Constant", { value_string: "text" }, "a constant that is no tensor of numbers cannot be imported."],
  ["Cast", { to: 8 }, "the element type STRING cannot be imported; export the model with float32 values."],
  ["AveragePool", { kernel_shape: [2, 2], auto_pad: "SOME" }, 'the padding rule "SOME" cannot be imported.'],
  ["Add", {}, "its input 2 is missing."],
] as const)("%s %j is refused: %s", (operator, attributes, message) => {
  expect(() => readFunction(nodeOf(operator, attributes)).call({ x: input("x", [1, 2, 8, 8]) })).toThrow(
    new GraphError(`Node "y" (${operator}): ${message}`),
  );
});

test("a second output that is not imported is refused by name", () => {
  const bytes = rawModel({
    nodes: [{ operator: "MaxPool", inputs: ["x"], outputs: ["y", "chosen"], attributes: { kernel_shape: [2, 2] } }],
    inputs: { x: { shape: [1, 2, 8, 8] } },
    outputs: { y: "float32", chosen: "int64" },
  });
  const x = input("x", [1, 2, 8, 8]);
  expect(readFunction(bytes).call({ x }, ["y"]).y.shape).toEqual([1, 2, 7, 7]);
  expect(() => readFunction(bytes).call({ x })).toThrow(new GraphError('The value "chosen" of MaxPool cannot be imported.'));
});

test("what must be known when the graph is built, but is computed from inputs, is named", () => {
  const bytes = rawModel({
    nodes: [{ operator: "Reshape", name: "view", inputs: ["x", "shape"], outputs: ["y"] }],
    inputs: { x: { shape: [4] }, shape: { shape: [2], type: "int64" } },
    outputs: { y: "float32" },
  });
  expect(() => readFunction(bytes).call({ x: input("x", [4]), shape: input("shape", [2], "int64") })).toThrow(
    'Node "view" (Reshape): its input 2 must be known when the graph is built, but it is computed from the model\'s inputs.',
  );
});
