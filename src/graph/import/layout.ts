import { depthToSpace, spaceToDepth } from "../blocks.ts";
import { padAll, reshape, split, transpose } from "../layout.ts";
import {
  apply,
  constant,
  type Dimension,
  formatShape,
  GraphError,
  indices,
  resolveAxis,
  scalar,
  staticShape,
  type Tensor,
} from "../tensor.ts";
import { constantOf, elementType } from "./constants.ts";
import { converted, expanded, gathered, integers, joined, reshaped, sliced, transposed } from "./folding.ts";
import { range } from "./limits.ts";
import type { Node, OperatorTable } from "./node.ts";

const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);

/** In the target 0 stands for the size that x has at the same place, and -1 for what is left. */
const reshapeTo = (node: Node): Tensor => {
  const x = node.input(0);
  const target = node.values(1) ?? [];
  const copies = node.int("allowzero", 0) === 0;
  const shape = target.map((size, axis): Dimension => (copies && size === 0 ? x.shape[axis] : size));
  const rest = shape.indexOf(-1);
  if (rest < 0) return reshaped(x, shape);
  const known = (sizes: readonly Dimension[]) => product(sizes.filter((size) => typeof size === "number"));
  const open = (sizes: readonly Dimension[]) => sizes.filter((size) => typeof size === "string").join();
  const size = known(x.shape) / known(shape.with(rest, 1));
  if (open(x.shape) !== open(shape) || !Number.isInteger(size)) {
    throw new GraphError(`${formatShape(x.shape)} cannot be reshaped to ${formatShape(target)}.`);
  }
  return reshaped(x, shape.with(rest, size));
};

const flatten = (node: Node): Tensor => {
  const sizes = staticShape("Flatten", node.input(0));
  const axis = node.int("axis", 1);
  const at = axis < 0 ? axis + sizes.length : axis;
  return reshaped(node.input(0), [product(sizes.slice(0, at)), product(sizes.slice(at))]);
};

const squeeze = (node: Node): Tensor => {
  const x = node.input(0);
  const axes = node.list("axes", 1)?.map((axis) => resolveAxis("Squeeze", x, axis));
  const removed = axes ?? range(x.rank).filter((axis) => x.shape[axis] === 1);
  if (removed.some((axis) => x.shape[axis] !== 1)) {
    throw new GraphError(`the axes ${removed.join(", ")} of ${formatShape(x.shape)} are not all of size 1.`);
  }
  return reshaped(
    x,
    x.shape.filter((_, axis) => !removed.includes(axis)),
  );
};

const unsqueeze = (node: Node): Tensor => {
  const x = node.input(0);
  const axes = node.list("axes", 1) ?? [];
  const rank = x.rank + axes.length;
  const added = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const sizes = x.shape.values();
  return reshaped(
    x,
    range(rank).map((axis) => (added.includes(axis) ? 1 : sizes.next().value!)),
  );
};

/** Starts and ends count from the axis's end when negative, and are cut to it. */
const slices = (node: Node): Tensor => {
  const x = node.input(0);
  const starts = node.list("starts", 1) ?? [];
  const ends = node.list("ends", 2) ?? [];
  const axes = node.list("axes", 3) ?? range(starts.length);
  const steps = node.values(4) ?? starts.map(() => 1);
  return axes.reduce((y, axis, i) => {
    const at = resolveAxis("Slice", x, axis);
    const size = staticShape("Slice", x)[at];
    const [low, high] = steps[i] > 0 ? [0, size] : [-1, size - 1];
    const within = (position: number) => Math.min(Math.max(position < 0 ? position + size : position, low), high);
    return sliced(y, at, within(starts[i]), within(ends[i]), steps[i]);
  }, x);
};

/** Sizes are given, or all parts are equal but for a shorter last one. */
const splits = (node: Node): readonly Tensor[] => {
  const x = node.input(0);
  const axis = resolveAxis("Split", x, node.int("axis", 0));
  const size = staticShape("Split", x)[axis];
  const count = node.int("num_outputs", node.outputCount);
  const part = Math.ceil(size / count);
  const sizes = node.list("split", 1) ?? range(count).map((i) => Math.min(part, size - i * part));
  if (x.origin.kind !== "constant") return split(x, sizes, axis);
  let end = 0;
  return sizes.map((length) => {
    end += length;
    return sliced(x, axis, end - length, end, 1);
  });
};

/** As `padAll`, but with another value than 0 around. */
export const padWith = (x: Tensor, amounts: readonly (readonly number[])[], value: number): Tensor => {
  if (value === 0) return padAll(x, amounts);
  const shape = staticShape("Pad", x).map((size, axis) => size + amounts[axis][0] + amounts[axis][1]);
  const flat = [...amounts.map(([before]) => before), ...amounts.map(([, after]) => after)];
  const opposite = amounts.map(([before, after]) => [-before, -after]);
  return apply("Pad", [x, indices(...flat), scalar(value)], {
    shape,
    attributes: { mode: "constant" },
    gradient: (dy) => [padAll(dy, opposite)],
  });
};

/** Which position of an axis stands for one beyond its ends, by mode of Pad. */
const BEYOND: Readonly<Record<string, (position: number, size: number) => number>> = {
  edge: (position, size) => Math.min(Math.max(position, 0), size - 1),
  reflect: (position, size) => (size === 1 ? 0 : size - 1 - Math.abs(size - 1 - (Math.abs(position) % (2 * size - 2)))),
  wrap: (position, size) => ((position % size) + size) % size,
};

const pad = (node: Node): Tensor => {
  const x = node.input(0);
  const sizes = staticShape("Pad", x);
  const pads = node.list("pads", 1) ?? [];
  const axes = (node.values(3) ?? range(x.rank)).map((axis) => resolveAxis("Pad", x, axis));
  const amounts = sizes.map((_, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? [0, 0] : [pads[at], pads[at + axes.length]];
  });
  const mode = node.text("mode", "constant");
  if (mode === "constant") return padWith(x, amounts, node.values(2)?.[0] ?? node.float("value", 0));
  node.refuseIf(!Object.hasOwn(BEYOND, mode), `the mode "${mode}"`);
  return amounts.reduce((y, [before, after], axis) => {
    if (before === 0 && after === 0) return y;
    const positions = range(before + sizes[axis] + after).map((i) => BEYOND[mode](i - before, sizes[axis]));
    return gathered(y, integers(positions), axis);
  }, x);
};

/** Channels become blocks of pixels; in mode CRD they count the blocks last, and are reordered first. */
const channelsToBlocks = (node: Node): Tensor => {
  const [x, size] = [node.input(0), node.int("blocksize", 1)];
  if (node.text("mode", "DCR") === "DCR") return depthToSpace(x, size);
  const [batch, channels, height, width] = staticShape("DepthToSpace", x);
  const parts = reshape(x, [batch, channels / size ** 2, size ** 2, height, width]);
  return depthToSpace(reshape(transpose(parts, [0, 2, 1, 3, 4]), x.shape), size);
};

const constantValue = (node: Node): Tensor => {
  const tensor = node.tensor("value");
  if (tensor !== undefined) return constantOf(tensor);
  if (node.has("value_float")) return scalar(node.float("value_float", 0));
  if (node.has("value_int")) return scalar(node.int("value_int", 0), "int64");
  const [floats, ints] = [node.floats("value_floats"), node.ints("value_ints")];
  node.refuseIf(!node.has("value_floats") && !node.has("value_ints"), "a constant that is no tensor of numbers");
  return node.has("value_ints") ? indices(...(ints ?? [])) : constant(Float32Array.from(floats ?? []), [floats?.length ?? 0]);
};

const filledWith = (node: Node): Tensor => {
  const stored = node.tensor("value");
  return expanded(stored === undefined ? scalar(0) : reshaped(constantOf(stored), []), node.values(0) ?? []);
};

const rangeOf = (node: Node): Tensor => {
  const [start, limit, step] = [0, 1, 2].map((index) => node.values(index)?.[0] ?? 0);
  const values = range(Math.max(0, Math.ceil((limit - start) / step))).map((i) => start + i * step);
  return node.input(0).type === "int64" ? integers(values) : constant(Float32Array.from(values), [values.length]);
};

/** Every axis is repeated beside an axis of its own, with which it is then joined. */
const tile = (node: Node): Tensor => {
  const x = node.input(0);
  const counts = node.values(1) ?? [];
  const sizes = staticShape("Tile", x);
  const apart = reshaped(
    x,
    sizes.flatMap((size) => [1, size]),
  );
  const repeated = expanded(
    apart,
    sizes.flatMap((size, axis) => [counts[axis], size]),
  );
  return reshaped(
    repeated,
    sizes.map((size, axis) => counts[axis] * size),
  );
};

const dropout = (node: Node): Tensor => {
  node.refuseIf(node.values(2)?.[0] === 1, "a dropout in training mode");
  return node.input(0);
};

/** Operators that move values, and those that make or read sizes. */
export const LAYOUT: OperatorTable = {
  Identity: (node) => node.input(0),
  Dropout: dropout,
  Cast: (node) => converted(node.input(0), elementType(node.int("to", 0))),
  CastLike: (node) => converted(node.input(0), node.input(1).type),

  Constant: constantValue,
  ConstantOfShape: filledWith,
  Range: rangeOf,
  Shape: (node) =>
    indices(...staticShape("Shape", node.input(0)).slice(node.int("start", 0), node.has("end") ? node.int("end", 0) : undefined)),
  Size: (node) => scalar(product(staticShape("Size", node.input(0))), "int64"),

  Reshape: reshapeTo,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: (node) => transposed(node.input(0), node.ints("perm") ?? range(node.input(0).rank).reverse()),
  Expand: (node) => expanded(node.input(0), node.values(1) ?? []),
  Tile: tile,
  Concat: (node) => joined(node.operands, node.int("axis", 0)),
  Split: splits,
  Slice: slices,
  Gather: (node) => gathered(node.input(0), node.input(1), resolveAxis("Gather", node.input(0), node.int("axis", 0))),
  Pad: pad,
  DepthToSpace: channelsToBlocks,
  SpaceToDepth: (node) => spaceToDepth(node.input(0), node.int("blocksize", 1)),
};
