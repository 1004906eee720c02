import {
  add,
  div,
  GraphError,
  matmul,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  withGradient,
} from "../graph/index.ts";
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
  return withGradient(standard, [x], (dy) => {
    const along = mean(mul(dy, standard), axes, { keepAxes: true });
    return [mul(scale, sub(sub(dy, mean(dy, axes, { keepAxes: true })), mul(standard, along)))];
  });
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
  if ([batch, height, width].some((size) => typeof size === "string")) {
    throw new GraphError(`batchNorm: training needs sizes known when the graph is built, got [${x.shape}].`);
  }
  const perChannel = [1, channels, 1, 1];
  const weight = reshape(p.weight("weight", [channels], ones), perChannel);
  const bias = reshape(p.weight("bias", [channels], zeros), perChannel);
  const count = batch * height * width;
  const average = mean(x, [0, 2, 3], { keepAxes: true });
  const centred = sub(x, average);
  const variance = mul(channelProducts(centred, centred), 1 / count);
  const inverse = div(1, sqrt(add(variance, epsilon)));
  const scale = mul(weight, inverse);

  const follow = (running: Tensor, seen: Tensor) => add(mul(running, 1 - momentum), mul(reshape(seen, [channels]), momentum));
  p.update("running_mean", follow(runningMean, average));
  p.update("running_variance", follow(runningVariance, mul(variance, count / Math.max(count - 1, 1))));

  // The closed form, dx = scale (dy - mean(dy) - x^ mean(dy x^)) with x^ = centred inverse, in few passes over the batch.
  return withGradient(add(mul(centred, scale), bias), [x, weight, bias], (dy) => {
    const ofBias = sum(dy, [0, 2, 3], { keepAxes: true });
    const ofWeight = mul(channelProducts(dy, centred), inverse);
    const along = mul(mul(scale, inverse), mul(ofWeight, 1 / count));
    const level = mul(scale, mul(ofBias, 1 / count));
    return [sub(mul(dy, scale), add(mul(centred, along), level)), ofWeight, ofBias];
  });
};

/** `sum over n, i, j of a b` for every channel: [1, channels, 1, 1]. */
const channelProducts = (a: Tensor, b: Tensor): Tensor => {
  const [batch, channels, height, width] = imageShape("batchNorm", a);
  if (height * width < SHORT) return sum(mul(a, b), [0, 2, 3], { keepAxes: true });
  return reshape(sum(rowProducts(a, b, [batch, channels, height * width]), [0]), [1, channels, 1, 1]);
};

/**
 * `sum over the last axis of a b`, with both in the shape [batch, rows, length]: [batch, rows]. Long rows as dot products, which write nothing in
 * between; of short ones there would be too many.
 */
const rowProducts = (a: Tensor, b: Tensor, [batch, rows, length]: readonly [number, number, number]): Tensor => {
  if (length < SHORT) return sum(reshape(mul(a, b), [batch, rows, length]), [2]);
  const lines = (t: Tensor) => reshape(t, [batch, rows, 1, length]);
  return reshape(matmul(lines(a), lines(b), { transposeB: true }), [batch, rows]);
};
const SHORT = 256;

/**
 * Group normalisation (Wu and He 2018): each image, each group of channels on its own; the same in training and prediction. Parameters
 * `weight` and `bias`, [channels]. @throws GraphError when the groups do not divide the channels.
 */
export const groupNorm = (p: Parameters, x: Tensor, groups: number, { epsilon = 1e-5 }: NormalisationOptions = {}): Tensor => {
  const [batch, channels, height, width] = imageShape("groupNorm", x);
  if (channels % groups !== 0) throw new GraphError(`groupNorm: ${channels} channels do not divide into ${groups} groups.`);
  const perGroup = channels / groups;
  const grouped = reshape(x, [batch, groups, perGroup, height, width]);
  const weight = reshape(p.weight("weight", [channels], ones), [1, groups, perGroup, 1, 1]);
  const bias = reshape(p.weight("bias", [channels], zeros), [1, groups, perGroup, 1, 1]);
  const positions = height * width;
  const count = perGroup * positions;
  const centred = sub(grouped, mean(grouped, [2, 3, 4], { keepAxes: true }));
  const known = [batch, height, width].every((size) => typeof size === "number");
  const variance = known
    ? reshape(mul(rowProducts(centred, centred, [batch, groups, count]), 1 / count), [batch, groups, 1, 1, 1])
    : mean(square(centred), [2, 3, 4], { keepAxes: true });
  const inverse = div(1, sqrt(add(variance, epsilon)));
  const scale = mul(weight, inverse);

  // With x^ = centred inverse, dx = inverse (w dy - mean(w dy) - x^ mean(w dy x^)): the means are over few sums, one for each channel.
  const y = withGradient(add(mul(centred, scale), bias), [grouped, weight, bias], (dy) => {
    const ofBias = sum(dy, [3, 4], { keepAxes: true });
    const products = rowProducts(dy, centred, [batch, channels, positions]);
    const ofWeight = mul(reshape(products, [batch, groups, perGroup, 1, 1]), inverse);
    const share = (slopes: Tensor): Tensor => mul(sum(mul(slopes, scale), [2], { keepAxes: true }), 1 / count);
    const along = mul(share(ofWeight), inverse);
    const rest = add(mul(centred, along), share(ofBias));
    return [sub(mul(dy, scale), rest), sum(ofWeight, [0], { keepAxes: true }), sum(ofBias, [0], { keepAxes: true })];
  });
  return reshape(y, x.shape);
};

/**
 * Layer normalisation (Ba et al. 2016): `y = (x - mean) / sqrt(variance + epsilon) weight + bias`, with the mean and variance of
 * each vector along the last axis. x: [..., channels] -> the same shape. Parameters `weight` and `bias`, [channels].
 */
export const layerNorm = (p: Parameters, x: Tensor, { epsilon = 1e-5 }: Pick<NormalisationOptions, "epsilon"> = {}): Tensor => {
  const channels = x.shape[x.rank - 1];
  if (typeof channels !== "number") throw new GraphError(`layerNorm: needs a last axis of known size, got [${x.shape}].`);
  const y = standardise(x, [x.rank - 1], epsilon);
  return add(mul(y, p.weight("weight", [channels], ones)), p.weight("bias", [channels], zeros));
};
