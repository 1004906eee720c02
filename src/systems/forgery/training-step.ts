import type { Tensor } from "../../graph/index.ts";
import { alternatingStep, type BatchShape, type Parameters, type TrainingStep, trainingStep } from "../../nn/index.ts";
import type { Value } from "../../runtime/index.ts";
import { updateSettingsOf } from "../../training/index.ts";
import { type Config, networksOf } from "./config.ts";
import {
  detectorLoss,
  type ForgeryBatch,
  generatorLoss,
  type ObjectiveOptions,
  type Players,
  styleLosses,
} from "./network/index.ts";

/** How many images of each kind a batch has. */
export interface BatchCounts {
  readonly real: number;
  /** Given forged images, and those blended with themselves. */
  readonly forged: number;
}

/** What of a configuration decides the graphs of training. */
export type StepConfig = Pick<Config, "seed" | "image" | "network" | "simulated" | "loss" | "alternation" | "training">;

/** The scopes of both networks in one set of parameters. */
export const playersOf = (p: Parameters): Players => ({ generator: p.at("generator"), detector: p.at("detector") });

/**
 * The graph of one step: the generator's steps with the detector held, then the detector's with the generator held; without a generator
 * the detector's alone, as many. The weights begin with the values `from`, where it has them.
 */
export const buildStep = (config: StepConfig, counts: BatchCounts, from?: ReadonlyMap<string, Value>): TrainingStep => {
  const { seed, alternation, training } = config;
  const { generator, detector } = networksOf(config);
  const common = { seed, from, batch: batchShapes(config, counts), ...updateSettingsOf(training) };
  const images = (batch: Readonly<Record<string, Tensor>>) => batch as unknown as ForgeryBatch;
  const options = objectiveOf(config);
  const ofDetector = trainingStep({
    ...common,
    trains: (name) => name.startsWith("detector."),
    objective: (p, batch) => detectorLoss(playersOf(p), images(batch), { generator, detector }, options),
  });
  const detectorPart = { name: "detector", step: ofDetector, count: alternation.detectorSteps };
  if (generator === undefined) return alternatingStep([detectorPart]);
  const ofGenerator = trainingStep({
    ...common,
    trains: (name) => name.startsWith("generator."),
    objective: (p, batch) => generatorLoss(playersOf(p), images(batch), { generator, detector }, options),
  });
  return alternatingStep([
    { name: "generator", step: ofGenerator, count: alternation.generatorSteps, rate: alternation.generatorRate },
    detectorPart,
  ]);
};

/** The step of the style branch alone, which comes before: see `styleLosses`. */
export const buildStyleStep = (config: StepConfig, counts: BatchCounts): TrainingStep =>
  trainingStep({
    seed: config.seed,
    batch: batchShapes(config, counts),
    objective: (p, { real, reference }) =>
      styleLosses(playersOf(p).generator.at("style"), { real, reference }, config.network.generator),
    ...updateSettingsOf(config.training),
  });

const objectiveOf = ({ loss: { style, ...loss } }: StepConfig): ObjectiveOptions => ({ ...loss, styleLoss: style });

/** Shapes of what `batchMaker` gives. */
const batchShapes = ({ image: { size }, simulated }: StepConfig, { real, forged }: BatchCounts): Record<string, BatchShape> => ({
  real: [real, 3, size, size],
  ...(simulated === "generator" ? { reference: [real, 3, size, size] } : {}),
  ...(forged > 0 ? { forged: [forged, 3, size, size], forgedRegion: [forged, 1, size, size], regionKnown: [forged] } : {}),
});
