import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { ONNX_TYPE } from "./elementwise.ts";
import { operationsOf } from "./gradients.ts";
import { ALIAS } from "./layout.ts";
import { type AttributeValue, formatShape, GraphError, type Operation, type Tensor } from "./tensor.ts";

/** Operator set of `ai.onnx` that every model is written in, with its IR version: old enough for old consumers. */
export const OPSET = 17;
const IR_VERSION = 8n;

/** Where ONNX files end, in bytes: protocol buffers count with 31 bits. */
export const LARGEST_FILE = 2 ** 31 - 1;
/** Bytes of it that the nodes may take beside the constants. */
const ROOM_FOR_NODES = 2 ** 24;

export interface OnnxOptions {
  /** The inputs, in order. Every input that an output depends on must be among them. */
  readonly inputs: readonly Tensor[];
  /** The outputs by name, in order. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Written into the model's metadata, key by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Name of the graph. */
  readonly name?: string;
}

/**
 * Writes tensors and everything they are computed by as an ONNX model (opset 17).
 * Only what the outputs need is written.
 * @throws GraphError when an input is missing, two inputs, or an input and an output, share a name, or the constants are too large.
 */
export const toOnnx = ({ inputs, outputs, metadata = {}, name = "lynceus" }: OnnxOptions): Uint8Array => {
  const writer = new Writer(inputs, outputs);
  for (const { origin } of inputs) {
    if (origin.kind === "input" && Object.hasOwn(outputs, origin.name)) {
      throw new GraphError(`toOnnx: "${origin.name}" names an input and an output.`);
    }
  }
  const operations = operationsOf(Object.values(outputs));
  requireWritable([...operations.flatMap((operation) => operation.inputs), ...Object.values(outputs)]);
  for (const operation of operations) writer.write(operation);
  for (const [output, tensor] of Object.entries(outputs)) {
    const name = writer.nameOf(tensor);
    if (name !== output) writer.node("Identity", [name], [output]); // an input, a constant, or what has another output's name
  }

  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: "lynceus",
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(OPSET) })],
    graph: create(GraphProtoSchema, {
      name,
      node: writer.nodes,
      initializer: writer.initializers,
      input: inputs.map((tensor) => valueInfo(writer.nameOf(tensor), tensor)),
      output: Object.entries(outputs).map(([output, tensor]) => valueInfo(output, tensor)),
      valueInfo: writer.described,
    }),
    metadataProps: Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
  return toBinary(ModelProtoSchema, model);
};

/** @throws GraphError when the constants among the tensors are larger than a file can be. */
const requireWritable = (tensors: readonly Tensor[]): void => {
  let size = 0;
  for (const { origin } of new Set(tensors)) if (origin.kind === "constant") size += origin.data.byteLength;
  if (size > LARGEST_FILE - ROOM_FOR_NODES) {
    throw new GraphError(
      `toOnnx: the model holds ${formatSize(size)} of constants; ONNX files end at 2 GB. Use a smaller network, or make the largest tensors inputs.`,
    );
  }
};

/** `2.1 GB`, in units of 2^30 bytes, rounded up. */
export const formatSize = (bytes: number): string => `${(Math.ceil((bytes / 2 ** 30) * 10) / 10).toFixed(1)} GB`;

/** The tensor that an alias stands for. */
const aliased = (tensor: Tensor): Tensor =>
  tensor.origin.kind === "operation" && tensor.origin.operation.operator === ALIAS
    ? aliased(tensor.origin.operation.inputs[0])
    : tensor;

class Writer {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Shapes of what convolutions take, so that a runtime can choose their layout. */
  readonly described: ValueInfoProto[] = [];
  private readonly names = new Map<Tensor, string>();
  private readonly smallConstants = new Map<string, string>();
  /** Names of inputs and outputs, which generated names keep away from. */
  private readonly taken: Set<string>;

  /** Names that the user gave to what an operation computes. */
  private readonly given = new Map<Tensor, string>();

  constructor(inputs: readonly Tensor[], outputs: Readonly<Record<string, Tensor>>) {
    this.taken = new Set(Object.keys(outputs));
    for (const [name, tensor] of Object.entries(outputs)) {
      const source = aliased(tensor);
      if (!this.given.has(source)) this.given.set(source, name);
    }
    for (const tensor of inputs) {
      if (tensor.origin.kind !== "input") throw new GraphError("toOnnx: `inputs` may only list tensors made by input().");
      const { name } = tensor.origin;
      if ([...this.names.values()].includes(name)) throw new GraphError(`toOnnx: two inputs are named "${name}".`);
      this.names.set(tensor, name);
      this.taken.add(name);
    }
  }

  /** A generated name, or, where an input or output has it, the first of `name_`, `name__`, ... that is free. */
  private free(name: string): string {
    let result = name;
    while (this.taken.has(result)) result += "_";
    return result;
  }

  nameOf(tensor: Tensor): string {
    const known = this.names.get(tensor);
    if (known !== undefined) return known;
    if (tensor.origin.kind === "constant") return this.initializer(tensor);
    const what =
      tensor.origin.kind === "input" ? `the input "${tensor.origin.name}" of shape ${formatShape(tensor.shape)}` : "a tensor";
    throw new GraphError(`toOnnx: ${what} is needed but not listed in \`inputs\`.`);
  }

  node(operator: string, inputs: string[], outputs: string[], attributes: AttributeProto[] = []): void {
    const name = `${operator}_${this.nodes.length}`;
    this.nodes.push(create(NodeProtoSchema, { opType: operator, name, input: inputs, output: outputs, attribute: attributes }));
  }

  write({ operator, inputs, outputs, attributes }: Operation): void {
    if (operator === ALIAS) {
      this.names.set(outputs[0], this.nameOf(inputs[0]));
      return;
    }
    const inputNames = inputs.map((tensor) => this.nameOf(tensor));
    const outputNames = outputs.map((tensor, index) => {
      const name = this.given.get(tensor) ?? this.free(`${operator}_${this.nodes.length}_${index}`);
      this.names.set(tensor, name);
      return name;
    });
    if (operator === "Conv" && inputs[1].origin.kind !== "constant") {
      for (const [i, tensor] of inputs.entries()) if (tensor.origin.kind === "operation") this.describe(inputNames[i], tensor);
    }
    if (operator === "MatMul") {
      this.matmul(inputs, inputNames, outputNames, attributes.transA === 1, attributes.transB === 1);
    } else {
      this.node(operator, inputNames, outputNames, Object.entries(attributes).map(attribute));
    }
  }

  private describe(name: string, tensor: Tensor): void {
    if (!this.described.some((known) => known.name === name)) this.described.push(valueInfo(name, tensor));
  }

  /** A product with transposed operands: one operator for matrices, else Transpose nodes, which ONNX Runtime fuses. */
  private matmul(operands: readonly Tensor[], names: string[], outputs: string[], transA: boolean, transB: boolean): void {
    if ((transA || transB) && operands.every(({ rank }) => rank === 2)) {
      const flags = { transA: transA ? 1 : 0, transB: transB ? 1 : 0 };
      this.node("Gemm", names, outputs, Object.entries(flags).map(attribute));
      return;
    }
    const straight = names.map((name, index) => {
      if (![transA, transB][index]) return name;
      const order = operands[index].shape.map((_, axis) => axis);
      order.push(...order.splice(-2).reverse());
      const turned = this.free(`${name}_turned_${this.nodes.length}`);
      this.node("Transpose", [name], [turned], [attribute(["perm", order])]);
      return turned;
    });
    this.node("MatMul", straight, outputs);
  }

  /** Stores a constant once; equal small ones (axes, scalars) share one entry. */
  private initializer(tensor: Tensor): string {
    if (tensor.origin.kind !== "constant") throw new GraphError("toOnnx: not a constant.");
    const { data } = tensor.origin;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    // Compared by their bytes: as numbers, 0 and -0 would be the same.
    const key = data.length <= 16 ? `${tensor.type}${formatShape(tensor.shape)}${bytes.join()}` : undefined;
    const shared = key === undefined ? undefined : this.smallConstants.get(key);
    const name = shared ?? this.free(`constant_${this.initializers.length}`);
    if (shared === undefined) {
      this.initializers.push(
        create(TensorProtoSchema, {
          name,
          dataType: ONNX_TYPE[tensor.type],
          dims: tensor.shape.map((size) => BigInt(size)),
          rawData: bytes,
        }),
      );
      if (key !== undefined) this.smallConstants.set(key, name);
    }
    this.names.set(tensor, name);
    return name;
  }
}

const attribute = ([name, value]: [string, AttributeValue]): AttributeProto => {
  const { FLOAT, INT, INTS, STRING } = AttributeProto_AttributeType;
  if (typeof value === "string") return create(AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) });
};

const valueInfo = (name: string, tensor: Tensor) =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, {
          elemType: ONNX_TYPE[tensor.type],
          shape: create(TensorShapeProtoSchema, {
            dim: tensor.shape.map((size) =>
              create(TensorShapeProto_DimensionSchema, {
                value: typeof size === "number" ? { case: "dimValue", value: BigInt(size) } : { case: "dimParam", value: size },
              }),
            ),
          }),
        }),
      },
    }),
  });
