import { clone, create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import { constantOf } from "../import/constants.ts";
import { knownData } from "../import/folding.ts";
import { Node } from "../import/node.ts";
import { OPERATORS } from "../import/operators.ts";
import { opsetOf, parseModel } from "../model.ts";
import { OPSET } from "../onnx.ts";
import { constant, GraphError, type Tensor } from "../tensor.ts";

/** What exporters compute from constants before a layer's weights are known: a normalisation's scale and shift, mostly. */
const FOLDED = new Set("Add Constant Div Flatten Identity Mul Neg Reshape Sqrt Squeeze Sub Transpose Unsqueeze".split(" "));

const { FLOAT, INT64 } = TensorProto_DataType;

/** A model opened to be rewritten: its nodes, its constants, and who makes and takes which value. */
export class Network {
  /** In an order in which each comes after those that it needs. Replaced as a whole, by `rewrite`. */
  nodes: readonly NodeProto[];
  readonly outputs: ReadonlySet<string>;
  private readonly model: ModelProto;
  private readonly stored: Map<string, TensorProto>;
  private readonly constants = new Map<string, Tensor>();
  private readonly makers = new Map<string, NodeProto>();
  private readonly takers = new Map<string, NodeProto[]>();
  private readonly names: Set<string>;

  /** @throws GraphError when the bytes are not a model of ai.onnx, opset 17, without control flow. */
  constructor(bytes: Uint8Array) {
    const { model, graph } = parseModel(bytes);
    requirePlain(model);
    this.model = model;
    this.nodes = graph.node;
    this.outputs = new Set(graph.output.map(({ name }) => name));
    const inputs = new Set(graph.input.map(({ name }) => name));
    this.stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.names = new Set([...inputs, ...this.stored.keys(), ...graph.node.flatMap(({ output }) => output)]);
    this.connect();
    // What is an input too may be overridden when the model runs.
    for (const { name, dataType } of graph.initializer) {
      if (inputs.has(name) || (dataType !== FLOAT && dataType !== INT64)) continue;
      this.constants.set(name, constantOf(this.stored.get(name)!));
    }
    for (const node of this.nodes) this.evaluate(node);
  }

  /** A float32 or int64 tensor that is stored, or that simple arithmetic makes of stored ones. */
  constant(name: string): Tensor | undefined {
    return this.constants.get(name);
  }

  /** The node that makes a value. */
  maker(name: string): NodeProto | undefined {
    return this.makers.get(name);
  }

  /** The nodes that take a value. */
  consumers(name: string): readonly NodeProto[] {
    return this.takers.get(name) ?? [];
  }

  /** The name, or the first of `name_`, `name__`, ... that is free; it is free no longer. */
  fresh(name: string): string {
    let result = name;
    while (this.names.has(result)) result += "_";
    this.names.add(result);
    return result;
  }

  /** Stores a tensor's bytes under a name like the given one, which it returns. */
  store(name: string, dataType: number, dims: readonly number[], data: ArrayBufferView): string {
    const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const tensor = create(TensorProtoSchema, { name: this.fresh(name), dataType, dims: dims.map(BigInt), rawData });
    this.stored.set(tensor.name, tensor);
    if (data instanceof Float32Array) this.constants.set(tensor.name, constant(data, dims));
    return tensor.name;
  }

  rewrite(nodes: readonly NodeProto[]): void {
    this.nodes = nodes;
    this.connect();
  }

  /** The model as a file, with the nodes that its outputs need and the tensors that these take. */
  toBytes(): Uint8Array {
    const needed = new Set<string>(this.outputs);
    const nodes = this.nodes.toReversed().filter(({ input, output }) => {
      const used = output.some((name) => needed.has(name));
      if (used) for (const name of input) needed.add(name);
      return used;
    });
    const { graph } = this.model;
    const made = new Set(nodes.flatMap(({ output }) => output));
    const model = clone(ModelProtoSchema, { ...this.model, graph: undefined });
    model.graph = {
      ...graph!,
      node: nodes.reverse(),
      initializer: [...this.stored.values()].filter(({ name }) => needed.has(name)),
      valueInfo: graph!.valueInfo.filter(({ name }) => made.has(name)),
    };
    return toBinary(ModelProtoSchema, model);
  }

  private connect(): void {
    this.makers.clear();
    this.takers.clear();
    for (const node of this.nodes) {
      for (const name of node.output) this.makers.set(name, node);
      for (const name of new Set(node.input)) {
        const takers = this.takers.get(name);
        if (takers === undefined) this.takers.set(name, [node]);
        else takers.push(node);
      }
    }
  }

  private evaluate(proto: NodeProto): void {
    const inputs = proto.input.map((name) => this.constants.get(name));
    if (!FOLDED.has(proto.opType) || inputs.includes(undefined)) return;
    try {
      const node = new Node(proto, inputs, OPSET);
      if (![undefined, FLOAT, INT64].includes(node.tensor("value")?.dataType)) return; // a Constant of another type
      const [result] = [OPERATORS[proto.opType](node)].flat();
      if (knownData(result) !== undefined) this.constants.set(proto.output[0], result);
    } catch {
      // A node that cannot be understood here stays as it is.
    }
  }
}

/** A node with attributes that are whole numbers. */
export const nodeOf = (
  opType: string,
  input: string[],
  output: string,
  attributes: Readonly<Record<string, number>> = {},
): NodeProto => {
  const type = AttributeProto_AttributeType.INT;
  const attribute = Object.entries(attributes).map(([name, value]) =>
    create(AttributeProtoSchema, { name, type, i: BigInt(value) }),
  );
  return create(NodeProtoSchema, { opType, name: `${opType}_${output}`, input, output: [output], attribute });
};

const requirePlain = (model: ModelProto): void => {
  const foreign = model.opsetImport.find(({ domain }) => domain !== "" && domain !== "ai.onnx");
  if (opsetOf(model) !== OPSET || foreign !== undefined) {
    const found = foreign === undefined ? `opset ${opsetOf(model)} of ai.onnx` : `operators of ${foreign.domain}`;
    throw new GraphError(
      `The model is written in ${found}, but only models of ai.onnx, opset ${OPSET}, can be converted to another precision; export it again with that opset.`,
    );
  }
  const { GRAPH, GRAPHS } = AttributeProto_AttributeType;
  const branching = model.graph!.node.find(({ attribute }) => attribute.some(({ type }) => type === GRAPH || type === GRAPHS));
  if (branching !== undefined) {
    throw new GraphError(
      `The node "${branching.name || branching.output[0]}" (${branching.opType}) holds a graph of its own; models with branches or loops cannot be converted to another precision.`,
    );
  }
};
