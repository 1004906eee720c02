import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { GraphError, input, readFunction } from "../index.ts";
import { rawModel, rawTensor } from "./raw-model.ts";

const convolution = rawModel({
  nodes: [{ operator: "Conv", name: "conv", inputs: ["image", "w"], outputs: ["features"] }],
  inputs: { image: { shape: ["n", 3, 32, 32] } },
  constants: [rawTensor("w", new Float32Array(60), [5, 3, 2, 2])],
  outputs: { features: "float32" },
});

describe("a file is refused", () => {
  const changed = (change: (model: ReturnType<typeof parse>) => void) => {
    const model = parse(convolution);
    change(model);
    return toBinary(ModelProtoSchema, model);
  };
  const parse = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);
  const image = input("image", [1, 3, 32, 32]);

  test("that is truncated, or of an opset that is too old or new", () => {
    expect(() => readFunction(convolution.subarray(0, convolution.length - 9))).toThrow(
      /^The file is not an ONNX model: [^\n]+\.$/,
    );
    for (const version of [6n, 22n]) {
      const other = changed(({ opsetImport }) => {
        opsetImport[0].version = version;
      });
      expect(() => readFunction(other)).toThrow(
        `The model is written in opset ${version} of ai.onnx, but only 7 to 21 can be imported; export it again with opset 17.`,
      );
    }
  });

  test("that is larger than a file can be", () => {
    const large = { byteLength: 2.5 * 2 ** 30 } as Uint8Array;
    expect(() => readFunction(large)).toThrow(
      new GraphError("The file has 2.5 GB, but ONNX files end at 2 GB; give a smaller model."),
    );
  });

  test("that keeps its constants elsewhere, or holds too few or broken values", () => {
    const external = changed(({ graph: { initializer } = {} }) => {
      initializer![0].dataLocation = 1;
      initializer![0].externalData = [create(StringStringEntryProtoSchema, { key: "location", value: "w.bin" })];
    });
    expect(() => readFunction(external).call({ image })).toThrow(
      'Node "conv" (Conv): the constant "w" lies in another file ("w.bin"), which is not read; save the model as one file (in Python: onnx.save(onnx.load(path), path)).',
    );
    const cut = (length: number) =>
      changed(({ graph: { initializer } = {} }) => {
        initializer![0].rawData = initializer![0].rawData.slice(0, length);
      });
    expect(() => readFunction(cut(40)).call({ image })).toThrow(
      'the constant "w" holds 10 values, but its shape is [5, 3, 2, 2].',
    );
    expect(() => readFunction(cut(41)).call({ image })).toThrow('the constant "w" ends in the middle of a value');
  });

  test("that uses a value which nothing makes", () => {
    const missing = changed(({ graph: { initializer } = {} }) => {
      initializer!.pop();
    });
    expect(() => readFunction(missing).call({ image })).toThrow(
      'Node "conv" (Conv): The value "w" is used, but nothing in the file makes it: the file is damaged.',
    );
  });
});

describe("stored values of every type are read", () => {
  const stored = (dataType: number, fields: Omit<Partial<TensorProto>, "$typeName" | "$unknown">, size = 3) =>
    create(TensorProtoSchema, { name: "w", dataType, dims: [BigInt(size)], ...fields });
  const raw = (values: ArrayBufferView) => ({ rawData: new Uint8Array(values.buffer as ArrayBuffer) });
  const halves = [0x3c00, 0xc100, 0x0001];
  const brain = [0x3f80, 0xc020, 0x7f80];

  test.each<[string, TensorProto, number[]]>([
    ["floats", stored(1, raw(Float32Array.of(1, -2.5, 0.1))), [1, -2.5, Math.fround(0.1)]],
    ["floats in their field", stored(1, { floatData: [1, -2.5, 3] }), [1, -2.5, 3]],
    ["doubles", stored(11, raw(Float64Array.of(1, -2.5, 0.1))), [1, -2.5, Math.fround(0.1)]],
    ["doubles in their field", stored(11, { doubleData: [1, -2.5, 3] }), [1, -2.5, 3]],
    ["halves", stored(10, raw(Uint16Array.from(halves))), [1, -2.5, 2 ** -24]],
    ["halves in their field", stored(10, { int32Data: halves }), [1, -2.5, 2 ** -24]],
    ["infinite halves", stored(10, raw(Uint16Array.of(0x7c00, 0xfc00, 0x7e00))), [Infinity, -Infinity, Number.NaN]],
    ["bfloat16", stored(16, raw(Uint16Array.from(brain))), [1, -2.5, Infinity]],
    ["bfloat16 in their field", stored(16, { int32Data: brain }), [1, -2.5, Infinity]],
    ["int64", stored(7, raw(BigInt64Array.of(1n, -2n, 3n))), [1, -2, 3]],
    ["int64 in their field", stored(7, { int64Data: [1n, -2n, 3n] }), [1, -2, 3]],
    ["int32", stored(6, raw(Int32Array.of(1, -2, 3))), [1, -2, 3]],
    ["int8 in their field", stored(3, { int32Data: [1, -2, 3] }), [1, -2, 3]],
    ["uint64", stored(13, raw(BigUint64Array.of(1n, 2n, 3n))), [1, 2, 3]],
    ["uint32 in their field", stored(12, { uint64Data: [1n, 2n, 3n] }), [1, 2, 3]],
    ["uint8", stored(2, raw(Uint8Array.of(1, 200, 3))), [1, 200, 3]],
    ["bools in their field", stored(9, { int32Data: [1, 0, 1] }), [1, 0, 1]],
  ])("%s", (_, tensor, expected) => {
    const bytes = rawModel({ nodes: [], inputs: {}, constants: [tensor], outputs: { w: "float32" } });
    const { origin } = readFunction(bytes).call({}).w;
    expect(origin.kind === "constant" && Array.from(origin.data, Number)).toEqual(expected);
  });
});
