import { expect, test } from "vitest";
import { readStoredTensors } from "../index.ts";
import { rawModel, rawTensor } from "./raw-model.ts";

/** Named and ordered as PyTorch 1.13 writes two linear maps, the second without a bias, and a sum with what it has computed beforehand. */
const exported = rawModel({
  nodes: [
    { operator: "MatMul", name: "/layers/layers.0/fc/MatMul", inputs: ["x", "onnx::MatMul_7"], outputs: ["a"] },
    { operator: "Add", name: "/layers/layers.0/fc/Add", inputs: ["layers.0.fc.bias", "a"], outputs: ["b"] },
    { operator: "MatMul", name: "/layers/layers.0/reduction/MatMul", inputs: ["b", "onnx::MatMul_8"], outputs: ["c"] },
    { operator: "Add", name: "/layers/layers.0/attn/Add_1", inputs: ["c", "onnx::Add_9"], outputs: ["d"] },
    { operator: "MatMul", name: "unknown", inputs: ["d", "onnx::MatMul_10"], outputs: ["y"] },
  ],
  inputs: { x: { shape: [1, 2] } },
  constants: [
    rawTensor("layers.0.fc.bias", Float32Array.of(1, 2, 3), [3]),
    rawTensor("onnx::MatMul_7", Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
    rawTensor("onnx::MatMul_8", Float32Array.of(7, 8, 9), [3, 1]),
    rawTensor("onnx::Add_9", Float32Array.of(5), [1]),
    rawTensor("onnx::MatMul_10", Float32Array.of(6), [1, 1]),
  ],
  outputs: { y: "float32" },
});

test("constants get back the names that an export took from them, and matrices their sides", () => {
  const found = [...readStoredTensors(exported)].map(([name, { shape, values }]) => [name, shape, [...values()]]);
  expect(found).toEqual([
    ["layers.0.fc.bias", [3], [1, 2, 3]],
    ["layers.0.fc.weight", [3, 2], [1, 4, 2, 5, 3, 6]],
    ["layers.0.reduction.weight", [1, 3], [7, 8, 9]],
    ["layers.0.attn.Add_1", [1], [5]],
    ["onnx::MatMul_10", [1, 1], [6]],
  ]);
});

test("integers are listed, but are no weights", () => {
  const model = rawModel({ nodes: [], inputs: {}, constants: [rawTensor("index", BigInt64Array.of(1n), [1])], outputs: {} });
  const index = readStoredTensors(model).get("index")!;
  expect(index.shape).toEqual([1]);
  expect(() => index.values()).toThrow('the constant "index" holds no floating-point numbers.');
});
