import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { ONNX_TYPE } from "../elementwise.ts";
import type { DataType, TensorData } from "../tensor.ts";

export type RawAttribute = number | string | readonly number[] | { float: number } | { floats: readonly number[] } | TensorProto;

export interface RawNode {
  readonly operator: string;
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, RawAttribute>>;
}

export interface RawModel {
  readonly nodes: readonly RawNode[];
  readonly inputs: Readonly<Record<string, { readonly shape: readonly (number | string)[]; readonly type?: DataType }>>;
  readonly constants?: readonly TensorProto[];
  /** Names and types of the outputs. */
  readonly outputs: Readonly<Record<string, DataType>>;
  readonly opset?: number;
}

/** Writes nodes as they are given, in any opset, as another exporter would: for tests of what reads them. */
export const rawModel = ({ nodes, inputs, constants = [], outputs, opset = 17 }: RawModel): Uint8Array<ArrayBuffer> =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: opset > 17 ? 10n : 8n,
      opsetImport: ["", ...new Set(nodes.flatMap(({ domain }) => domain ?? []))].map((domain) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(domain === "" ? opset : 1) }),
      ),
      graph: create(GraphProtoSchema, {
        name: "raw",
        node: nodes.map(rawNode),
        initializer: [...constants],
        input: Object.entries(inputs).map(([name, { shape, type = "float32" }]) => valueInfo(name, type, shape)),
        output: Object.entries(outputs).map(([name, type]) => valueInfo(name, type)),
      }),
    }),
  ) as Uint8Array<ArrayBuffer>;

/** A tensor stored by its bytes. */
export const rawTensor = (name: string, data: TensorData, shape: readonly number[], type?: DataType): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dataType: ONNX_TYPE[type ?? (data instanceof Float32Array ? "float32" : data instanceof BigInt64Array ? "int64" : "uint8")],
    dims: shape.map(BigInt),
    rawData: new Uint8Array(data.slice().buffer as ArrayBuffer),
  });

const rawNode = ({ operator, domain = "", name = "", inputs, outputs, attributes = {} }: RawNode) =>
  create(NodeProtoSchema, {
    opType: operator,
    domain,
    name,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) =>
      create(AttributeProtoSchema, { name: key, ...attributeValue(value) }),
    ),
  });

const attributeValue = (value: RawAttribute) => {
  const { FLOAT, FLOATS, INT, INTS, STRING, TENSOR } = AttributeProto_AttributeType;
  if (typeof value === "string") return { type: STRING, s: new TextEncoder().encode(value) };
  if (typeof value === "number") return { type: INT, i: BigInt(value) };
  if ("float" in value) return { type: FLOAT, f: value.float };
  if ("floats" in value) return { type: FLOATS, floats: [...value.floats] };
  return "dims" in value ? { type: TENSOR, t: value } : { type: INTS, ints: value.map(BigInt) };
};

const valueInfo = (name: string, type: DataType, shape?: readonly (number | string)[]) =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, {
          elemType: ONNX_TYPE[type],
          shape: shape && create(TensorShapeProtoSchema, { dim: shape.map(dimension) }),
        }),
      },
    }),
  });

const dimension = (size: number | string) =>
  create(TensorShapeProto_DimensionSchema, {
    value: typeof size === "number" ? { case: "dimValue", value: BigInt(size) } : { case: "dimParam", value: size },
  });
