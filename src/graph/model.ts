import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema, type ValueInfoProto } from "onnx-buf";
import { ONNX_TYPE } from "./elementwise.ts";
import { formatSize, LARGEST_FILE } from "./onnx.ts";
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
  const { model, graph } = parseModel(bytes);
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const operators: Record<string, number> = {};
  for (const { opType } of graph.node) operators[opType] = (operators[opType] ?? 0) + 1;
  return {
    model: bytes,
    feeds: graph.input.filter(({ name }) => !stored.has(name)).map((input) => specOf(input)),
    state: [],
    updates: [],
    results: graph.output.map((output) => specOf(output)),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: opsetOf(model),
    operators,
    constantCount: graph.initializer.reduce((sum, { dims }) => sum + dims.reduce((size, dim) => size * Number(dim), 1), 0),
  };
};

/** A metadata entry that holds JSON; undefined where the file has none of the name. @throws GraphError naming one that is damaged. */
export const jsonMetadata = ({ metadata }: Pick<Model, "metadata">, key: string): unknown => {
  const text = metadata[key];
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    throw new GraphError(`The model's metadata entry "${key}" is damaged: it is not JSON.`);
  }
};

/** The file with other metadata entries; those not named stay. @throws GraphError as `readModel`. */
export const withMetadata = (bytes: Uint8Array, entries: Readonly<Record<string, string>>): Uint8Array => {
  const { model } = parseModel(bytes);
  const kept = model.metadataProps.filter(({ key }) => !Object.hasOwn(entries, key));
  const added = Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  return toBinary(ModelProtoSchema, { ...model, metadataProps: [...kept, ...added] });
};

/** The messages of an ONNX file. @throws GraphError when the bytes are none, hold no graph, or are more than a file can have. */
export const parseModel = (bytes: Uint8Array) => {
  if (typeof bytes === "string")
    throw new GraphError("A model is read from its bytes: give the content of the file, not its path.");
  if (bytes.byteLength > LARGEST_FILE) {
    throw new GraphError(`The file has ${formatSize(bytes.byteLength)}, but ONNX files end at 2 GB; give a smaller model.`);
  }
  const model = parse(bytes);
  if (model.graph === undefined) throw new GraphError("The file is not an ONNX model: it holds no graph.");
  return { model, graph: model.graph };
};

const parse = (bytes: Uint8Array): ModelProto => {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new GraphError(`The file is not an ONNX model: ${(error as Error).message}.`);
  }
};

/** Version of the `ai.onnx` operators that a model uses; 0 when it names none. */
export const opsetOf = ({ opsetImport }: ModelProto): number =>
  Number(opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 0);

const TYPE_NAMES = new Map(Object.entries(ONNX_TYPE).map(([name, number]) => [number, name as DataType]));

/** Name, shape and type of a model's value; `types` says which element type stands for each that ONNX numbers. */
export const specOf = ({ name, type }: ValueInfoProto, types: ReadonlyMap<number, DataType> = TYPE_NAMES): TensorSpec => {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  const known = types.get(tensor?.elemType ?? 0);
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
