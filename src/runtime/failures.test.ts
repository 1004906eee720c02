import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { afterAll, describe, expect, test } from "vitest";
import { add, input, matmul, type Program, program, reshape, sum } from "../graph/index.ts";
import { loadFailure, runFailure } from "./failures.ts";
import { openLocalRuntime, RuntimeError, type Value } from "./index.ts";

const runtime = openLocalRuntime({ threads: 1 });
afterAll(() => runtime.close());

const zeros = (...shape: number[]): Value => ({
  data: new Float32Array(shape.reduce((size, length) => size * length, 1)),
  shape,
});
const x = input("x", ["n"]);
const plain = program({ feeds: [x], results: { y: add(x, 1) } });
const changed = (change: (model: ModelProto) => void): Program => {
  const model = fromBinary(ModelProtoSchema, plain.model);
  change(model);
  return { ...plain, model: toBinary(ModelProtoSchema, model) };
};

describe("a program that cannot be loaded says why and what to do:", () => {
  const expectRefused = (given: Program) =>
    expect(
      runtime.load(given).catch((error: Error) => {
        expect(error).toBeInstanceOf(RuntimeError);
        throw error;
      }),
    ).rejects;

  test("an operator that is unknown", async () => {
    const unknown = changed(({ graph }) => {
      graph!.node[0].opType = "Frobnicate";
    });
    await expectRefused(unknown).toThrow(
      /^The program cannot be loaded: this ONNX Runtime does not know its operator "Frobnicate"\. Write the model with other operators, or install a newer onnxruntime-node\.$/,
    );
    const foreign = changed(({ graph, opsetImport }) => {
      Object.assign(graph!.node[0], { opType: "Attend", domain: "com.example" });
      opsetImport.push({ ...opsetImport[0], domain: "com.example", version: 1n });
    });
    await expectRefused(foreign).toThrow('does not know its operator "com.example:Attend"');
  });

  test("a version that is too new", async () => {
    const newer = changed(({ opsetImport }) => {
      opsetImport[0].version = 99n;
    });
    await expectRefused(newer).toThrow(
      /written in a newer version of ONNX than this ONNX Runtime reads \(opset \d+\)\. Write it/,
    );
    const later = changed((model) => {
      model.irVersion = 99n;
    });
    await expectRefused(later).toThrow(/\(IR version \d+\)/);
  });

  test("anything else in one line, without places in native code", () => {
    const message =
      "/onnxruntime_src/core/graph.cc:12 void onnxruntime::Graph::Resolve(int) x == y was false. Cycle found.\nat native";
    expect(loadFailure(new Error("Failed to load model.")).message).toBe("The program cannot be loaded: Failed to load model.");
    expect(runFailure(new Error(message), plain, {}).message).toBe("The program failed: Cycle found.");
  });
});

describe("a run that fails says why and what to do:", () => {
  test("sizes that do not fit are named, with those that were fed", async () => {
    const loaded = await runtime.load(program({ feeds: [x], results: { y: reshape(x, [3]) } }));
    await expect(loaded.run({ x: zeros(4) })).rejects.toThrow(
      /^The program failed: sizes do not fit in Reshape "Reshape_0": .*shape:\{4\}, requested shape:\{3\}\. Feed other sizes than "x" \[4\]\.$/,
    );
    expect((await loaded.run({ x: zeros(3) })).y.shape).toEqual([3]);
  });

  test("memory that does not suffice, with how much was asked for", async () => {
    // 144 TB: more than a process can address.
    const length = 6_000_000;
    const [a, b] = [input("a", [length, 1]), input("b", [1, length])];
    const huge = await runtime.load(program({ feeds: [a, b], results: { y: sum(matmul(a, b)) } }));
    await expect(huge.run({ a: zeros(length, 1), b: zeros(1, length) })).rejects.toThrow(
      /^The memory does not suffice in MatMul "MatMul_0": one tensor asked for 144000\.0 GB\. Use smaller images, fewer of them at once, or a smaller network\.$/,
    );
    expect((await (await runtime.load(plain)).run({ x: zeros(2) })).y.data).toEqual(Float32Array.of(1, 1));
  });

  test.each([
    "std::bad_alloc",
    "Available memory of 8 is smaller than requested bytes of 16",
    "Array buffer allocation failed",
    "WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.",
    "WebGPU validation failed. Buffer size (1600000000) exceeds the max buffer size limit (1073741824).",
    "Too many storage buffers in shader. Current: 13, Max is 12",
    "vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY",
  ])("as memory is understood: %s", (message) => {
    for (const failure of [loadFailure(new Error(message)), runFailure(new Error(message), plain, {})]) {
      expect(failure.message).toMatch(/^The memory does not suffice.*\. Use smaller images/);
    }
  });

  test("anything else with the node it happened in", () => {
    const message =
      "Non-zero status code returned while running MaxPool node. Name:'MaxPool_4' Status Message: The Indices output is not supported yet";
    expect(runFailure(new Error(message), plain, {}).message).toBe(
      'The program failed in MaxPool "MaxPool_4": The Indices output is not supported yet.',
    );
  });
});
