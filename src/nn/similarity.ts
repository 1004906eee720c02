import { add, div, mul, sqrt, square, sub, sum, type Tensor, withGradient } from "../graph/index.ts";

/** Below this length a vector has no direction that float32 could tell; it stands under the root, so that nothing divides by 0. */
const SMALLEST_SQUARE = 1e-12;

/**
 * Vectors along an axis brought to length 1: `u = x / |x|`. Its gradient in closed form, `dx = (du - u (u . du)) / |x|`.
 * x: any shape -> the same. A vector of zeros stays one.
 */
export const unitVectors = (x: Tensor, axis: number): Tensor => {
  const inverse = div(1, sqrt(add(sum(square(x), [axis], { keepAxes: true }), SMALLEST_SQUARE)));
  const unit = mul(x, inverse);
  return withGradient(unit, [x], (du) => {
    const along = sum(mul(du, unit), [axis], { keepAxes: true });
    return [mul(sub(du, mul(unit, along)), inverse)];
  });
};

/** The cosine of the angle between vectors along an axis, `a . b / (|a| |b|)`, in [-1, 1]; the axis becomes 1. */
export const cosineSimilarity = (a: Tensor, b: Tensor, axis: number): Tensor =>
  sum(mul(unitVectors(a, axis), unitVectors(b, axis)), [axis], { keepAxes: true });
