import { type TrainingStep, trainingStep } from "../../nn/index.ts";
import { updateSettingsOf } from "../../training/index.ts";
import type { ModelConfig } from "./config.ts";
import { segmentationLogits, segmentationLoss } from "./network/index.ts";
import { channelsOf } from "./segmenter.ts";

/** The graph of one step: cross-entropy and Dice of the pixels' classes, see `batchMaker` for what is fed, `classWeightsOf` for the weights. */
export const buildStep = (config: ModelConfig, classWeights?: readonly number[]): TrainingStep => {
  const { seed, patch, classes, network, loss, training } = config;
  const { batch } = training;
  return trainingStep({
    seed,
    batch: {
      x: [batch, channelsOf(config), patch, patch],
      labels: { shape: [batch, patch, patch], type: "int64" },
      counts: [batch, patch, patch],
    },
    objective: (p, { x, labels, counts }) =>
      segmentationLoss(segmentationLogits(p, x, { ...network, classes: classes.length }), labels, counts, {
        ...loss,
        classWeights,
      }),
    ...updateSettingsOf(training),
  });
};
