import { concat, expand, reshape, slice, withGradient } from "./layout.ts";
import { matmul } from "./linear.ts";
import {
  apply,
  constant,
  formatShape,
  GraphError,
  indices,
  requireType,
  resolveAxis,
  staticShape,
  type Tensor,
} from "./tensor.ts";

/**
 * The elements of an axis at given positions, which may repeat and come in any order; negative ones count from the end.
 * x: [..., size, ...], positions: int64 of any shape, which takes the place of the axis in the result's shape.
 * Every element's gradient is the sum over the places that it was taken to.
 * @throws GraphError when positions that are constant lie outside the axis; others are checked when the program runs.
 */
export const gather = (x: Tensor, positions: Tensor, axis: number): Tensor => {
  requireType("Gather", positions, "int64");
  const at = resolveAxis("Gather", x, axis);
  const known = knownPositions(x, positions, at);
  return apply("Gather", [x, positions], {
    shape: [...x.shape.slice(0, at), ...positions.shape, ...x.shape.slice(at + 1)],
    type: x.type,
    attributes: { axis: at },
    gradient: (dy) => [sumToPositions(dy, x, positions, known, at), undefined],
  });
};

/** Elements of an axis in reverse order. */
export const reverse = (x: Tensor, axis: number): Tensor => {
  const at = resolveAxis("reverse", x, axis);
  const size = x.shape[at];
  if (typeof size === "string") throw new GraphError(`reverse: axis ${at} of ${formatShape(x.shape)} must have a known size.`);
  return gather(x, indices(...Array.from({ length: size }, (_, i) => size - 1 - i)), at);
};

/** An axis turned in a circle, as torch.roll does: the element at i moves to i + shift. The gradient is turned back. */
export const roll = (x: Tensor, shift: number, axis: number): Tensor => {
  const at = resolveAxis("roll", x, axis);
  const size = x.shape[at];
  if (typeof size === "string" || !Number.isInteger(shift)) {
    throw new GraphError(
      `roll: axis ${at} of ${formatShape(x.shape)} cannot be turned by ${shift}; its size must be known, the shift a whole number.`,
    );
  }
  const moved = ((shift % size) + size) % size;
  if (moved === 0) return x;
  const rolled = concat([slice(x, at, size - moved, size), slice(x, at, 0, size - moved)], at);
  return withGradient(rolled, [x], (dy) => [roll(dy, -shift, at)]);
};

/** Positions that are known when the graph is built, as numbers 0 .. size - 1. */
const knownPositions = (x: Tensor, { origin, shape }: Tensor, axis: number): readonly number[] | undefined => {
  const size = x.shape[axis];
  if (origin.kind !== "constant" || typeof size === "string") return undefined;
  return Array.from(origin.data as BigInt64Array, (value) => {
    const position = Number(value);
    if (position < -size || position >= size) {
      throw new GraphError(
        `Gather: position ${position} of ${formatShape(shape)} does not lie in axis ${axis} of ${formatShape(x.shape)}.`,
      );
    }
    return position < 0 ? position + size : position;
  });
};

/** Most values of a one-hot matrix that is stored in a model. */
const LARGEST_ONE_HOT = 2 ** 16;

/**
 * dL/dx of a gather. A mere change of order is undone by another gather; for few known positions the sum is a product with a
 * matrix of zeros and ones, which runs on every core; otherwise elements are added one by one.
 */
const sumToPositions = (dy: Tensor, x: Tensor, positions: Tensor, known: readonly number[] | undefined, axis: number): Tensor => {
  const sizes = staticShape("gradient of Gather", x);
  const size = sizes[axis];
  const count = staticShape("gradient of Gather", positions).reduce((product, length) => product * length, 1);
  const [before, after] = [sizes.slice(0, axis), sizes.slice(axis + 1)];
  const joined = reshape(dy, [...before, count, ...after]);
  if (known !== undefined && count === size && new Set(known).size === size) {
    const inverse = new BigInt64Array(size);
    for (const [place, position] of known.entries()) inverse[position] = BigInt(place);
    return gather(joined, constant(inverse, [size]), axis);
  }
  if (known !== undefined && size * count <= LARGEST_ONE_HOT) return oneHotProduct(joined, known, size, axis);
  const places = reshape(positions, [...before.map(() => 1), count, ...after.map(() => 1)]);
  return scatterAdd(sizes, expand(places, [...before, count, ...after]), joined, axis);
};

/** Sums the slices of an axis by the position that each belongs to. */
const oneHotProduct = (values: Tensor, known: readonly number[], size: number, axis: number): Tensor => {
  const sizes = staticShape("gradient of Gather", values);
  const product = (lengths: readonly number[]): number => lengths.reduce((total, length) => total * length, 1);
  const [outer, count, inner] = [product(sizes.slice(0, axis)), known.length, product(sizes.slice(axis + 1))];
  const oneHot = new Float32Array(count * size);
  for (const [place, position] of known.entries()) oneHot[place * size + position] = 1;
  const matrix = constant(oneHot, [count, size]);
  const sums =
    inner === 1
      ? matmul(reshape(values, [outer, count]), matrix)
      : matmul(matrix, reshape(values, [outer, count, inner]), { transposeA: true });
  return reshape(sums, [...sizes.slice(0, axis), size, ...sizes.slice(axis + 1)]);
};

/**
 * Zeros of a shape, to which values are added at positions along an axis, one position for each value. The gradient by the values
 * is taken from those positions. In the order of the values, so that the same sums come out at every run.
 */
export const scatterAdd = (shape: readonly number[], positions: Tensor, values: Tensor, axis: number): Tensor => {
  const zeros = apply("ConstantOfShape", [indices(...shape)], { shape });
  return apply("ScatterElements", [zeros, positions, values], {
    shape,
    attributes: { axis, reduction: "add" },
    gradient: (dy) => [
      undefined,
      undefined,
      apply("GatherElements", [dy, positions], {
        shape: values.shape,
        attributes: { axis },
        gradient: (slope) => [scatterAdd(shape, positions, slope, axis), undefined],
      }),
    ],
  });
};
