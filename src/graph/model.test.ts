import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema } from "onnx-buf";
import { expect, test } from "vitest";
import { add, constant, GraphError, input, readModel, relu, toOnnx } from "./index.ts";

const x = input("x", [2, "n"]);
const bytes = toOnnx({
  inputs: [x],
  outputs: { y: relu(add(x, constant(Float32Array.of(1, 2), [2, 1]))) },
  metadata: { key: "value" },
});
const changed = (change: (model: ReturnType<typeof parse>) => void): Uint8Array => {
  const model = parse(bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
};
const parse = (file: Uint8Array) => fromBinary(ModelProtoSchema, file);

test("bytes that are no ONNX model are refused in a sentence", () => {
  const random = Uint8Array.from({ length: 400 }, (_, i) => (i * 197 + 31) % 256);
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13);
  const text = new TextEncoder().encode('{ "image": { "size": 64 } }');
  for (const garbage of [new Uint8Array(), random, png, text, bytes.subarray(0, bytes.length - 7)]) {
    expect(() => readModel(garbage)).toThrow(GraphError);
    expect(() => readModel(garbage)).toThrow(/^The file is not an ONNX model: [^\n]+\.$/);
  }
});

test("other producers' habits are understood: constants among the inputs, nameless open sizes, the domain ai.onnx", () => {
  const foreign = readModel(
    changed((model) => {
      const { graph, opsetImport } = model;
      // IR versions before 4 list constants as inputs too.
      const [stored] = graph!.initializer;
      graph!.input.push({ ...graph!.input[0], name: stored.name });
      const { value } = graph!.input[0].type!;
      if (value.case === "tensorType") value.value.shape!.dim[1].value = { case: undefined };
      opsetImport[0].domain = "ai.onnx";
      model.metadataProps.push(create(StringStringEntryProtoSchema, { key: "author", value: "someone" }));
    }),
  );
  expect(foreign.feeds).toEqual([{ name: "x", shape: [2, "x_1"], type: "float32" }]);
  expect(foreign.opset).toBe(17);
  expect(foreign.metadata).toEqual({ key: "value", author: "someone" });
  expect(foreign.constantCount).toBe(2);
});

test("an element type that is not supported is named with its value", () => {
  const doubles = changed(({ graph }) => {
    const { value } = graph!.input[0].type!;
    if (value.case === "tensorType") value.value.elemType = 11;
  });
  expect(() => readModel(doubles)).toThrow('The model\'s value "x" has an element type that is not supported here (11).');
});
