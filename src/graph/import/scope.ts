import type { NodeProto } from "onnx-buf";
import { GraphError, type Tensor } from "../tensor.ts";
import type { ModelFile } from "./file.ts";
import { Node } from "./node.ts";
import { OPERATORS } from "./operators.ts";

/** The values of a model in one call, by name: first its inputs, then what is built of them, node by node. */
export class Scope {
  private readonly file: ModelFile;
  private readonly tensors: Map<string, Tensor>;

  constructor(file: ModelFile, feeds: Readonly<Record<string, Tensor>>) {
    this.file = file;
    this.tensors = new Map(Object.entries(feeds));
  }

  /** @throws GraphError saying why there is no such value. */
  get(name: string): Tensor {
    const tensor = this.tensors.get(name) ?? this.file.constant(name);
    if (tensor !== undefined) return tensor;
    if (this.file.inputs.some((input) => input.name === name)) {
      throw new GraphError(`The model's input "${name}" is needed, but no tensor was given for it.`);
    }
    const operator = this.file.maker(name)?.opType;
    throw new GraphError(
      operator === undefined
        ? `The value "${name}" is used, but nothing in the file makes it: the file is damaged.`
        : `The value "${name}" of ${operator} cannot be imported.`,
    );
  }

  /** Adds the outputs of a node. @throws GraphError naming it when that cannot be. */
  build(proto: NodeProto): void {
    try {
      const inputs = proto.input.map((name) => (name === "" ? undefined : this.get(name)));
      const result = this.importer(proto)(new Node(proto, inputs, this.file.opset("")));
      for (const [index, tensor] of [result].flat().entries()) {
        if (proto.output[index]) this.tensors.set(proto.output[index], tensor);
      }
    } catch (error) {
      throw new GraphError(
        `Node "${proto.name || proto.output[0]}" (${proto.opType}): ${reasonOf(error as Error, proto.opType)}`,
      );
    }
  }

  private importer({ opType, domain }: NodeProto) {
    const own = domain === "" || domain === "ai.onnx";
    const key = own ? opType : `${domain}:${opType}`;
    if (Object.hasOwn(OPERATORS, key)) return OPERATORS[key];
    const opset = `${own ? "ai.onnx" : domain} ${this.file.opset(own ? "" : domain)}`;
    throw new GraphError(
      `the operator ${opType} of ${opset} cannot be imported; ask for values made before it, or export the model without it.`,
    );
  }
}

/** What went wrong, without the operator's name in front, which is said already. */
const reasonOf = (error: Error, operator: string): string => {
  if (error instanceof GraphError) return error.message.replace(`${operator}: `, "");
  return `its attributes or inputs are not as the operator has them (${error.message}).`;
};
