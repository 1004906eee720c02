import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Value } from "../../../runtime/index.ts";
import { GraphError, gradients, input, program, readModel, readTflite, sum, type Tensor, toOnnx } from "../../index.ts";
import { halfBits } from "../../precision/rounding.ts";
import { type BuiltTensor, type ConvolutionOptions, convolutionOptions, tfliteModel } from "./testing/build.ts";

interface Packed {
  readonly shape: number[];
  readonly data: number[];
}
interface Convolution {
  readonly operator: "CONV_2D" | "DEPTHWISE_CONV_2D";
  readonly options: ConvolutionOptions;
  readonly x: Packed;
  readonly filters: Packed;
  readonly bias: Packed;
  readonly y: Packed;
}
interface Addition {
  readonly activation: "NONE" | "RELU" | "RELU6";
  readonly x: Packed;
  readonly constant: Packed;
  readonly y: Packed;
}
/** Made by scripts/reference/tflite.py with PyTorch. */
const reference: { convolutions: Convolution[]; additions: Addition[] } = JSON.parse(
  readFileSync(new URL("fixtures/operators.json", import.meta.url), "utf8"),
);

const [ADD, CONV_2D, DEPTHWISE_CONV_2D, DEQUANTIZE, RESHAPE] = [0, 3, 4, 6, 22];
const [FLOAT16, INT32, UINT8, INT8] = [1, 2, 3, 9];

const value = ({ shape, data }: Packed): Value => ({ shape, data: Float32Array.from(data) });
const stored = ({ shape, data }: Packed): BuiltTensor => ({ shape, data: Float32Array.from(data) });
const channelsLast = ([batch, channels, height, width]: readonly number[]) => [batch, height, width, channels];

/** What a graph computes of values for its inputs. */
const run = async (inputs: readonly Tensor[], results: Record<string, Tensor>, values: Record<string, Value>) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const found = await (await runtime.load(program({ feeds: inputs, results }))).run(values);
  await runtime.close();
  return found;
};

const requireClose = (found: Value, expected: Packed) => {
  expect(found.shape).toEqual(expected.shape);
  const largest = Math.max(...expected.data.map(Math.abs));
  for (const [i, number] of expected.data.entries())
    expect(Math.abs(Number(found.data[i]) - number) / largest).toBeLessThan(1e-6);
};

describe("operators give PyTorch's numbers", () => {
  const cases = reference.convolutions.map((given) => ({
    ...given,
    title: `${given.operator} ${JSON.stringify(given.options)} of ${given.x.shape}`,
  }));

  test.each(cases)("$title, stored as float32", async ({ operator, options, x, filters, bias, y }) => {
    const depthwise = operator === "DEPTHWISE_CONV_2D";
    const model = readTflite(
      tfliteModel({
        tensors: [
          { name: "x", shape: channelsLast(x.shape) },
          stored(filters),
          stored(bias),
          { name: "y", shape: channelsLast(y.shape) },
        ],
        operators: [
          {
            code: depthwise ? DEPTHWISE_CONV_2D : CONV_2D,
            inputs: [0, 1, 2],
            outputs: [3],
            ...convolutionOptions(depthwise, options),
          },
        ],
        inputs: [0],
        outputs: [3],
      }),
    );
    const image = input("image", x.shape);
    const results = model.call({ x: image });
    expect(results.y.shape).toEqual(y.shape);
    requireClose((await run([image], results, { image: value(x) })).y, y);
  });

  test.each(cases)("$title, stored as halves", async ({ operator, options, x, filters, bias, y }) => {
    const depthwise = operator === "DEPTHWISE_CONV_2D";
    const half = ({ shape, data }: Packed): BuiltTensor => ({ shape, type: FLOAT16, data: halfBits(Float32Array.from(data)) });
    const model = readTflite(
      tfliteModel({
        tensors: [
          { name: "x", shape: channelsLast(x.shape) },
          half(filters),
          half(bias),
          { name: "filters", shape: filters.shape },
          { name: "bias", shape: bias.shape },
          { name: "y", shape: channelsLast(y.shape) },
        ],
        operators: [
          { code: DEQUANTIZE, inputs: [1], outputs: [3] },
          { code: DEQUANTIZE, inputs: [2], outputs: [4] },
          {
            code: depthwise ? DEPTHWISE_CONV_2D : CONV_2D,
            inputs: [0, 3, 4],
            outputs: [5],
            ...convolutionOptions(depthwise, options),
          },
        ],
        inputs: [0],
        outputs: [5],
      }),
    );
    const image = input("image", x.shape);
    const results = model.call({ x: image });
    requireClose((await run([image], results, { image: value(x) })).y, y);
    const activation = { NONE: {}, RELU: { Relu: 1 }, RELU6: { Clip: 1 }, TANH: {} }[options.activation];
    expect(readModel(toOnnx({ inputs: [image], outputs: results })).operators).toEqual({ Conv: 1, ...activation });
  });

  test.each(reference.additions)("ADD $activation of a constant of $constant.shape", async ({ activation, x, constant, y }) => {
    const model = readTflite(
      tfliteModel({
        tensors: [{ name: "x", shape: channelsLast(x.shape) }, stored(constant), { name: "y", shape: channelsLast(y.shape) }],
        operators: [{ code: ADD, inputs: [0, 1], outputs: [2], bytes: { 0: { NONE: 0, RELU: 1, RELU6: 3 }[activation] } }],
        inputs: [0],
        outputs: [2],
      }),
    );
    const image = input("image", x.shape);
    requireClose((await run([image], model.call({ x: image }), { image: value(x) })).y, y);
  });

  test("ADD RELU6 of two inputs", async () => {
    const shape = [1, 1, 2, 2];
    const model = readTflite(
      tfliteModel({
        tensors: [
          { name: "a", shape: channelsLast(shape) },
          { name: "b", shape: channelsLast(shape) },
          { name: "sum", shape: channelsLast(shape) },
        ],
        operators: [{ code: ADD, inputs: [0, 1], outputs: [2], bytes: { 0: 3 } }],
        inputs: [0, 1],
        outputs: [2],
      }),
    );
    expect(model.inputs.map((spec) => spec.shape)).toEqual([
      ["a batch", 1, "a height", "a width"],
      ["b batch", 1, "b height", "b width"],
    ]);
    const [a, b] = [input("a", shape), input("b", shape)];
    const values = { a: value({ shape, data: [-3, 1, 4, 5.5] }), b: value({ shape, data: [2, 1, 2, 2] }) };
    expect((await run([a, b], model.call({ a, b }), values)).sum.data).toEqual(Float32Array.of(0, 2, 6, 6));
  });
});

/** A convolution with ReLU6, a depthwise one without a bias, and the sum of both. */
const filters = Float32Array.from({ length: 2 * 3 * 3 * 2 }, (_, i) => i);
const network = {
  tensors: [
    { name: "image", shape: [1, 9, 9, 2] },
    { name: "w", shape: [2, 3, 3, 2], data: filters },
    { name: "first", shape: [1, 9, 9, 2] },
    { name: "depth", shape: [1, 3, 3, 2], data: filters.slice(0, 18) },
    { name: "second", shape: [1, 9, 9, 2] },
    { name: "sum", shape: [1, 9, 9, 2] },
  ],
  operators: [
    { code: CONV_2D, inputs: [0, 1, -1], outputs: [2], ...convolutionOptions(false, { activation: "RELU6" }) },
    { code: DEPTHWISE_CONV_2D, inputs: [2, 3], outputs: [4], ...convolutionOptions(true) },
    { code: ADD, inputs: [2, 4], outputs: [5] },
  ],
  inputs: [0],
  outputs: [5],
};
const image = input("image", [2, 2, 5, 8]);

describe("a model", () => {
  const model = readTflite(tfliteModel(network));

  test("has its channels second and its sizes open, whatever the file says", () => {
    expect(model.inputs).toEqual([{ name: "image", shape: ["batch", 2, "height", "width"], type: "float32" }]);
    expect(model.outputs).toEqual([{ name: "sum", shape: ["sum batch", 2, "sum height", "sum width"], type: "float32" }]);
    expect(model.call({ image }).sum.shape).toEqual([2, 2, 5, 8]);
  });

  test("says which sizes are open where it is no image, and takes any channels where they are open", () => {
    const bytes = tfliteModel({
      tensors: [
        { name: "x", shape: [1, 1, 1, 1], openShape: [-1, -1, -1, -1] },
        { name: "boxes", shape: [1, 5, 4], openShape: [-1, 5, 4] },
      ],
      operators: [{ code: RESHAPE, inputs: [0], outputs: [1] }],
      inputs: [0],
      outputs: [1],
    });
    const { inputs, outputs } = readTflite(bytes);
    expect(inputs[0].shape).toEqual(["batch", "channels", "height", "width"]);
    expect(outputs[0].shape).toEqual(["boxes size 0", 5, 4]);
  });

  test("lists what its operators make, and what a convolution is before its activation", () => {
    expect(model.values({ image }).map(({ name, operator, tensor }) => [name, operator, tensor?.shape])).toEqual([
      ["first before RELU6", "Conv", [2, 2, 5, 8]],
      ["first", "Clip", [2, 2, 5, 8]],
      ["second", "Conv", [2, 2, 5, 8]],
      ["sum", "Add", [2, 2, 5, 8]],
    ]);
  });

  test("gives its filters as ONNX has them, once however often it is called", () => {
    const { w, depth } = model.call({}, ["w", "depth"]);
    expect([w.shape, depth.shape]).toEqual([
      [2, 2, 3, 3],
      [2, 1, 3, 3],
    ]);
    // [filter 1, row 0, column 2, channel 1] of the file is number 1 * 18 + 0 + 2 * 2 + 1.
    expect(w.origin.kind === "constant" && w.origin.data[1 * 18 + 1 * 9 + 0 * 3 + 2]).toBe(23);
    const other = input("other", [1, 2, 4, 4]);
    const outputs = { a: model.call({ image }).sum, b: model.call({ image: other }).sum };
    expect(readModel(toOnnx({ inputs: [image, other], outputs })).constantCount).toBe(36 + 18 + 2);
  });

  test("needs its height and width when the graph is built", () => {
    expect(() => model.call({ image: input("image", ["n", 2, "h", "w"]) })).toThrow(
      new GraphError('Node "first before RELU6" (Conv): needs an image of known height and width, but got [n, 2, h, w].'),
    );
  });

  test("refuses an image with its channels last", () => {
    expect(() => model.call({ image: input("image", [1, 9, 9, 2]) })).toThrow("but was given float32 of shape [1, 9, 9, 2]");
  });
});

describe("names", () => {
  test("that are missing, or there twice, are told apart", () => {
    const model = readTflite(
      tfliteModel({
        ...network,
        tensors: network.tensors.map((tensor, i) => ({
          ...tensor,
          name: [undefined, "w", "same", "same before RELU6", "same", "same"][i],
        })),
      }),
    );
    expect(model.inputs[0].name).toBe("tensor 0");
    const values = model.values({ "tensor 0": input("image", [1, 2, 4, 4]) });
    expect(values.map(({ name, problem }) => [name, problem])).toEqual([
      ["same before RELU6'", undefined],
      ["same", undefined],
      ["same #4", undefined],
      ["same #5", undefined],
    ]);
  });

  test("of a constant that is needed in two layouts: the first keeps it", () => {
    const shape = [1, 3, 3, 2];
    const data = filters.slice(0, 18);
    const model = readTflite(
      tfliteModel({
        tensors: [
          { name: "x", shape },
          { name: "w", shape, data },
          { name: "y", shape },
          { name: "z", shape },
        ],
        operators: [
          { code: DEPTHWISE_CONV_2D, inputs: [0, 1], outputs: [2], ...convolutionOptions(true) },
          { code: ADD, inputs: [2, 1], outputs: [3] },
        ],
        inputs: [0],
        outputs: [3],
      }),
    );
    const turned = "w as [1, 3, 3, 2] in the order [0, 3, 1, 2]";
    const constants = model.call({}, ["w", turned]);
    expect([constants.w.shape, constants[turned].shape]).toEqual([
      [2, 1, 3, 3],
      [1, 2, 3, 3],
    ]);
  });
});

test("gradients flow through it where the activation lets them", async () => {
  const model = readTflite(
    tfliteModel({
      tensors: [
        { name: "x", shape: [1, 1, 4, 1] },
        { shape: [1, 1, 1, 1], data: Float32Array.of(2) },
        { name: "y", shape: [1, 1, 4, 1] },
      ],
      operators: [{ code: CONV_2D, inputs: [0, 1], outputs: [2], ...convolutionOptions(false, { activation: "RELU6" }) }],
      inputs: [0],
      outputs: [2],
    }),
  );
  const x = input("x", [1, 1, 1, 4]);
  const { y } = model.call({ x });
  const [dx] = gradients(sum(y), [x]);
  const found = await run([x], { y, dx }, { x: value({ shape: [1, 1, 1, 4], data: [-1, 1, 2, 4] }) });
  expect([found.y.data, found.dx.data]).toEqual([Float32Array.of(0, 2, 4, 6), Float32Array.of(0, 2, 2, 0)]);
});

describe("what is not read is said for each value", () => {
  type Change = Partial<{ tensors: readonly BuiltTensor[]; operators: readonly (typeof network.operators)[number][] }>;
  const problemsOf = (change: Change): (string | undefined)[] =>
    readTflite(tfliteModel({ ...network, ...(change as object) }))
      .values({ image })
      .map(({ problem }) => problem);
  const replaced = <T>(list: readonly T[], index: number, change: object): T[] =>
    list.map((entry, i) => (i === index ? { ...entry, ...change } : entry));
  const help = "of TFLite 3 cannot be imported; ask for values made before it, or export the model without it.";

  test("an operator that there is none for, and what needs its value", () => {
    const bytes = tfliteModel({ ...network, operators: replaced(network.operators, 1, { code: RESHAPE }) });
    const model = readTflite(bytes);
    const sentence = `Node "second" (RESHAPE): the operator RESHAPE ${help}`;
    expect(model.values({ image }).map(({ operator, problem }) => [operator, problem])).toEqual([
      ["Conv", undefined],
      ["Clip", undefined],
      ["RESHAPE", sentence],
      ["Add", 'Node "sum" (Add): The value "second" of RESHAPE cannot be imported.'],
    ]);
    expect(() => model.call({ image })).toThrow(new GraphError(sentence));
    expect(model.call({ image }, ["first"]).first.shape).toEqual([2, 2, 5, 8]);
  });

  test.each([
    ["DETECTION", { code: "DETECTION" }],
    ["number 150", { code: 150 }],
    ["CONV_2D with the activation TANH", convolutionOptions(false, { activation: "TANH" })],
    ["CONV_2D with the activation 9", { bytes: { 3: 9 } }],
    ["CONV_2D with the padding 2", { bytes: { 0: 2 } }],
    ["CONV_2D with computed filters", { inputs: [0, 0] }],
    ["CONV_2D with other inputs and outputs than it has", { inputs: [0] }],
    ["ADD with other inputs and outputs than it has", { code: ADD, inputs: [0, -1] }],
  ])("%s", (title, change) => {
    expect(problemsOf({ operators: replaced(network.operators, 0, change) })[0]).toBe(
      `Node "first" (${title}): the operator ${title} ${help}`,
    );
  });

  test.each([
    ["CONV_2D of INT8 values", 1, { type: INT8, data: new Uint8Array(36) }],
    ["CONV_2D of sparse FLOAT32 values", 1, { sparse: true }],
    ["CONV_2D with filters that have no four axes", 1, { shape: [36] }],
  ])("%s", (title, index, change) => {
    expect(problemsOf({ tensors: replaced(network.tensors, index, change) })[0]).toContain(`the operator ${title} ${help}`);
  });

  test("a sum of values with and without channels, and channels that are not known", () => {
    const tensors = replaced(network.tensors, 2, { shape: [9] });
    expect(problemsOf({ tensors }).slice(2)).toEqual([
      expect.stringContaining("the operator DEPTHWISE_CONV_2D of values whose channels are not known"),
      expect.stringContaining("the operator ADD of computed values with different numbers of axes"),
    ]);
  });

  test("a stride of 0, and channels that do not fit", () => {
    const [standing] = problemsOf({ operators: replaced(network.operators, 0, convolutionOptions(false, { stride: [0, 1] })) });
    expect(standing).toBe(
      'Node "first" (Conv): A convolution\'s stride, dilation and groups must be whole numbers of at least 1.',
    );
    const [unfit] = problemsOf({ tensors: replaced(network.tensors, 1, { shape: [4, 3, 3, 1] }) });
    expect(unfit).toContain("(Conv): the input [2, 2, 5, 8] has 2 channels, but the weight [4, 1, 3, 3] expects 1.");
  });

  test("an output that is stored, unless its numbers are no floating ones", () => {
    const given = (type: number) =>
      readTflite(tfliteModel({ ...network, tensors: replaced(network.tensors, 3, { type }), outputs: [3, 5] }));
    expect(Object.keys(given(0).call({ image }))).toEqual(["depth", "sum"]);
    expect(() => given(INT32).call({ image })).toThrow(/^The model has no value "depth"; /);
    expect(given(INT32).call({ image }, ["first"]).first.shape).toEqual([2, 2, 5, 8]);
  });

  test("an input of 8 bits", () => {
    const bytes = tfliteModel({ ...network, tensors: replaced(network.tensors, 0, { type: UINT8 }) });
    const [{ problem }] = readTflite(bytes).values({ image: input("image", [1, 2, 4, 4], "uint8") });
    expect(problem).toContain("the operator CONV_2D of UINT8 values");
  });
});
