import { add, mul, softmax, type Tensor } from "../../../graph/index.ts";
import { crossEntropy, diceLoss } from "../../../nn/index.ts";
import type { Segmentation } from "./segmentation.ts";

export interface SegmentationLossOptions {
  /** Weight of the cross-entropy. Default 0.1. */
  readonly crossEntropy?: number;
  /** Weight of the Dice loss. Default 0.9. */
  readonly dice?: number;
  /** Weight of the same loss of the second head, where there is one. Default 0.4. */
  readonly auxiliary?: number;
  /** How much each pixel counts, 0: not at all; [batch, height, width]. Default: all alike. */
  readonly pixelWeights?: Tensor;
}

export type SegmentationLoss = Readonly<Record<"loss" | "cross_entropy" | "dice", Tensor>>;

/**
 * L1 = 0.1 CE + 0.9 Dice of the pixels' classes, Dice = 1 - 2 |A and B| / (|A| + |B|) in the mean over classes, and 0.4 times the same of
 * the second head. target: class numbers, int64 [batch, height, width]; those beyond the classes count for nothing in the cross-entropy, but as
 * wrong in Dice, so pixels without a class need the weight 0. Results: the sum, and both terms of the first head without their weights.
 */
export const segmentationLoss = (
  { logits, auxiliary }: Segmentation,
  target: Tensor,
  { crossEntropy: ofEntropy = 0.1, dice: ofDice = 0.9, auxiliary: ofAuxiliary = 0.4, pixelWeights }: SegmentationLossOptions = {},
): SegmentationLoss => {
  const terms = (scores: Tensor) => {
    const cross_entropy = crossEntropy(scores, target, { positionWeights: pixelWeights });
    const dice = diceLoss(softmax(scores, 1), target, { positionWeights: pixelWeights });
    return { cross_entropy, dice, loss: add(mul(cross_entropy, ofEntropy), mul(dice, ofDice)) };
  };
  const main = terms(logits);
  return auxiliary === undefined ? main : { ...main, loss: add(main.loss, mul(terms(auxiliary).loss, ofAuxiliary)) };
};
