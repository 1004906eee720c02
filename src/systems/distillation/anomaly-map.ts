import { smoothed } from "../../detection/index.ts";
import { add, type Tensor } from "../../graph/index.ts";
import type { Parameters } from "../../nn/index.ts";
import type { ModelConfig } from "./config.ts";
import { cosineDistance } from "./losses.ts";
import { student, studentOptions } from "./model.ts";
import { enlarged, type Scale } from "./teacher.ts";

/**
 * The anomaly map of the teacher's features of images: at every scale 1 - cos(teacher, student) per position, brought to the image's size
 * by linear interpolation, summed over scales, and smoothed. features: each [batch, channels, height, width] -> [batch, 1, size, size].
 */
export const anomalyMap = (p: Parameters, features: readonly Tensor[], scales: readonly Scale[], config: ModelConfig): Tensor => {
  const { size } = config.image;
  const own = student(p, features, studentOptions(config)).features;
  const maps = features.map((feature, index) => enlarged(cosineDistance(feature, own[index]), size, scales[index]));
  return smoothed(
    maps.reduce((total, map) => add(total, map)),
    config.score.sigma,
  );
};
