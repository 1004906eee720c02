import { transpose } from "../layout.ts";
import { matmul } from "../linear.ts";
import { constant, resolveAxis, staticShape, type Tensor } from "../tensor.ts";
import { gathered, integers } from "./folding.ts";
import { range, zeros } from "./limits.ts";
import type { Node, OperatorTable } from "./node.ts";

/** How one axis is resized: from `size` values to `target`, `scale` times as many or nearly so. */
interface Line {
  readonly axis: number;
  readonly size: number;
  readonly target: number;
  readonly scale: number;
}

/** Quotients are rounded to float32, as runtimes compute them: where one falls on a border, the nearest position hangs on it. */
const over = (position: number, scale: number): number => Math.fround(position / scale);

/** Where position i of the result lies in the source, by coordinate_transformation_mode. */
const COORDINATES: Readonly<Record<string, (i: number, line: Line) => number>> = {
  half_pixel: (i, { scale }) => over(i + 0.5, scale) - 0.5,
  half_pixel_symmetric: (i, { size, target, scale }) => (size - over(target, scale)) / 2 + over(i + 0.5, scale) - 0.5,
  pytorch_half_pixel: (i, { target, scale }) => (target > 1 ? over(i + 0.5, scale) - 0.5 : 0),
  tf_half_pixel_for_nn: (i, { scale }) => over(i + 0.5, scale),
  align_corners: (i, { size, target }) => (target > 1 ? over(i * (size - 1), target - 1) : 0),
  asymmetric: (i, { scale }) => over(i, scale),
};

/** The whole position that a place between two is taken for, by nearest_mode; `simple` was the rule before opset 11. */
const NEAREST: Readonly<Record<string, (place: number, line: Line) => number>> = {
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
  floor: (place) => Math.floor(place),
  ceil: (place) => Math.ceil(place),
  simple: (place, { scale }) => (scale < 1 ? Math.ceil(place) : Math.floor(place)),
};

const within = (position: number, { size }: Line): number => Math.min(Math.max(position, 0), size - 1);

/** Weights of the positions around a place. Beyond the ends the last value goes on. */
type Weights = (place: number, line: Line) => readonly (readonly [position: number, weight: number])[];

const linear: Weights = (place, line) => {
  const inside = within(place, line);
  const low = Math.floor(inside);
  return [
    [low, 1 - (inside - low)],
    [within(low + 1, line), inside - low],
  ];
};

/** Keys's cubic convolution of four positions. */
const cubic =
  (a: number): Weights =>
  (place, line) =>
    [-1, 0, 1, 2].map((offset) => {
      const position = Math.floor(place) + offset;
      const t = Math.abs(place - position);
      return [within(position, line), t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a];
    });

/** Matrix [target, size] of the weights. */
const matrixOf = (line: Line, coordinate: (i: number, line: Line) => number, weights: Weights): Tensor => {
  const matrix = zeros(line.target, line.size);
  for (let i = 0; i < line.target; i++) {
    for (const [position, weight] of weights(coordinate(i, line), line)) matrix[i * line.size + position] += weight;
  }
  return constant(matrix, [line.target, line.size]);
};

/** The product of a matrix [target, size] with every line of x along an axis. */
const along = (x: Tensor, matrix: Tensor, axis: number): Tensor => {
  if (axis === x.rank - 2) return matmul(matrix, x);
  if (axis === x.rank - 1) return matmul(x, matrix, { transposeB: true });
  const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
  return transpose(matmul(transpose(x, order), matrix, { transposeB: true }), order);
};

/** The axes that change. Scales are an attribute before opset 9; until opset 10 there are no sizes. */
const linesOf = (node: Node): readonly Line[] => {
  const x = node.input(0);
  const given = (index: number): readonly number[] | undefined => (node.values(index)?.length ? node.values(index) : undefined);
  const targets = node.opset < 11 ? undefined : given(3);
  const scales = node.floats("scales") ?? given(node.opset < 11 ? 1 : 2);
  const axes = (node.ints("axes") ?? x.shape.map((_, axis) => axis)).map((axis) => resolveAxis("Resize", x, axis));
  const lines = axes.map((axis, i): Line => {
    const size = staticShape("Resize", x)[axis];
    const scale = Math.fround(targets ? targets[i] / size : (scales?.[i] ?? 1));
    return { axis, size, scale, target: targets?.[i] ?? Math.floor(Math.fround(size * scale)) };
  });
  return lines.filter(({ size, target, scale }) => size !== target || scale !== 1);
};

const resize = (node: Node): Tensor => {
  node.refuseIf(node.int("antialias", 0) === 1, "a resize with antialiasing");
  node.refuseIf(node.int("exclude_outside", 0) === 1, "a resize that leaves out what lies outside");
  const policy = node.text("keep_aspect_ratio_policy", "stretch");
  node.refuseIf(policy !== "stretch", `the aspect ratio policy "${policy}"`);
  const coordinates = node.text("coordinate_transformation_mode", node.opset < 11 ? "asymmetric" : "half_pixel");
  node.refuseIf(!Object.hasOwn(COORDINATES, coordinates), `the coordinate mode "${coordinates}"`);
  const coordinate = COORDINATES[coordinates];

  const mode = node.text("mode", "nearest");
  if (mode === "nearest") {
    const rounding = node.opset < 11 ? "simple" : node.text("nearest_mode", "round_prefer_floor");
    node.refuseIf(!Object.hasOwn(NEAREST, rounding), `the nearest mode "${rounding}"`);
    const nearest = NEAREST[rounding];
    const positions = (line: Line) => range(line.target).map((i) => within(nearest(coordinate(i, line), line), line));
    return linesOf(node).reduce((y, line) => gathered(y, integers(positions(line)), line.axis), node.input(0));
  }
  node.refuseIf(mode !== "linear" && mode !== "cubic", `the mode "${mode}"`);
  const weights = mode === "linear" ? linear : cubic(node.float("cubic_coeff_a", -0.75));
  return linesOf(node).reduce((y, line) => along(y, matrixOf(line, coordinate, weights), line.axis), node.input(0));
};

/** Resizing, by two matrix products or by taking positions. */
export const RESIZE: OperatorTable = { Resize: resize, Upsample: resize };
