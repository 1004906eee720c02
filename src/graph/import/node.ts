import type { AttributeProto, NodeProto, TensorProto } from "onnx-buf";
import { GraphError, type Tensor } from "../tensor.ts";
import { knownData } from "./folding.ts";

/** Makes the outputs of an operator's node, in order; those left out cannot be asked for. */
export type Importer = (node: Node) => Tensor | readonly Tensor[];

/** Importers by operator; operators beyond `ai.onnx` are written `domain:Name`. */
export type OperatorTable = Readonly<Record<string, Importer>>;

/** One node of a model file as an importer sees it: its inputs as tensors, its attributes by name. */
export class Node {
  /** Inputs in order; undefined where an optional one is left out. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** Version of the operators' definitions. */
  readonly opset: number;
  readonly outputCount: number;
  private readonly attributes: ReadonlyMap<string, AttributeProto>;

  constructor({ attribute, output }: NodeProto, inputs: readonly (Tensor | undefined)[], opset: number) {
    this.inputs = inputs;
    this.opset = opset;
    this.outputCount = output.length;
    this.attributes = new Map(attribute.map((entry) => [entry.name, entry]));
  }

  /** @throws GraphError when the input is left out. */
  input(index: number): Tensor {
    const tensor = this.inputs[index];
    if (tensor === undefined) throw new GraphError(`its input ${index + 1} is missing.`);
    return tensor;
  }

  /** The inputs that are there. */
  get operands(): readonly Tensor[] {
    return this.inputs.filter((input) => input !== undefined);
  }

  int(name: string, fallback: number): number {
    return Number(this.attributes.get(name)?.i ?? fallback);
  }

  float(name: string, fallback: number): number {
    return this.attributes.get(name)?.f ?? fallback;
  }

  text(name: string, fallback: string): string {
    const attribute = this.attributes.get(name);
    return attribute === undefined ? fallback : new TextDecoder().decode(attribute.s);
  }

  ints(name: string): readonly number[] | undefined {
    return this.attributes.get(name)?.ints.map(Number);
  }

  floats(name: string): readonly number[] | undefined {
    return this.attributes.get(name)?.floats;
  }

  tensor(name: string): TensorProto | undefined {
    return this.attributes.get(name)?.t;
  }

  has(name: string): boolean {
    return this.attributes.has(name);
  }

  /** An input that must be known when the graph is built. @throws GraphError when it is left out or computed from the model's inputs. */
  known(index: number): Tensor {
    if (knownData(this.input(index)) !== undefined) return this.input(index);
    throw new GraphError(
      `its input ${index + 1} must be known when the graph is built, but it is computed from the model's inputs.`,
    );
  }

  /** The values of an input that must be known, or undefined when it is left out. @throws GraphError as `known`. */
  values(index: number): readonly number[] | undefined {
    return this.inputs[index] && Array.from(knownData(this.known(index)) as Float32Array, Number);
  }

  /** Integers that older versions of an operator have as an attribute and newer ones as an input. */
  list(name: string, index: number): readonly number[] | undefined {
    return this.ints(name) ?? this.values(index);
  }

  /** @throws GraphError saying what of the node cannot be imported, when the condition holds. */
  refuseIf(condition: boolean, what: string): void {
    if (condition) throw new GraphError(`${what} cannot be imported.`);
  }
}
