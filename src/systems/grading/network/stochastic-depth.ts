import { random } from "../../../random/index.ts";
import type { Value } from "../../../runtime/index.ts";

export interface StochasticDepthOptions {
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Share of images that skip the last block's branches; it grows linearly from 0 at the first block. */
  readonly rate: number;
  readonly batch: number;
  readonly seed: number;
}

/**
 * Stochastic depth (Huang et al. 2016; "drop path"): which residual branches a step takes. Each of a block's two branches is left out for
 * an image with the block's rate r, and otherwise multiplied by 1 / (1 - r), which keeps its mean. -> [2 x blocks, batch], the `kept` of
 * `swinFeatures`: a function of (seed, step) alone. Rate 0 gives ones.
 */
export const stochasticDepth = ({ depths, rate, batch, seed }: StochasticDepthOptions, step: number): Value => {
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`The rate of stochastic depth must be at least 0 and below 1, but is ${rate}.`);
  const branches = 2 * depths.reduce((total, depth) => total + depth, 0);
  const rng = random("stochastic depth", seed, step);
  const data = Float32Array.from({ length: branches * batch }, (_, i) => {
    const block = Math.floor(i / batch / 2);
    const dropped = (rate * block) / Math.max(branches / 2 - 1, 1);
    return rng.uniform() < dropped ? 0 : 1 / (1 - dropped);
  });
  return { data, shape: [branches, batch] };
};
