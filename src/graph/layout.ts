import { sum } from "./reduction.ts";
import {
  apply,
  applyMany,
  constant,
  type Dimension,
  formatShape,
  GraphError,
  indices,
  requireType,
  resolveAxis,
  type Shape,
  scalar,
  staticShape,
  type Tensor,
} from "./tensor.ts";

/** The same values in another shape; at most one size may be a name. @throws GraphError when the sizes do not match. */
export const reshape = (x: Tensor, shape: Shape): Tensor => {
  if (x.rank === shape.length && x.shape.every((size, axis) => size === shape[axis])) return x;
  if (shape.filter((size) => typeof size === "string").length > 1) {
    throw new GraphError(`Reshape: only one size may be open, but the target is ${formatShape(shape)}.`);
  }
  const [from, to] = [knownSize(x.shape), knownSize(shape)];
  const open = x.shape.some((size) => typeof size === "string") || shape.some((size) => typeof size === "string");
  if (!open && from !== to) {
    throw new GraphError(`Reshape: ${formatShape(x.shape)} holds ${from} values, ${formatShape(shape)} would hold ${to}.`);
  }
  return apply("Reshape", [x, indices(...shape.map((size) => (typeof size === "string" ? -1 : size)))], {
    shape,
    type: x.type,
    gradient: (dy) => [reshape(dy, x.shape)],
  });
};

/** x with a new axis of size 1, where `reshape` cannot serve because several sizes are open. */
export const unsqueeze = (x: Tensor, axis: number): Tensor => {
  const at = axis < 0 ? axis + x.rank + 1 : axis;
  if (!Number.isInteger(at) || at < 0 || at > x.rank) {
    throw new GraphError(`Unsqueeze: no axis can be put at ${axis} of the shape ${formatShape(x.shape)}.`);
  }
  return apply("Unsqueeze", [x, indices(at)], {
    shape: [...x.shape.slice(0, at), 1, ...x.shape.slice(at)],
    type: x.type,
    gradient: (dy) => [squeeze(dy, at)],
  });
};

/** x without an axis of size 1, where `reshape` cannot serve because several sizes are open. */
export const squeeze = (x: Tensor, axis: number): Tensor => {
  const at = resolveAxis("Squeeze", x, axis);
  if (x.shape[at] !== 1) throw new GraphError(`Squeeze: axis ${at} of ${formatShape(x.shape)} is not of size 1.`);
  return apply("Squeeze", [x, indices(at)], {
    shape: [...x.shape.slice(0, at), ...x.shape.slice(at + 1)],
    type: x.type,
    gradient: (dy) => [unsqueeze(dy, at)],
  });
};

const knownSize = (shape: Shape): number =>
  shape.reduce<number>((product, size) => product * (typeof size === "string" ? 1 : size), 1);

/** Axes reordered: axis i of the result is axis `order[i]` of x. The gradient is reordered back. */
export const transpose = (x: Tensor, order: readonly number[]): Tensor => {
  if (order.length !== x.rank || [...order].sort((a, b) => a - b).some((axis, index) => axis !== index)) {
    throw new GraphError(`Transpose: [${order.join(", ")}] is not an order of the axes of ${formatShape(x.shape)}.`);
  }
  return apply("Transpose", [x], {
    shape: order.map((axis) => x.shape[axis]),
    type: x.type,
    attributes: { perm: order },
    gradient: (dy) => [
      transpose(
        dy,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ],
  });
};

/** x repeated along its axes of size 1 until it has the shape. The gradient is summed back. */
export const expand = (x: Tensor, shape: Shape): Tensor => {
  if (x.rank === shape.length && x.shape.every((size, axis) => size === shape[axis])) return x;
  if (x.rank !== shape.length || x.shape.some((size, axis) => size !== 1 && size !== shape[axis])) {
    throw new GraphError(`Expand: ${formatShape(x.shape)} cannot be repeated to ${formatShape(shape)}.`);
  }
  const repeated = x.shape.flatMap((size, axis) => (size === 1 && shape[axis] !== 1 ? [axis] : []));
  return apply("Expand", [x, indices(...staticSizes("Expand", shape))], {
    shape,
    type: x.type,
    gradient: (dy) => [sum(dy, repeated, { keepAxes: true })],
  });
};

/** Zeros of a tensor's shape and type float32, stored as a single one. */
export const zerosLike = ({ shape }: Tensor): Tensor =>
  expand(constant(new Float32Array(1), new Array(shape.length).fill(1)), shape);

const staticSizes = (operator: string, shape: Shape): readonly number[] => staticShape(operator, { shape } as Tensor);

/** Tensors joined along an axis. Each gets its part of the gradient. */
export const concat = (parts: readonly Tensor[], axis: number): Tensor => {
  const [first] = parts;
  const at = resolveAxis("Concat", first, axis);
  for (const part of parts) {
    if (
      part.rank !== first.rank ||
      part.type !== first.type ||
      part.shape.some((size, i) => i !== at && size !== first.shape[i])
    ) {
      throw new GraphError(`Concat: ${formatShape(part.shape)} does not join ${formatShape(first.shape)} along axis ${at}.`);
    }
  }
  const sizes = parts.map((part) => part.shape[at]);
  const total: Dimension = sizes.every((size) => typeof size === "number")
    ? sizes.reduce((sum, size) => sum + size, 0)
    : sizes.join(" + ");
  return apply("Concat", parts, {
    shape: first.shape.map((size, i) => (i === at ? total : size)),
    type: first.type,
    attributes: { axis: at },
    gradient: (dy) => {
      let start = 0;
      return parts.map((part) => {
        const size = staticShape("gradient of Concat", part)[at];
        start += size;
        return slice(dy, at, start - size, start);
      });
    },
  });
};

/** x cut along an axis into parts of the given sizes, which fill it. The gradients of the parts are joined. */
export const split = (x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] => {
  const at = resolveAxis("Split", x, axis);
  if (sizes.some((size) => size < 1) || sizes.reduce((sum, size) => sum + size, 0) !== x.shape[at]) {
    throw new GraphError(`Split: parts of ${sizes.join(" + ")} do not fill axis ${at} of ${formatShape(x.shape)}.`);
  }
  const results = sizes.map((size) => ({ shape: x.shape.map((own, i) => (i === at ? size : own)), type: x.type }));
  return applyMany("Split", [x, indices(...sizes)], results, { axis: at }, (...slopes) => [concat(slopes, at)]);
};

/** Every `step`-th element of one axis from `start` up to, not including, `end`. The gradient is put back between zeros. */
export const slice = (x: Tensor, axis: number, start: number, end: number, step = 1): Tensor => {
  const at = resolveAxis("Slice", x, axis);
  const size = staticSizes("Slice", [x.shape[at]])[0];
  if (start < 0 || end > size || end <= start || step < 1) {
    throw new GraphError(`Slice: ${start}..${end} in steps of ${step} does not lie in axis ${at} of ${formatShape(x.shape)}.`);
  }
  if (start === 0 && end === size && step === 1) return x;
  const length = Math.ceil((end - start) / step);
  const shape = x.shape.map((own, i) => (i === at ? length : own));
  return apply("Slice", [x, indices(start), indices(end), indices(at), indices(step)], {
    shape,
    type: x.type,
    gradient: (dy) => {
      const spread = step === 1 ? dy : spreadOut(dy, at, step);
      const after = size - start - ((length - 1) * step + 1);
      return [pad(spread, at, start, after)];
    },
  });
};

/** Puts step - 1 zeros between the elements of an axis. */
const spreadOut = (x: Tensor, axis: number, step: number): Tensor => {
  const sizes = staticShape("gradient of Slice", x);
  const split = reshape(x, [...sizes.slice(0, axis + 1), 1, ...sizes.slice(axis + 1)]);
  const filled = pad(split, axis + 1, 0, step - 1);
  const joined = reshape(
    filled,
    sizes.map((size, i) => (i === axis ? size * step : size)),
  );
  return slice(joined, axis, 0, (sizes[axis] - 1) * step + 1);
};

/** Zeros before and after one axis; negative amounts cut instead. */
export const pad = (x: Tensor, axis: number, before: number, after: number): Tensor =>
  padAll(
    x,
    x.shape.map((_, i) => (i === axis ? [before, after] : [0, 0])),
  );

/**
 * Zeros around every axis: one [before, after] pair each, both 0 where a size is open; negative amounts cut instead. The gradient
 * is padded by the opposite.
 */
export const padAll = (x: Tensor, amounts: readonly (readonly [number, number] | readonly number[])[]): Tensor => {
  requireType("Pad", x, "float32");
  if (amounts.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape = x.shape.map((size, axis): Dimension => {
    const [before, after] = amounts[axis];
    return before === 0 && after === 0 ? size : staticSizes("Pad", [size])[0] + before + after;
  });
  if (shape.some((size) => typeof size === "number" && size < 1)) {
    throw new GraphError(`Pad: amounts ${JSON.stringify(amounts)} leave nothing of ${formatShape(x.shape)}.`);
  }
  const flat = [...amounts.map(([before]) => before), ...amounts.map(([, after]) => after)];
  return apply("Pad", [x, indices(...flat), scalar(0)], {
    shape,
    attributes: { mode: "constant" },
    gradient: (dy) => [
      padAll(
        dy,
        amounts.map(([before, after]) => [-before, -after]),
      ),
    ],
  });
};

/** Operator of a tensor that is another under a new gradient; it costs nothing, since no node is written for it. */
export const ALIAS = "Alias";

/** The same values, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor =>
  apply(ALIAS, [x], { shape: x.shape, type: x.type, gradient: () => [undefined] });

/**
 * y, with a gradient of one's own: `gradient` maps dL/dy to the gradients by `inputs`, and how y was computed is not looked at.
 * For functions whose closed-form gradient is cheaper or more exact than the chain rule's.
 */
export const withGradient = (y: Tensor, inputs: readonly Tensor[], gradient: (dy: Tensor) => readonly Tensor[]): Tensor =>
  apply(ALIAS, [y, ...inputs], { shape: y.shape, type: y.type, gradient: (dy) => [undefined, ...gradient(dy)] });
