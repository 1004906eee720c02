import { type Method, type TrainOptions, type TrainSummary, trainDetector } from "../../detection/index.ts";
import {
  adam,
  adamW,
  constantRate,
  frozen,
  oneCycle,
  type Schedule,
  sgd,
  type TrainingStep,
  trainingStep,
  warmupCosine,
  weightedMean,
  weightedResidual,
} from "../../nn/index.ts";
import { calibrate } from "./calibration.ts";
import type { Config, ModelConfig } from "./config.ts";
import { batchMaker, weighsPixels } from "./data.ts";
import { detector, imageScoreOf } from "./detector.ts";
import { restore } from "./model.ts";

/** Trains a detector on normal images and writes the run folder, see `trainDetector`. @throws Error as sentences for the user. */
export const train = (options: TrainOptions<Config>): Promise<TrainSummary> => trainDetector(method, options);

/** What decides the weights: everything but how maps are scored, where the threshold lies, and how memory and disk are used. */
export const weightsOf = ({ score: _, validation, training, ...rest }: ModelConfig): unknown => {
  const { cacheMegabytes, checkpointEvery, ...optimisation } = training;
  const { roi, ...image } = rest.image; // the picture counts, not where it lies
  return { ...rest, image, optimisation, share: validation.share, folds: validation.folds };
};

const method: Method<Config> = {
  system: "denoising",
  weightsOf,
  step: (config, images) => buildStep(config, weighsPixels(images, config)),
  learningRate: ({ training }) => schedule(training),
  batches: batchMaker,
  finish: async ({ runtime, network, config, images, region }) => {
    const calibration = config.score.standardise ? await calibrate(runtime, network, config, images) : undefined;
    return detector(frozen(network), config, calibration, region);
  },
  imageScore: imageScoreOf,
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
    optimiser: optimiser(training),
    clipNorm: training.clipNorm,
    accumulate: training.accumulate,
    average: training.average > 0 ? { decay: training.average } : undefined,
  });
};

const optimiser = ({ optimiser, weightDecay }: Config["training"]) =>
  ({ adam: adam(), adamw: adamW({ weightDecay }), sgd: sgd({ weightDecay }) })[optimiser];

const schedule = ({ schedule, learningRate, warmup }: Config["training"]): Schedule =>
  ({ cosine: warmupCosine(learningRate, warmup), "one-cycle": oneCycle(learningRate), constant: constantRate(learningRate) })[
    schedule
  ];
