import { type Calibration, imageScore, onlyRegion, type Region, standardise, whereItCounts } from "../../detection/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import type { ModelConfig } from "./config.ts";
import type { Teacher } from "./teacher.ts";

/**
 * The whole detector, as it is exported, teacher and student in one file: pixels of an image of any size in; out come `map` [height,
 * width] at the image's own size, and `score` []. With a calibration, the map is standardised by what training images show at the same
 * position; with a region of interest it counts only there.
 */
export const detector = (p: Parameters, teacher: Teacher, config: ModelConfig, calibration?: Calibration, region?: Region) => {
  const image = imageInput(config.image.depth);
  const prepared = preprocess(image, config.image);
  const raw = anomalyMap(p, teacher.features(onlyRegion(prepared.x, region)), teacher.scales, config);
  const map = calibration ? standardise(raw, calibration) : raw;
  const { scored, outputs } = whereItCounts(map, prepared, region);
  return { image, ...outputs, score: imageScore(scored, config.score, region) };
};
