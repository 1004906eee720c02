import type { ModelProto, NodeProto } from "onnx-buf";
import { opsetOf, parseModel, specOf } from "../model.ts";
import type { TensorSpec } from "../program.ts";
import { GraphError, type Tensor } from "../tensor.ts";
import { constantOf, ELEMENT_TYPES } from "./constants.ts";

/** Versions of the `ai.onnx` operators that are understood. */
const [OLDEST_OPSET, NEWEST_OPSET] = [7, 21];

/** What is read of a model file before it is called. */
export interface ModelFile {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** In an order in which each comes after those that it needs. */
  readonly nodes: readonly NodeProto[];
  /** Version of the operators of a domain. */
  opset(domain: string): number;
  /** The node that makes a value. */
  maker(value: string): NodeProto | undefined;
  /** A stored tensor: the same constant whenever it is asked for. */
  constant(name: string): Tensor | undefined;
  /** Every name of a value. */
  names(): string[];
}

/** @throws GraphError when the bytes are not an ONNX model of opset 7 to 21. */
export const openFile = (bytes: Uint8Array): ModelFile => {
  const { model, graph } = parseModel(bytes);
  requireOpset(model);
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const inputs = graph.input.filter(({ name }) => !stored.has(name)).map((value) => specOf(value, ELEMENT_TYPES));
  const constants = new Map<string, Tensor>();
  makers.delete("");
  return {
    inputs,
    outputs: graph.output.map((value) => specOf(value, ELEMENT_TYPES)),
    nodes: graph.node,
    opset: (domain) =>
      domain === "" ? opsetOf(model) : Number(model.opsetImport.find((set) => set.domain === domain)?.version ?? 0),
    maker: (value) => makers.get(value),
    constant: (name) => {
      const tensor = stored.get(name);
      if (tensor !== undefined && !constants.has(name)) constants.set(name, constantOf(tensor));
      return constants.get(name);
    },
    names: () => [...inputs.map(({ name }) => name), ...makers.keys(), ...stored.keys()],
  };
};

const requireOpset = (model: ModelProto): void => {
  const opset = opsetOf(model);
  if (opset >= OLDEST_OPSET && opset <= NEWEST_OPSET) return;
  throw new GraphError(
    `The model is written in opset ${opset} of ai.onnx, but only ${OLDEST_OPSET} to ${NEWEST_OPSET} can be imported; export it again with opset 17.`,
  );
};
