import { greater, largest, max, mean, neg, reshape, type Tensor, where } from "../../graph/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import { type Calibration, standardise } from "./calibration.ts";
import type { Config, ModelConfig } from "./config.ts";

/**
 * The whole detector, as it is exported: 8-bit pixels of any size in; out come `map` [height, width], the smoothed residual at
 * the image's own size, `score` [], and `restored` [channels, size, size], the image as the network thinks it should be.
 * With a calibration, the map is standardised by what training images show at the same position.
 */
export const detector = (p: Parameters, config: ModelConfig, calibration?: Calibration) => {
  const image = imageInput();
  const { x, content, toImage } = preprocess(image, config.image);
  const { map: raw, restored } = anomalyMap(p, x, config);
  const map = calibration ? standardise(raw, calibration) : raw;
  // Around the image, where its edge is only repeated, nothing may raise the score. Zeros would, since a map can be negative.
  const scored = where(greater(content, 0.5), map, neg(max(neg(map))));
  return { image, map: toImage(map), score: imageScore(scored, config.score), restored };
};

const imageScore = (map: Tensor, { image, topShare }: Config["score"]): Tensor => {
  const flat = reshape(map, [map.shape.slice(-2).reduce<number>((product, length) => product * (length as number), 1)]);
  return image === "max" ? max(flat) : mean(largest(flat, Math.max(1, Math.round(topShare * (flat.shape[0] as number)))));
};
