import { mean, type Tensor } from "../../src/graph/index.ts";
import { dense, layerNorm, type Parameters } from "../../src/nn/index.ts";
import {
  embedPatches,
  mergePatches,
  type SwinOptions as StageOptions,
  swinStage,
} from "../../src/systems/grading/network/swin.ts";

export interface SwinOptions extends Omit<StageOptions, "position" | "expansion"> {
  /** Default 4. */
  readonly expansion?: number;
  readonly classes: number;
}

/**
 * Swin transformer for classification (Liu et al. 2021), of the blocks of the grading system's backbone:
 * [batch, channels, height, width] -> logits [batch, classes].
 */
export const swin = (p: Parameters, image: Tensor, options: SwinOptions): Tensor => {
  const { depths, heads, window, expansion = 4, classes } = options;
  let x = embedPatches(p.at("embed"), image, options);
  for (const [stage, depth] of depths.entries()) {
    if (stage > 0) x = mergePatches(p.at(`merge${stage}`), x);
    x = swinStage(p.at(`stage${stage}`), x, { depth, heads: heads[stage], window, expansion });
  }
  return dense(p.at("classifier"), mean(layerNorm(p.at("norm"), x), [1, 2]), classes);
};
