import type { DataType, Tensor } from "../src/graph/index.ts";
import { adam, adamW, crossEntropy, type Optimiser, type Parameters, weightedMean, weightedResidual } from "../src/nn/index.ts";
import { type NetworkOptions, restore } from "../src/systems/denoising/index.ts";
import { resnet } from "./networks/resnet.ts";
import { swin } from "./networks/swin.ts";

/** One network at one size, as both engines run it: `peer.py` holds the same table. */
export interface Workload {
  /** Shapes of the batch; `image` is what the network sees in prediction. */
  readonly batch: Readonly<Record<string, { readonly shape: readonly number[]; readonly type: DataType }>>;
  readonly network: (p: Parameters, image: Tensor) => Tensor;
  readonly loss: (output: Tensor, batch: Readonly<Record<string, Tensor>>) => Tensor;
  readonly optimiser: Optimiser;
}

const images = (batch: number, size: number) => ({ shape: [batch, 3, size, size], type: "float32" }) as const;

const restoration = (
  options: Pick<NetworkOptions, "architecture" | "width" | "residual">,
  residual: { l1?: number; l2?: number; ssim?: number },
): Workload => ({
  batch: { image: images(8, 128), target: images(8, 128) },
  network: (p, image) => restore(p, image, { depth: 4, latent: 128, normalisation: "batch", ...options }),
  loss: (output, { target }) => weightedMean(weightedResidual(residual)(target, output)),
  optimiser: adam(),
});

const classification = (batch: number, size: number, network: Workload["network"], optimiser: Optimiser): Workload => ({
  batch: { image: images(batch, size), target: { shape: [batch], type: "int64" } },
  network,
  loss: (logits, { target }) => crossEntropy(logits, target),
  optimiser,
});

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
};
