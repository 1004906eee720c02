import { add, mul, softmax, type Tensor } from "../../../graph/index.ts";
import { batchNorm, conv, crossEntropy, diceLoss, groupNorm, normal, type Parameters, unetFeatures } from "../../../nn/index.ts";

export interface SegmentationOptions {
  readonly width: number;
  readonly depth: number;
  /** "instance" (Ulyanov et al. 2016), as in nnU-Net, does not depend on the batch. */
  readonly normalisation: "batch" | "instance";
  readonly classes: number;
}

/** U-Net and a classifier of each pixel. x: [batch, channels, height, width] -> logits [batch, classes, height, width]; sides divide by 2^depth. */
export const segmentationLogits = (
  p: Parameters,
  x: Tensor,
  { width, depth, normalisation, classes }: SegmentationOptions,
): Tensor => {
  const normalise = (scope: Parameters, y: Tensor): Tensor =>
    normalisation === "batch" ? batchNorm(scope, y) : groupNorm(scope, y, y.shape[1] as number);
  return conv(p.at("classifier"), unetFeatures(p, x, { width, depth, normalise }), classes, 1, { initialise: normal(0.1) });
};

export interface SegmentationLossOptions {
  readonly crossEntropy: number;
  readonly dice: number;
  /** How much each class counts in the cross-entropy. Default: all alike. */
  readonly classWeights?: readonly number[];
}

export type SegmentationLoss = Readonly<Record<"loss" | "cross_entropy" | "dice", Tensor>>;

/**
 * Weighted sum of cross-entropy and Dice loss, the latter in the mean over classes of the whole batch (as nnU-Net's "batch Dice": a slice
 * without a class does not count as a failure). target: class numbers, int64 [batch, height, width]; weights: how much each pixel counts, of the
 * same shape. Results: the sum, and both terms without their weights.
 */
export const segmentationLoss = (
  logits: Tensor,
  target: Tensor,
  weights: Tensor,
  options: SegmentationLossOptions,
): SegmentationLoss => {
  const cross_entropy = crossEntropy(logits, target, { positionWeights: weights, weights: options.classWeights });
  const dice = diceLoss(softmax(logits, 1), target, { positionWeights: weights });
  return { cross_entropy, dice, loss: add(mul(cross_entropy, options.crossEntropy), mul(dice, options.dice)) };
};
