import type { DataType, Tensor } from "../src/graph/index.ts";
import {
  adam,
  adamW,
  crossEntropy,
  type Optimiser,
  type Parameters,
  type TrainingStep,
  trainingStep,
  weightedMean,
  weightedResidual,
} from "../src/nn/index.ts";
import { type NetworkOptions, restore } from "../src/systems/denoising/index.ts";
import { presets, segmentation, segmentationLoss } from "../src/systems/grading/network/index.ts";
import * as vessels from "../src/systems/progression/network/index.ts";
import { distilling } from "./distilling.ts";
import { forging } from "./forging.ts";
import { resnet } from "./networks/resnet.ts";
import { swin } from "./networks/swin.ts";

/** One network at one size, as both engines run it: `peer.py` holds the same table. */
export interface Workload {
  readonly step: () => TrainingStep;
  /** Shape of the images of a prediction. */
  readonly image: readonly number[];
  readonly predict: (p: Parameters, image: Tensor) => Tensor | readonly Tensor[];
}

type Network = (p: Parameters, image: Tensor) => Tensor;

/** A step of one network with one output, which is also what is predicted. */
const trained = (
  batch: Readonly<Record<"image" | "target", { readonly shape: readonly number[]; readonly type: DataType }>>,
  network: Network,
  loss: (output: Tensor, target: Tensor) => Tensor,
  optimiser: Optimiser,
): Workload => ({
  step: () =>
    trainingStep({ batch, objective: (p, { image, target }) => ({ loss: loss(network(p, image), target) }), optimiser }),
  image: batch.image.shape,
  predict: network,
});

const images = (batch: number, size: number) => ({ shape: [batch, 3, size, size], type: "float32" }) as const;

const restoration = (
  options: Pick<NetworkOptions, "architecture" | "width" | "residual">,
  residual: { l1?: number; l2?: number; ssim?: number },
): Workload =>
  trained(
    { image: images(8, 128), target: images(8, 128) },
    (p, image) => restore(p, image, { depth: 4, latent: 128, normalisation: "batch", ...options }),
    (output, target) => weightedMean(weightedResidual(residual)(target, output)),
    adam(),
  );

const classification = (batch: number, size: number, network: Network, optimiser: Optimiser): Workload =>
  trained({ image: images(batch, size), target: { shape: [batch], type: "int64" } }, network, crossEntropy, optimiser);

/** `grading` as its small preset has it. */
const grading = (): Workload => {
  const { patch, network } = presets.small;
  const image = images(8, patch);
  const target = { shape: [8, patch, patch], type: "int64" } as const;
  return {
    step: () =>
      trainingStep({
        batch: { image, target },
        objective: (p, fed) => segmentationLoss(segmentation(p, fed.image, network), fed.target),
        optimiser: adamW({ weightDecay: 0.01 }),
      }),
    image: image.shape,
    predict: (p, x) => segmentation(p, x, network).logits,
  };
};

/** `progression` by its defaults: patches of four sequences in three slices each. */
const progression = (): Workload => {
  const network = { width: 16, depth: 3, normalisation: "batch", classes: 7 } as const;
  const image = [8, 12, 64, 64];
  const pixels = [8, 64, 64];
  const logits = (p: Parameters, x: Tensor): Tensor => vessels.segmentationLogits(p, x, network);
  return {
    step: () =>
      trainingStep({
        batch: { image, target: { shape: pixels, type: "int64" }, counts: pixels },
        objective: (p, fed) =>
          vessels.segmentationLoss(logits(p, fed.image), fed.target, fed.counts, { crossEntropy: 1, dice: 1 }),
        optimiser: adamW({ weightDecay: 0.01 }),
      }),
    image,
    predict: logits,
  };
};

export const workloads: Readonly<Record<string, Workload>> = {
  "bottleneck-autoencoder": restoration({ architecture: "bottleneck", width: 32, residual: false }, { l2: 1 }),
  "denoising-unet": restoration({ architecture: "unet", width: 16, residual: true }, { l1: 1, ssim: 0.5 }),
  "resnet-18": classification(16, 128, (p, image) => resnet(p, image, { width: 64, classes: 10 }), adam()),
  "swin-block": classification(
    4,
    224,
    (p, image) => swin(p, image, { patch: 4, width: 96, depths: [2], heads: [3], window: 7, classes: 10 }),
    adamW({ weightDecay: 0.05 }),
  ),
  grading: grading(),
  forgery: forging(),
  progression: progression(),
  distillation: distilling("images"),
  "distillation-cached": distilling("features"),
};
