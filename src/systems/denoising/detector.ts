import { type DetectorDescription, onlyRegion, type Region, whereItCounts } from "../../detection/index.ts";
import { largest, max, mean, reshape, type Tensor } from "../../graph/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import { type Calibration, standardise } from "./calibration.ts";
import type { Config, ModelConfig } from "./config.ts";

/**
 * The whole detector, as it is exported: pixels of an image of any size in; out come `map` [height, width], the smoothed residual at
 * the image's own size, `score` [], and `restored` [channels, size, size], the image as the network thinks it should be.
 * With a calibration, the map is standardised by what training images show at the same position; with a region of interest it
 * counts only there.
 */
export const detector = (p: Parameters, config: ModelConfig, calibration?: Calibration, region?: Region) => {
  const image = imageInput(config.image.depth);
  const prepared = preprocess(image, config.image);
  const { map: raw, restored } = anomalyMap(p, onlyRegion(prepared.x, region), config);
  const map = calibration ? standardise(raw, calibration) : raw;
  const { scored, outputs } = whereItCounts(map, prepared, region);
  return { image, ...outputs, score: imageScore(scored, config.score, region), restored };
};

/** How the file says it. */
export const imageScoreOf = ({ score }: Config): DetectorDescription["imageScore"] =>
  score.image === "max" ? { kind: "max" } : { kind: "top", share: score.topShare };

const imageScore = (map: Tensor, { image, topShare }: Config["score"], region?: Region): Tensor => {
  const positions = map.shape.slice(-2).reduce<number>((product, length) => product * (length as number), 1);
  const counted = region === undefined ? positions : region.inside.reduce((sum, inside) => sum + inside, 0);
  const flat = reshape(map, [positions]);
  return image === "max" ? max(flat) : mean(largest(flat, Math.max(1, Math.round(topShare * counted))));
};
