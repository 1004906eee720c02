import { above0, add, div, erf, exp, log, mul, sigmoid, sub } from "./elementwise.ts";
import { withGradient } from "./layout.ts";
import { max, sum } from "./reduction.ts";
import { apply, requireType, resolveAxis, type Tensor } from "./tensor.ts";

/** max(x, 0). The gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => {
  requireType("Relu", x, "float32");
  const y: Tensor = apply("Relu", [x], {
    shape: x.shape,
    gradient: (dy) => [mul(dy, above0(y))],
  });
  return y;
};

/** x where x > 0, else slope x (Maas et al. 2013). The gradient at 0 is slope dy. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => {
  requireType("LeakyRelu", x, "float32");
  return apply("LeakyRelu", [x], {
    shape: x.shape,
    attributes: { alpha: { float: slope } },
    gradient: (dy) => [mul(dy, add(mul(above0(x), 1 - slope), slope))],
  });
};

/** ln(1 + e^x), a smooth max(x, 0); it is x itself where e^x would overflow. dx = dy sigmoid(x). */
export const softplus = (x: Tensor): Tensor => {
  requireType("Softplus", x, "float32");
  return apply("Softplus", [x], { shape: x.shape, gradient: (dy) => [mul(dy, sigmoid(x))] });
};

/**
 * Gaussian error linear unit (Hendrycks & Gimpel 2016), exact: x Phi(x) = x (1 + erf(x / sqrt 2)) / 2, Phi being the standard
 * normal distribution and phi its density. dx = dy (Phi(x) + x phi(x)). Written in the order that ONNX Runtime fuses.
 */
export const gelu = (x: Tensor): Tensor => {
  requireType("gelu", x, "float32");
  const scaled = div(x, Math.SQRT2);
  const twicePhi = add(erf(scaled), 1);
  return withGradient(mul(mul(x, twicePhi), 0.5), [x], (dy) => {
    const density = exp(sub(Math.log(2 / Math.sqrt(Math.PI)), mul(scaled, scaled)));
    return [mul(mul(dy, 0.5), add(twicePhi, mul(scaled, density)))];
  });
};

/** Sigmoid linear unit, y = x s with s = sigmoid(x) (Elfwing et al. 2018). dx = dy (y + s (1 - y)). */
export const silu = (x: Tensor): Tensor => {
  const gate = sigmoid(x);
  const y: Tensor = withGradient(mul(x, gate), [x], (dy) => [mul(dy, add(y, mul(gate, sub(1, y))))]);
  return y;
};

/**
 * e^x as shares of their sum along an axis, y = e^x / sum(e^x); large values are safe. dx = y (dy - sum(dy y)).
 * ONNX Runtime's operator is fast along the last axis only; along others the formula itself is 5 to 15 times as fast.
 */
export const softmax = (x: Tensor, axis = -1): Tensor => {
  requireType("Softmax", x, "float32");
  const at = resolveAxis("Softmax", x, axis);
  const result = at === x.rank - 1 ? apply("Softmax", [x], { shape: x.shape, attributes: { axis: at } }) : shares(x, at);
  const y: Tensor = withGradient(result, [x], (dy) => [mul(y, sub(dy, sum(mul(dy, y), [at], { keepAxes: true })))]);
  return y;
};

const shares = (x: Tensor, axis: number): Tensor => {
  const powers = exp(belowLargest(x, axis));
  return div(powers, sum(powers, [axis], { keepAxes: true }));
};

/** ln softmax(x) along an axis, without the loss of small shares. dx = dy - softmax(x) sum(dy). */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => {
  requireType("LogSoftmax", x, "float32");
  const at = resolveAxis("LogSoftmax", x, axis);
  const result = at === x.rank - 1 ? apply("LogSoftmax", [x], { shape: x.shape, attributes: { axis: at } }) : logShares(x, at);
  const y: Tensor = withGradient(result, [x], (dy) => [sub(dy, mul(exp(y), sum(dy, [at], { keepAxes: true })))]);
  return y;
};

const logShares = (x: Tensor, axis: number): Tensor => {
  const exponents = belowLargest(x, axis);
  return sub(exponents, log(sum(exp(exponents), [axis], { keepAxes: true })));
};

const belowLargest = (x: Tensor, axis: number): Tensor => sub(x, max(x, [axis], { keepAxes: true }));
