import { conv2d, convTranspose2d } from "../convolution.ts";
import { div, maximum } from "../elementwise.ts";
import { expand, slice } from "../layout.ts";
import { averagePool2d, maxPool2d } from "../pooling.ts";
import { max } from "../reduction.ts";
import { separable } from "../separable.ts";
import { apply, constant, formatShape, GraphError, requireType, staticShape, type Tensor } from "../tensor.ts";
import { padWith } from "./layout.ts";
import { range, zeros } from "./limits.ts";
import type { Node, OperatorTable } from "./node.ts";

/** How a kernel moves along one axis of an image: over `length` values, with `before` and `after` more at its ends. */
interface Line {
  readonly length: number;
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}
/** Along height and width. */
type Lines = readonly [Line, Line];

/** Values from a kernel's first to its last. */
const reach = ({ size, dilation }: Line): number => (size - 1) * dilation + 1;

/** Number of places that a kernel takes. */
const places = (line: Line): number => Math.floor((line.length + line.before + line.after - reach(line)) / line.stride) + 1;

const requireImages = ({ shape }: Tensor): void => {
  if (shape.length !== 4) {
    throw new GraphError(
      `only images, [batch, channels, height, width], can be imported, but the input is ${formatShape(shape)}.`,
    );
  }
};

/** Stride, dilation and padding, as they are when nothing is said of them. */
const movementOf = (node: Node) => ({
  stride: (node.ints("strides") ?? [1, 1]) as readonly [number, number],
  dilation: (node.ints("dilations") ?? [1, 1]) as readonly [number, number],
  padding: (node.ints("pads") ?? [0, 0, 0, 0]) as readonly [number, number, number, number],
});

/** Who chooses the padding: the file (NOTSET), or a rule. */
const automaticOf = (node: Node): string => {
  const rule = node.text("auto_pad", "NOTSET");
  node.refuseIf(!["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(rule), `the padding rule "${rule}"`);
  return rule;
};

/** The lines that a node describes, with what auto_pad asks for: SAME gives ceil(length / stride) places. */
const linesOf = (node: Node, kernel: readonly number[]): Lines => {
  const { shape } = node.input(0);
  const { stride, dilation, padding } = movementOf(node);
  const automatic = automaticOf(node);
  const line = (axis: 0 | 1): Line => {
    const [length, size] = [shape[2 + axis], kernel[axis]];
    if (typeof length === "string")
      throw new GraphError(`needs an image of known height and width, but got ${formatShape(shape)}.`);
    const given = {
      length,
      size,
      stride: stride[axis],
      dilation: dilation[axis],
      before: padding[axis],
      after: padding[axis + 2],
    };
    if (automatic === "NOTSET") return given;
    const missing = (Math.ceil(length / given.stride) - 1) * given.stride + reach(given) - length;
    return { ...given, ...halves(automatic === "VALID" ? 0 : Math.max(missing, 0), automatic !== "SAME_LOWER") };
  };
  return [line(0), line(1)];
};

/** An amount shared between both ends; of an odd one the larger half comes after, or before. */
const halves = (total: number, moreAfter: boolean) => {
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return moreAfter ? { before: less, after: more } : { before: more, after: less };
};

/** [top, left, bottom, right] */
const sides = ([rows, columns]: readonly { readonly before: number; readonly after: number }[]) =>
  [rows.before, columns.before, rows.after, columns.after] as const;

const conv = (node: Node): Tensor => {
  const [x, weight] = [node.input(0), node.input(1)];
  requireImages(x);
  const movement = movementOf(node);
  const kernel = staticShape("Conv", weight).slice(2);
  const padding = automaticOf(node) === "NOTSET" ? movement.padding : sides(linesOf(node, kernel));
  return conv2d(x, weight, { ...movement, padding, groups: node.int("group", 1), bias: node.inputs[2] });
};

/** The padding of a transposed convolution is cut off its result: as much as it says, or all that is more than the wanted size. */
const convTranspose = (node: Node): Tensor => {
  const [x, weight] = [node.input(0), node.input(1)];
  requireImages(x);
  const movement = movementOf(node);
  const outputPadding = (node.ints("output_padding") ?? [0, 0]) as readonly [number, number];
  const options = { ...movement, outputPadding, groups: node.int("group", 1), bias: node.inputs[2] };
  const automatic = automaticOf(node);
  const wanted = node.ints("output_shape")?.slice(-2);
  if (automatic === "NOTSET" && wanted === undefined) return convTranspose2d(x, weight, options);
  const cuts = linesOf(node, staticShape("ConvTranspose", weight).slice(2)).map((line, axis) => {
    const full = (line.length - 1) * line.stride + reach(line) + outputPadding[axis];
    const size = wanted?.[axis] ?? (automatic === "VALID" ? full : line.length * line.stride);
    node.refuseIf(size > full, `the size ${size}, which is more than the ${full} that the convolution makes,`);
    return halves(full - size, automatic === "SAME_UPPER");
  });
  return convTranspose2d(x, weight, { ...options, padding: sides(cuts) });
};

/** The lines of a pooling operator. With ceil_mode a last place that is not full counts, unless it lies in the padding alone. */
const poolLines = (node: Node): Lines => {
  requireImages(node.input(0));
  const lines = linesOf(node, node.ints("kernel_shape") ?? []);
  if (node.int("ceil_mode", 0) === 0) return lines;
  const fill = (line: Line): Line => {
    const all = Math.ceil((line.length + line.before + line.after - reach(line)) / line.stride) + 1;
    const count = (all - 1) * line.stride >= line.length + line.before ? all - 1 : all;
    return { ...line, after: Math.max(line.after, (count - 1) * line.stride + reach(line) - line.length - line.before) };
  };
  return [fill(lines[0]), fill(lines[1])];
};

/** Whether the graph's own pooling has this window: the same along both axes, and with equal padding on all sides. */
const isSquare = ([rows, columns]: Lines): boolean =>
  rows.size === columns.size && rows.stride === columns.stride && rows.dilation === 1 && columns.dilation === 1;

const isEven = ([rows, columns]: Lines): boolean =>
  [rows.after, columns.before, columns.after].every((amount) => amount === rows.before) && 2 * rows.before <= rows.size;

const maxPool = (node: Node): Tensor => {
  const lines = poolLines(node);
  const [{ size, stride, before }] = lines;
  if (isSquare(lines) && isEven(lines)) return maxPool2d(node.input(0), size, { stride, padding: before });
  const around = lines.map((line) => [line.before, line.after]);
  const x = padWith(node.input(0), [[0, 0], [0, 0], ...around], Number.NEGATIVE_INFINITY);
  return isSquare(lines) ? maxPool2d(x, size, { stride }) : lines.reduce(largestAlong, x);
};

/** The largest value under the kernel at each of its places along height (0) or width (1). */
const largestAlong = (x: Tensor, line: Line, axis: number): Tensor => {
  const end = (places(line) - 1) * line.stride + 1;
  const shifted = range(line.size).map((i) => i * line.dilation);
  return shifted.map((start) => slice(x, 2 + axis, start, start + end, line.stride)).reduce((a, b) => maximum(a, b));
};

const averagePool = (node: Node): Tensor => {
  const lines = poolLines(node);
  const countPadding = node.int("count_include_pad", 0) === 1;
  const [{ size, stride, before }] = lines;
  if (isSquare(lines) && isEven(lines)) return averagePool2d(node.input(0), size, { stride, padding: before, countPadding });
  const given = linesOf(node, node.ints("kernel_shape") ?? []);
  const [rows, columns] = lines.map((line, axis) => averageMatrix(line, countPadding ? given[axis] : { before: 0, after: 0 }));
  return separable(node.input(0), rows, columns);
};

/** Matrix [places, length] that averages what lies under the kernel; of the padding, what is `counted` counts as zeros. */
const averageMatrix = (line: Line, counted: { readonly before: number; readonly after: number }): Tensor => {
  const matrix = zeros(places(line), line.length);
  for (let place = 0; place < places(line); place++) {
    const start = place * line.stride - line.before;
    const covered = range(line.size).map((i) => start + i * line.dilation);
    const count = covered.filter((position) => position >= -counted.before && position < line.length + counted.after).length;
    for (const position of covered) {
      if (position >= 0 && position < line.length) matrix[place * line.length + position] = 1 / count;
    }
  }
  return constant(matrix, [places(line), line.length]);
};

/** The mean over all positions, by the operator that runtimes keep beside convolutions. Every position has gradient dy / count. */
const globalAverage = (node: Node): Tensor => {
  const x = node.input(0);
  requireType("GlobalAveragePool", x, "float32");
  const [around, positions] = [x.shape.slice(0, 2), x.shape.slice(2)];
  return apply("GlobalAveragePool", [x], {
    shape: [...around, ...positions.map(() => 1)],
    gradient: (dy) => {
      const sizes = staticShape("gradient of GlobalAveragePool", x);
      const count = sizes.slice(2).reduce((product, size) => product * size, 1);
      return [expand(div(dy, count), sizes)];
    },
  });
};

const globalMax = (node: Node): Tensor => {
  const x = node.input(0);
  return max(
    x,
    x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis])),
    { keepAxes: true },
  );
};

/** Convolutions and pooling. */
export const IMAGES: OperatorTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalMaxPool: globalMax,
  GlobalAveragePool: globalAverage,
};
