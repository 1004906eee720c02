import { smoothed } from "../../detection/index.ts";
import { add, constant, expand, GraphError, mean, mul, type Tensor } from "../../graph/index.ts";
import { type Parameters, weightedResidual } from "../../nn/index.ts";
import { random } from "../../random/index.ts";
import type { Config, ModelConfig } from "./config.ts";
import { occlude } from "./corruption/index.ts";
import { restore } from "./model.ts";

/** The smoothed residual of prepared images: x [1, channels, size, size] -> map [1, 1, size, size], and the restored image. */
export const anomalyMap = (p: Parameters, x: Tensor, { network, score, corruption, seed }: ModelConfig) => {
  const views = score.passes === 0 ? x : occludedViews(x, score.passes, corruption, seed);
  const restored = restore(p, views, network);
  const map = mean(scoreResidual(score)(expand(x, views.shape), restored), [0], { keepAxes: true });
  return { map: smoothed(map, score.sigma), restored: mean(restored, [0]) };
};

const scoreResidual = ({ l1, l2, ssim, msgms, contrast }: Config["score"]) => weightedResidual({ l1, l2, ssim, msgms, contrast });

/** The image under several fixed occlusions drawn like those of the training, [passes, channels, size, size]. */
const occludedViews = (x: Tensor, passes: number, corruption: Config["corruption"], seed: number): Tensor => {
  if (corruption.kind !== "occlusion") throw new GraphError("Corrupted passes need a network trained with occlusion.");
  const [, channels, size] = x.shape as readonly number[];
  // On a black image an opaque fill is all there is to see. Texture and a kept base would need another image: noise stands in.
  const base = corruption.base === "keep" ? "grey" : corruption.base;
  const opaque = { ...corruption, base, fill: { noise: 1, texture: 0 }, opacity: { min: 1, max: 1 }, preserve: 0 } as const;
  const blank = new Float32Array(channels * size * size);
  const keep = new Float32Array(passes * size * size);
  const fill = new Float32Array(passes * blank.length);
  for (let pass = 0; pass < passes; pass++) {
    const { corrupted, mask } = occlude(blank, { channels, height: size, width: size }, opaque, random("pass", seed, pass));
    keep.set(
      Float32Array.from(mask, (covered) => 1 - covered),
      pass * size * size,
    );
    fill.set(corrupted, pass * blank.length);
  }
  return add(mul(x, constant(keep, [passes, 1, size, size])), constant(fill, [passes, channels, size, size]));
};
