import {
  abs,
  add,
  concat,
  constant,
  formatShape,
  GraphError,
  log,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
} from "../../../graph/index.ts";
import { dense, type Parameters, unitVectors, zeros } from "../../../nn/index.ts";

/**
 * L_sim of each image, `sum over i of w_i mean |F_i - P_i|`, 0 to 1: the 1-norm is taken in the mean over places, so that it says the same at any size.
 * target F: [batch, k or 1, rows, columns], one for all maps or each its own; regions P: [batch, k, rows, columns]; weights w: [batch, k],
 * default 1 / k each. -> [batch].
 */
export const similarityLoss = (target: Tensor, regions: Tensor, weights?: Tensor): Tensor => {
  const distances = mean(abs(sub(target, regions)), [2, 3]);
  return weights === undefined ? mean(distances, [1]) : sum(mul(weights, distances), [1]);
};

/**
 * `w = softmax(FC(cat(M, P)))`: how much each pair of a mask and a region map counts, by one fully connected layer over all their places, of the detector.
 * It begins with 1 / k each. masks, regions: [batch, k, rows, columns] -> [batch, k].
 */
export const regionWeights = (p: Parameters, masks: Tensor, regions: Tensor): Tensor => {
  if (masks.shape.join() !== regions.shape.join()) {
    throw new GraphError(
      `regionWeights: masks ${formatShape(masks.shape)} and region maps ${formatShape(regions.shape)} must have one shape; give generator and detector as many kernels.`,
    );
  }
  const [batch, count, rows, columns] = masks.shape as readonly number[];
  const both = reshape(concat([masks, regions], 1), [batch, 2 * count * rows * columns]);
  return softmax(dense(p, both, count, { initialise: zeros }));
};

/** L_div, the mean over i != h of cos(K_i, K_h), -1 / (k - 1) to 1; 0 for a single kernel. kernels: [k, ...]. */
export const diversityLoss = (kernels: Tensor): Tensor => {
  const [count, ...rest] = kernels.shape as readonly number[];
  const units = unitVectors(reshape(kernels, [count, rest.reduce((product, size) => product * size, 1)]), 1);
  const others = Float32Array.from({ length: count * count }, (_, i) =>
    i % (count + 1) === 0 ? 0 : 1 / Math.max(1, count * (count - 1)),
  );
  return sum(mul(matmul(units, units, { transposeB: true }), constant(others, [count, count])));
};

/**
 * The mask-area term: 0 while the mean m of every mask of every image lies in [low, high], and beyond `log(low / m)` or `log((1 - high) / (1 - m))`, in the
 * mean over masks. A mask that has all but vanished, or covers everything, has no slope left in its sigmoid; the logarithm gives it back.
 * Each M_i is held, not their combination alone, which would be in the band too if half of them were 0 and half 1. masks: [batch, k, rows, columns].
 */
export const maskAreaLoss = (masks: Tensor, [low, high]: readonly [number, number]): Tensor => {
  if (!(low > 0 && low < high && high < 1)) {
    throw new GraphError(
      `maskAreaLoss: the band must be two shares, 0 < low < high < 1, but is [${low}, ${high}]; change mask area.`,
    );
  }
  const area = mean(masks, [2, 3]);
  const beyond = (limit: number, share: Tensor): Tensor => relu(sub(Math.log(limit), log(add(share, SMALLEST_SHARE))));
  return mean(add(beyond(low, area), beyond(1 - high, sub(1, area))));
};

const SMALLEST_SHARE = 1e-6;
