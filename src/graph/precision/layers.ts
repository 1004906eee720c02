import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { Node } from "../import/node.ts";
import { OPSET } from "../onnx.ts";
import type { Network } from "./network.ts";

/** A convolution-like node: y = W x + b at every position or in every row. */
export interface Layer {
  /** Its second input, a constant. */
  readonly weight: { readonly data: Float32Array; readonly shape: readonly number[] };
  /** The axis of the weight that tells output channels apart; in a transposed convolution those of one group. */
  readonly axis: number;
  /** Output channels. */
  readonly channels: number;
  /** One number for each output channel. */
  readonly bias: readonly number[] | undefined;
}

/** Conv, ConvTranspose, Gemm and MatMul with a constant float32 weight on the right; undefined for any other node. */
export const layerOf = (network: Network, node: NodeProto): Layer | undefined => {
  const tensor = network.constant(node.input[1] ?? "");
  if (tensor?.origin.kind !== "constant" || tensor.type !== "float32") return undefined;
  const weight = { data: tensor.origin.data as Float32Array, shape: tensor.shape as readonly number[] };
  const attributes = new Node(node, [], OPSET);
  const layer = (axis: number, groups = 1): Layer | undefined => {
    const channels = weight.shape[axis] * groups;
    const bias = perChannel(network, node.input[2] ?? "", 2, channels);
    return node.input[2] && bias === undefined ? undefined : { weight, axis, channels, bias };
  };
  if (node.opType === "Conv") return layer(0);
  if (node.opType === "ConvTranspose") return layer(1, attributes.int("group", 1));
  if (node.opType === "MatMul" && weight.shape.length === 2) return layer(1);
  const scaled = attributes.float("alpha", 1) !== 1 || attributes.float("beta", 1) !== 1;
  return node.opType === "Gemm" && !scaled ? layer(attributes.int("transB", 0) === 1 ? 0 : 1) : undefined;
};

/**
 * The layers of a network, in order. A product counts by its bias: one without may as well resize, blur or mix colours, and is a
 * layer only where the model has no others. What scales and shifts a layer's channels by constants becomes part of its weight.
 */
export const foldedLayers = (network: Network): Map<NodeProto, Layer> => {
  const found = network.nodes.flatMap((node) => {
    const layer = layerOf(network, node);
    return layer === undefined ? [] : [[node, layer] as const];
  });
  const sure = found.filter(
    ([node, { bias }]) => node.opType.startsWith("Conv") || bias !== undefined || hasBiasAfter(network, node),
  );
  const layers = new Map(sure.length > 0 ? sure : found);
  const folded = new Set<NodeProto>();
  for (const [node, layer] of layers) {
    for (const follower of fold(network, node, layer)) folded.add(follower);
    layers.set(node, layerOf(network, node)!);
  }
  network.rewrite(network.nodes.filter((node) => !folded.has(node)));
  return layers;
};

/** Whether a line of constants is added to a product: a dense layer, as most exporters write it. */
const hasBiasAfter = (network: Network, node: NodeProto): boolean => {
  const next = onlyConsumer(network, node);
  return next?.opType === "Add" && next.input.some((name) => network.constant(name)?.rank === 1);
};

const onlyConsumer = (network: Network, { output: [value] }: NodeProto): NodeProto | undefined => {
  const consumers = network.consumers(value);
  return consumers.length === 1 && !network.outputs.has(value) ? consumers[0] : undefined;
};

/**
 * Takes over what only the layer's result passes through, channel by channel: Mul, Div, Add and Sub by constants, and
 * BatchNormalization: `w' = factor w`, `b' = factor b + shift`. The layer then makes the value of the last of these, which are returned.
 */
const fold = (network: Network, node: NodeProto, layer: Layer): NodeProto[] => {
  const followers: NodeProto[] = [];
  if (node.opType === "MatMul") return followers; // the axis of its result's channels is not known
  const factor = new Float64Array(layer.channels).fill(1);
  const bias = Float64Array.from({ length: layer.channels }, (_, channel) => layer.bias?.[channel] ?? 0);
  for (let next = onlyConsumer(network, node); next !== undefined; next = onlyConsumer(network, node)) {
    const affine = affineOf(network, next, node.output[0], layer);
    if (affine === undefined) break;
    for (const channel of bias.keys()) {
      factor[channel] *= affine.factor[channel];
      bias[channel] = bias[channel] * affine.factor[channel] + affine.shift[channel];
    }
    followers.push(next);
    node.output = next.output;
  }
  if (followers.length === 0) return followers;

  const [x, name] = [node.input[0], node.output[0]];
  const { data, shape } = layer.weight;
  const channel = channelAt(layer);
  const weight = Float32Array.from(data, (value, index) => value * factor[channel(index)]);
  const { FLOAT } = TensorProto_DataType;
  node.input = [
    x,
    network.store(`${name}_weight`, FLOAT, shape, weight),
    network.store(`${name}_bias`, FLOAT, [bias.length], Float32Array.from(bias)),
  ];
  return followers;
};

/** The output channel that a weight's value belongs to, by its place row by row. */
const channelAt = ({ weight: { data, shape }, axis, channels }: Layer): ((index: number) => number) => {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const groups = channels / shape[axis];
  const inGroup = data.length / groups;
  return (index) => (Math.floor(index / inner) % shape[axis]) + (groups > 1 ? Math.floor(index / inGroup) * shape[axis] : 0);
};

/** factor x + shift for each channel. */
interface Affine {
  readonly factor: ArrayLike<number>;
  readonly shift: ArrayLike<number>;
}

/** What a node does to each channel of a value, if that follows from constants alone. */
const affineOf = (network: Network, node: NodeProto, value: string, { weight, channels }: Layer): Affine | undefined => {
  const { opType, input } = node;
  if (opType === "BatchNormalization" && input[0] === value) return normalisation(network, node, channels);
  const operand = perChannel(network, input[0] === value ? input[1] : input[0], weight.shape.length, channels);
  const all = (number: number) => new Float64Array(channels).fill(number);
  if (operand === undefined) return undefined;
  if (opType === "Mul") return { factor: operand, shift: all(0) };
  if (opType === "Add") return { factor: all(1), shift: operand };
  if (input[0] !== value) return undefined;
  if (opType === "Div") return { factor: operand.map((number) => 1 / number), shift: all(0) };
  return opType === "Sub" ? { factor: all(1), shift: operand.map((number) => -number) } : undefined;
};

/** scale (x - mean) / sqrt(variance + epsilon) + bias. */
const normalisation = (network: Network, node: NodeProto, channels: number): Affine | undefined => {
  const attributes = new Node(node, [], OPSET);
  const [scale, bias, mean, variance] = node.input.slice(1).map((name) => perChannel(network, name, 2, channels));
  if (node.output.length > 1 || attributes.int("training_mode", 0) === 1) return undefined;
  if (scale === undefined || bias === undefined || mean === undefined || variance === undefined) return undefined;
  const factor = scale.map((number, i) => number / Math.sqrt(variance[i] + attributes.float("epsilon", 1e-5)));
  return { factor, shift: bias.map((number, i) => number - mean[i] * factor[i]) };
};

/** A constant's number for each channel, where it differs along the second of `rank` axes at most. */
const perChannel = (network: Network, name: string, rank: number, channels: number): readonly number[] | undefined => {
  const tensor = network.constant(name);
  if (tensor?.origin.kind !== "constant" || tensor.type !== "float32" || tensor.rank > rank) return undefined;
  const aligned = [...new Array<number>(rank - tensor.rank).fill(1), ...(tensor.shape as readonly number[])];
  if (aligned.some((size, axis) => size !== 1 && !(axis === 1 && size === channels))) return undefined;
  const values = Array.from(tensor.origin.data, Number);
  return values.length === 1 ? new Array<number>(channels).fill(values[0]) : values;
};
