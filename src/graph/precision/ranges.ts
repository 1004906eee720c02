import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { parseModel } from "../model.ts";
import { GraphError } from "../tensor.ts";
import { nodeOf } from "./network.ts";

/** The lowest and the highest number of a value. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** The output that `observing` adds. */
export const OBSERVED = "lynceus.observed";

const { FLOAT, INT64 } = TensorProto_DataType;

/**
 * The model with one output more, `OBSERVED`, float32 [names.length, 2]: the lowest and the highest number of each named value in
 * this run, in the order of the names. @throws GraphError when a name is unknown, or none is given.
 */
export const observing = (bytes: Uint8Array, names: readonly string[]): Uint8Array => {
  const { model, graph } = parseModel(bytes);
  const known = new Set([...graph.input.map(({ name }) => name), ...graph.node.flatMap(({ output }) => output)]);
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw new GraphError(`The model has no value "${unknown}" that could be observed.`);
  if (names.length === 0 || known.has(OBSERVED))
    throw new GraphError("Name the values to be observed, in a model that observes none yet.");

  const stored = (name: string, ...sizes: number[]): string => {
    const rawData = new Uint8Array(BigInt64Array.from(sizes, BigInt).buffer);
    graph.initializer.push(create(TensorProtoSchema, { name, dataType: INT64, dims: [BigInt(sizes.length)], rawData }));
    return name;
  };
  const [one, table] = [stored(`${OBSERVED}.one`, 1), stored(`${OBSERVED}.table`, names.length, 2)];
  const ends = names.flatMap((name, index) =>
    ["Min", "Max"].map((end) => {
      const result = `${OBSERVED}.${index}.${end}`;
      graph.node.push(
        nodeOf(`Reduce${end}`, [name], `${result}.scalar`, { keepdims: 0 }),
        nodeOf("Reshape", [`${result}.scalar`, one], result),
      );
      return result;
    }),
  );
  graph.node.push(
    nodeOf("Concat", ends, `${OBSERVED}.ends`, { axis: 0 }),
    nodeOf("Reshape", [`${OBSERVED}.ends`, table], OBSERVED),
  );
  const dim = [names.length, 2].map((size) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value: BigInt(size) } }),
  );
  const value = create(TypeProto_TensorSchema, { elemType: FLOAT, shape: create(TensorShapeProtoSchema, { dim }) });
  const type = create(TypeProtoSchema, { value: { case: "tensorType", value } });
  graph.output.push(create(ValueInfoProtoSchema, { name: OBSERVED, type }));
  return toBinary(ModelProtoSchema, model);
};
