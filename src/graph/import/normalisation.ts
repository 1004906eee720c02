import { conv2d } from "../convolution.ts";
import { add, div, mul, pow, sqrt, square, sub } from "../elementwise.ts";
import { reshape } from "../layout.ts";
import { mean } from "../reduction.ts";
import { apply, constant, formatShape, GraphError, requireType, resolveAxis, staticShape, type Tensor } from "../tensor.ts";
import { reshaped } from "./folding.ts";
import { zeros } from "./limits.ts";
import type { Node, OperatorTable } from "./node.ts";

/** Values per channel, shaped to stand against x: [batch, channels, ...]. */
const perChannel = (values: Tensor, x: Tensor): Tensor =>
  reshaped(
    values,
    x.shape.map((_, axis) => (axis === 1 ? values.shape[0] : 1)),
  );

/** (x - mean) / sqrt(variance + epsilon) scale + shift, of numbers per channel that are known. dx = dy scale / sqrt(variance + epsilon). */
const batchNormalization = (node: Node): Tensor => {
  const x = node.input(0);
  node.refuseIf(node.int("training_mode", 0) === 1, "a batch normalisation in training mode");
  node.refuseIf(node.int("spatial", 1) === 0, "a batch normalisation of every position on its own");
  const [scale, shift, means, variance] = [1, 2, 3, 4].map((index) => node.known(index));
  requireType("BatchNormalization", x, "float32");
  if (x.shape[1] !== scale.shape[0]) {
    throw new GraphError(`${formatShape(x.shape)} has ${x.shape[1]} channels, but there are ${scale.shape[0]} scales.`);
  }
  const epsilon = node.float("epsilon", 1e-5);
  return apply("BatchNormalization", [x, scale, shift, means, variance], {
    shape: x.shape,
    attributes: { epsilon: { float: epsilon } },
    gradient: (dy) => [mul(dy, perChannel(div(scale, sqrt(add(variance, epsilon))), x))],
  });
};

/** Mean 0 and variance 1 over the axes, written in the way that ONNX Runtime fuses. */
const normalised = (x: Tensor, axes: readonly number[], epsilon: number): Tensor => {
  const centred = sub(x, mean(x, axes, { keepAxes: true }));
  return div(centred, sqrt(add(mean(pow(centred, 2), axes, { keepAxes: true }), epsilon)));
};

const affine = (x: Tensor, scale: Tensor, shift: Tensor | undefined): Tensor => {
  const y = mul(x, scale);
  return shift === undefined ? y : add(y, shift);
};

const axesFrom = (x: Tensor, first: number): number[] => x.shape.flatMap((_, axis) => (axis < first ? [] : [axis]));

const layerNormalization = (node: Node): Tensor => {
  const x = node.input(0);
  const axes = axesFrom(x, resolveAxis("LayerNormalization", x, node.int("axis", -1)));
  return affine(normalised(x, axes, node.float("epsilon", 1e-5)), node.input(1), node.inputs[2]);
};

const instanceNormalization = (node: Node): Tensor => {
  const x = node.input(0);
  const y = normalised(x, axesFrom(x, 2), node.float("epsilon", 1e-5));
  return affine(y, perChannel(node.input(1), x), perChannel(node.input(2), x));
};

/** Scale and shift are one per group before opset 21, and one per channel since. */
const groupNormalization = (node: Node): Tensor => {
  const x = node.input(0);
  const [batch, channels, ...positions] = staticShape("GroupNormalization", x);
  const groups = node.int("num_groups", 1);
  const size = positions.reduce((product, length) => product * length, channels / groups);
  const grouped = normalised(reshape(x, [batch, groups, size]), [2], node.float("epsilon", 1e-5));
  const [scale, shift] = [node.input(1), node.input(2)];
  if (node.opset < 21) return reshape(affine(grouped, perChannel(scale, grouped), perChannel(shift, grouped)), x.shape);
  return affine(reshape(grouped, x.shape), perChannel(scale, x), perChannel(shift, x));
};

/** x / (bias + alpha / size * (sum of squares over the `size` channels around))^beta, the sum being a 1x1 convolution. */
const localResponse = (node: Node): Tensor => {
  const x = node.input(0);
  const channels = staticShape("LRN", x)[1];
  const size = node.int("size", 1);
  const band = zeros(channels, channels);
  for (let channel = 0; channel < channels; channel++) {
    const first = channel - Math.floor((size - 1) / 2);
    band.fill(1, channel * channels + Math.max(first, 0), channel * channels + Math.min(first + size, channels));
  }
  const sums = conv2d(square(x), constant(band, [channels, channels, 1, 1]));
  const root = add(mul(sums, node.float("alpha", 1e-4) / size), node.float("bias", 1));
  return div(x, pow(root, node.float("beta", 0.75)));
};

/** Normalisations with stored or measured statistics. */
export const NORMALISATIONS: OperatorTable = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  LRN: localResponse,
};
