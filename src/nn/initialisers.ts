import type { Initialiser } from "./parameters.ts";

/** The same value everywhere. */
export const fill =
  (value: number): Initialiser =>
  (shape) =>
    new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value);

export const zeros = fill(0);
export const ones = fill(1);

/** Normal of mean 0. */
export const normal =
  (deviation: number): Initialiser =>
  (shape, rng) =>
    fill(0)(shape, rng).map(() => rng.normal(0, deviation));

/**
 * Normal with variance gain^2 / fan in, which keeps the variance of activations from layer to layer
 * (He et al. 2015; gain sqrt(2) suits ReLU). `fanIn`: number of inputs that one output sums over.
 */
export const heNormal = (fanIn: number, gain = Math.SQRT2): Initialiser => normal(gain / Math.sqrt(fanIn));

/** Uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010): for layers without ReLU. */
export const glorotUniform =
  (fanIn: number, fanOut: number): Initialiser =>
  (shape, rng) => {
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    return fill(0)(shape, rng).map(() => rng.uniform(-bound, bound));
  };
