import { z } from "zod";
import {
  adam,
  adamW,
  constantRate,
  type Optimiser,
  oneCycle,
  type Schedule,
  sgd,
  warmupCosine,
  warmupLinear,
} from "../nn/index.ts";

/** What a system sets for itself; everything can still be set by the user. */
export interface OptimisationDefaults {
  readonly steps: number;
  readonly batch: number;
  readonly optimiser: "adam" | "adamw" | "sgd";
  readonly learningRate: number;
  readonly schedule: "cosine" | "linear" | "one-cycle" | "constant";
  /** Default 50. */
  readonly warmup?: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Default 5. */
  readonly clipNorm?: number;
}

/** How a network is trained: the part `training` of its configuration, with the system's defaults. */
export const optimisationSettings = (defaults: OptimisationDefaults) => {
  const {
    steps,
    batch,
    optimiser,
    learningRate,
    schedule,
    warmup = 50,
    beta1 = 0.9,
    weightDecay = 0.01,
    clipNorm = 5,
  } = defaults;
  return z
    .strictObject({
      steps: z.int().min(1).default(steps).describe("Optimiser steps."),
      batch: z.int().min(1).default(batch).describe("Images that the network sees at once."),
      accumulate: z
        .int()
        .min(1)
        .default(1)
        .describe("Batches whose mean gradient makes one step: more images in the same memory."),
      average: z
        .number()
        .min(0)
        .lt(1)
        .default(0)
        .describe("Decay of a moving average of the weights, which becomes the model (0: none, the last weights)."),
      optimiser: z.enum(["adam", "adamw", "sgd"]).default(optimiser),
      learningRate: z.number().positive().default(learningRate).describe("Largest learning rate."),
      schedule: z.enum(["cosine", "linear", "one-cycle", "constant"]).default(schedule),
      warmup: z.int().min(1).default(warmup).describe("Steps of linear warm-up before the cosine or the linear fall."),
      beta1: z.number().min(0).lt(1).default(beta1).describe("For adam and adamw: decay of the mean of gradients."),
      weightDecay: z.number().min(0).default(weightDecay).describe("For adamw and sgd."),
      clipNorm: z.number().positive().default(clipNorm).describe("Largest global norm of the gradients."),
      checkpointEvery: z.int().min(1).default(100).describe("Steps between checkpoints."),
      cacheMegabytes: z.int().min(0).default(2048).describe("Memory for prepared images; what does not fit is decoded again."),
    })
    .prefault({});
};

export type OptimisationSettings = z.output<ReturnType<typeof optimisationSettings>>;

/** The part of the settings that decides the weights: all but memory, and how often they are saved. */
export const decidingPart = ({ cacheMegabytes: _, checkpointEvery: __, ...optimisation }: OptimisationSettings) => optimisation;

/** The optimiser that the settings ask for. */
export const optimiserOf = ({
  optimiser,
  beta1,
  weightDecay,
}: Pick<OptimisationSettings, "optimiser" | "beta1" | "weightDecay">): Optimiser =>
  ({ adam: adam({ beta1 }), adamw: adamW({ beta1, weightDecay }), sgd: sgd({ weightDecay }) })[optimiser];

/** What a training step is made of beside its objective, as the settings ask for it. */
export const updateSettingsOf = (training: OptimisationSettings) => ({
  optimiser: optimiserOf(training),
  clipNorm: training.clipNorm,
  accumulate: training.accumulate,
  average: training.average > 0 ? { decay: training.average } : undefined,
});

/** The learning rate of each step that the settings ask for. */
export const scheduleOf = ({
  schedule,
  learningRate,
  warmup,
}: Pick<OptimisationSettings, "schedule" | "learningRate" | "warmup">): Schedule =>
  ({
    cosine: warmupCosine(learningRate, warmup),
    linear: warmupLinear(learningRate, warmup),
    "one-cycle": oneCycle(learningRate),
    constant: constantRate(learningRate),
  })[schedule];
