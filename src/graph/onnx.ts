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
  ValueInfoProtoSchema,
} from "onnx-buf";
import { ONNX_TYPE } from "./elementwise.ts";
import { operationsOf } from "./gradients.ts";
import { ALIAS } from "./layout.ts";
import { type AttributeValue, formatShape, GraphError, type Operation, type Tensor } from "./tensor.ts";

/** Operator set of `ai.onnx` that every model is written in, with its IR version: old enough for old consumers. */
export const OPSET = 17;
const IR_VERSION = 8n;

export interface OnnxOptions {
  /** The inputs, in order. Every input that an output depends on must be among them. */
  readonly inputs: readonly Tensor[];
  /** The outputs by name, in order. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Written into the model's metadata, key by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Use ONNX Runtime's own operators where they are faster. Default false: `ai.onnx` only. */
  readonly contrib?: boolean;
  /** Name of the graph. */
  readonly name?: string;
}

/**
 * Writes tensors and everything they are computed by as an ONNX model (opset 17).
 * Only what the outputs need is written.
 * @throws GraphError when an input is missing, or two inputs, or an input and an output, share a name.
 */
export const toOnnx = ({ inputs, outputs, metadata = {}, contrib = false, name = "lynceus" }: OnnxOptions): Uint8Array => {
  const writer = new Writer(contrib, inputs);
  for (const { origin } of inputs) {
    if (origin.kind === "input" && Object.hasOwn(outputs, origin.name)) {
      throw new GraphError(`toOnnx: "${origin.name}" names an input and an output.`);
    }
  }
  for (const operation of operationsOf(Object.values(outputs))) writer.write(operation);
  for (const [output, tensor] of Object.entries(outputs)) writer.node("Identity", [writer.nameOf(tensor)], [output]);

  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: "lynceus",
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(OPSET) }),
      ...(contrib ? [create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n })] : []),
    ],
    graph: create(GraphProtoSchema, {
      name,
      node: writer.nodes,
      initializer: writer.initializers,
      input: inputs.map((tensor) => valueInfo(writer.nameOf(tensor), tensor)),
      output: Object.entries(outputs).map(([output, tensor]) => valueInfo(output, tensor)),
    }),
    metadataProps: Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
  return toBinary(ModelProtoSchema, model);
};

class Writer {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  private readonly contrib: boolean;
  private readonly names = new Map<Tensor, string>();
  private readonly smallConstants = new Map<string, string>();

  constructor(contrib: boolean, inputs: readonly Tensor[]) {
    this.contrib = contrib;
    for (const tensor of inputs) {
      if (tensor.origin.kind !== "input") throw new GraphError("toOnnx: `inputs` may only list tensors made by input().");
      const { name } = tensor.origin;
      if ([...this.names.values()].includes(name)) throw new GraphError(`toOnnx: two inputs are named "${name}".`);
      this.names.set(tensor, name);
    }
  }

  nameOf(tensor: Tensor): string {
    const known = this.names.get(tensor);
    if (known !== undefined) return known;
    if (tensor.origin.kind === "constant") return this.initializer(tensor);
    const what =
      tensor.origin.kind === "input" ? `the input "${tensor.origin.name}" of shape ${formatShape(tensor.shape)}` : "a tensor";
    throw new GraphError(`toOnnx: ${what} is needed but not listed in \`inputs\`.`);
  }

  node(operator: string, inputs: string[], outputs: string[], attributes: AttributeProto[] = [], domain = ""): void {
    const name = `${operator}_${this.nodes.length}`;
    this.nodes.push(
      create(NodeProtoSchema, { opType: operator, domain, name, input: inputs, output: outputs, attribute: attributes }),
    );
  }

  write({ operator, inputs, outputs, attributes }: Operation): void {
    if (operator === ALIAS) {
      this.names.set(outputs[0], this.nameOf(inputs[0]));
      return;
    }
    const inputNames = inputs.map((tensor) => this.nameOf(tensor));
    const outputNames = outputs.map((tensor, index) => {
      const name = `${operator}_${this.nodes.length}_${index}`;
      this.names.set(tensor, name);
      return name;
    });
    if (operator === "MatMul") {
      this.matmul(inputs, inputNames, outputNames, attributes.transA === 1, attributes.transB === 1);
    } else {
      this.node(operator, inputNames, outputNames, Object.entries(attributes).map(attribute));
    }
  }

  /** A product with transposed operands: one fused operator where allowed, else explicit Transpose nodes. */
  private matmul(operands: readonly Tensor[], names: string[], outputs: string[], transA: boolean, transB: boolean): void {
    if (this.contrib && (transA || transB)) {
      const flags = { transA: transA ? 1 : 0, transB: transB ? 1 : 0 };
      this.node("FusedMatMul", names, outputs, Object.entries(flags).map(attribute), "com.microsoft");
      return;
    }
    const straight = names.map((name, index) => {
      if (![transA, transB][index]) return name;
      const order = operands[index].shape.map((_, axis) => axis);
      order.push(...order.splice(-2).reverse());
      const turned = `${name}_turned_${this.nodes.length}`;
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
    const name = shared ?? `constant_${this.initializers.length}`;
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
