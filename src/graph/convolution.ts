import { concat, pad, padAll, reshape, reverse, slice, transpose } from "./layout.ts";
import { matmul } from "./linear.ts";
import { sum } from "./reduction.ts";
import { apply, type Dimension, formatShape, GraphError, requireRank, requireType, staticShape, type Tensor } from "./tensor.ts";

export interface ConvolutionOptions {
  /** Step between output positions, along both axes. Default 1. */
  readonly stride?: number;
  /** Zeros added on each of the four sides. Default 0. */
  readonly padding?: number;
}

export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows and columns added at the bottom and right, to choose among the sizes that a strided convolution maps to one. Default 0. */
  readonly outputPadding?: number | readonly [number, number];
}

/**
 * Two-dimensional convolution (cross-correlation, as the field calls it):
 * `y[n, o, i, j] = sum over c, a, b of x[n, c, i stride + a - padding, j stride + b - padding] w[o, c, a, b]`.
 * x: [batch, channels, height, width], w: [filters, channels, kernel height, kernel width].
 * @throws GraphError when ranks or channels do not match.
 */
export const conv2d = (x: Tensor, w: Tensor, { stride = 1, padding = 0 }: ConvolutionOptions = {}): Tensor => {
  requireOperands("Conv", x, w, 1);
  const [filters, , ...kernel] = staticShape("Conv", w);
  const extent = (size: Dimension, k: number): Dimension => {
    if (typeof size === "string") return stride === 1 && k === 2 * padding + 1 ? size : `conv(${size})`;
    const length = Math.floor((size + 2 * padding - k) / stride) + 1;
    if (length < 1)
      throw new GraphError(`Conv: the kernel ${formatShape(w.shape)} is larger than the padded ${formatShape(x.shape)}.`);
    return length;
  };
  return apply("Conv", [x, w], {
    shape: [x.shape[0], filters, extent(x.shape[2], kernel[0]), extent(x.shape[3], kernel[1])],
    attributes: { strides: [stride, stride], pads: [padding, padding, padding, padding], kernel_shape: kernel },
    gradient: (dy) => [inputGradient(dy, x, w, stride, padding), weightGradient(x, dy, w, stride, padding)],
  });
};

/**
 * Transposed convolution, the adjoint of `conv2d` with the same stride and padding: every input value adds
 * a copy of the kernel to the output. x: [batch, channels, height, width], w: [channels, filters, kernel height, kernel width];
 * output height = (height - 1) stride - 2 padding + kernel height + outputPadding.
 * @throws GraphError when ranks or channels do not match.
 */
export const convTranspose2d = (
  x: Tensor,
  w: Tensor,
  { stride = 1, padding = 0, outputPadding = 0 }: TransposedConvolutionOptions = {},
): Tensor => {
  requireOperands("ConvTranspose", x, w, 0);
  const [, filters, ...kernel] = staticShape("ConvTranspose", w);
  const [batch, , height, width] = x.shape;
  const [bottom, right] = typeof outputPadding === "number" ? [outputPadding, outputPadding] : outputPadding;
  const extent = (size: Dimension, k: number, extra: number): Dimension =>
    typeof size === "string" ? `convTranspose(${size})` : (size - 1) * stride - 2 * padding + k + extra;
  return apply("ConvTranspose", [x, w], {
    shape: [batch, filters, extent(height, kernel[0], bottom), extent(width, kernel[1], right)],
    attributes: {
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      kernel_shape: kernel,
      output_padding: [bottom, right],
    },
    gradient: (dy) => [conv2d(dy, w, { stride, padding }), weightGradient(dy, x, w, stride, padding)],
  });
};

const requireOperands = (operator: string, x: Tensor, w: Tensor, channelAxis: number): void => {
  requireType(operator, x, "float32");
  requireRank(operator, x, 4, "an image batch [batch, channels, height, width]");
  requireRank(operator, w, 4, "a weight with four axes");
  if (x.shape[1] !== w.shape[channelAxis]) {
    throw new GraphError(
      `${operator}: the input ${formatShape(x.shape)} has ${x.shape[1]} channels, but the weight ${formatShape(w.shape)} expects ${w.shape[channelAxis]}.`,
    );
  }
};

/** dL/dx of a convolution: at stride 1 again a convolution, with the kernel turned by 180 degrees; else the transposed one. */
const inputGradient = (dy: Tensor, x: Tensor, w: Tensor, stride: number, padding: number): Tensor => {
  const [, , kernelHeight, kernelWidth] = staticShape("gradient of Conv", w);
  if (stride === 1 && kernelHeight === kernelWidth && padding < kernelHeight) {
    const turned = reverse(reverse(transpose(w, [1, 0, 2, 3]), 2), 3);
    return conv2d(dy, turned, { padding: kernelHeight - 1 - padding });
  }
  const [, , height, width] = staticShape("gradient of Conv", x);
  const unreached = (size: number, kernel: number): number => (size + 2 * padding - kernel) % stride;
  return convTranspose2d(dy, w, {
    stride,
    padding,
    outputPadding: [unreached(height, kernelHeight), unreached(width, kernelWidth)],
  });
};

/**
 * dL/dw of a convolution from x to y: `dw[o, c, a, b] = sum over n, i, j of dy[n, o, i, j] x[n, c, i stride + a - padding, ...]`.
 * A strided convolution is first rewritten as one of stride 1 on the stride^2 phases of x (positions with equal remainders),
 * whose kernel has ceil(kernel / stride) rows.
 */
const weightGradient = (x: Tensor, dy: Tensor, w: Tensor, stride: number, padding: number): Tensor => {
  const [kernelHeight, kernelWidth] = staticShape("gradient of Conv", w).slice(2);
  if (stride === 1) return unitStrideWeightGradient(x, dy, kernelHeight, kernelWidth, padding);

  const [batch, channels, height, width] = staticShape("gradient of Conv", x);
  const [, filters, outHeight, outWidth] = staticShape("gradient of Conv", dy);
  const [phaseKernelHeight, phaseKernelWidth] = [Math.ceil(kernelHeight / stride), Math.ceil(kernelWidth / stride)];
  const [rows, columns] = [outHeight + phaseKernelHeight - 1, outWidth + phaseKernelWidth - 1];
  const reached = padAll(x, [
    [0, 0],
    [0, 0],
    [padding, rows * stride - height - padding],
    [padding, columns * stride - width - padding],
  ]);
  const split = transpose(reshape(reached, [batch, channels, rows, stride, columns, stride]), [0, 3, 5, 1, 2, 4]);
  const phases = reshape(split, [batch, stride * stride * channels, rows, columns]);
  const byPhase = reshape(unitStrideWeightGradient(phases, dy, phaseKernelHeight, phaseKernelWidth, 0), [
    filters,
    stride,
    stride,
    channels,
    phaseKernelHeight,
    phaseKernelWidth,
  ]);
  const joined = reshape(transpose(byPhase, [0, 3, 4, 1, 5, 2]), [
    filters,
    channels,
    phaseKernelHeight * stride,
    phaseKernelWidth * stride,
  ]);
  return slice(slice(joined, 2, 0, kernelHeight), 3, 0, kernelWidth);
};

/**
 * The weight gradient at stride 1, as one matrix product over positions. It is limited by memory traffic, so three forms that
 * copy little stand side by side: none at all for 1x1 kernels; every kernel position's view of x ("im2col") for inputs with few
 * channels, where that is little data; else `kernel height` shifted copies of dy against `kernel width` shifted copies of x.
 */
const unitStrideWeightGradient = (x: Tensor, dy: Tensor, kernelHeight: number, kernelWidth: number, padding: number): Tensor => {
  const [batch, channels, height, width] = staticShape("gradient of Conv", x);
  const [, filters, outHeight, outWidth] = staticShape("gradient of Conv", dy);
  const overPositions = (left: Tensor, right: Tensor, positions: number): Tensor => {
    const asMatrix = (t: Tensor) => reshape(t, [batch, t.shape[1], positions]);
    return sum(matmul(asMatrix(left), asMatrix(right), { transposeB: true }), [0]);
  };
  if (kernelHeight === 1 && kernelWidth === 1 && padding === 0) {
    return reshape(overPositions(dy, x, height * width), [filters, channels, 1, 1]);
  }
  if (channels <= 4) {
    const padded = padAll(x, [
      [0, 0],
      [0, 0],
      [padding, padding],
      [padding, padding],
    ]);
    const views = range(kernelHeight).flatMap((a) => {
      const rows = slice(padded, 2, a, a + outHeight);
      return range(kernelWidth).map((b) => slice(rows, 3, b, b + outWidth));
    });
    const products = overPositions(dy, concat(views, 1), outHeight * outWidth);
    return transpose(reshape(products, [filters, kernelHeight, kernelWidth, channels]), [0, 3, 1, 2]);
  }
  const xShifts = range(kernelWidth).map((b) => pad(x, 3, padding - b, outWidth - width + b - padding));
  const dyShifts = range(kernelHeight).map((a) => pad(dy, 2, a - padding, height - outHeight - a + padding));
  const products = overPositions(concat(dyShifts, 1), concat(xShifts, 1), height * outWidth);
  return transpose(reshape(products, [kernelHeight, filters, kernelWidth, channels]), [1, 3, 0, 2]);
};

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
