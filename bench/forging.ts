import { adam, alternatingStep, type Parameters, trainingStep } from "../src/nn/index.ts";
import { detector, detectorLoss, generatorLoss, type Players, presets } from "../src/systems/forgery/network/index.ts";
import type { Workload } from "./workloads.ts";

const BATCH = 8;

/** `forgery` as its small preset has it: one step of the generator, then one of the detector; prediction is the detector's alone. */
export const forging = (): Workload => {
  const { image: side, ...networks } = presets.small;
  const images = [BATCH, 3, side, side];
  const pair = { real: images, reference: images };
  const forged = { forged: images, forgedRegion: [BATCH, 1, side, side], regionKnown: [BATCH] };
  const players = (p: Parameters): Players => ({ generator: p.at("generator"), detector: p.at("detector") });
  const optimiser = adam();
  const step = () =>
    alternatingStep([
      {
        name: "generator",
        step: trainingStep({
          batch: pair,
          trains: (name) => name.startsWith("generator."),
          objective: (p, { real, reference }) => generatorLoss(players(p), { real, reference }, networks),
          optimiser,
        }),
      },
      {
        name: "detector",
        step: trainingStep({
          batch: { ...pair, ...forged },
          trains: (name) => name.startsWith("detector."),
          objective: (p, { real, reference, forged, forgedRegion, regionKnown }) =>
            detectorLoss(players(p), { real, reference, forged, forgedRegion, regionKnown }, networks),
          optimiser,
        }),
      },
    ]);
  return {
    step,
    image: images,
    predict: (p, image) => {
      const { logit, regions } = detector(p.at("detector"), image, networks.detector);
      return [logit, regions];
    },
  };
};
