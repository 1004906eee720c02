import { z } from "zod";
import { imageSettings, type Settled, scoreFields, validationSettings } from "../../detection/index.ts";
import { augmentationSchema } from "../../imaging/index.ts";
import { optimisationSettings } from "../../training/index.ts";
import { corruptionSchema, railwayCorruption, structuredCorruption } from "./corruption/index.ts";

const weight = (what: string, fallback: number) => z.number().min(0).default(fallback).describe(`Weight of ${what}.`);

/** Everything that decides a run of `denoising`. Every field has a default; unknown fields are mistakes. */
export const configSchema = z
  .strictObject({
    seed: z.int().default(0).describe("Seeds the weights, the order of images, augmentation and corruption."),
    trainOn: z
      .enum(["normal", "all"])
      .default("normal")
      .describe("all: images of known defects in train/<kind> are trained on too."),
    image: imageSettings(128),
    network: z
      .strictObject({
        architecture: z
          .enum(["unet", "bottleneck"])
          .default("unet")
          .describe("U-Net with skip connections, or bottleneck autoencoder."),
        width: z.int().min(2).max(256).default(8).describe("Channels of the first level; each further level has twice as many."),
        depth: z.int().min(1).max(7).default(4).describe("How often the image is halved; its size must divide by 2^depth."),
        latent: z.int().min(1).max(4096).default(128).describe("Length of the bottleneck autoencoder's vector."),
        residual: z
          .boolean()
          .default(true)
          .describe("U-Net: compute what is to be added to the input, starting as the identity."),
        normalisation: z.enum(["batch", "group"]).default("batch"),
      })
      .prefault({}),
    corruption: corruptionSchema,
    augmentation: augmentationSchema,
    loss: z
      .strictObject({
        l1: weight("the absolute difference", 1),
        l2: weight("the squared difference", 0),
        ssim: weight("1 - SSIM", 0.5),
        msgms: weight("1 - multi-scale gradient magnitude similarity", 0),
        maskWeight: z.number().min(0).default(0).describe("Extra weight of pixels inside the corruption (0: all pixels alike)."),
      })
      .refine(hasPositiveResidual, "at least one residual must have a positive weight")
      .prefault({}),
    score: z
      .strictObject({
        l1: weight("the absolute difference", 0),
        l2: weight("the squared difference", 0),
        ssim: weight("1 - SSIM", 0),
        msgms: weight("1 - multi-scale gradient magnitude similarity", 0),
        contrast: weight("the difference in units of local contrast", 1),
        standardise: z
          .boolean()
          .default(true)
          .describe(
            "Measure the map in standard deviations z from what training images show at each position, as asinh(z / 10).",
          ),
        ...scoreFields({ sigma: 3 }),
        passes: z
          .int()
          .min(0)
          .max(64)
          .default(0)
          .describe("Corrupted passes averaged into the map; 0: one pass of the clean image."),
      })
      .refine(hasPositiveResidual, "at least one residual must have a positive weight")
      .prefault({}),
    training: optimisationSettings({
      steps: 1500,
      batch: 8,
      optimiser: "adamw",
      learningRate: 2e-3,
      schedule: "cosine",
    }),
    validation: validationSettings,
  })
  .check((context) => {
    const { image, network, score, corruption } = context.value;
    if (score.passes > 0 && corruption.kind !== "occlusion") {
      const message = "corrupted passes need a network trained with corruption.kind=occlusion";
      context.issues.push({ code: "custom", path: ["score", "passes"], input: score.passes, message });
    }
    if (image.size % 2 ** network.depth !== 0 || image.size / 2 ** network.depth < 2) {
      context.issues.push({
        code: "custom",
        path: ["network", "depth"],
        input: network.depth,
        message: `an image of ${image.size} pixels cannot be halved ${network.depth} times; its size must be a multiple of ${2 ** network.depth}, and at least twice that`,
      });
    }
  });

function hasPositiveResidual({ l1, l2, ssim, msgms, contrast = 0 }: ResidualWeights): boolean {
  return l1 + l2 + ssim + msgms + contrast > 0;
}

type ResidualWeights = Record<"l1" | "l2" | "ssim" | "msgms", number> & { contrast?: number };

export type Config = z.output<typeof configSchema>;
/** A configuration in which the images have decided their channels and depth. */
export type ModelConfig = Settled<Config>;
export type ConfigInput = z.input<typeof configSchema>;

/** Starting points of `--preset`; what they leave open has the schema's default. */
export const presets = {
  tiny: {
    image: { size: 64 },
    network: { depth: 3, latent: 64 },
    corruption: structuredCorruption,
    training: { steps: 400 },
  },
  small: { corruption: structuredCorruption },
  base: {
    image: { size: 256 },
    network: { width: 16, depth: 5, latent: 512 },
    corruption: structuredCorruption,
    training: { steps: 20000 },
  },
  /** What `lynceus demo` runs: about half a minute per surface on two cores. */
  demo: {
    image: { size: 64 },
    network: { width: 12, depth: 3, latent: 64 },
    corruption: structuredCorruption,
    training: { steps: 250 },
    validation: { share: 0.25 },
  },
  /** The document's corruption as it stands: rectangles of 10-20 % of the image, filled with noise on grey. */
  document: { corruption: { kind: "occlusion" } },
  /** The document's worked example: one square of 10 % of the image, one of three noises. Its images have 2048 x 2048 pixels. */
  railway: {
    image: { size: 512 },
    network: { width: 8, depth: 6, latent: 512 },
    corruption: railwayCorruption,
    training: { steps: 20000, batch: 4 },
  },
} as const satisfies Record<string, ConfigInput>;
