import { abs, add, cast, div, maximum, minimum, mul, type Operand, sub } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { reshape } from "./layout.ts";
import { repeatPixels } from "./pooling.ts";
import { sum } from "./reduction.ts";
import { separable } from "./separable.ts";
import { positionsOf, sizeOf } from "./sizes.ts";
import { constant, type Dimension, formatShape, GraphError, indices, resolveAxis, type Tensor } from "./tensor.ts";

/** How a resized image looks at its source; see `resize2d`. */
export type ResizeMode = "nearest" | "bilinear" | "antialiased";

/**
 * Images in the last two axes brought to another size, as torch.nn.functional.interpolate does with align_corners=False:
 * "nearest" takes the value at floor(i size / new size); "bilinear" weighs the two nearest positions along each axis, with
 * half-pixel centres; "antialiased" widens this to a triangle over all that an output covers (antialias=True).
 * x: [..., height, width], whose sizes may be known only when the program runs; float32, or with "nearest" any type.
 * @throws GraphError when x has no two axes or a new size is no whole number above 0.
 */
export const resize2d = (x: Tensor, [height, width]: readonly [number, number], mode: ResizeMode): Tensor => {
  if (x.rank < 2 || [height, width].some((size) => !Number.isInteger(size) || size < 1)) {
    throw new GraphError(`resize2d: cannot bring the shape ${formatShape(x.shape)} to ${height} x ${width}.`);
  }
  if (x.shape.at(-2) === height && x.shape.at(-1) === width) return x;
  const [rowAxis, columnAxis] = [x.rank - 2, x.rank - 1];
  if (mode === "nearest") {
    const factors = wholeFactors(x, height, width);
    if (factors) return repeatPixels(x, factors);
    const columns = gather(x, nearestPositions(x, columnAxis, width), columnAxis);
    return gather(columns, nearestPositions(x, rowAxis, height), rowAxis);
  }
  const target = constant(new Float32Array(height * width), [height, width]);
  const matrix = (axis: number, targetAxis: 0 | 1): Tensor =>
    resizeMatrix({ of: x, axis }, { of: target, axis: targetAxis }, { antialias: mode === "antialiased" });
  return separable(x, matrix(rowAxis, 0), matrix(columnAxis, 1));
};

/** How often rows and columns repeat when images are enlarged by whole factors; undefined where `repeatPixels` cannot serve. */
const wholeFactors = ({ rank, shape, type }: Tensor, height: number, width: number): readonly [number, number] | undefined => {
  const [rows, columns] = shape.slice(-2);
  if (rank !== 4 || (type !== "float32" && type !== "uint8")) return undefined;
  if (typeof rows === "string" || typeof columns === "string") return undefined;
  return height % rows === 0 && width % columns === 0 ? [height / rows, width / columns] : undefined;
};

/** Where each of `target` outputs looks in an axis: floor(i size / target), in whole numbers, whose quotients are exact. */
const nearestPositions = (x: Tensor, axis: number, target: number): Tensor => {
  const size = x.shape[axis];
  const outputs = Array.from({ length: target }, (_, i) => i);
  if (typeof size === "number") return indices(...outputs.map((i) => Math.floor((i * size) / target)));
  return div(mul(indices(...outputs), cast(sizeOf(x, axis), "int64")), target);
};

/** A part of a line, in positions: where it begins and how long it is. */
export interface Span {
  readonly start: Operand;
  readonly length: Operand;
}

/** One side of a resize: an axis of a tensor, whose size may be known only when the program runs, and the part that is used. */
export interface ResizeSide {
  readonly of: Tensor;
  readonly axis: number;
  /** Default: the whole axis. */
  readonly span?: Span;
}

export interface ResizeOptions {
  /** Widen the triangle when reducing, so that every input counts, not only the two nearest. Default true. */
  readonly antialias?: boolean;
}

/**
 * Matrix [target, source] that resizes a line by linear interpolation: the part `source.span` is mapped onto
 * `target.span`; output position i looks at `c = (i + 1/2 - target start) scale + source start - 1/2`, scale = source length /
 * target length, through a triangle of half-width max(scale, 1), or 1 without antialiasing, normalised. Beyond the source its ends are
 * repeated. With scale <= 1 both are bilinear interpolation with half-pixel centres.
 */
export const resizeMatrix = (source: ResizeSide, target: ResizeSide, { antialias = true }: ResizeOptions = {}): Tensor => {
  const from = source.span ?? { start: 0, length: sizeOf(source.of, source.axis) };
  const to = target.span ?? { start: 0, length: sizeOf(target.of, target.axis) };
  const scale = div(from.length, to.length);
  const outputs = reshape(positionsOf(target.of, target.axis), [sizeName(target), 1]);
  const inputs = reshape(positionsOf(source.of, source.axis), [1, sizeName(source)]);
  const centre = sub(add(mul(sub(add(outputs, 0.5), to.start), scale), from.start), 0.5);
  const inside = minimum(maximum(centre, 0), sub(sizeOf(source.of, source.axis), 1));
  const distance = abs(sub(inputs, inside));
  const weights = maximum(sub(1, antialias ? div(distance, maximum(scale, 1)) : distance), 0);
  return div(weights, sum(weights, [1], { keepAxes: true }));
};

const sizeName = ({ of, axis }: ResizeSide): Dimension => of.shape[resolveAxis("resizeMatrix", of, axis)];
