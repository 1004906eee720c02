import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type TensorProto, TensorProto_DataType } from "onnx-buf";
import { InferenceSession } from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import { rawModel, rawTensor } from "../import/raw-model.ts";
import * as graph from "../index.ts";
import {
  constant,
  GraphError,
  input,
  OBSERVED,
  observing,
  quantisableValues,
  quantise,
  type Range,
  readModel,
  type Tensor,
  toOnnx,
} from "../index.ts";
import { bias, network, normal, weight } from "./testing/networks.ts";

web.env.wasm.numThreads = 1;

const { INT8, INT32, UINT8 } = TensorProto_DataType;
const parse = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph!;

const run = async (bytes: Uint8Array, feeds: Record<string, Value>) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const results = await (await runtime.load(readModel(bytes))).run(feeds);
  await runtime.close();
  return results;
};

const runOnWeb = async (bytes: Uint8Array, { data, shape }: Value): Promise<Float32Array> => {
  const session = await web.InferenceSession.create(bytes);
  const { y } = await session.run({ x: new web.Tensor("float32", data as Float32Array, shape) });
  const values = y.data as Float32Array;
  await session.release();
  return values;
};

const numbers = (shape: readonly number[], ...given: number[]): Value => ({ data: Float32Array.from(given), shape });
const images: Value = { data: normal([2, 3, 16, 16], 1, "images"), shape: [2, 3, 16, 16] };
const modelOf = (
  build: (x: Tensor) => Tensor | Record<string, Tensor>,
  shape: readonly number[] = [2, 3, 16, 16],
): Uint8Array => {
  const x = input("x", shape);
  const built = build(x);
  return toOnnx({ inputs: [x], outputs: "origin" in built ? { y: built as Tensor } : built, metadata: { key: "value" } });
};

/** The ranges of a model's values over one batch. */
const rangesOf = async (bytes: Uint8Array, x: Value): Promise<Map<string, Range>> => {
  const names = quantisableValues(bytes);
  const { [OBSERVED]: observed } = await run(observing(bytes, names), { x });
  return new Map(names.map((name, i) => [name, { low: Number(observed.data[2 * i]), high: Number(observed.data[2 * i + 1]) }]));
};
const quantised = async (bytes: Uint8Array, x: Value): Promise<Uint8Array> => quantise(bytes, await rangesOf(bytes, x));

const differences = (found: Value["data"], expected: Value["data"]): number[] =>
  Array.from(found, Number).map((value, index) => Math.abs(value - Number(expected[index])));
const numbersOf = ({ data }: Pick<Value, "data">): number[] => Array.from(data, Number);
const rootMeanSquare = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length);

/** The operators that ONNX Runtime computes with in the end. */
const operatorsAtRun = async (bytes: Uint8Array): Promise<Readonly<Record<string, number>>> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-quantised-"));
  const optimizedModelFilePath = join(folder, "optimised.onnx");
  const options = { optimizedModelFilePath, graphOptimizationLevel: "extended", logSeverityLevel: 4 } as const;
  await (await InferenceSession.create(bytes, options)).release();
  const { operators } = readModel(await readFile(optimizedModelFilePath));
  await rm(folder, { recursive: true });
  return operators;
};
/** Constants of an element type, but for the zeros of weights' grids. */
const stored = (bytes: Uint8Array, type: number): TensorProto[] =>
  parse(bytes).initializer.filter(({ dataType, name }) => dataType === type && (type === UINT8 || name.endsWith("_quantised")));
const integersOf = ({ rawData, dataType }: TensorProto): number[] => {
  const { buffer } = rawData.slice();
  return Array.from(
    dataType === INT8 ? new Int8Array(buffer) : dataType === INT32 ? new Int32Array(buffer) : new Uint8Array(buffer),
  );
};

describe("a network in 8 bits", () => {
  const full = modelOf((x) => network(x));

  test("stays near what it did, also in the browser's runtime", async () => {
    const bytes = await quantised(full, images);
    const [{ y: expected }, { y: here }, there] = [
      await run(full, { x: images }),
      await run(bytes, { x: images }),
      await runOnWeb(bytes, images),
    ];
    const step = (Math.max(...numbersOf(expected)) - Math.min(...numbersOf(expected))) / 255;
    // Eight layers in a row each add their own rounding, of 0.29 steps in the mean, to what those before them did.
    for (const found of [here.data, there]) {
      expect(rootMeanSquare(differences(found, expected.data))).toBeLessThan(2 * step);
      expect(rootMeanSquare(differences(found, expected.data))).toBeGreaterThan(step / 100);
    }
    expect(rootMeanSquare(differences(there, here.data))).toBeLessThan(step / 4);
  });

  test("is computed in whole numbers, but for the first and last layer and the transposed convolution", async () => {
    const operators = await operatorsAtRun(await quantised(full, images));
    expect(operators).toMatchObject({
      QLinearConv: 5,
      Conv: 2,
      ConvTranspose: 1,
      QLinearAdd: 1,
      QLinearLeakyRelu: 1,
      MaxPool: 1,
    });
  });

  test("joins its layers in whole numbers by whatever has a kernel for them", async () => {
    const kernel = (name: string, shape: number[]) => rawTensor(name, normal(shape, 0.4, "joins", name), shape);
    const conv = (x: string, w: string, y: string) => ({ operator: "Conv", inputs: [x, w], outputs: [y] });
    const to = (
      operator: string,
      inputs: string[],
      output: string,
      attributes: Record<string, number | string | number[]> = {},
    ) => ({
      operator,
      inputs,
      outputs: [output],
      attributes,
    });
    const full = rawModel({
      inputs: { x: { shape: [2, 3, 16, 16] } },
      constants: [
        kernel("w1", [6, 3, 1, 1]),
        kernel("w2", [6, 6, 1, 1]),
        kernel("w3", [6, 6, 1, 1]),
        kernel("w4", [6, 6, 1, 1]),
        kernel("w5", [6, 12, 1, 1]),
        kernel("w6", [3, 6, 1, 1]),
        rawTensor("zero", Float32Array.of(0), []),
        rawTensor("six", Float32Array.of(6), []),
        rawTensor("scales", Float32Array.of(1, 1, 2, 2), [4]),
      ],
      nodes: [
        conv("x", "w1", "first"),
        to("Clip", ["first", "zero", "six"], "clipped"),
        to("GlobalAveragePool", ["clipped"], "squeezed"),
        conv("squeezed", "w2", "excited"),
        to("Sigmoid", ["excited"], "gate"),
        to("Mul", ["clipped", "gate"], "gated"),
        conv("gated", "w3", "inner"),
        to("Clip", ["inner", "zero", "six"], "innerClipped"),
        to("AveragePool", ["innerClipped"], "pooled", { kernel_shape: [2, 2], strides: [2, 2] }),
        to("Resize", ["pooled", "", "scales"], "near", {
          mode: "nearest",
          coordinate_transformation_mode: "asymmetric",
          nearest_mode: "floor",
        }),
        conv("near", "w4", "deep"),
        to("Concat", ["innerClipped", "deep"], "both", { axis: 1 }),
        conv("both", "w5", "joined"),
        conv("joined", "w6", "y"),
      ],
      outputs: { y: "float32" },
    });
    const bytes = await quantised(full, images);
    const [{ y: expected }, { y: found }] = [await run(full, { x: images }), await run(bytes, { x: images })];
    expect(rootMeanSquare(differences(found.data, expected.data)) / rootMeanSquare(numbersOf(expected))).toBeLessThan(0.03);
    const operators = await operatorsAtRun(bytes);
    const joining = ["AveragePool", "Concat", "Conv", "GlobalAveragePool", "Mul", "Sigmoid"].map(
      (operator) => `QLinear${operator}`,
    );
    expect(Object.keys(operators).sort()).toEqual(["Conv", "DequantizeLinear", ...joining, "QuantizeLinear", "Resize"]);
  });

  test("keeps names, inputs, outputs and metadata, and takes a quarter of the room", async () => {
    const wide = modelOf((x) => network(x, 64));
    const bytes = await quantised(wide, images);
    const [before, after] = [readModel(wide), readModel(bytes)];
    for (const key of ["feeds", "results", "metadata", "opset"] as const) expect(after[key]).toEqual(before[key]);
    expect(bytes.length / wide.length).toBeLessThan(0.3);
  });
});

/** First and last layers that hand on what they take, so that the one between them is seen alone. */
const between = (x: Tensor, inner: (x: Tensor) => Tensor): Tensor => {
  const same = (value: Tensor): Tensor => {
    const channels = value.shape[1] as number;
    const identity = Float32Array.from({ length: channels * channels }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
    return graph.conv2d(value, constant(identity, [channels, channels, 1, 1]));
  };
  return same(inner(same(x)));
};

test("a network without inner layers is quantised whole", async () => {
  const full = modelOf((x) => graph.conv2d(x, weight(4, 3, 3, 3), { padding: 1, bias: bias(4) }));
  expect(quantisableValues(full)).toEqual(["x"]);
  const bytes = await quantised(full, images);
  expect(stored(bytes, INT8)).toHaveLength(1);
  const [{ y: expected }, { y: found }] = [await run(full, { x: images }), await run(bytes, { x: images })];
  expect(rootMeanSquare(differences(found.data, expected.data)) / rootMeanSquare(numbersOf(expected))).toBeLessThan(0.02);
});

describe("one layer", () => {
  test("differs by no more than what rounding its input, weight and output can do", async () => {
    const w = normal([4, 3, 3, 3], 1, "one");
    const full = modelOf((x) =>
      between(x, (value) => graph.conv2d(value, constant(w, [4, 3, 3, 3]), { padding: 1, bias: bias(4) })),
    );
    const [inputRange, outputRange] = [...(await rangesOf(full, images)).values()];
    const [{ y: expected }, { y: found }] = [
      await run(full, { x: images }),
      await run(await quantised(full, images), { x: images }),
    ];
    const [inputStep, outputStep] = [inputRange, outputRange].map(({ low, high }) => (high - low) / 255);
    const largest = Math.max(...numbersOf(images).map(Math.abs));
    const size = 16 * 16;
    for (let channel = 0; channel < 4; channel++) {
      const own = w.subarray(27 * channel, 27 * (channel + 1));
      const weightStep = Math.max(...own.map(Math.abs)) / 127;
      const ofInput = own.reduce((sum, value) => sum + Math.abs(value), 0) * (inputStep / 2);
      const bound = ofInput + 27 * (weightStep / 2) * (largest + inputStep) + 0.51 * outputStep;
      for (let image = 0; image < 2; image++) {
        const at = (image * 4 + channel) * size;
        const [a, b] = [found.data, expected.data].map((data) => (data as Float32Array).subarray(at, at + size));
        expect(Math.max(...differences(a, b))).toBeLessThan(bound);
        expect(rootMeanSquare(differences(a, b))).toBeLessThan(2 * outputStep);
      }
    }
  });

  test("has a scale of its own for each output channel", async () => {
    // The first channel's large weights cancel, so its values are as small as the second's, whose weights are 1000 times smaller.
    const [large, small] = [
      [100, -100],
      [0.1, 0.07],
    ];
    const values = normal([1, 1, 8, 8], 1, "channels");
    const x = numbers([1, 2, 8, 8], ...values, ...values);
    const model = (...w: number[]) =>
      modelOf(
        (image) => between(image, (value) => graph.conv2d(value, constant(Float32Array.from(w), [2, 2, 1, 1]))),
        [1, 2, 8, 8],
      );
    const full = model(...large, ...small);
    const coarse = 100 / 127;
    const perTensor = model(...large, ...small.map((value) => coarse * Math.round(value / coarse)));
    const [expected, found, alternative] = await Promise.all(
      [full, await quantised(full, x), perTensor].map(async (bytes) =>
        ((await run(bytes, { x })).y.data as Float32Array).subarray(64),
      ),
    );
    const error = (data: Float32Array) => rootMeanSquare(differences(data, expected)) / rootMeanSquare(expected);
    expect(error(found)).toBeLessThan(0.02);
    expect(error(alternative)).toBeGreaterThan(0.9);
  });

  test("stores weights as int8, and its bias in units of both scales", async () => {
    const w = Float32Array.of(1.27, -0.632, 0.001, -12.7, 0, 6.3);
    const full = modelOf(
      (x) =>
        between(x, (value) => graph.conv2d(value, constant(w, [2, 3, 1, 1]), { bias: constant(Float32Array.of(0.5, -2), [2]) })),
      [1, 3, 2, 2],
    );
    const names = quantisableValues(full);
    expect(names).toHaveLength(2);
    const bytes = quantise(full, new Map(names.map((name) => [name, { low: -1, high: 1.55 }])));
    const [weights] = stored(bytes, INT8);
    expect(integersOf(weights)).toEqual([127, -63, 0, -127, 0, 63]);
    const [whole] = stored(bytes, INT32);
    expect(integersOf(whole)).toEqual([0.5 / (0.01 * 0.01), -2 / (0.01 * 0.1)]);
    expect(stored(bytes, UINT8).map(integersOf)).toEqual([[100], [100]]);
  });

  test("keeps a bias that its tiny weights' scale could not count", async () => {
    const w = constant(Float32Array.of(1e-12, 0, 1), [3, 1, 1, 1]);
    const full = modelOf(
      (x) => between(x, (value) => graph.conv2d(value, w, { bias: constant(Float32Array.of(5, -3, 0), [3]) })),
      [1, 1, 2, 2],
    );
    const x = numbers([1, 1, 2, 2], 1, -1, 0.5, 0.25);
    const { y } = await run(await quantised(full, x), { x });
    const expected = [5, 5, 5, 5, -3, -3, -3, -3, 1, -1, 0.5, 0.25];
    expect(Math.max(...differences(y.data, Float32Array.from(expected)))).toBeLessThan(8 / 255);
  });

  test("that is transposed computes in float32, with int8 for each channel of its groups", async () => {
    const values = normal([4, 2, 2, 2], 1, "groups").map((value, i) => (Math.floor(i / 4) % 2 === 0 ? value : value / 1000));
    const full = modelOf((x) => {
      const wide = graph.relu(graph.conv2d(x, weight(4, 3, 3, 3), { padding: 1 }));
      const deep = graph.relu(graph.conv2d(wide, weight(4, 4, 3, 3), { padding: 1, bias: bias(4) }));
      const up = graph.convTranspose2d(deep, constant(values, [4, 2, 2, 2]), { stride: 2, groups: 2, bias: bias(4) });
      return { up, y: graph.conv2d(up, weight(3, 4, 3, 3)) };
    });
    const bytes = await quantised(full, images);
    const [expected, found] = [await run(full, { x: images }), await run(bytes, { x: images })];
    expect(stored(bytes, INT8).map(({ dims }) => dims.join())).toContain("4,2,2,2");
    // The second and fourth channel, 1000 times smaller but for the bias, are as exact relative to themselves.
    const channel = (data: Value["data"], index: number) => {
      const own = (data as Float32Array).slice(index * 32 * 32, (index + 1) * 32 * 32);
      const least = own.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
      return own.map((value) => value - least);
    };
    for (let index = 0; index < 4; index++) {
      const [a, b] = [found.up.data, expected.up.data].map((data) => channel(data, index));
      expect(rootMeanSquare(differences(a, b)) / rootMeanSquare(b)).toBeLessThan(0.03);
    }
  });

  test("of a product has scales along either axis of its weight, and is computed in whole numbers", async () => {
    const x: Value = { data: normal([16, 5], 1, "rows"), shape: [16, 5] };
    for (const transposed of [true, false]) {
      const outputOf = (index: number) => (transposed ? Math.floor(index / 6) : index % 8);
      const values = normal([48], 0.4, "product").map((value, index) => value / (1 + outputOf(index)));
      const full = modelOf(
        (rows) => {
          const inner = (value: Tensor): Tensor =>
            transposed
              ? graph.affine(value, constant(values, [8, 6]), bias(8))
              : graph.add(graph.matmul(value, constant(values, [6, 8])), bias(8));
          return graph.affine(graph.relu(inner(graph.relu(graph.affine(rows, weight(6, 5), bias(6))))), weight(3, 8), bias(3));
        },
        [16, 5],
      );
      const bytes = await quantised(full, x);
      const [whole] = stored(bytes, INT8);
      const largest = new Array<number>(8).fill(0);
      for (const [index, value] of integersOf(whole).entries()) {
        largest[outputOf(index)] = Math.max(largest[outputOf(index)], Math.abs(value));
      }
      expect(largest).toEqual(new Array(8).fill(127));
      const [{ y: expected }, { y: found }] = [await run(full, { x }), await run(bytes, { x })];
      expect(rootMeanSquare(differences(found.data, expected.data)) / rootMeanSquare(numbersOf(expected))).toBeLessThan(0.02);
      const operators = Object.keys(await operatorsAtRun(bytes));
      expect(operators.some((operator) => ["QGemm", "QLinearMatMul"].includes(operator))).toBe(true);
    }
  });
});

describe("values", () => {
  test("are those that layers take and make, each once; what only moves them has no range of its own", () => {
    const model = modelOf(
      (x) => {
        const first = graph.relu(graph.conv2d(x, weight(4, 3, 3, 3), { padding: 1 }));
        const pooled = graph.reshape(graph.maxPool2d(first, 2), [1, 4, 4, 16]);
        const left = graph.relu(graph.conv2d(pooled, weight(4, 4, 3, 3), { padding: 1 }));
        const right = graph.conv2d(pooled, weight(4, 4, 1, 1));
        const sum = graph.add(left, right);
        const kept = graph.conv2d(sum, weight(4, 4, 1, 1));
        return { first, y: graph.conv2d(kept, weight(3, 4, 3, 3)) };
      },
      [1, 3, 16, 16],
    );
    const operators = new Map(parse(model).node.flatMap(({ opType, output }) => output.map((name) => [name, opType])));
    expect(quantisableValues(model).map((name) => operators.get(name))).toEqual(["Relu", "Relu", "Conv", "Add", "Conv"]);
  });

  test("that a network's result is compared with stay exact", async () => {
    const full = modelOf((x) => graph.sub(graph.add(x, graph.mul(network(x), 1e-3)), x));
    const [{ y: expected }, { y: found }] = [
      await run(full, { x: images }),
      await run(await quantised(full, images), { x: images }),
    ];
    // In 8 bits the input alone would be off by several times what the network adds.
    expect(rootMeanSquare(differences(found.data, expected.data)) / rootMeanSquare(numbersOf(expected))).toBeLessThan(0.05);
  });

  test("from before the network are quantised for those alone that compute in 8 bits", async () => {
    const full = modelOf((x) => {
      const first = graph.relu(graph.conv2d(x, weight(4, 3, 3, 3), { padding: 1, bias: bias(4) }));
      const inner = graph.relu(graph.conv2d(graph.concat([x, first], 1), weight(4, 7, 3, 3), { padding: 1, bias: bias(4) }));
      return graph.add(x, graph.conv2d(inner, weight(3, 4, 3, 3), { padding: 1 }));
    });
    const { node } = parse(await quantised(full, images));
    const maker = (name: string) => node.find(({ output }) => output.includes(name))?.opType;
    const takers = node.filter(({ opType }) => ["Conv", "Concat", "Add"].includes(opType));
    expect(
      takers.map(({ opType, input }) => [opType, input.slice(0, 2).map((name) => (name === "x" ? "x" : maker(name)))]),
    ).toEqual([
      ["Conv", ["x", undefined]],
      ["Concat", ["DequantizeLinear", "DequantizeLinear"]],
      ["Conv", ["DequantizeLinear", "DequantizeLinear"]],
      ["Conv", ["DequantizeLinear", undefined]],
      ["Add", ["x", "Conv"]],
    ]);
  });

  test("are observed as they are, beside the model's own outputs", async () => {
    const model = modelOf((x) => network(x));
    const names = [...parse(model).node.map(({ output: [name] }) => name), "x"].reverse();
    const outputs = await Promise.all([model, observing(model, names)].map((bytes) => run(bytes, { x: images })));
    expect(Math.max(...differences(outputs[1].y.data, outputs[0].y.data))).toBeLessThan(1e-5);
    const observed = outputs[1][OBSERVED];
    expect(observed.shape).toEqual([names.length, 2]);
    const [x, y] = [images, outputs[1].y].map(({ data }) => [Math.min(...numbersOf({ data })), Math.max(...numbersOf({ data }))]);
    expect([...observed.data].slice(0, 2)).toEqual(x);
    const last = 2 * names.indexOf("y");
    expect([...observed.data].slice(last, last + 2)).toEqual(y);
    for (let i = 0; i < names.length; i++) expect(observed.data[2 * i]).toBeLessThan(Number(observed.data[2 * i + 1]));
  });

  test("that are the same everywhere get a grid all the same", async () => {
    const full = modelOf((x) => between(x, (value) => graph.relu(graph.conv2d(value, weight(3, 3, 3, 3), { bias: bias(3) }))));
    const names = quantisableValues(full);
    for (const [low, high] of [
      [0, 0],
      [3, 3],
      [-2, -2],
      [0, 2 ** -149],
    ]) {
      const bytes = quantise(full, new Map(names.map((name) => [name, { low, high }])));
      const scales = parse(bytes).initializer.filter(({ name }) => name.endsWith("_scale"));
      for (const { rawData } of scales)
        for (const scale of new Float32Array(rawData.slice().buffer)) expect(scale).toBeGreaterThan(0);
      const { y } = await run(bytes, { x: images });
      expect(numbersOf(y).every(Number.isFinite)).toBe(true);
      const [lowest, highest] = [Math.min(...numbersOf(y)), Math.max(...numbersOf(y))];
      expect(lowest).toBeGreaterThanOrEqual(Math.min(low, 0) * 1.01 - 1e-30);
      expect(highest).toBeLessThanOrEqual(Math.max(high, 0) * 1.01 + 1e-30);
    }
  });
});

describe("quantising refuses in a sentence", () => {
  const model = modelOf((x) => network(x));
  const names = quantisableValues(model);
  const ranges = (change: Readonly<Record<string, Range>> = {}) =>
    new Map([...names.map((name) => [name, { low: -1, high: 1 }] as const), ...Object.entries(change)]);

  test("models without layers", () => {
    const message = "The model cannot be quantised: it has no convolution or product with constant float32 weights";
    for (const bytes of [modelOf(graph.relu), modelOf((x) => graph.convTranspose2d(x, weight(3, 3, 2, 2)))]) {
      expect(() => quantisableValues(bytes)).toThrow(GraphError);
      expect(() => quantise(bytes, new Map())).toThrow(message);
    }
    expect(() => quantise(quantise(model, ranges()), ranges())).toThrow(new GraphError("The model is quantised already."));
  });

  test("ranges that are missing or not finite", () => {
    const missing = ranges();
    missing.delete(names[2]);
    expect(() => quantise(model, missing)).toThrow(`The range of the value "${names[2]}" is missing: give one for each of`);
    for (const range of [
      { low: 0, high: Number.POSITIVE_INFINITY },
      { low: Number.NaN, high: 1 },
    ]) {
      expect(() => quantise(model, ranges({ [names[1]]: range }))).toThrow(
        `The range of the value "${names[1]}", ${range.low} to`,
      );
    }
  });

  test("values to be observed that are unknown, none, or observed already", () => {
    expect(() => observing(model, ["x", "nowhere"])).toThrow(
      new GraphError('The model has no value "nowhere" that could be observed.'),
    );
    expect(() => observing(model, [])).toThrow("Name the values to be observed");
    expect(() => observing(observing(model, ["x"]), ["x"])).toThrow(GraphError);
  });
});
