import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, OperatorSetIdProtoSchema, TensorProto_DataType, ValueInfoProtoSchema } from "onnx-buf";
import * as web from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import { rawModel, rawTensor } from "../import/raw-model.ts";
import * as graph from "../index.ts";
import { constant, filterMatrix, GraphError, gaussianKernel, input, readModel, type Tensor, toHalf, toOnnx } from "../index.ts";
import { bias, network, normal, weight } from "./testing/networks.ts";

web.env.wasm.numThreads = 1;

const { FLOAT, FLOAT16 } = TensorProto_DataType;
const parse = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph!;

const run = async (bytes: Uint8Array, feeds: Record<string, Value>) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const results = await (await runtime.load(readModel(bytes))).run(feeds);
  await runtime.close();
  return results;
};

const runOnWeb = async (bytes: Uint8Array, feeds: Record<string, Value>) => {
  const session = await web.InferenceSession.create(bytes);
  const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
    name,
    new web.Tensor("float32", data as Float32Array, shape),
  ]);
  const results = await session.run(Object.fromEntries(tensors));
  const values = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, { data: data as Float32Array }]));
  await session.release();
  return values;
};

/** Euclidean distance in shares of the expected values' norm. */
const distance = (found: Value["data"], expected: Value["data"]): number => {
  let [moved, size] = [0, 0];
  for (const [index, value] of expected.entries()) {
    moved += (Number(found[index]) - Number(value)) ** 2;
    size += Number(value) ** 2;
  }
  return Math.sqrt(moved / size);
};

const images = { x: { data: normal([2, 3, 16, 16], 1, "images"), shape: [2, 3, 16, 16] } };
const modelOf = (
  build: (x: Tensor) => Tensor | Record<string, Tensor>,
  shape: readonly number[] = [2, 3, 16, 16],
): Uint8Array => {
  const x = input("x", shape);
  const built = build(x);
  return toOnnx({ inputs: [x], outputs: "origin" in built ? { y: built as Tensor } : built, metadata: { key: "value" } });
};

/** The operators of a model with the element types that each takes, as a runtime would infer them. */
const typesOf = (bytes: Uint8Array): string[] => {
  const { node, initializer, input: inputs } = parse(bytes);
  const types = new Map([
    ...inputs.map(({ name }) => [name, FLOAT] as const),
    ...initializer.map(({ name, dataType }) => [name, dataType] as const),
  ]);
  return node.map(({ opType, input: [x], output, attribute }) => {
    const type = opType === "Cast" ? Number(attribute[0].i) : types.get(x)!;
    for (const name of output) types.set(name, type);
    return `${opType} ${type === FLOAT16 ? "half" : "float"}`;
  });
};

describe("a network in half precision", () => {
  const full = modelOf((x) => network(x));
  const half = toHalf(full);

  test("is all halves from its first layer to its last, with a Cast at either end only", () => {
    const types = typesOf(half);
    expect(types.at(0)).toBe("Cast half");
    expect(types.at(-1)).toBe("Cast float");
    expect(types.slice(1, -1).filter((type) => !type.endsWith(" half"))).toEqual([]);
    expect(types.filter((type) => type.startsWith("Cast"))).toHaveLength(2);
    expect(parse(half).initializer.filter(({ dataType }) => dataType === FLOAT)).toEqual([]);
    // Scales and shifts of channels are in the weights: of all arithmetic the sum of two branches is left.
    expect(readModel(half).operators).toEqual({
      Cast: 2,
      Conv: 7,
      ConvTranspose: 1,
      Relu: 6,
      LeakyRelu: 1,
      MaxPool: 1,
      Add: 1,
      Concat: 1,
    });
  });

  test("computes what it did, up to the digits of halves, also in the browser's runtime", async () => {
    const [{ y: expected }, { y: here }, { y: there }] = [
      await run(full, images),
      await run(half, images),
      await runOnWeb(half, images),
    ];
    // Each of 8 layers in a row rounds by up to 2^-11, about half of it in the mean.
    expect(distance(here.data, expected.data)).toBeLessThan(1e-3);
    expect(distance(there.data, expected.data)).toBeLessThan(1e-3);
    expect(distance(here.data, expected.data)).toBeGreaterThan(1e-6);
  });

  test("keeps names, inputs, outputs and metadata, and takes half the room", () => {
    const wide = modelOf((x) => network(x, 32));
    const [before, after] = [readModel(wide), readModel(toHalf(wide))];
    for (const key of ["feeds", "results", "metadata", "opset"] as const) expect(after[key]).toEqual(before[key]);
    expect(parse(toHalf(wide)).name).toBe(parse(wide).name);
    expect(toHalf(wide).length / wide.length).toBeLessThan(0.55);
  });

  test("has weights that are rounded, not cut off", async () => {
    // 1.9 steps of 2^-10 above 1 are nearest to 2 of them; cut off, each of the 64 products would miss 0.9 steps.
    const value = 1 + 1.9 * 2 ** -10;
    const model = modelOf((x) => graph.conv2d(x, constant(new Float32Array(64).fill(value), [1, 64, 1, 1])), [1, 64, 1, 1]);
    const ones = { x: { data: new Float32Array(64).fill(1), shape: [1, 64, 1, 1] } };
    const { y } = await run(toHalf(model), ones);
    expect(Math.abs(Number(y.data[0]) - 64 * value)).toBeLessThan(64 * 0.5 * 2 ** -10);
  });
});

describe("what is no network keeps float32", () => {
  /** Blurs before and after, and a map of squares and small variances, as detectors have them. */
  const detecting = (x: Tensor, layers: (x: Tensor) => Tensor) => {
    const blur = filterMatrix(16, gaussianKernel(1));
    const prepared = graph.separable(graph.mul(x, 1 / 255), blur, blur);
    const residual = graph.mul(graph.sub(prepared, layers(prepared)), 1e-4);
    const map = graph.separable(graph.mean(graph.square(residual), [1], { keepAxes: true }), blur, blur);
    return {
      map: graph.asinh(graph.div(map, graph.sqrt(graph.add(graph.square(map), 1e-20)))),
      large: graph.mul(residual, 1e12),
    };
  };
  const pixels = { x: { data: images.x.data.map((value) => 100 + 50 * value), shape: [2, 3, 16, 16] } };

  test("preprocessing, and a map of numbers that no half can hold", async () => {
    const full = modelOf((x) => detecting(x, (prepared) => network(prepared)));
    const half = toHalf(full);
    const [expected, found] = [await run(full, pixels), await run(half, pixels)];
    for (const name of ["map", "large"]) expect(distance(found[name].data, expected[name].data)).toBeLessThan(3e-3);
    const types = typesOf(half);
    const outside = ["MatMul float", "Gemm float", "Sub float", "Mul float", "Div float", "Sqrt float", "Asinh float"];
    for (const type of outside) {
      expect(types).toContain(type);
      expect(types).not.toContain(type.replace("float", "half"));
    }
    expect(types.filter((type) => type.startsWith("Cast"))).toHaveLength(2);
    const matrices = parse(full).initializer.filter(({ dims }) => dims.join() === "16,16");
    expect(matrices.length).toBeGreaterThan(0);
    for (const matrix of matrices) expect(parse(half).initializer).toContainEqual(matrix);
  });

  test("the sum of a network's input and what it adds to it", async () => {
    const full = modelOf((x) => graph.add(x, network(x)));
    const precise = await run(full, images);
    const tiny = modelOf((x) => graph.add(x, graph.mul(network(x), 1e-4)));
    const [{ y: expected }, { y: found }] = [await run(tiny, images), await run(toHalf(tiny), images)];
    // As a half, the input alone would be off by 2^-12 in the mean.
    expect(distance(found.data, expected.data)).toBeLessThan(1e-6);
    expect(typesOf(toHalf(full)).at(-1)).toBe("Add float");
    expect(distance((await run(toHalf(full), images)).y.data, precise.y.data)).toBeLessThan(1e-3);
  });

  test("a normalisation's mean and variance, between two layers", async () => {
    const full = modelOf((x) => {
      const y = graph.conv2d(x, weight(4, 3, 3, 3), { padding: 1, bias: bias(4) });
      const centred = graph.sub(y, graph.mean(y, [1, 2, 3], { keepAxes: true }));
      const variance = graph.mean(graph.square(centred), [1, 2, 3], { keepAxes: true });
      return graph.conv2d(graph.relu(graph.div(centred, graph.sqrt(graph.add(variance, 1e-5)))), weight(3, 4, 3, 3));
    });
    const half = toHalf(full);
    const types = typesOf(half).filter((type) => !type.startsWith("Cast"));
    expect(types.filter((type) => type.endsWith("half"))).toEqual(["Conv half", "Conv half"]);
    expect(distance((await run(half, images)).y.data, (await run(full, images)).y.data)).toBeLessThan(1e-3);
  });

  test("values that are outputs too", async () => {
    const full = modelOf((x) => {
      const features = graph.relu(graph.conv2d(x, weight(4, 3, 3, 3), { bias: bias(4) }));
      return { features, y: graph.conv2d(features, weight(3, 4, 3, 3)) };
    });
    const [expected, found] = [await run(full, images), await run(toHalf(full), images)];
    expect(readModel(toHalf(full)).results).toEqual(readModel(full).results);
    for (const name of ["features", "y"]) expect(distance(found[name].data, expected[name].data)).toBeLessThan(1e-3);
  });
});

describe("a layer keeps float32", () => {
  const typesWith = (values: Float32Array, added = 0): string[] =>
    typesOf(
      toHalf(
        modelOf((x) => {
          const first = graph.conv2d(x, constant(values, [values.length / 3, 3, 1, 1]), {
            bias: constant(new Float32Array(values.length / 3).fill(added), [values.length / 3]),
          });
          return graph.conv2d(first, weight(3, values.length / 3, 3, 3));
        }),
      ),
    ).filter((type) => type.startsWith("Conv"));
  const ordinary = normal([12], 1, "ordinary");

  test("when a value would become infinite", () => {
    expect(typesWith(ordinary)).toEqual(["Conv half", "Conv half"]);
    expect(typesWith(ordinary.with(5, 65519))).toEqual(["Conv half", "Conv half"]);
    expect(typesWith(ordinary.with(5, 65520))).toEqual(["Conv float", "Conv half"]);
    expect(typesWith(ordinary, 1e5)).toEqual(["Conv float", "Conv half"]);
    expect(typesWith(ordinary.with(5, Number.NaN))).toEqual(["Conv float", "Conv half"]);
  });

  test("when most of its weight lies where halves lose their digits, not for a few small values", () => {
    expect(typesWith(ordinary.map((value) => value * 1e-6))).toEqual(["Conv float", "Conv half"]);
    expect(typesWith(ordinary.map((value, i) => (i < 9 ? value * 1e-7 : value)))).toEqual(["Conv half", "Conv half"]);
    expect(typesWith(new Float32Array(12), 1e-7)).toEqual(["Conv half", "Conv half"]);
  });

  test("with what follows it, while its neighbours are converted", async () => {
    const full = modelOf((x) => {
      const huge = graph.relu(graph.conv2d(x, constant(normal([12], 1e5, "huge"), [4, 3, 1, 1]), { bias: bias(4) }));
      return graph.conv2d(graph.mul(huge, 1e-5), weight(3, 4, 3, 3));
    });
    const half = toHalf(full);
    expect(typesOf(half)).toEqual(["Conv float", "Relu float", "Mul float", "Cast half", "Conv half", "Cast float"]);
    expect(distance((await run(half, images)).y.data, (await run(full, images)).y.data)).toBeLessThan(1e-3);
  });
});

describe("products", () => {
  test("are layers with a bias, and between layers without one too", async () => {
    const full = modelOf((x) => {
      const features = graph.relu(graph.conv2d(x, weight(2, 3, 4, 4), { stride: 4, bias: bias(2) }));
      const [rows, w] = [graph.reshape(features, [2, 32]), weight(8, 32)];
      const hidden = graph.leakyRelu(graph.affine(graph.matmul(rows, w, { transposeB: true }), weight(8, 8), bias(8)), 0.2);
      return graph.affine(hidden, weight(4, 8), bias(4));
    });
    const half = toHalf(full);
    expect(typesOf(half).filter((type) => type.startsWith("Gemm"))).toEqual(["Gemm half", "Gemm half", "Gemm half"]);
    expect(typesOf(half).filter((type) => type.startsWith("Cast"))).toHaveLength(2);
    expect(distance((await run(half, images)).y.data, (await run(full, images)).y.data)).toBeLessThan(1e-3);
  });

  test("are layers where there are no others", () => {
    const model = modelOf((x) => graph.matmul(graph.tanh(graph.matmul(x, weight(16, 8))), weight(8, 2)), [4, 16]);
    expect(typesOf(toHalf(model))).toEqual(["Cast half", "MatMul half", "Tanh half", "MatMul half", "Cast float"]);
  });
});

test("a scale for each channel goes to the weights of a transposed convolution's groups", async () => {
  const full = modelOf((x) => {
    const wide = graph.conv2d(x, weight(4, 3, 1, 1), { bias: bias(4) });
    const up = graph.convTranspose2d(wide, weight(4, 3, 2, 2), { stride: 2, groups: 2, bias: bias(6) });
    const scale = constant(Float32Array.of(1, -2, 3, -4, 5, 60), [6, 1, 1]);
    return graph.sub(graph.div(graph.mul(scale, up), 0.5), constant(Float32Array.of(1), [1]));
  });
  expect(typesOf(toHalf(full))).toEqual(["Cast half", "Conv half", "ConvTranspose half", "Cast float"]);
  expect(distance((await run(toHalf(full), images)).y.data, (await run(full, images)).y.data)).toBeLessThan(1e-3);
});

test("a shape is read from halves as they are, and sizes stay whole numbers", async () => {
  const whole = (name: string, ...values: number[]) => rawTensor(name, BigInt64Array.from(values, BigInt), [values.length]);
  const full = rawModel({
    inputs: { x: { shape: [2, 3, 16, 16] } },
    constants: [
      rawTensor("w", normal([3, 3, 1, 1], 1, "shape"), [3, 3, 1, 1]),
      whole("zero", 0),
      whole("two", 2),
      whole("rest", 8, -1),
    ],
    nodes: [
      { operator: "Conv", inputs: ["x", "w"], outputs: ["a"] },
      { operator: "Shape", inputs: ["a"], outputs: ["sizes"] },
      { operator: "Slice", inputs: ["sizes", "zero", "two"], outputs: ["leading"] },
      { operator: "Concat", inputs: ["leading", "rest"], outputs: ["shape"], attributes: { axis: 0 } },
      { operator: "Reshape", inputs: ["a", "shape"], outputs: ["b"] },
      { operator: "Conv", inputs: ["b", "w"], outputs: ["y"] },
    ],
    outputs: { y: "float32" },
  });
  const types = typesOf(toHalf(full)).filter((type) => !/Slice|Concat/.test(type));
  expect(types).toEqual(["Cast half", "Conv half", "Shape half", "Reshape half", "Conv half", "Cast float"]);
  expect(distance((await run(toHalf(full), images)).y.data, (await run(full, images)).y.data)).toBeLessThan(2e-3);
});

test("a batch normalisation after a layer becomes part of it; elsewhere it computes with halves", async () => {
  const channels = (key: string, level = 0) =>
    rawTensor(
      key,
      normal([4], 0.2, key).map((value) => value + level),
      [4],
    );
  const statistics = (suffix: string) => [`scale${suffix}`, `bias${suffix}`, `mean${suffix}`, `variance${suffix}`];
  const constants = ["1", "2"].flatMap((suffix) => [
    channels(`scale${suffix}`, 1),
    channels(`bias${suffix}`),
    channels(`mean${suffix}`),
    channels(`variance${suffix}`, 1),
  ]);
  const kernel = (name: string) => rawTensor(name, normal([4, 4, 3, 3], 0.2, name), [4, 4, 3, 3]);
  const full = rawModel({
    inputs: { x: { shape: [2, 4, 9, 9] } },
    constants: [...constants, kernel("w1"), kernel("w2")],
    nodes: [
      { operator: "Conv", inputs: ["x", "w1"], outputs: ["a"] },
      { operator: "BatchNormalization", inputs: ["a", ...statistics("1")], outputs: ["b"] },
      { operator: "MaxPool", inputs: ["b"], outputs: ["c"], attributes: { kernel_shape: [2, 2] } },
      {
        operator: "BatchNormalization",
        inputs: ["c", ...statistics("2")],
        outputs: ["d"],
        attributes: { epsilon: { float: 0.01 } },
      },
      { operator: "Conv", inputs: ["d", "w2"], outputs: ["y"] },
    ],
    outputs: { y: "float32" },
  });
  const feeds = { x: { data: normal([2, 4, 9, 9], 1, "batch"), shape: [2, 4, 9, 9] } };
  expect(typesOf(toHalf(full))).toEqual([
    "Cast half",
    "Conv half",
    "MaxPool half",
    "BatchNormalization half",
    "Conv half",
    "Cast float",
  ]);
  expect(distance((await run(toHalf(full), feeds)).y.data, (await run(full, feeds)).y.data)).toBeLessThan(1e-3);
});

describe("toHalf refuses in a sentence", () => {
  const model = modelOf((x) => network(x));
  const changed = (change: (proto: ReturnType<typeof fromBinary<typeof ModelProtoSchema>>) => void): Uint8Array => {
    const proto = fromBinary(ModelProtoSchema, model);
    change(proto);
    return toBinary(ModelProtoSchema, proto);
  };

  test("models without layers of constant float32 weights", () => {
    const message =
      "The model cannot be converted to half precision: it has no convolution or product with constant float32 weights.";
    const w = input("w", [3, 3, 1, 1]);
    const x = input("x", [1, 3, 4, 4]);
    const trainable = toOnnx({ inputs: [x, w], outputs: { y: graph.conv2d(x, w) } });
    // Constants that are inputs too may be others in the next run.
    const overridable = changed(({ graph }) => {
      const { type } = graph!.input[0];
      graph!.input.push(...graph!.initializer.map(({ name }) => create(ValueInfoProtoSchema, { name, type })));
    });
    for (const bytes of [modelOf(graph.relu), trainable, overridable, toHalf(model)])
      expect(() => toHalf(bytes)).toThrow(new GraphError(message));
  });

  test("models of which nothing fits", () => {
    const huge = modelOf((x) => graph.conv2d(x, constant(new Float32Array(3).fill(1e6), [1, 3, 1, 1])));
    expect(() => toHalf(huge)).toThrow("the weights of all its 1 layers lie beyond what halves can hold.");
  });

  test("other operator sets, control flow, and what is no model", () => {
    const older = changed(({ opsetImport }) => {
      opsetImport[0].version = 13n;
    });
    const foreign = changed(({ opsetImport }) => {
      opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }));
    });
    const branching = changed(({ graph }) => {
      graph!.node[0].attribute[0].type = 5;
    });
    expect(() => toHalf(older)).toThrow(
      "The model is written in opset 13 of ai.onnx, but only models of ai.onnx, opset 17, can be",
    );
    expect(() => toHalf(foreign)).toThrow("The model is written in operators of com.microsoft, but only");
    expect(() => toHalf(branching)).toThrow(/The node "Conv_0" \(Conv\) holds a graph of its own/);
    expect(() => toHalf(Uint8Array.of(1, 2, 3))).toThrow("The file is not an ONNX model");
  });
});
