import { z } from "zod";
import { augmentationSchema, foregroundMethods } from "../../imaging/index.ts";
import { optimisationSettings } from "../../training/index.ts";
import { classesSetting } from "./classes.ts";
import { presets as networks } from "./network/index.ts";
import { thinnings } from "./sampling/index.ts";

const { patch, network } = networks.small;
const stages = (lowest: number) => z.tuple([z.int().min(lowest), z.int().min(lowest), z.int().min(lowest), z.int().min(lowest)]);
const four = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const samplingSchema = z
  .strictObject({
    density: z
      .enum(["haematoxylin", "gradientEntropy"])
      .default("haematoxylin")
      .describe("What is dense: nuclei by their stain, or structure by the entropy of gradients."),
    grid: z
      .enum(["adaptive", "finest", "uniform"])
      .default("adaptive")
      .describe(
        "adaptive: five strides by density; finest: every place of the finest grid, half a patch apart; uniform: one stride, with as many patches as adaptive takes.",
      ),
    thinning: z
      .enum(thinnings)
      .default("covering")
      .describe("covering: all tissue is seen at least once; sparse: tissue of low density in parts only."),
    thresholds: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("absolute"), values: four }),
        z.strictObject({ kind: z.literal("quantiles"), values: four }),
      ])
      .default({ kind: "quantiles", values: [0.5, 0.7, 0.8, 0.9] })
      .describe("The four densities between the five strides: themselves, or quantiles of the slide's tissue."),
    leastTissue: z.number().min(0).max(1).default(0.1).describe("Share of a quarter of a patch that must be tissue."),
  })
  .prefault({})
  .describe("Where a slide is looked at.");

const crfSchema = z
  .strictObject({
    use: z.boolean().default(false).describe("Refine each patch's map by a fully connected CRF."),
    iterations: z.int().min(1).max(50).default(5),
    gaussian: z
      .strictObject({ spatial: z.number().positive().default(3), compatibility: z.number().min(0).default(3) })
      .prefault({}),
    bilateral: z
      .strictObject({
        spatial: z.number().positive().default(80),
        colour: z.number().positive().default(13),
        compatibility: z.number().min(0).default(10),
      })
      .prefault({}),
  })
  .prefault({})
  .describe("Refinement; distances are in pixels at the network's magnification, colours in grey levels.");

/** Everything that decides a run of `grading`. Every field has a default; unknown fields are mistakes. */
export const configSchema = z.strictObject({
  seed: z.int().default(0).describe("Seeds weights, order of patches, augmentation and the division of patients."),
  classes: classesSetting,
  slide: z
    .strictObject({
      magnification: z
        .number()
        .min(1)
        .max(40)
        .default(10)
        .describe("At which the network sees slides: 8, 10 or 15, for example."),
      micronsPerPixel: z.number().positive().optional().describe("Of level 0, where slides do not say it, or say it wrongly."),
      foreground: z.enum(foregroundMethods).default("otsu").describe("How tissue is told from glass; none: all is tissue."),
      stains: z
        .enum(["as they are", "macenko"])
        .default("as they are")
        .describe("macenko: stains are brought to common colours."),
    })
    .prefault({}),
  patch: z.int().min(32).max(1024).default(patch).describe("Side of a patch, in pixels at that magnification."),
  sampling: samplingSchema,
  network: z
    .strictObject({
      width: z.int().min(4).default(network.width).describe("Channels of the first stage."),
      depths: stages(2)
        .default([...network.depths] as [number, number, number, number])
        .describe("Blocks of each stage, in pairs."),
      heads: stages(1)
        .default([...network.heads] as [number, number, number, number])
        .describe("Attention heads of each stage."),
      window: z.int().min(2).default(network.window).describe("Side of a window, in tokens of 4 x 4 pixels."),
      position: z.enum(["sum", "concat", "none"]).default(network.position).describe("How the position embedding joins a token."),
      channels: z.int().min(4).default(network.channels).describe("Channels of the decoder."),
      auxiliaryChannels: z.int().min(4).optional().describe("Of the second head. Default: as many as the decoder's."),
      auxiliary: z.boolean().default(true).describe("A second head on the third stage, in training."),
      stochasticDepth: z
        .number()
        .min(0)
        .lt(1)
        .default(0)
        .describe("Share of a batch that skips the last block's branches in training; it grows linearly from 0 at the first."),
      weights: z
        .string()
        .optional()
        .describe(
          "What the network begins with: published weights of a Swin transformer (.safetensors or .onnx), or RUN/checkpoints/last.safetensors of another grader, whose patches may be of another size.",
        ),
    })
    .prefault({}),
  loss: z
    .strictObject({
      crossEntropy: z.number().min(0).default(0.1),
      dice: z.number().min(0).default(0.9),
      auxiliary: z.number().min(0).default(0.4).describe("Weight of the second head's loss."),
      slide: z.number().min(0).default(0).describe("Weight of the slide's grade in joint training; 0: staged."),
      slideAfter: z
        .number()
        .min(0)
        .lt(1)
        .default(0.5)
        .describe("Share of the steps before the slide's grade joins: a network that knows no tissue yet cannot grade."),
    })
    .prefault({}),
  training: optimisationSettings({
    steps: 1500,
    batch: 8,
    optimiser: "adamw",
    learningRate: 2e-3,
    schedule: "linear",
    warmup: 100,
  }),
  augmentation: augmentationSchema.unwrap().prefault({
    flipHorizontal: true,
    flipVertical: true,
    quarterTurns: true,
    brightness: 0.05,
    contrast: 0.2,
  }),
  crf: crfSchema,
  grade: z
    .strictObject({
      rule: z
        .enum(["patches", "map"])
        .default("map")
        .describe("map: the table, from the stitched map's pixels; patches: softmax(W r + b) of the shares of patch grades."),
      secondary: z
        .enum(["second-most", "worst"])
        .default("second-most")
        .describe("The secondary pattern: the second most frequent, or the worst of the rest (practice for biopsies)."),
      minimumCancer: z
        .number()
        .min(0)
        .max(1)
        .default(0.02)
        .describe("Share of a patch, or of a slide's tissue, below which cancer is none; for slides a training learns its own."),
      minimumPattern: z
        .number()
        .min(0)
        .max(0.5)
        .default(0.05)
        .describe("Share of the cancer below which a pattern is not secondary; for slides a training learns its own."),
      missRate: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.1)
        .describe("How often the set of grades that are not excluded may miss the true one."),
    })
    .prefault({}),
  validation: z
    .strictObject({
      folds: z
        .int()
        .min(0)
        .max(10)
        .refine((folds) => folds !== 1, "one part cannot be left out of itself: give 2 or more, or 0")
        .default(2)
        .describe(
          "Where a data set has no validation slides: networks that are trained without a part of the patients each, so that the grade's rule and its calibration are learnt from slides that were not trained on; 0: none, and the rule is the table.",
        ),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** Starting points of `--preset`; what they leave open has the schema's default. */
export const presets = {
  tiny: {
    patch: 64,
    network: { width: 8, heads: [1, 2, 2, 4], channels: 16 },
    training: { steps: 300 },
    validation: { folds: 0 },
  },
  small: {},
  /** Twice the channels and eight times the steps of `small`: for a good grader, half an hour or more on two cores. */
  medium: { network: { width: 32, channels: 48 }, training: { steps: 12_000 } },
  /** The source's network and settings, for a graphics device: a processor would take months. */
  base: {
    patch: networks.base.patch,
    network: {
      width: networks.base.network.width,
      depths: [2, 2, 18, 2],
      heads: [4, 8, 16, 32],
      window: networks.base.network.window,
      channels: networks.base.network.channels,
      auxiliaryChannels: networks.base.network.auxiliaryChannels,
      stochasticDepth: 0.3,
    },
    training: { steps: 80_000, batch: 24, learningRate: 6e-5, warmup: 1500, weightDecay: 0.01 },
  },
  /** What `lynceus demo grading` runs. */
  demo: { slide: { magnification: 5 }, training: { steps: 1200 } },
} as const satisfies Record<string, ConfigInput>;
