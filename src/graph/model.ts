import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type ValueInfoProto } from "onnx-buf";
import { ONNX_TYPE } from "./elementwise.ts";
import type { Program, TensorSpec } from "./program.ts";
import { type DataType, GraphError } from "./tensor.ts";

export interface Model extends Program {
  /** Key-value pairs stored in the file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Version of the `ai.onnx` operators it uses. */
  readonly opset: number;
  /** How often each operator occurs. */
  readonly operators: Readonly<Record<string, number>>;
  /** Number of values stored as constants: the parameters, and a few sizes. */
  readonly constantCount: number;
}

/**
 * Reads an ONNX file as a program without state: what it takes, what it returns, and its metadata.
 * @throws GraphError when the bytes are not an ONNX model.
 */
export const readModel = (bytes: Uint8Array): Model => {
  const model = parse(bytes);
  const { graph } = model;
  if (graph === undefined) throw new GraphError("The file is not an ONNX model: it holds no graph.");
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const operators: Record<string, number> = {};
  for (const { opType } of graph.node) operators[opType] = (operators[opType] ?? 0) + 1;
  return {
    model: bytes,
    feeds: graph.input.filter(({ name }) => !stored.has(name)).map(specOf),
    state: [],
    updates: [],
    results: graph.output.map(specOf),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: Number(model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 0),
    operators,
    constantCount: graph.initializer.reduce((sum, { dims }) => sum + dims.reduce((size, dim) => size * Number(dim), 1), 0),
  };
};

const parse = (bytes: Uint8Array) => {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new GraphError(`The file is not an ONNX model: ${(error as Error).message}.`);
  }
};

const TYPE_NAMES = new Map(Object.entries(ONNX_TYPE).map(([name, number]) => [number, name as DataType]));

const specOf = ({ name, type }: ValueInfoProto): TensorSpec => {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  const known = TYPE_NAMES.get(tensor?.elemType ?? 0);
  if (tensor === undefined || known === undefined) {
    throw new GraphError(
      `The model's value "${name}" has an element type that is not supported here (${tensor?.elemType ?? "none"}).`,
    );
  }
  const shape = tensor.shape?.dim.map(({ value }, axis) => {
    if (value.case === "dimValue") return Number(value.value);
    return value.case === "dimParam" ? value.value : `${name}_${axis}`;
  });
  return { name, shape: shape ?? [], type: known };
};
