import { reshape, transpose } from "./layout.ts";
import { matmul } from "./linear.ts";
import { sum } from "./reduction.ts";
import {
  apply,
  constant,
  type Dimension,
  formatShape,
  GraphError,
  requireRank,
  requireType,
  staticShape,
  type Tensor,
} from "./tensor.ts";

/** One number for both axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

export interface ConvolutionOptions {
  /** Step between output positions. Default 1. */
  readonly stride?: Pair;
  /** Zeros added around x: everywhere, [above and below, left and right], or [top, left, bottom, right]. Default 0. */
  readonly padding?: Pair | readonly [number, number, number, number];
  /** Step between the positions of x under neighbouring kernel values. Default 1. */
  readonly dilation?: Pair;
  /** Number of equal groups of channels, each convolved on its own; as many as channels: a depthwise convolution. Default 1. */
  readonly groups?: number;
  /** Added to every output channel: [filters]. */
  readonly bias?: Tensor;
}

export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows and columns added at the bottom and right, to choose among the sizes that a strided convolution maps to one. Default 0. */
  readonly outputPadding?: Pair;
}

/** The options with one number per axis, and four for the sides: top, left, bottom, right. */
interface Geometry {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

const pairOf = (value: Pair): readonly [number, number] => (typeof value === "number" ? [value, value] : value);

const geometryOf = ({ stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvolutionOptions): Geometry => {
  if ([...pairOf(stride), ...pairOf(dilation), groups].some((amount) => !Number.isInteger(amount) || amount < 1)) {
    throw new GraphError("A convolution's stride, dilation and groups must be whole numbers of at least 1.");
  }
  const sides =
    typeof padding === "object" && padding.length === 4 ? padding : ([...pairOf(padding), ...pairOf(padding)] as const);
  return { stride: pairOf(stride), padding: sides, dilation: pairOf(dilation), groups };
};

const attributesOf = ({ stride, padding, dilation, groups }: Geometry, kernel: readonly number[]) => ({
  strides: stride,
  pads: padding,
  dilations: dilation,
  group: groups,
  kernel_shape: kernel,
});

/**
 * Two-dimensional convolution (cross-correlation, as the field calls it):
 * `y[n, o, i, j] = bias[o] + sum over c, a, b of x[n, c, i stride + a dilation - top, j stride + b dilation - left] w[o, c, a, b]`.
 * x: [batch, channels, height, width], w: [filters, channels / groups, kernel height, kernel width].
 * @throws GraphError when ranks, channels or groups do not match.
 */
export const conv2d = (x: Tensor, w: Tensor, options: ConvolutionOptions = {}): Tensor => {
  const geometry = geometryOf(options);
  const { stride, padding, dilation, groups } = geometry;
  const [filters, perGroup, ...kernel] = requireOperands("Conv", x, w, options);
  requireChannels("Conv", x, w, perGroup * groups);
  requireBias("Conv", options, filters);
  if (filters % groups !== 0) throw new GraphError(`Conv: ${filters} filters do not divide into ${groups} groups.`);
  const extent = (axis: 0 | 1): Dimension => {
    const size = x.shape[2 + axis];
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const margin = padding[axis] + padding[axis + 2];
    if (typeof size === "string") return stride[axis] === 1 && reach === margin + 1 ? size : `conv(${size})`;
    const length = Math.floor((size + margin - reach) / stride[axis]) + 1;
    if (length < 1)
      throw new GraphError(`Conv: the kernel ${formatShape(w.shape)} is larger than the padded ${formatShape(x.shape)}.`);
    return length;
  };
  return apply("Conv", options.bias ? [x, w, options.bias] : [x, w], {
    shape: [x.shape[0], filters, extent(0), extent(1)],
    attributes: attributesOf(geometry, kernel),
    gradient: (dy) => [inputGradient(dy, x, w, geometry), weightGradient(x, dy, w, geometry), ...biasGradient(dy, options)],
  });
};

/**
 * Transposed convolution, the adjoint of `conv2d` with the same options: every input value adds a copy of the kernel to
 * the output. x: [batch, channels, height, width], w: [channels, filters / groups, kernel height, kernel width];
 * output height = (height - 1) stride - top - bottom + (kernel height - 1) dilation + 1 + outputPadding.
 * @throws GraphError when ranks, channels or groups do not match.
 */
export const convTranspose2d = (x: Tensor, w: Tensor, options: TransposedConvolutionOptions = {}): Tensor => {
  const geometry = geometryOf(options);
  const { stride, padding, dilation, groups } = geometry;
  const [channels, perGroup, ...kernel] = requireOperands("ConvTranspose", x, w, options);
  requireChannels("ConvTranspose", x, w, channels);
  requireBias("ConvTranspose", options, perGroup * groups);
  if (channels % groups !== 0) throw new GraphError(`ConvTranspose: ${channels} channels do not divide into ${groups} groups.`);
  const extra = pairOf(options.outputPadding ?? 0);
  const extent = (axis: 0 | 1): Dimension => {
    const size = x.shape[2 + axis];
    if (extra[axis] >= stride[axis])
      throw new GraphError(`ConvTranspose: an output padding of ${extra[axis]} must be smaller than the stride ${stride[axis]}.`);
    if (typeof size === "string") return `convTranspose(${size})`;
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const length = (size - 1) * stride[axis] - padding[axis] - padding[axis + 2] + reach + extra[axis];
    if (length < 1) throw new GraphError(`ConvTranspose: the padding leaves nothing of ${formatShape(x.shape)}.`);
    return length;
  };
  return apply("ConvTranspose", options.bias ? [x, w, options.bias] : [x, w], {
    shape: [x.shape[0], perGroup * groups, extent(0), extent(1)],
    attributes: { ...attributesOf(geometry, kernel), output_padding: extra },
    gradient: (dy) => [conv2d(dy, w, geometry), weightGradient(dy, x, w, geometry), ...biasGradient(dy, options)],
  });
};

/** Checks types and ranks. Returns the weight's sizes. */
const requireOperands = (operator: string, x: Tensor, w: Tensor, { bias }: ConvolutionOptions): readonly number[] => {
  for (const operand of [x, w, ...(bias ? [bias] : [])]) requireType(operator, operand, "float32");
  requireRank(operator, x, 4, "an image batch [batch, channels, height, width]");
  requireRank(operator, w, 4, "a weight with four axes");
  return staticShape(operator, w);
};

const requireBias = (operator: string, { bias }: ConvolutionOptions, filters: number): void => {
  if (bias === undefined || (bias.rank === 1 && bias.shape[0] === filters)) return;
  throw new GraphError(
    `${operator}: the bias of ${filters} filters must have the shape [${filters}], but has ${formatShape(bias.shape)}.`,
  );
};

const requireChannels = (operator: string, x: Tensor, w: Tensor, expected: number): void => {
  if (x.shape[1] === expected) return;
  throw new GraphError(
    `${operator}: the input ${formatShape(x.shape)} has ${x.shape[1]} channels, but the weight ${formatShape(w.shape)} expects ${expected}.`,
  );
};

const biasGradient = (dy: Tensor, { bias }: ConvolutionOptions): Tensor[] => (bias ? [sum(dy, [0, 2, 3])] : []);

/**
 * dL/dx of a convolution. At stride 1 it is again a convolution, with the kernel turned by 180 degrees; else the transposed one.
 * On maps so small that a kernel value's shares of dx are fewer than its weights, turning these would cost more than the
 * product: there the shares are one matrix product with the weight as it lies, and are added where they belong.
 */
const inputGradient = (dy: Tensor, x: Tensor, w: Tensor, geometry: Geometry): Tensor => {
  const { stride, padding, dilation, groups } = geometry;
  const [filters, perGroup, ...kernel] = staticShape("gradient of Conv", w);
  const [batch, channels, ...sizes] = staticShape("gradient of Conv", x);
  const reach = kernel.map((size, axis) => (size - 1) * dilation[axis]);
  const unreached = sizes.map((size, axis) => (size + padding[axis] + padding[axis + 2] - reach[axis] - 1) % stride[axis]);
  const outputPadding = unreached as [number, number];

  const [outHeight, outWidth] = staticShape("gradient of Conv", dy).slice(2);
  const [taps, positions] = [kernel[0] * kernel[1], outHeight * outWidth];
  if (groups === 1 && taps > 1 && filters > batch * positions) {
    const joined = reshape(transpose(reshape(dy, [batch, filters, positions]), [1, 0, 2]), [filters, batch * positions]);
    const shares = matmul(reshape(w, [filters, perGroup * taps]), joined, { transposeA: true });
    const byImage = transpose(reshape(shares, [perGroup * taps, batch, positions]), [1, 0, 2]);
    const scattered = { ...geometry, groups: channels, outputPadding };
    return convTranspose2d(reshape(byImage, [batch, perGroup * taps, outHeight, outWidth]), oneHot(channels, kernel), scattered);
  }
  const margins = padding.map((amount, side) => reach[side % 2] - amount) as [number, number, number, number];
  if (stride.every((step) => step === 1) && margins.every((amount) => amount >= 0)) {
    // Reversed by a product: gathering single values takes ten times as long.
    const turned = matmul(reshape(w, [groups, filters / groups, perGroup, taps]), exchangeMatrix(taps));
    const swapped = reshape(transpose(turned, [0, 2, 1, 3]), [channels, filters / groups, ...kernel]);
    return conv2d(dy, swapped, { ...geometry, padding: margins });
  }
  return convTranspose2d(dy, w, { ...geometry, outputPadding });
};

/** Ones on the other diagonal, [size, size]: a row times it is the row reversed. */
const exchangeMatrix = (size: number): Tensor => {
  const matrix = new Float32Array(size * size);
  for (let row = 0; row < size; row++) matrix[row * size + size - 1 - row] = 1;
  return constant(matrix, [size, size]);
};

/**
 * dL/dw of a convolution from x to y: `dw[o, c, a, b] = sum over n, i, j of dy[n, o, i, j] x[n, c, i stride + a dilation - top, ...]`,
 * a matrix product over positions. It is limited by memory traffic, so there are two forms. At stride 1 on large maps every row of
 * the kernel gets a shifted copy of dy and every column one of x: kernel height + kernel width copies. Else every kernel value
 * gets its view of x ("im2col"): few copies for strides, few channels and small maps.
 */
const weightGradient = (x: Tensor, dy: Tensor, w: Tensor, geometry: Geometry): Tensor => {
  const { stride, padding, dilation, groups } = geometry;
  const [filters, perGroup, ...kernel] = staticShape("gradient of Conv", w);
  const [outHeight, outWidth] = staticShape("gradient of Conv", dy).slice(2);
  const [top, left, bottom, right] = padding;
  const reach = (kernel[0] - 1) * dilation[0];
  const strided = stride.some((step) => step > 1);
  const small = sumsInOneProduct(filters / groups, perGroup * kernel[0] * kernel[1], outHeight * outWidth);

  if (strided || small || perGroup <= 4 || reach < Math.max(top, bottom)) {
    return reshape(overPositions(dy, views(x, kernel, geometry), groups), [filters, perGroup, ...kernel]);
  }
  const dyViews = views(dy, [kernel[0], 1], { dilation, padding: [reach - top, 0, reach - bottom, 0] }, true);
  const xViews = views(x, [1, kernel[1]], { dilation, padding: [0, left, 0, right] });
  const products = reshape(overPositions(dyViews, xViews, groups), [filters, kernel[0], perGroup, kernel[1]]);
  return transpose(products, [0, 2, 1, 3]);
};

/**
 * x under every value of a kernel: [batch, channels, height, width] -> [batch, channels kernel height kernel width, ...], as a
 * depthwise convolution with one-hot kernels, which is one threaded pass. `backwards` reverses the order of a channel's views.
 */
const views = (x: Tensor, kernel: readonly number[], options: ConvolutionOptions, backwards = false): Tensor => {
  const channels = x.shape[1] as number;
  const { stride, padding } = geometryOf(options);
  const asItIs = [...kernel, ...stride].every((size) => size === 1) && padding.every((amount) => amount === 0);
  return asItIs ? x : conv2d(x, oneHot(channels, kernel, backwards), { ...options, groups: channels });
};

/** For each channel one kernel per place, 1 there and 0 elsewhere: [channels kernel height kernel width, 1, ...kernel]. */
const oneHot = (channels: number, kernel: readonly number[], backwards = false): Tensor => {
  const count = kernel[0] * kernel[1];
  const values = new Float32Array(channels * count * count);
  for (let row = 0; row < channels * count; row++) {
    const place = row % count;
    values[row * count + (backwards ? count - 1 - place : place)] = 1;
  }
  return constant(values, [channels * count, 1, ...kernel]);
};

/** One product over the positions of all images costs less than one per image and their sum: for many channels on small maps. */
const sumsInOneProduct = (rows: number, columns: number, positions: number): boolean =>
  rows * columns > (rows + columns) * positions;

/** `sum over n, p of left[n, r, p] right[n, c, p]` for each group of channels: [groups * rows, columns]. */
const overPositions = (left: Tensor, right: Tensor, groups: number): Tensor => {
  const [batch, , height, width] = staticShape("gradient of Conv", left);
  const asMatrices = (t: Tensor): Tensor => reshape(t, [batch, groups, (t.shape[1] as number) / groups, height * width]);
  const [a, b] = [asMatrices(left), asMatrices(right)];
  const [rows, columns] = [a.shape[2] as number, b.shape[2] as number];
  if (batch > 1 && sumsInOneProduct(rows, columns, height * width)) {
    const joined = (t: Tensor): Tensor => reshape(transpose(t, [1, 2, 0, 3]), [groups, t.shape[2], batch * height * width]);
    return reshape(matmul(joined(a), joined(b), { transposeB: true }), [groups * rows, columns]);
  }
  return reshape(sum(matmul(a, b, { transposeB: true }), [0]), [groups * rows, columns]);
};
