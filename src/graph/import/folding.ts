import { cast } from "../elementwise.ts";
import { gather } from "../indexing.ts";
import { concat, expand, reshape, slice, transpose } from "../layout.ts";
import { broadcastShapes, constant, type DataType, type Shape, staticShape, type Tensor, type TensorData } from "../tensor.ts";
import { range } from "./limits.ts";

/*
 * Sizes of a graph are known when it is built, so what a model computes from them (Shape, Gather, Concat, Reshape) must be
 * known then too. The functions here do at once, in exact numbers, what their namesakes in the graph do when the program runs,
 * wherever all operands are known; else they add to the graph.
 */

/** Most values that are computed at once. More float32 values are weights, which the runtime prepares. */
const LARGEST_FOLDED: Readonly<Record<DataType, number>> = {
  float32: 2 ** 12,
  int64: 2 ** 20,
  bool: 2 ** 20,
  uint8: 2 ** 20,
  uint16: 2 ** 20,
};

const countOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** The values of a constant. */
export const knownData = ({ origin }: Tensor): TensorData | undefined => (origin.kind === "constant" ? origin.data : undefined);

/** The values of a constant that is small enough to be computed with. */
const foldedData = (x: Tensor): TensorData | undefined => {
  const data = knownData(x);
  return data !== undefined && data.length <= LARGEST_FOLDED[x.type] ? data : undefined;
};

/** A constant with the value `valueAt(i)` at its i-th position, row by row. */
const computed = (shape: readonly number[], type: DataType, valueAt: (flat: number) => number | bigint | boolean): Tensor => {
  const values = Array.from({ length: countOf(shape) }, (_, flat) => valueAt(flat));
  if (type === "int64") return constant(BigInt64Array.from(values, BigInt), shape);
  return constant(type === "float32" ? Float32Array.from(values, Number) : Uint8Array.from(values, Number), shape, type);
};

/** Whole numbers as int64 of one dimension. */
export const integers = (values: readonly number[]): Tensor => constant(BigInt64Array.from(values, BigInt), [values.length]);

/**
 * An elementwise operator. `compute` gets single values, bigints for int64: +, -, *, / and comparisons are the same for both,
 * and / of bigints leaves the whole part, as ONNX has it.
 */
export const folding =
  (build: (...operands: Tensor[]) => Tensor, compute: (...values: number[]) => number | boolean, type?: DataType) =>
  (...operands: Tensor[]): Tensor => {
    const data = operands.map(foldedData);
    if (!data.every((values) => values !== undefined)) return build(...operands);
    const shape = operands.map((operand) => operand.shape).reduce((a, b) => broadcastShapes("broadcast", a, b)) as number[];
    const resultType = type ?? operands[operands.length - 1].type;
    if (countOf(shape) > LARGEST_FOLDED[resultType]) return build(...operands);
    const sources = operands.map((operand) => broadcastPositions(operand.shape as number[], shape));
    return computed(shape, resultType, (flat) => compute(...data.map((values, index) => values[sources[index](flat)] as number)));
  };

/** Maps a flat position in the broadcast shape to the one in the operand's shape. */
const broadcastPositions = (from: readonly number[], to: readonly number[]) => {
  const missing = to.length - from.length;
  return (flat: number): number =>
    flatten(
      unflatten(flat, to)
        .slice(missing)
        .map((position, axis) => (from[axis] === 1 ? 0 : position)),
      from,
    );
};

const flatten = (position: readonly number[], shape: readonly number[]): number =>
  position.reduce((flat, index, axis) => flat * shape[axis] + index, 0);

const unflatten = (flat: number, shape: readonly number[]): number[] => {
  const position = shape.map(() => 0);
  for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
    position[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return position;
};

/** A constant whose value at every position is that of another at `source(position)`; undefined when that is not known. */
const rearranged = (
  x: Tensor,
  shape: readonly number[],
  source: (position: readonly number[]) => readonly number[],
): Tensor | undefined => {
  const data = foldedData(x);
  if (data === undefined || countOf(shape) > LARGEST_FOLDED[x.type]) return undefined;
  return computed(shape, x.type, (flat) => data[flatten(source(unflatten(flat, shape)), x.shape as number[])]);
};

/** Also of weights of any size: it costs nothing. */
export const reshaped = (x: Tensor, shape: Shape): Tensor => {
  const data = knownData(x);
  return data === undefined ? reshape(x, shape) : constant(data, staticShape("Reshape", { shape } as Tensor), x.type);
};

export const transposed = (x: Tensor, order: readonly number[]): Tensor =>
  rearranged(
    x,
    order.map((axis) => x.shape[axis] as number),
    (position) => order.map((_, axis) => position[order.indexOf(axis)]),
  ) ?? transpose(x, order);

export const sliced = (x: Tensor, axis: number, start: number, end: number, step: number): Tensor => {
  const length = Math.max(0, Math.ceil((end - start) / step));
  const known = rearranged(
    x,
    x.shape.map((size, i) => (i === axis ? length : (size as number))),
    (position) => position.map((index, i) => (i === axis ? start + index * step : index)),
  );
  if (known !== undefined) return known;
  if (step > 0) return slice(x, axis, start, end, step);
  return gather(x, integers(range(length).map((i) => start + i * step)), axis);
};

export const gathered = (x: Tensor, positions: Tensor, axis: number): Tensor => {
  const added = gather(x, positions, axis);
  const found = knownData(positions);
  if (found === undefined) return added;
  const size = x.shape[axis] as number;
  const inner = axis + positions.rank;
  const known = rearranged(x, added.shape as number[], (position) => {
    const index = Number(found[flatten(position.slice(axis, inner), positions.shape as number[])]);
    return [...position.slice(0, axis), index < 0 ? index + size : index, ...position.slice(inner)];
  });
  return known ?? added;
};

export const joined = (parts: readonly Tensor[], axis: number): Tensor => {
  const data = parts.map(foldedData);
  const lines = parts.every(({ rank, type }) => rank === 1 && type === parts[0].type);
  if (!lines || !data.every((values) => values !== undefined)) return concat(parts, axis);
  const values = data.flatMap((part): (number | bigint)[] => [...part]);
  return computed([values.length], parts[0].type, (flat) => values[flat]);
};

/** x repeated to a shape that it broadcasts to, also one with more axes. */
export const expanded = (x: Tensor, shape: readonly number[]): Tensor => {
  const source = x.shape as readonly number[];
  const full = broadcastShapes("Expand", x.shape, shape) as readonly number[];
  const missing = full.length - x.rank;
  const known = rearranged(x, full, (position) => position.slice(missing).map((index, axis) => (source[axis] === 1 ? 0 : index)));
  return known ?? expand(reshape(x, [...full.slice(0, missing).map(() => 1), ...x.shape]), full);
};

/** The same values in another element type: to integers towards 0, to bool whether they are not 0. */
export const converted = (x: Tensor, type: DataType): Tensor => {
  const data = foldedData(x);
  if (data === undefined || x.type === type) return cast(x, type);
  return computed(x.shape as number[], type, (flat) => {
    const value = Number(data[flat]);
    return type === "bool" ? value !== 0 : type === "int64" ? Math.trunc(value) : value;
  });
};
