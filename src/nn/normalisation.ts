import { add, div, GraphError, mean, mul, reshape, sqrt, square, sub, type Tensor, withGradient } from "../graph/index.ts";
import { ones, zeros } from "./initialisers.ts";
import type { Parameters } from "./parameters.ts";

/**
 * x^ = (x - mean) / sqrt(variance + epsilon) over the axes. Its gradient in closed form,
 * `dx = (dy - mean(dy) - x^ mean(dy x^)) / sqrt(variance + epsilon)`, takes a third of the passes of the chain rule's.
 */
const standardise = (x: Tensor, axes: readonly number[], epsilon: number) => {
  const average = mean(x, axes, { keepAxes: true });
  const centred = sub(x, average);
  const variance = mean(square(centred), axes, { keepAxes: true });
  const scale = div(1, sqrt(add(variance, epsilon)));
  const standard = mul(centred, scale);
  const y = withGradient(standard, [x], (dy) => {
    const along = mean(mul(dy, standard), axes, { keepAxes: true });
    return [mul(scale, sub(sub(dy, mean(dy, axes, { keepAxes: true })), mul(standard, along)))];
  });
  return { y, average, variance };
};

/** Learnt scale and shift per channel: parameters `weight` and `bias`, [channels]. */
const affine = (p: Parameters, x: Tensor, channels: number): Tensor => {
  const perChannel = [1, channels, 1, 1];
  return add(
    mul(x, reshape(p.weight("weight", [channels], ones), perChannel)),
    reshape(p.weight("bias", [channels], zeros), perChannel),
  );
};

const imageShape = (layer: string, x: Tensor): readonly [number, number, number, number] => {
  if (x.rank !== 4 || typeof x.shape[1] !== "number")
    throw new GraphError(`${layer}: needs [batch, channels, height, width], got [${x.shape}].`);
  return x.shape as [number, number, number, number];
};

export interface NormalisationOptions {
  /** Added to the variance, inside the root. Default 1e-5. */
  readonly epsilon?: number;
  /** Share of a batch in the running statistics. Default 0.1. */
  readonly momentum?: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) over batch and positions, per channel. In training the batch's own statistics
 * are used, and the running ones, states `running_mean` and `running_variance` (unbiased), follow them; a frozen network uses these.
 */
export const batchNorm = (p: Parameters, x: Tensor, { epsilon = 1e-5, momentum = 0.1 }: NormalisationOptions = {}): Tensor => {
  const [batch, channels, height, width] = imageShape("batchNorm", x);
  const runningMean = p.state("running_mean", [channels], zeros);
  const runningVariance = p.state("running_variance", [channels], ones);
  if (!p.training) {
    const scale = div(p.weight("weight", [channels], ones), sqrt(add(runningVariance, epsilon)));
    const shift = sub(p.weight("bias", [channels], zeros), mul(runningMean, scale));
    return add(mul(x, reshape(scale, [1, channels, 1, 1])), reshape(shift, [1, channels, 1, 1]));
  }
  const { y, average, variance } = standardise(x, [0, 2, 3], epsilon);
  const count = batch * height * width;
  const follow = (running: Tensor, seen: Tensor) => add(mul(running, 1 - momentum), mul(reshape(seen, [channels]), momentum));
  p.update("running_mean", follow(runningMean, average));
  p.update("running_variance", follow(runningVariance, mul(variance, count / Math.max(count - 1, 1))));
  return affine(p, y, channels);
};

/** Group normalisation (Wu and He 2018): each image, each group of channels on its own; the same in training and prediction. */
export const groupNorm = (p: Parameters, x: Tensor, groups: number, { epsilon = 1e-5 }: NormalisationOptions = {}): Tensor => {
  const [batch, channels, height, width] = imageShape("groupNorm", x);
  if (channels % groups !== 0) throw new GraphError(`groupNorm: ${channels} channels do not divide into ${groups} groups.`);
  const grouped = reshape(x, [batch, groups, channels / groups, height, width]);
  return affine(p, reshape(standardise(grouped, [2, 3, 4], epsilon).y, x.shape), channels);
};
