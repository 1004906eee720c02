import { type Calibration, imageScore, onlyRegion, type Region, standardise, whereItCounts } from "../../detection/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import type { ModelConfig } from "./config.ts";

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
