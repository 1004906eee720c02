import { whereItCounts } from "../../detection/index.ts";
import { add, mul, reshape, sigmoid } from "../../graph/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { type ModelConfig, networksOf } from "./config.ts";
import { detector, regionMap } from "./network/index.ts";
import type { ScoreCalibration } from "./score-calibration.ts";

/**
 * The detector as it is exported: pixels of an image of any size in; out come `score` [], the probability that the image is simulated,
 * `sigmoid(slope logit + offset)`, and `map` [height, width], the mean of the region maps at the image's own size. p: the
 * detector's own parameters.
 */
export const forgeryDetector = (p: Parameters, config: ModelConfig, calibration: ScoreCalibration = { slope: 1, offset: 0 }) => {
  const image = imageInput(config.image.depth);
  const prepared = preprocess(image, config.image);
  const found = detector(p, prepared.x, networksOf(config).detector);
  const { size } = config.image;
  const { outputs } = whereItCounts(regionMap(found, [size, size]), prepared);
  const logit = reshape(found.logit, []);
  return { image, map: outputs.map, score: sigmoid(add(mul(logit, calibration.slope), calibration.offset)) };
};
