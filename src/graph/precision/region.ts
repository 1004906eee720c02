import type { NodeProto } from "onnx-buf";
import type { Network } from "./network.ts";

/** Which inputs are values, for operators whose others are shapes, axes, sizes or scales. */
const FIRST_ONLY = new Set("DepthToSpace Expand Flatten Reshape Resize Slice SpaceToDepth Split Squeeze Unsqueeze".split(" "));

/** The values that a node computes with. */
export const valuesOf = ({ opType, input }: NodeProto): readonly string[] => {
  if (FIRST_ONLY.has(opType)) return input.slice(0, 1);
  return (opType === "Pad" ? [input[0], input[2] ?? ""] : input).filter((name) => name !== "");
};

/**
 * The chosen ones among the layers, and the nodes between them that share their precision: those that may join, take only what
 * members make or what depends on no layer at all (an image, a constant), and make something that a member takes. So no value
 * changes its precision twice between two members, and what follows the last layer, or computes statistics, stays out.
 */
export const regionOf = (
  network: Network,
  layers: Iterable<NodeProto>,
  chosen: ReadonlySet<NodeProto>,
  mayJoin: (node: NodeProto) => boolean,
): Set<NodeProto> => {
  const origins = new Set(layers);
  const members = new Set(chosen);
  const dependent = new Set<string>();
  for (const node of network.nodes) {
    const depends = node.input.some((name) => dependent.has(name));
    if (depends && !origins.has(node) && mayJoin(node)) members.add(node);
    if (depends || origins.has(node)) for (const name of node.output) dependent.add(name);
  }
  const takesOnlyTheirs = (node: NodeProto) =>
    valuesOf(node).every((name) => !dependent.has(name) || members.has(network.maker(name)!));
  const leadsToThem = ({ output }: NodeProto) =>
    output.some((name) => network.consumers(name).some((other) => members.has(other) && valuesOf(other).includes(name)));
  for (let size = 0; size !== members.size; ) {
    size = members.size;
    const candidates = [...members].filter((node) => !chosen.has(node));
    for (const node of candidates) if (!takesOnlyTheirs(node)) members.delete(node);
    for (const node of candidates.reverse()) if (!leadsToThem(node)) members.delete(node);
  }
  return members;
};
