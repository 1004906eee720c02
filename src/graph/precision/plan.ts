import type { NodeProto } from "onnx-buf";
import { Node } from "../import/node.ts";
import { OPSET } from "../onnx.ts";
import { foldedLayers, type Layer, layerOf } from "./layers.ts";
import type { Network } from "./network.ts";
import { regionOf, valuesOf } from "./region.ts";

/** Operators that ONNX Runtime computes in 8 bits where all they take is quantised. */
const JOINING = new Set("Add AveragePool Concat GlobalAveragePool LeakyRelu Mul Sigmoid".split(" "));

/** Operators that cut values off: after a layer or a sum, quantising their result does that by itself. */
const CLIPPING = new Set("Clip Relu".split(" "));
const CLIPPED = new Set("Add Conv Gemm".split(" "));

/** Operators that only move values, or choose among them: what they make is quantised as what they take. */
const MOVING = new Set("Flatten MaxPool Reshape Resize Squeeze Transpose Unsqueeze".split(" "));

/** What of a network is computed in 8 bits. */
export interface Plan {
  /** The layers whose weights are quantised. */
  readonly layers: ReadonlyMap<NodeProto, Layer>;
  /** The quantised values, in order, each with the one whose range it has: its own, or that of what was only moved. */
  readonly values: ReadonlyMap<string, string>;
  /** Whether a node takes a quantised value as it was before. */
  takesExact(node: NodeProto, value: string): boolean;
}

/**
 * All layers but the first and the last ones, with what joins them. The first layers see the image, the last make what is
 * compared with it, and both have few channels: in 8 bits they would cost the most accuracy and save the least time. A network
 * without others is quantised whole. Of transposed convolutions, which have no kernel for whole numbers, only the weight is.
 */
export const planOf = (network: Network): Plan => {
  const all = foldedLayers(network);
  const { first, last } = endsOf(network, all);
  if ([...all.keys()].every((node) => first.has(node) || last.has(node))) {
    first.clear();
    last.clear();
  }
  const whole = new Set([...all.keys()].filter((node) => !last.has(node) && node.opType !== "ConvTranspose"));
  const members = regionOf(network, all.keys(), whole, (node) => mayJoin(network, node));
  const isMember = (node: NodeProto | undefined): boolean => node !== undefined && members.has(node);
  const clipped = new Set<string>();
  for (const node of network.nodes.filter(({ opType }) => CLIPPING.has(opType))) {
    const [value] = node.input;
    const maker = network.maker(value);
    if (!isMember(maker) || !CLIPPED.has(maker!.opType)) continue;
    if (network.consumers(value).length > 1 || network.outputs.has(value)) continue;
    members.add(node);
    clipped.add(value);
  }

  const values = new Map<string, string>();
  for (const node of network.nodes.filter(isMember)) {
    const taken = first.has(node) ? [] : valuesOf(node).filter((name) => network.constant(name) === undefined);
    for (const name of taken) if (!values.has(name) && !clipped.has(name)) values.set(name, name);
    const [made] = node.output;
    if (network.consumers(made).length === 0 || clipped.has(made)) continue;
    values.set(made, MOVING.has(node.opType) ? values.get(node.input[0])! : made);
  }
  const layers = network.nodes.flatMap((node) => {
    const quantised = (isMember(node) || node.opType === "ConvTranspose") && !first.has(node) && !last.has(node);
    const layer = quantised ? layerOf(network, node) : undefined;
    return layer === undefined ? [] : [[node, layer] as const];
  });
  return {
    layers: new Map(layers),
    values,
    takesExact: (node, value) => !isMember(network.maker(value)) && (!isMember(node) || first.has(node)),
  };
};

/** The layers that depend on no other, and those that no other depends on. */
const endsOf = (network: Network, layers: ReadonlyMap<NodeProto, Layer>) => {
  const ends = (nodes: readonly NodeProto[], from: "input" | "output", to: "input" | "output"): Set<NodeProto> => {
    const reached = new Set<string>();
    return new Set(
      nodes.filter((node) => {
        const isReached = node[from].some((name) => reached.has(name));
        if (isReached || layers.has(node)) for (const name of node[to]) reached.add(name);
        return layers.has(node) && !isReached;
      }),
    );
  };
  return { first: ends(network.nodes, "input", "output"), last: ends(network.nodes.toReversed(), "output", "input") };
};

const mayJoin = (network: Network, node: NodeProto): boolean => {
  const { opType } = node;
  if (opType === "Gemm" || opType === "MatMul") return layerOf(network, node) !== undefined;
  if (opType === "Resize" && new Node(node, [], OPSET).text("mode", "nearest") !== "nearest") return false;
  const constants = valuesOf(node).map((name) => network.constant(name) !== undefined);
  if (node.output.length !== 1) return false;
  return (
    MOVING.has(opType) ||
    (CLIPPING.has(opType) ? constants.slice(1).every(Boolean) : JOINING.has(opType) && !constants.includes(true))
  );
};
