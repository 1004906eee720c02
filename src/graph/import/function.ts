import type { NodeProto } from "onnx-buf";
import type { TensorSpec } from "../program.ts";
import { formatShape, GraphError, type Tensor } from "../tensor.ts";
import { type ModelFile, openFile } from "./file.ts";
import { Scope } from "./scope.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

/** A model file as a function of tensors: its weights are constants of every graph that it is called in. */
export interface FrozenFunction {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /**
   * Adds to the graph what the wanted values need, and returns them by name: any values of the model, by default its outputs.
   * Sizes follow from those of the tensors given. Gradients flow to these wherever the operators have them.
   * @throws GraphError when an input is missing or does not fit, a name is unknown, or a node cannot be imported.
   */
  call(feeds: Feeds, wanted?: readonly string[]): Record<string, Tensor>;
  /** Every value that the nodes make of these tensors, in the file's order. @throws GraphError when an input does not fit. */
  values(feeds: Feeds): readonly ModelValue[];
}

/** A value that a node of a model makes. */
export interface ModelValue {
  readonly name: string;
  readonly operator: string;
  /** Undefined where the value cannot be imported, for the reason in `problem`. */
  readonly tensor?: Tensor;
  readonly problem?: string;
}

export interface ReadFunctionOptions {
  /**
   * Take tensors of other sizes than the file fixes, and let its operators decide. Many files are fixed to one image size and
   * a batch of 1 only by how they were exported; but a size that such a file repeats in a Reshape goes unnoticed. Default false.
   */
  readonly anySize?: boolean;
}

/**
 * Reads an ONNX model (opsets 7 to 21) as a function to be called in graphs. Numbers of other precisions become float32.
 * @throws GraphError when the bytes are not an ONNX model, or its opset is another.
 */
export const readFunction = (bytes: Uint8Array, { anySize = false }: ReadFunctionOptions = {}): FrozenFunction => {
  const file = openFile(bytes);
  const begin = (feeds: Feeds): Scope => {
    for (const [name, tensor] of Object.entries(feeds)) requireFit(file, name, tensor, anySize);
    return new Scope(file, feeds);
  };
  return {
    inputs: file.inputs,
    outputs: file.outputs,
    call: (feeds, wanted = file.outputs.map(({ name }) => name)) => {
      const scope = begin(feeds);
      for (const name of wanted) requireName(file, name);
      for (const node of nodesFor(file, wanted)) scope.build(node);
      return Object.fromEntries(wanted.map((name) => [name, scope.get(name)]));
    },
    values: (feeds) => {
      const scope = begin(feeds);
      return file.nodes.flatMap((node) => valuesOf(scope, node));
    },
  };
};

/** The nodes that the wanted values need, in the file's order. */
const nodesFor = (file: ModelFile, wanted: readonly string[]): readonly NodeProto[] => {
  const found = new Set<NodeProto>();
  const open = [...wanted];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = file.maker(name);
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    open.push(...node.input);
  }
  return file.nodes.filter((node) => found.has(node));
};

const valuesOf = (scope: Scope, node: NodeProto): ModelValue[] => {
  const named = node.output.filter((name) => name !== "").map((name) => ({ name, operator: node.opType }));
  try {
    scope.build(node);
    return named.map((value) => ({ ...value, tensor: scope.get(value.name) }));
  } catch (error) {
    return named.map((value) => ({ ...value, problem: (error as GraphError).message }));
  }
};

const requireFit = ({ inputs }: ModelFile, name: string, { type, shape }: Tensor, anySize: boolean): void => {
  const spec = inputs.find((input) => input.name === name);
  if (spec === undefined) {
    throw new GraphError(
      `The model has no input "${name}"; its inputs are ${inputs.map((input) => `"${input.name}"`).join(", ")}.`,
    );
  }
  const kind = spec.type === type && spec.shape.length === shape.length;
  const sizes = spec.shape.every((size, axis) => typeof size === "string" || size === shape[axis]);
  if (kind && (sizes || anySize)) return;
  const [is, was] = [spec, { type, shape }].map((tensor) => `${tensor.type} of shape ${formatShape(tensor.shape)}`);
  const help = kind ? "; with `anySize` its operators decide whether they can use another size" : "";
  throw new GraphError(`The model's input "${name}" is ${is}, but was given ${was}${help}.`);
};

const requireName = (file: ModelFile, name: string): void => {
  if (file.maker(name) !== undefined) return;
  const names = file.names();
  if (names.includes(name)) return;
  const near = names
    .map((other) => ({ other, changes: changesBetween(name, other) }))
    .sort((a, b) => a.changes - b.changes)
    .slice(0, 3)
    .map(({ other }) => `"${other}"`);
  throw new GraphError(`The model has no value "${name}"; the nearest names are ${near.join(", ")}.`);
};

/** Letters to insert, drop or replace to get from one name to another (Levenshtein). */
const changesBetween = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      next.push(Math.min(row[column] + 1, next[column - 1] + 1, row[column - 1] + (to[column - 1] === letter ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length];
};
