import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { GraphError } from "../tensor.ts";
import { quantisedWeight, uint8Grid } from "./grids.ts";
import type { Layer } from "./layers.ts";
import { Network, nodeOf } from "./network.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Range } from "./ranges.ts";
import { roundToEven } from "./rounding.ts";

const { FLOAT, INT8, INT32, UINT8 } = TensorProto_DataType;

/**
 * The values of a model whose ranges `quantise` needs, by name, in the order in which they are computed.
 * @throws GraphError when nothing of the model can be quantised, or it is not of ai.onnx, opset 17.
 */
export const quantisableValues = (bytes: Uint8Array): string[] => [...new Set(plan(new Network(bytes)).values.values())];

const plan = (network: Network): Plan => {
  if (network.nodes.some(({ opType }) => opType === "DequantizeLinear")) throw new GraphError("The model is quantised already.");
  const found = planOf(network);
  if (found.values.size > 0) return found;
  throw new GraphError(
    "The model cannot be quantised: it has no convolution or product with constant float32 weights that can be computed in whole numbers.",
  );
};

/**
 * The model with its network in 8 bits, by static quantisation: QuantizeLinear and DequantizeLinear stand around what ONNX Runtime
 * then computes in whole numbers. Of a value whose range is given, x becomes `q = round(x / scale) + zero`, 0 .. 255, on a grid
 * that holds 0; what lies beyond the range is cut off. Weights are int8, `q = round(w / scale)`, -127 .. 127, with a scale for each
 * output channel; biases are int32, in units of both scales' product. Transposed convolutions, for which there is no such
 * kernel, compute in float32 with a weight stored as int8. The first and last layers and all that is no network stay in float32; names,
 * inputs, outputs and metadata stay. What scales a layer's channels becomes part of its weight.
 *
 * On x64 processors without VNNI, ONNX Runtime sums pairs of products in 16 bits, which saturate where both are large.
 * @param ranges for each of the model's `quantisableValues`: the lowest and highest numbers seen in what `observing` returns.
 * @throws GraphError when nothing can be quantised, a range is missing or not finite, or the model is not of ai.onnx, opset 17.
 */
export const quantise = (bytes: Uint8Array, ranges: ReadonlyMap<string, Range>): Uint8Array => {
  const network = new Network(bytes);
  const { layers, values, takesExact } = plan(network);
  const grids = new Map([...new Set(values.values())].map((name) => [name, uint8Grid(name, ranges.get(name))]));
  const gridOf = (value: string) => grids.get(values.get(value)!)!;
  const nodes: NodeProto[] = [];
  const dequantised = new Map<string, string>();

  /** What 8 bits tell of a value; written where it is first needed. */
  const throughGrid = (name: string): string => {
    const known = dequantised.get(name);
    if (known !== undefined) return known;
    const { scale, zero } = gridOf(name);
    const grid = [
      network.store(`${name}_scale`, FLOAT, [], Float32Array.of(scale)),
      network.store(`${name}_zero`, UINT8, [], Uint8Array.of(zero)),
    ];
    const [bits, result] = [network.fresh(`${name}_quantised`), network.fresh(`${name}_dequantised`)];
    nodes.push(nodeOf("QuantizeLinear", [name, ...grid], bits), nodeOf("DequantizeLinear", [bits, ...grid], result));
    dequantised.set(name, result);
    return result;
  };
  const stored = (
    name: string,
    shape: readonly number[],
    integers: Int8Array | Int32Array,
    scales: Float32Array,
    axis: number,
  ) => {
    const type = integers instanceof Int8Array ? INT8 : INT32;
    const grid = [
      network.store(`${name}_scale`, FLOAT, [scales.length], scales),
      network.store(`${name}_zero`, type, [scales.length], integers.slice(0, scales.length).fill(0)),
    ];
    const result = network.fresh(`${name}_dequantised`);
    nodes.push(
      nodeOf("DequantizeLinear", [network.store(`${name}_quantised`, type, shape, integers), ...grid], result, { axis }),
    );
    return result;
  };
  /** A layer's inputs: x as it is by now, the weight and the bias as whole numbers. */
  const layerInputs = ({ opType, input }: NodeProto, x: string, layer: Layer): string[] => {
    const [before, weight, ...bias] = input;
    const inFloat = opType === "ConvTranspose";
    const xScale = inFloat ? undefined : gridOf(before).scale;
    const { integers, scales } = quantisedWeight(layer, xScale);
    const w = stored(weight, layer.weight.shape, integers, scales, layer.axis);
    if (xScale === undefined || layer.bias === undefined) return [x, w, ...bias];
    const products = scales.map((scale) => scale * xScale);
    const whole = Int32Array.from(layer.bias, (value, channel) => roundToEven(value / products[channel]));
    return [x, w, stored(bias[0], [whole.length], whole, products, 0)];
  };

  for (const node of network.nodes) {
    const layer = layers.get(node);
    const taken = node.input.map((name) => (values.has(name) && !takesExact(node, name) ? throughGrid(name) : name));
    node.input = layer === undefined ? taken : layerInputs(node, taken[0], layer);
    nodes.push(node);
  }
  network.rewrite(nodes);
  return network.toBytes();
};
