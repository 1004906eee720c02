import type { Tensor } from "../src/graph/index.ts";
import { frozen, type Parameters, trainable } from "../src/nn/index.ts";
import { viewOf } from "../src/systems/distillation/data.ts";
import { anomalyMap, buildStep, configSchema, type ModelConfig, type Teacher } from "../src/systems/distillation/index.ts";
import { resnetStages } from "./networks/resnet.ts";
import type { Workload } from "./workloads.ts";

const SIZE = 256;
const WIDTH = 64;

/**
 * `distillation` as its settings have it, with the first three stages of ResNet-18 as the teacher. A step is fed images, which the
 * teacher sees in every step, or the teacher's features of them; prediction is always from the image to the anomaly map.
 */
export const distilling = (fed: "images" | "features"): Workload => {
  // Only where images change from epoch to epoch does the teacher see them in every step.
  const settings = { image: { size: SIZE, channels: 3, depth: 8 }, augmentation: { flipHorizontal: fed === "images" } };
  const config = configSchema.parse(settings) as ModelConfig;
  const { scales, features } = teacher();
  return {
    step: () => buildStep(viewOf({ scales, features }, config), config),
    image: [1, 3, SIZE, SIZE],
    predict: (p, image) => anomalyMap(p, features(image), scales, config),
  };
};

/** Frozen and of random weights, which cost as much as pretrained ones; ONNX Runtime folds its normalisations into its convolutions. */
const teacher = (): Teacher => {
  const network = (p: Parameters, image: Tensor) => resnetStages(p, image, { width: WIDTH, blocks: [2, 2, 2] });
  const scales = [4, 8, 16].map((stride, stage) => {
    return { name: `stage${stage}`, stride, channels: WIDTH * 2 ** stage, size: SIZE / stride, offset: [0, 0] as const };
  });
  return {
    scales,
    features: (image) =>
      network(
        constants((p) => network(p, image)),
        image,
      ),
  };
};

/** The first values of a network's parameters, as constants. */
const constants = (network: (p: Parameters) => unknown): Parameters => {
  const p = trainable();
  network(p);
  return frozen(new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()])));
};
