import { create } from "@bufbuild/protobuf";
import { type NodeProto, TensorProto_DataType, TensorProtoSchema } from "onnx-buf";
import { constantOf } from "../import/constants.ts";
import { GraphError } from "../tensor.ts";
import { foldedLayers, type Layer } from "./layers.ts";
import { Network, nodeOf } from "./network.ts";
import { regionOf, valuesOf } from "./region.ts";
import { halfBits } from "./rounding.ts";

const { FLOAT, FLOAT16 } = TensorProto_DataType;

/** Operators that compute with halves between layers; all others, such as means and roots, keep float32. */
const JOINING = new Set(
  [
    "Add AveragePool BatchNormalization Clip Concat DepthToSpace Div Elu Erf Expand Flatten Gemm GlobalAveragePool GlobalMaxPool",
    "HardSigmoid HardSwish Identity LeakyRelu MatMul MaxPool Mul PRelu Pad Relu Reshape Resize Sigmoid Slice Softplus SpaceToDepth",
    "Split Squeeze Sub Tanh Transpose Unsqueeze",
  ].flatMap((line) => line.split(" ")),
);

/** Of these, operators that only add constants, or put them beside values. */
const ADDING = new Set("Add Concat Pad Sub".split(" "));

/**
 * The model with its network in half precision (IEEE binary16): layers (Conv, ConvTranspose, Gemm and MatMul with constant
 * weights), stored as halves rounded to nearest even, and what stands between them. All else keeps float32: preprocessing, what
 * follows the last layer, statistics, maps; Cast nodes stand at the borders alone. Names, inputs, outputs and metadata stay. What
 * scales a layer's channels becomes part of its weight. A processor's runtime may compute in float32 all the same.
 *
 * A layer keeps float32 if a value of its weight or bias would be infinite, or if rounding moves its weight by more than 2^-11 of
 * its Euclidean norm: no value from 2^-14 on does so by more, so much of the weight lies below, where halves lose their digits.
 * @throws GraphError when no layer can be converted, or the model is not of ai.onnx, opset 17.
 */
export const toHalf = (bytes: Uint8Array): Uint8Array => {
  const network = new Network(bytes);
  const layers = foldedLayers(network);
  const chosen = new Set([...layers].filter(([, layer]) => fitsHalf(layer)).map(([node]) => node));
  if (chosen.size === 0) throw nothingToConvert(layers.size);
  const members = regionOf(network, layers.keys(), chosen, (node) => JOINING.has(node.opType) && constantsFit(network, node));

  const nodes: NodeProto[] = [];
  /** What a value or constant is called as halves, once it is written. */
  const halves = new Map<string, string>();
  /** The members' values that are written in float32 too. */
  const widened = new Set<string>();
  const cast = (from: string, to: string, type: number): void => {
    nodes.push(nodeOf("Cast", [from], to, { to: type }));
  };
  const half = (name: string): string => {
    const known = halves.get(name);
    if (known !== undefined) return known;
    const tensor = network.constant(name);
    const result =
      tensor?.origin.kind === "constant"
        ? network.store(`${name}_half`, FLOAT16, tensor.shape as number[], halfBits(tensor.origin.data as Float32Array))
        : network.fresh(`${name}_half`);
    halves.set(name, result);
    if (tensor === undefined && !members.has(network.maker(name)!)) cast(name, result, FLOAT16);
    return result;
  };
  const widen = (name: string): void => {
    const maker = network.maker(name);
    if (maker === undefined || !members.has(maker) || widened.has(name)) return;
    widened.add(name);
    cast(half(name), name, FLOAT);
  };

  for (const node of network.nodes) {
    if (members.has(node)) {
      const values = new Set(valuesOf(node));
      node.input = node.input.map((name) => (values.has(name) ? half(name) : name));
      node.output = node.output.map((name) => (name === "" ? "" : half(name)));
    } else if (node.opType === "Shape") {
      node.input = node.input.map((name) => halves.get(name) ?? name); // the same for both
    } else {
      for (const name of node.input) widen(name);
    }
    nodes.push(node);
  }
  for (const name of network.outputs) widen(name);
  network.rewrite(nodes);
  return network.toBytes();
};

const nothingToConvert = (layers: number): GraphError =>
  new GraphError(
    layers === 0
      ? "The model cannot be converted to half precision: it has no convolution or product with constant float32 weights."
      : `The model cannot be converted to half precision: the weights of all its ${layers} layers lie beyond what halves can hold.`,
  );

const fitsHalf = ({ weight, bias = [] }: Layer): boolean => roundsClosely(weight.data) && staysFinite(Float32Array.from(bias));

const constantsFit = (network: Network, node: NodeProto): boolean =>
  valuesOf(node).every((name) => {
    const tensor = network.constant(name);
    if (tensor?.origin.kind !== "constant" || node.opType === "Clip") return true;
    if (tensor.type !== "float32") return false; // arithmetic of sizes
    const data = tensor.origin.data as Float32Array;
    return ADDING.has(node.opType) ? staysFinite(data) : roundsClosely(data);
  });

const rounded = (data: Float32Array): Float32Array => {
  const rawData = new Uint8Array(halfBits(data).buffer as ArrayBuffer);
  const { origin } = constantOf(create(TensorProtoSchema, { dataType: FLOAT16, dims: [BigInt(data.length)], rawData }));
  return (origin as { data: Float32Array }).data;
};

const staysFinite = (data: Float32Array): boolean => rounded(data).every(Number.isFinite);

const roundsClosely = (data: Float32Array): boolean => {
  const halves = rounded(data);
  let [moved, size] = [0, 0];
  for (const [index, value] of data.entries()) {
    moved += (value - halves[index]) ** 2;
    size += value ** 2;
  }
  return moved <= size * 2 ** -22;
};
