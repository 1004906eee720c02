import {
  abs,
  add,
  concat,
  constant,
  div,
  formatShape,
  GraphError,
  log,
  matmul,
  mean,
  mul,
  neg,
  relu,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
} from "../../../graph/index.ts";
import { dense, type Parameters, unitVectors, zeros } from "../../../nn/index.ts";

export interface SimilarityOptions {
  /** The distance of F and P at a place: |F - P|, or the cross-entropy -F log P - (1 - F) log (1 - P), whose slope does not vanish where P is sure and wrong. Default l1. */
  readonly norm?: "l1" | "crossEntropy";
  /**
   * Whether forged and untouched places count alike, however few there are of either. With the plain mean of l1, P = 0 everywhere is hard to leave where
   * forged regions are small. Default false.
   */
  readonly balanced?: boolean;
}

/**
 * L_sim of each image, `sum over i of w_i mean |F_i - P_i|`: the norm is taken in the mean over places, so that it says the same at any size.
 * target F: [batch, k or 1, rows, columns], one for all maps or each its own, or one number; regions P: [batch, k, rows, columns]; weights w: [batch, k],
 * default 1 / k each. -> [batch].
 */
export const similarityLoss = (
  target: Tensor,
  regions: Tensor,
  weights?: Tensor,
  { norm = "l1", balanced = false }: SimilarityOptions = {},
): Tensor => {
  const apart = norm === "l1" ? abs(sub(target, regions)) : crossEntropyOf(target, regions);
  // What is the same everywhere is balanced.
  const distances = mean(balanced && target.rank === 4 ? mul(placeWeights(target), apart) : apart, [2, 3]);
  return weights === undefined ? mean(distances, [1]) : sum(mul(weights, distances), [1]);
};

const SURE = 1e-4;

const crossEntropyOf = (target: Tensor, regions: Tensor): Tensor => {
  const p = add(mul(regions, 1 - 2 * SURE), SURE); // finite where P is 0 or 1
  return neg(add(mul(target, log(p)), mul(sub(1, target), log(sub(1, p)))));
};

/** `F / 2a + (1 - F) / 2(1 - a)` of the forged share a, over its mean, which is less than 1 where all or nothing is forged. */
const placeWeights = (target: Tensor): Tensor => {
  const share = mean(target, [2, 3], { keepAxes: true });
  const half = (part: Tensor, of: Tensor): Tensor => div(part, add(mul(of, 2), SMALLEST_SHARE));
  const weights = add(half(target, share), half(sub(1, target), sub(1, share)));
  return div(weights, mean(weights, [2, 3], { keepAxes: true }));
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
