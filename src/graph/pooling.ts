import { add, and, cast, div, greaterOrEqual, less, mul, sub } from "./elementwise.ts";
import { gather, scatterAdd } from "./indexing.ts";
import { reshape, withGradient } from "./layout.ts";
import { mean } from "./reduction.ts";
import { separable } from "./separable.ts";
import { positionsOf, sizeOf } from "./sizes.ts";
import {
  apply,
  applyMany,
  constant,
  type Dimension,
  formatShape,
  GraphError,
  requireRank,
  requireType,
  type Shape,
  staticShape,
  type Tensor,
} from "./tensor.ts";

export interface PoolOptions {
  /** Step between windows, along both axes. Default: their size, so that they lie side by side. */
  readonly stride?: number;
  /** Rows and columns added on each of the four sides, at most half the size. Default 0. */
  readonly padding?: number;
}

export interface AveragePoolOptions extends PoolOptions {
  /** Whether the padding's zeros count in the average. Default true. */
  readonly countPadding?: boolean;
}

/** Windows of a pooling operator: one number for rows, one for columns. */
interface Windows {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: number;
}

/**
 * Largest value of each window of size x size: `y[n, c, i, j] = max over a, b < size of x[n, c, i stride + a - padding, ...]`;
 * what lies outside is never chosen. x: [batch, channels, height, width].
 * The gradient of a window goes whole to its largest value, the first one, row by row, if several are equal.
 * @throws GraphError when a window does not fit into the padded image, or the padding is more than half of it.
 */
export const maxPool2d = (x: Tensor, size: number, { stride = size, padding = 0 }: PoolOptions = {}): Tensor =>
  maxPool(x, { size: [size, size], stride: [stride, stride], padding });

/**
 * Average of each window of size x size, taken as in `maxPool2d`; beyond the image are zeros, which count or not.
 * x: [batch, channels, height, width]. The gradient is spread over each window, by the transposed pooling matrices.
 * @throws GraphError when a window does not fit into the padded image, or the padding is more than half of it.
 */
export const averagePool2d = (
  x: Tensor,
  size: number,
  { stride = size, padding = 0, countPadding = true }: AveragePoolOptions = {},
): Tensor => averagePool(x, { size: [size, size], stride: [stride, stride], padding }, countPadding);

/**
 * Averages of height x width parts of an image: part i of n reaches from floor(i size / n) to ceil((i + 1) size / n), as in
 * PyTorch. x: [batch, channels, image height, image width], whose sizes may be known only when the program runs.
 */
export const adaptiveAveragePool2d = (x: Tensor, [height, width]: readonly [number, number]): Tensor => {
  requireParts("adaptiveAveragePool2d", x, height, width);
  if (height === 1 && width === 1) return mean(x, [2, 3], { keepAxes: true });
  const windows = evenWindows(x, height, width);
  return windows ? averagePool(x, windows, true) : separable(x, partsMatrix(x, 2, height), partsMatrix(x, 3, width));
};

/**
 * Largest values of height x width parts of an image, which reach as in `adaptiveAveragePool2d`; gradients as in `maxPool2d`.
 * x: [batch, channels, image height, image width].
 * @throws GraphError when the image's size is not known and more than one part is wanted, or a gradient.
 */
export const adaptiveMaxPool2d = (x: Tensor, [height, width]: readonly [number, number]): Tensor => {
  requireParts("adaptiveMaxPool2d", x, height, width);
  const open = x.shape.slice(2).some((size) => typeof size === "string");
  if (open && height === 1 && width === 1) return apply("GlobalMaxPool", [x], { shape: [x.shape[0], x.shape[1], 1, 1] });
  const windows = evenWindows(x, height, width);
  if (windows) return maxPool(x, windows);
  const [, , imageHeight, imageWidth] = staticShape("adaptiveMaxPool2d", x);
  const [rows, columns] = [partsPositions(imageHeight, height), partsPositions(imageWidth, width)];
  const parts = gather(gather(x, rows.positions, 2), columns.positions, 3);
  const size = [rows.length, columns.length] as const;
  return maxPool(parts, { size, stride: size, padding: 0 });
};

/** Only the gradient asks for the places of the largest values: with them the operator takes about ten times as long. */
const maxPool = (x: Tensor, windows: Windows): Tensor => {
  const shape = pooledShape("MaxPool", x, windows);
  const attributes = poolAttributes(windows);
  return withGradient(apply("MaxPool", [x], { shape, attributes }), [x], (dy) => {
    const sizes = staticShape("gradient of MaxPool", x);
    const [, chosen] = applyMany("MaxPool", [x], [{ shape }, { shape, type: "int64" }], attributes);
    const count = (lengths: readonly number[]): number => lengths.reduce((product, length) => product * length, 1);
    const windowCount = count(staticShape("gradient of MaxPool", dy));
    const summed = scatterAdd([count(sizes)], reshape(chosen, [windowCount]), reshape(dy, [windowCount]), 0);
    return [reshape(summed, sizes)];
  });
};

const averagePool = (x: Tensor, windows: Windows, countPadding: boolean): Tensor => {
  const { size, stride, padding } = windows;
  const shape = pooledShape("AveragePool", x, windows);
  const attributes = { ...poolAttributes(windows), count_include_pad: countPadding ? 1 : 0 };
  return withGradient(apply("AveragePool", [x], { shape, attributes }), [x], (dy) => {
    const lengths = staticShape("gradient of AveragePool", x).slice(2);
    const sideBySide = [0, 1].every((axis) => stride[axis] === size[axis] && shape[2 + axis] === lengths[axis] / size[axis]);
    if (sideBySide && padding === 0) return [repeatPixels(mul(dy, 1 / (size[0] * size[1])), size)];
    const [rows, columns] = [0, 1].map((axis) => spreadMatrix(lengths[axis], size[axis], stride[axis], padding, countPadding));
    return [separable(dy, rows, columns)];
  });
};

/**
 * Every pixel as a block of height x width pixels, nearest enlargement by whole factors: a `Resize`, since `Expand` takes 30 times
 * as long. The gradient is the sum of each block. x: [batch, channels, image height, image width], float32 or uint8.
 */
export const repeatPixels = (x: Tensor, [height, width]: readonly [number, number]): Tensor => {
  const extent = (length: Dimension, factor: number): Dimension =>
    typeof length === "number" ? length * factor : factor === 1 ? length : `${factor} ${length}`;
  const repeated = apply("Resize", [x, constant(new Float32Array(0), [0]), constant(Float32Array.of(1, 1, height, width), [4])], {
    shape: [x.shape[0], x.shape[1], extent(x.shape[2], height), extent(x.shape[3], width)],
    type: x.type,
    attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
  });
  const size = [height, width] as const;
  return withGradient(repeated, [x], (dy) => [mul(averagePool(dy, { size, stride: size, padding: 0 }, true), height * width)]);
};

const requireImages = (operator: string, x: Tensor): void => {
  requireType(operator, x, "float32");
  requireRank(operator, x, 4, "an image batch [batch, channels, height, width]");
};

const requireParts = (operator: string, x: Tensor, height: number, width: number): void => {
  requireImages(operator, x);
  if ([height, width].some((parts) => !Number.isInteger(parts) || parts < 1)) {
    throw new GraphError(`${operator}: ${formatShape(x.shape)} cannot be cut into ${height} x ${width} parts.`);
  }
};

const poolAttributes = ({ size, stride, padding }: Windows) => ({
  kernel_shape: size,
  strides: stride,
  pads: [padding, padding, padding, padding],
});

const pooledShape = (operator: string, x: Tensor, { size, stride, padding }: Windows): Shape => {
  requireImages(operator, x);
  if (2 * padding > Math.min(...size)) {
    throw new GraphError(`${operator}: a padding of ${padding} is more than half of the window ${formatShape(size)}.`);
  }
  const extent = (axis: 0 | 1): Dimension => {
    const length = x.shape[2 + axis];
    if (typeof length === "string") {
      return stride[axis] === 1 && size[axis] === 2 * padding + 1 ? length : `pool(${length})`;
    }
    if (size[axis] > length + 2 * padding) {
      throw new GraphError(`${operator}: the window ${formatShape(size)} is larger than the padded ${formatShape(x.shape)}.`);
    }
    return Math.floor((length + 2 * padding - size[axis]) / stride[axis]) + 1;
  };
  return [x.shape[0], x.shape[1], extent(0), extent(1)];
};

/** Matrix [length, windows] that spreads the gradient of each window's average over the window. */
const spreadMatrix = (length: number, size: number, stride: number, padding: number, countPadding: boolean): Tensor => {
  const count = Math.floor((length + 2 * padding - size) / stride) + 1;
  const matrix = new Float32Array(length * count);
  for (let window = 0; window < count; window++) {
    const [first, after] = [Math.max(window * stride - padding, 0), Math.min(window * stride - padding + size, length)];
    for (let position = first; position < after; position++) {
      matrix[position * count + window] = 1 / (countPadding ? size : after - first);
    }
  }
  return constant(matrix, [length, count]);
};

/** The windows that divide an image evenly into parts, if there are any. */
const evenWindows = (x: Tensor, height: number, width: number): Windows | undefined => {
  const [imageHeight, imageWidth] = x.shape.slice(2);
  if (typeof imageHeight === "string" || typeof imageWidth === "string") return undefined;
  if (imageHeight % height !== 0 || imageWidth % width !== 0) return undefined;
  const size = [imageHeight / height, imageWidth / width] as const;
  return { size, stride: size, padding: 0 };
};

/** Matrix [parts, size] that averages the parts of an axis, in whole numbers, whose quotients are exact. */
const partsMatrix = (x: Tensor, axis: 2 | 3, parts: number): Tensor => {
  const size = cast(sizeOf(x, axis), "int64");
  const positions = reshape(cast(positionsOf(x, axis), "int64"), [1, x.shape[axis]]);
  const part = constant(
    BigInt64Array.from({ length: parts }, (_, i) => BigInt(i)),
    [parts, 1],
  );
  const first = div(mul(part, size), parts);
  const after = div(add(mul(add(part, 1), size), parts - 1), parts);
  const inside = cast(and(greaterOrEqual(positions, first), less(positions, after)), "float32");
  return div(inside, cast(sub(after, first), "float32"));
};

/** The positions in every part of an axis, one part after the other, all as long as the longest: shorter ones repeat their end. */
const partsPositions = (size: number, parts: number) => {
  const spans = Array.from({ length: parts }, (_, i) => ({
    first: Math.floor((i * size) / parts),
    last: Math.ceil(((i + 1) * size) / parts) - 1,
  }));
  const length = Math.max(...spans.map(({ first, last }) => last - first + 1));
  const positions = spans.flatMap(({ first, last }) => Array.from({ length }, (_, i) => BigInt(Math.min(first + i, last))));
  return { length, positions: constant(BigInt64Array.from(positions), [parts * length]) };
};
