import { whereItCounts } from "../../detection/index.ts";
import { add, concat, constant, log, max, mean, mul, reshape, sigmoid, sub, sum, type Tensor } from "../../graph/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { type ModelConfig, networksOf } from "./config.ts";
import { type Detection, detector, regionMap } from "./network/index.ts";
import { type ScoreCalibration, UNCALIBRATED } from "./score-calibration.ts";

/**
 * The detector as it is exported: pixels of an image of any size in; out come `score` [], the probability that the image is simulated,
 * `sigmoid(slopes evidence + offset)`, and `map` [height, width], the mean of the region maps at the image's own size. p: the
 * detector's own parameters.
 */
export const forgeryDetector = (p: Parameters, config: ModelConfig, calibration: ScoreCalibration = UNCALIBRATED) => {
  const image = imageInput(config.image.depth);
  const prepared = preprocess(image, config.image);
  const found = forgedRegions(detector(p, prepared.x, networksOf(config).detector), config);
  const { size } = config.image;
  const { outputs } = whereItCounts(regionMap(found, [size, size]), prepared);
  const logit = add(sum(mul(evidence(found), constant(Float32Array.from(calibration.slopes), [2]))), calibration.offset);
  return { image, map: outputs.map, score: sigmoid(logit) };
};

/** P as the forged part, also where it was learnt as the part that was kept. */
export const forgedRegions = ({ logit, regions }: Detection, { loss }: ModelConfig): Detection => ({
  logit,
  regions: loss.maskPolarity === "kept" ? sub(1, regions) : regions,
});

/** What an image's probability is made of: the classifier's logit, and that of the largest value of the mean region map. One image -> [2]. */
export const evidence = ({ logit, regions }: Detection): Tensor => {
  const largest = add(mul(max(mean(regions, [1])), 1 - 2 * SURE), SURE); // its logit is finite
  return concat([reshape(logit, [1]), reshape(sub(log(largest), log(sub(1, largest))), [1])], 0);
};

const SURE = 1e-4;
