import {
  calibrate,
  type Method,
  type TrainOptions,
  type TrainSummary,
  trainDetector,
  weightSettings,
} from "../../detection/index.ts";
import { frozen, type TrainingStep, trainingStep, weightedMean, weightedResidual } from "../../nn/index.ts";
import { updateSettingsOf } from "../../training/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import type { Config, ModelConfig } from "./config.ts";
import { batchMaker, weighsPixels } from "./data.ts";
import { detector } from "./detector.ts";
import { restore } from "./model.ts";

/** Trains a detector on normal images and writes the run folder, see `trainDetector`. @throws Error as sentences for the user. */
export const train = (options: TrainOptions<Config>): Promise<TrainSummary> => trainDetector(method, options);

export const method: Method<Config> = {
  system: "denoising",
  weightsOf: weightSettings,
  step: (config, images) => buildStep(config, weighsPixels(images, config)),
  batches: async ({ images, config }) => batchMaker(images, config),
  finish: async ({ runtime, network, config, images, region }) => {
    const { channels, size } = config.image;
    const p = frozen(network);
    const calibration = config.score.standardise
      ? await calibrate(runtime, (x) => anomalyMap(p, x, config).map, [1, channels, size, size], images)
      : undefined;
    return detector(p, config, calibration, region);
  },
  unfinished: (network, config, region) => detector(frozen(network), config, undefined, region),
};

/** The graph of one step: restore the corrupted image, compare with the target; pixels may weigh differently. */
export const buildStep = (
  { seed, image, network, loss, training }: ModelConfig,
  weighsPixels = loss.maskWeight > 0,
): TrainingStep => {
  const batchOf = (channels: number) => [training.batch, channels, image.size, image.size];
  const residual = weightedResidual({ l1: loss.l1, l2: loss.l2, ssim: loss.ssim, msgms: loss.msgms });
  return trainingStep({
    seed,
    batch: {
      corrupted: batchOf(image.channels),
      target: batchOf(image.channels),
      ...(weighsPixels ? { weights: batchOf(1) } : {}),
    },
    objective: (p, { corrupted, target, weights }) => ({
      loss: weightedMean(residual(target, restore(p, corrupted, network)), weights),
    }),
    ...updateSettingsOf(training),
  });
};
