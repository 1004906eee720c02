import { cast, div, equal, mul } from "./elementwise.ts";
import { expand, reshape, stopGradient } from "./layout.ts";
import {
  apply,
  applyMany,
  GraphError,
  indices,
  requireType,
  resolveAxis,
  type Shape,
  staticShape,
  type Tensor,
} from "./tensor.ts";

interface ReductionOptions {
  /** Keep the reduced axes with size 1, so that the result broadcasts against the input. */
  readonly keepAxes?: boolean;
}

const reducedShape = (x: Tensor, axes: readonly number[], keepAxes: boolean): Shape =>
  keepAxes ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) : x.shape.filter((_, axis) => !axes.includes(axis));

const allAxes = (x: Tensor): number[] => x.shape.map((_, axis) => axis);

/** Sum over the axes (all by default). Every element has gradient dy. */
export const sum = (x: Tensor, axes: readonly number[] = allAxes(x), { keepAxes = false }: ReductionOptions = {}): Tensor => {
  requireType("ReduceSum", x, "float32");
  const resolved = axes.map((axis) => resolveAxis("ReduceSum", x, axis));
  if (resolved.length === 0) return x;
  return apply("ReduceSum", [x, indices(...resolved)], {
    shape: reducedShape(x, resolved, keepAxes),
    attributes: { keepdims: keepAxes ? 1 : 0 },
    gradient: (dy) => [expand(reshape(dy, reducedShape(x, resolved, true)), x.shape)],
  });
};

/** Mean over the axes (all by default). Every element has gradient dy / count. */
export const mean = (x: Tensor, axes: readonly number[] = allAxes(x), { keepAxes = false }: ReductionOptions = {}): Tensor => {
  requireType("ReduceMean", x, "float32");
  const resolved = axes.map((axis) => resolveAxis("ReduceMean", x, axis));
  if (resolved.length === 0) return x;
  return apply("ReduceMean", [x], {
    shape: reducedShape(x, resolved, keepAxes),
    attributes: { axes: resolved, keepdims: keepAxes ? 1 : 0 },
    gradient: (dy) => {
      const sizes = staticShape("gradient of ReduceMean", x);
      const count = resolved.reduce((product, axis) => product * sizes[axis], 1);
      return [expand(reshape(mul(dy, 1 / count), reducedShape(x, resolved, true)), x.shape)];
    },
  });
};

/** A reduction to one of the values: it gets the gradient, or if several are equal to it, each an equal share. */
const extreme =
  (operator: string) =>
  (x: Tensor, axes: readonly number[] = allAxes(x), { keepAxes = false }: ReductionOptions = {}): Tensor => {
    requireType(operator, x, "float32", "int64", "uint8");
    const resolved = axes.map((axis) => resolveAxis(operator, x, axis));
    if (resolved.length === 0) return x;
    const y: Tensor = apply(operator, [x], {
      shape: reducedShape(x, resolved, keepAxes),
      type: x.type,
      attributes: { axes: resolved, keepdims: keepAxes ? 1 : 0 },
      gradient: (dy) => {
        const kept = reducedShape(x, resolved, true);
        const chosen = stopGradient(cast(equal(x, reshape(y, kept)), "float32"));
        return [mul(chosen, div(reshape(dy, kept), sum(chosen, resolved, { keepAxes: true })))];
      },
    });
    return y;
  };

/** The largest value over the axes (all by default). Equal largest values share the gradient equally. */
export const max = extreme("ReduceMax");
/** The smallest value over the axes (all by default). Equal smallest values share the gradient equally. */
export const min = extreme("ReduceMin");

/** Position of the largest value along an axis, the first of equal ones, as int64. It has no gradient. */
export const argMax = (x: Tensor, axis: number, { keepAxes = false }: ReductionOptions = {}): Tensor => {
  requireType("ArgMax", x, "float32", "int64", "uint8");
  const at = resolveAxis("ArgMax", x, axis);
  return apply("ArgMax", [x], {
    shape: reducedShape(x, [at], keepAxes),
    type: "int64",
    attributes: { axis: at, keepdims: keepAxes ? 1 : 0 },
  });
};

/** The `count` largest values of the last axis, in falling order. For scores: it has no gradient. */
export const largest = (x: Tensor, count: number): Tensor => {
  const size = x.shape[x.rank - 1];
  if (x.rank === 0 || count < 1 || (typeof size === "number" && count > size)) {
    throw new GraphError(`TopK: cannot take the ${count} largest of a last axis of size ${size ?? "none"}.`);
  }
  const shape = [...x.shape.slice(0, -1), count];
  return applyMany("TopK", [x, indices(count)], [{ shape }, { shape, type: "int64" }], { axis: -1, largest: 1, sorted: 1 })[0];
};

/** Undoes broadcasting: sums a gradient over the axes along which an operand of the given shape was stretched. */
export const sumToShape = (gradient: Tensor, shape: Shape): Tensor => {
  const missing = gradient.rank - shape.length;
  const stretched = gradient.shape.flatMap((size, axis) =>
    axis < missing || (shape[axis - missing] === 1 && size !== 1) ? [axis] : [],
  );
  return stretched.length === 0 ? gradient : reshape(sum(gradient, stretched), shape);
};
