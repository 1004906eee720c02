import { cast } from "./elementwise.ts";
import { reshape } from "./layout.ts";
import { apply, resolveAxis, scalar, type Tensor } from "./tensor.ts";

/** The size of one axis as a float32 scalar, also where it is known only when the program runs. */
export const sizeOf = (x: Tensor, axis: number): Tensor => {
  const at = resolveAxis("Shape", x, axis);
  const size = x.shape[at];
  if (typeof size === "number") return scalar(size);
  const found = apply("Shape", [x], { shape: [1], type: "int64", attributes: { start: at, end: at + 1 } });
  return reshape(cast(found, "float32"), []);
};

/** 0, 1, ... along an axis as long as x's, [size]. */
export const positionsOf = (x: Tensor, axis: number): Tensor =>
  apply("Range", [scalar(0), sizeOf(x, axis), scalar(1)], { shape: [x.shape[resolveAxis("Range", x, axis)]] });
