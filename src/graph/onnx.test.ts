import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Value } from "../runtime/index.ts";
import {
  add,
  constant,
  GraphError,
  input,
  matmul,
  mul,
  readModel,
  relu,
  scalar,
  slice,
  stopGradient,
  sub,
  sum,
  Tensor,
  tanh,
  toOnnx,
  withGradient,
} from "./index.ts";

const parse = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);
const operatorsOf = (outputs: Record<string, Tensor>, inputs: Tensor[]) => readModel(toOnnx({ inputs, outputs })).operators;
const numbers = (shape: number[], ...given: number[]): Value => ({ data: Float32Array.from(given), shape });

const run = async (model: Uint8Array, feeds: Record<string, Value>) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const results = await (await runtime.load(readModel(model))).run(feeds);
  await runtime.close();
  return results;
};

describe("an ONNX file", () => {
  test("read back says what was written: inputs, outputs, open sizes, metadata, operators", () => {
    const image = input("image", ["height", "width", 3], "uint8");
    const x = input("x", ["batch", 4]);
    const model = readModel(
      toOnnx({
        inputs: [image, x],
        outputs: { y: relu(mul(x, constant(Float32Array.of(1, 2, 3, 4), [4]))), same: image },
        metadata: { "lynceus.system": '"test"', note: "Größe 16 µm\nsecond line", empty: "" },
      }),
    );
    expect(model.feeds).toEqual([
      { name: "image", shape: ["height", "width", 3], type: "uint8" },
      { name: "x", shape: ["batch", 4], type: "float32" },
    ]);
    expect(model.results).toEqual([
      { name: "y", shape: ["batch", 4], type: "float32" },
      { name: "same", shape: ["height", "width", 3], type: "uint8" },
    ]);
    expect(model.metadata).toEqual({ "lynceus.system": '"test"', note: "Größe 16 µm\nsecond line", empty: "" });
    expect(model.opset).toBe(17);
    expect(model.operators).toEqual({ Mul: 1, Relu: 1, Identity: 1 });
    expect(model.constantCount).toBe(4);
    expect([model.state, model.updates]).toEqual([[], []]);
  });

  test("takes, stores and returns 16-bit values to the last bit", async () => {
    const image = input("image", [3], "uint16");
    const kept = constant(Uint16Array.of(1, 257, 65535), [3]);
    const model = toOnnx({ inputs: [image], outputs: { same: image, kept } });
    expect(readModel(model).feeds).toEqual([{ name: "image", shape: [3], type: "uint16" }]);
    const results = await run(model, { image: { data: Uint16Array.of(0, 256, 65534), shape: [3] } });
    expect(results.same.data).toEqual(Uint16Array.of(0, 256, 65534));
    expect(results.kept.data).toEqual(Uint16Array.of(1, 257, 65535));
    const bytes = { image: { data: new Uint8Array(3), shape: [3] } };
    await expect(run(model, bytes)).rejects.toThrow('"image" must hold uint16 values.');
  });

  test("is the same, byte for byte, when the same graph is built again", () => {
    const build = () => {
      const x = input("x", [2, 2]);
      return toOnnx({ inputs: [x], outputs: { y: tanh(matmul(x, x, { transposeB: true })) }, metadata: { a: "1", b: "2" } });
    };
    expect(build()).toEqual(build());
  });

  test("stores equal small constants once, but not those of another shape or type, nor large ones", () => {
    const x = input("x", [1]);
    const storedFor = (...constants: Tensor[]) =>
      parse(toOnnx({ inputs: [x], outputs: Object.fromEntries(constants.map((c, i) => [`y${i}`, c])) })).graph!.initializer
        .length;
    expect(storedFor(scalar(0.5), scalar(0.5), scalar(0.5))).toBe(1);
    expect(storedFor(scalar(0.5), scalar(0.25))).toBe(2);
    expect(storedFor(scalar(1), constant(Float32Array.of(1), [1]), constant(BigInt64Array.of(1n), []))).toBe(3);
    expect(storedFor(constant(Float32Array.of(1, 2), [2]), constant(Float32Array.of(1, 2), [1, 2]))).toBe(2);
    const large = new Float32Array(17);
    expect(storedFor(constant(large, [17]), constant(large, [17]))).toBe(2);
  });

  test("keeps values apart that print alike", async () => {
    const x = input("x", [1]);
    const zeros = { plus: scalar(0), minus: scalar(-0) };
    const { plus, minus } = await run(toOnnx({ inputs: [x], outputs: zeros }), { x: numbers([1], 0) });
    expect([plus.data[0], minus.data[0]]).toEqual([0, -0]);
  });

  test("holds nothing that no output needs", () => {
    const [x, unused] = [input("x", [3]), input("unused", [3])];
    tanh(x);
    mul(x, constant(new Float32Array(3), [3]));
    const model = parse(toOnnx({ inputs: [x, unused], outputs: { y: relu(x) } }));
    expect(model.graph!.node.map(({ opType }) => opType)).toEqual(["Relu"]);
    expect(model.graph!.initializer).toEqual([]);
    expect(model.graph!.input.map(({ name }) => name)).toEqual(["x", "unused"]);
  });

  test("writes a shared part once", () => {
    const x = input("x", [3]);
    const shared = tanh(x);
    expect(operatorsOf({ a: add(shared, x), b: mul(shared, shared), c: shared }, [x]).Tanh).toBe(1);
  });

  test("returns tensors under a new gradient as the tensors they are, without a node", async () => {
    const x = input("x", [2]);
    const y = mul(x, 2);
    const outputs = { stopped: stopGradient(y), own: withGradient(y, [x], (dy) => [dy]), twice: stopGradient(stopGradient(x)) };
    const model = toOnnx({ inputs: [x], outputs });
    expect(readModel(model).operators).toEqual({ Mul: 1, Identity: 2 });
    const { stopped, own, twice } = await run(model, { x: numbers([2], 1, 2) });
    expect([stopped, own, twice].map(({ data }) => [...data])).toEqual([
      [2, 4],
      [2, 4],
      [1, 2],
    ]);
  });
});

test("generated names keep away from those of inputs and outputs", async () => {
  const [x, constantName] = [input("x", [1, 2, 2]), input("constant_0", [1, 2, 2])];
  const [operationName, turnedName] = [input("Relu_1_0", [1, 2, 2]), input("x_turned_5", [1, 2, 2])];
  const hidden = add(relu(add(x, 10)), mul(constantName, add(operationName, turnedName)));
  const outputs = { Add_1_0: matmul(hidden, x, { transposeB: true }), constant_1: sum(mul(hidden, 3)), Mul_3_0: sub(x, 5) };
  const inputs = [x, constantName, operationName, turnedName];
  const ones = Object.fromEntries(
    inputs.map(({ origin }) => [(origin as { name: string }).name, numbers([1, 2, 2], 1, 1, 1, 1)]),
  );
  const results = await run(toOnnx({ inputs, outputs }), ones);
  expect([...results.Add_1_0.data]).toEqual([26, 26, 26, 26]);
  expect([...results.constant_1.data]).toEqual([156]);
  expect([...results.Mul_3_0.data]).toEqual([-4, -4, -4, -4]);
});

describe("products of transposed matrices", () => {
  const [a, b] = [input("a", [2, 3, 2]), input("b", [2, 2, 3])];
  const outputs = () => ({
    both: matmul(a, b, { transposeA: true, transposeB: true }),
    left: matmul(a, a, { transposeA: true }),
    right: matmul(b, b, { transposeB: true }),
    plain: matmul(a, b),
  });

  test("use ai.onnx alone: one operator where both are matrices, else transposed copies", () => {
    const portable = parse(toOnnx({ inputs: [a, b], outputs: outputs() }));
    expect(portable.graph!.node.map(({ domain }) => domain).filter((domain) => domain !== "")).toEqual([]);
    expect(portable.opsetImport.map(({ domain }) => domain)).toEqual([""]);
    expect(operatorsOf(outputs(), [a, b])).toMatchObject({ MatMul: 4, Transpose: 4 });
    const [c, d] = [input("c", [2, 3]), input("d", [4, 2])];
    expect(operatorsOf({ y: matmul(c, d, { transposeA: true, transposeB: true }) }, [c, d])).toEqual({ Gemm: 1 });
  });

  test("are right", async () => {
    const [left, right] = [Array.from({ length: 12 }, (_, i) => i - 4), Array.from({ length: 12 }, (_, i) => (i * 7) % 5)];
    const at = (values: number[], rows: number, columns: number, transposed: boolean) => (batch: number, i: number, j: number) =>
      values[batch * rows * columns + (transposed ? j * columns + i : i * columns + j)];
    const product = (x: ReturnType<typeof at>, y: ReturnType<typeof at>, size: number, inner: number) =>
      Array.from({ length: 2 * size * size }, (_, index) => {
        const [batch, i, j] = [Math.floor(index / size ** 2), Math.floor(index / size) % size, index % size];
        return Array.from({ length: inner }, (_, k) => x(batch, i, k) * y(batch, k, j)).reduce((total, term) => total + term, 0);
      });
    const model = toOnnx({ inputs: [a, b], outputs: outputs() });
    const {
      both,
      left: leftOnly,
      right: rightOnly,
      plain,
    } = await run(model, {
      a: numbers([2, 3, 2], ...left),
      b: numbers([2, 2, 3], ...right),
    });
    const [A, B] = [(t: boolean) => at(left, 3, 2, t), (t: boolean) => at(right, 2, 3, t)];
    expect([...both.data]).toEqual(product(A(true), B(true), 2, 3));
    expect([...leftOnly.data]).toEqual(product(A(true), A(false), 2, 3));
    expect([...rightOnly.data]).toEqual(product(B(false), B(true), 2, 3));
    expect([...plain.data]).toEqual(product(A(false), B(false), 3, 2));
  });
});

describe("toOnnx refuses", () => {
  const x = input("x", [3]);

  test("two inputs of one name", () => {
    expect(() => toOnnx({ inputs: [x, input("x", [2])], outputs: { y: x } })).toThrow('toOnnx: two inputs are named "x".');
  });

  test("an input that is needed but not listed, also one of the same name", () => {
    const message = 'toOnnx: the input "z" of shape [3] is needed but not listed in `inputs`.';
    expect(() => toOnnx({ inputs: [x], outputs: { y: add(x, input("z", [3])) } })).toThrow(message);
    expect(() => toOnnx({ inputs: [input("z", [3])], outputs: { y: input("z", [3]) } })).toThrow(message);
  });

  test("an input that is computed", () => {
    expect(() => toOnnx({ inputs: [slice(x, 0, 0, 1)], outputs: { y: sum(x) } })).toThrow(
      "may only list tensors made by input()",
    );
  });

  test("more constants than a file can hold, counted once each", () => {
    const large = (bytes: number) =>
      new Tensor([bytes / 4], "float32", { kind: "constant", data: { byteLength: bytes, length: bytes / 4 } as Float32Array });
    const [one, other] = [large(1.2 * 2 ** 30), large(1.2 * 2 ** 30)];
    expect(() => toOnnx({ inputs: [], outputs: { y: relu(one), z: relu(other) } })).toThrow(
      "toOnnx: the model holds 2.4 GB of constants; ONNX files end at 2 GB. Use a smaller network, or make the largest tensors inputs.",
    );
    expect(() => toOnnx({ inputs: [], outputs: { y: relu(one), z: tanh(one) } })).not.toThrow(GraphError);
  });

  test("an output named like an input", () => {
    expect(() => toOnnx({ inputs: [x], outputs: { x: relu(x) } })).toThrow('toOnnx: "x" names an input and an output.');
  });
});
