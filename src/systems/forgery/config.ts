import { z } from "zod";
import { imageSettings } from "../../detection/index.ts";
import { augmentationSchema } from "../../imaging/index.ts";
import { optimisationSettings } from "../../training/index.ts";
import type { DetectorOptions, GeneratorOptions } from "./network/index.ts";
import { presets as networks } from "./network/index.ts";

const { small } = networks;
const weight = (what: string, fallback: number) => z.number().min(0).default(fallback).describe(`Weight of ${what}.`);
const width = (fallback: number) =>
  z.int().min(4).max(256).default(fallback).describe("Channels of the first stage; each further one has twice as many.");
const depths = (fallback: readonly number[]) =>
  z
    .array(z.int().min(1).max(12))
    .length(3)
    .default([...fallback])
    .describe("Residual blocks of the three stages.");

const networkSchema = z
  .strictObject({
    kernels: z
      .int()
      .min(1)
      .max(64)
      .default(small.detector.kernels)
      .describe("k: the generator's masks, and the detector's region maps."),
    generator: z
      .strictObject({
        width: width(small.generator.width),
        depths: depths(small.generator.depths),
        blend: z.boolean().default(true).describe("Blend a real image with a reference by learnt masks."),
        style: z.boolean().default(true).describe("Give a real image the style of a reference."),
      })
      .prefault({}),
    detector: z
      .strictObject({
        width: width(small.detector.width),
        depths: depths(small.detector.depths),
        colours: z
          .enum(["rgb", "ycbcr"])
          .default("rgb")
          .describe(
            "In what the detector sees an image: colours, or luminance and chrominance, in which generated ones differ most.",
          ),
        globalFrequency: z.boolean().default(true).describe("Look at the DCT of the whole image."),
        localFrequency: z.boolean().default(true).describe("Look at the DCT of its 8 x 8 blocks."),
        rank: z
          .int()
          .min(1)
          .max(64)
          .default(small.detector.lowRank.rank)
          .describe("r: dimensions that low-rank denoising keeps of 64."),
      })
      .prefault({}),
  })
  .prefault({});

const lossSchema = z
  .strictObject({
    similarity: weight("L_sim, how far region maps are from the forged regions (lambda 1)", 1),
    region: z
      .strictObject({
        norm: z
          .enum(["l1", "crossEntropy"])
          .default("crossEntropy")
          .describe("The distance of a region map from the forged region."),
        balanced: z.boolean().default(true).describe("Forged and untouched places count alike, however few they are."),
      })
      .prefault({})
      .describe("How L_sim is measured."),
    diversity: weight("L_div, how alike the generator's kernels are (lambda 2)", 0.1),
    area: weight("the mask-area term", 1),
    maskArea: z
      .tuple([z.number().gt(0).lt(1), z.number().gt(0).lt(1)])
      .refine(([low, high]) => low < high, "the lower bound must be below the upper one")
      .default([0.3, 0.9])
      .describe("Between which shares of the image a mask keeps it real."),
    maskPolarity: z
      .enum(["forged", "kept"])
      .default("forged")
      .describe("What region maps mark in training: the forged part, or the part that was kept."),
    adversary: z
      .enum(["minimax", "nonSaturating"])
      .default("minimax")
      .describe("The generator maximises the detector's loss, or minimises that of the opposite label."),
    generated: z
      .number()
      .positive()
      .default(0.1)
      .describe("How much a generated image counts in the detector's loss beside a given forged one."),
    style: weight("the style branch's own losses in the generator's", 1),
  })
  .prefault({});

const alternationSchema = z
  .strictObject({
    generatorSteps: z.int().min(1).max(100).default(1).describe("Steps of the generator, the detector being held, ..."),
    detectorSteps: z.int().min(1).max(100).default(4).describe("... and then of the detector, the generator being held."),
    generatorRate: z.number().positive().default(0.3).describe("The generator's share of the learning rate."),
    styleSteps: z.int().min(0).default(300).describe("Steps of the style branch alone, before: untrained, it would emit noise."),
    stopBelow: z
      .number()
      .optional()
      .describe("Stop once the mean of the detector's loss over the last 10 lines of the log is below; else after all steps."),
  })
  .prefault({});

const dataSchema = z
  .strictObject({
    groups: z
      .string()
      .optional()
      .describe(
        "A regular expression that finds in a file's name whose it is, such as a video's or a person's; no one is in two splits.",
      ),
    seed: z.int().optional().describe("Draws the division of images; left out, the run's seed."),
    validation: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.2)
      .describe("Share of the training images kept for the threshold, where none are stated to be for it."),
    test: z.number().min(0).max(0.9).default(0.2).describe("Share of the images kept for testing, where no split is stated."),
    forgedReferences: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("Share of the generator's references that are forged images."),
    unmasked: z
      .enum(["unknown", "whole"])
      .default("unknown")
      .describe("Where forged images without a mask are forged: not known, or everywhere, as generated images are."),
    leaveOut: z
      .string()
      .optional()
      .describe(
        "A kind of forgery that is neither trained on nor validated with, but alone tested with: how well the unknown is found.",
      ),
  })
  .prefault({})
  .describe("What is read of the data.");

/** Everything that decides a run of `forgery`. Every field has a default; unknown fields are mistakes. */
export const configSchema = z
  .strictObject({
    seed: z.int().default(0).describe("Seeds the weights, the division of images, their order and augmentation."),
    trainOn: z
      .enum(["all", "real"])
      .default("all")
      .describe("real: the given forged images are not trained on, only simulated ones."),
    image: imageSettings(small.image),
    network: networkSchema,
    simulated: z
      .enum(["generator", "selfBlending", "none"])
      .default("generator")
      .describe("Further forged images to train on: of the generator, of images blended with themselves, or none."),
    loss: lossSchema,
    alternation: alternationSchema,
    data: dataSchema,
    augmentation: augmentationSchema,
    training: optimisationSettings({
      steps: 500,
      batch: 16,
      optimiser: "adamw",
      learningRate: 2e-3,
      schedule: "cosine",
      weightDecay: 0.05,
    }),
    falseAlarmRate: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe(
        "Share of real images that may be called forged; left out, the threshold decides most validation images of both classes rightly.",
      ),
  })
  .check((context) => {
    const { image, network, simulated, training, trainOn } = context.value;
    const issue = (path: string[], message: string): void => {
      context.issues.push({ code: "custom", path, input: undefined, message });
    };
    if (image.size % 8 !== 0)
      issue(["image", "size"], `the networks halve an image three times, so its size must be a multiple of 8, not ${image.size}`);
    if (image.channels === 1)
      issue(["image", "channels"], "the networks see colours; grey images are given to them as such: leave it out");
    if (image.aspect === "tile")
      issue(["image", "aspect"], "a whole image is real or forged, which its tiles need not be; use stretch or fit");
    if (image.roi !== undefined)
      issue(["image", "roi"], "forgeries are looked for in all of an image; leave the region of interest out");
    if (simulated === "generator" && !network.generator.blend && !network.generator.style)
      issue(["network", "generator"], "a generator needs one of its branches: set blend or style, or simulated=none");
    if (simulated === "none" && trainOn === "real")
      issue(["simulated"], "without given or simulated forged images there is nothing to learn from");
    if (training.batch % 2 === 1) issue(["training", "batch"], "half of a batch is real and half forged, so it must be even");
  });

export type Config = z.output<typeof configSchema>;
/** A configuration in which the images have decided their depth; colours are always seen. */
export type ModelConfig = Config & { readonly image: { readonly channels: 3; readonly depth: 8 | 16 } };
export type ConfigInput = z.input<typeof configSchema>;

/** What the functions of `network/` take. */
export const networksOf = ({ network, simulated }: Pick<Config, "network" | "simulated">) => {
  const { kernels, generator, detector } = network;
  const { rank, ...rest } = detector;
  const ofDetector: DetectorOptions = { ...rest, kernels, lowRank: { rank } };
  const ofGenerator: GeneratorOptions = { ...generator, kernels };
  return { detector: ofDetector, ...(simulated === "generator" ? { generator: ofGenerator } : {}) };
};

const sizesOf = ({ generator, detector: { lowRank, kernels, ...detector } }: (typeof networks)[keyof typeof networks]) => ({
  kernels,
  generator: { width: generator.width, depths: [...generator.depths] },
  detector: { width: detector.width, depths: [...detector.depths], rank: lowRank.rank },
});

const turned = { flipHorizontal: true, flipVertical: true, quarterTurns: true };

/** Starting points of `--preset`; what they leave open has the schema's default. */
export const presets = {
  tiny: {
    image: { size: networks.tiny.image },
    network: sizesOf(networks.tiny),
    alternation: { styleSteps: 100 },
    augmentation: turned,
    training: { steps: 250 },
  },
  small: { augmentation: turned },
  /** What `lynceus demo` runs: a few minutes on two cores. */
  demo: {
    image: { size: networks.tiny.image },
    network: { ...sizesOf(networks.tiny), detector: { ...sizesOf(networks.tiny).detector, width: 12 } },
    alternation: { styleSteps: 60 },
    augmentation: turned,
    training: { steps: 260 },
  },
  base: {
    image: { size: networks.base.image },
    network: sizesOf(networks.base),
    alternation: { styleSteps: 2000 },
    augmentation: turned,
    training: { steps: 20000, learningRate: 1e-3 },
  },
} as const satisfies Record<string, ConfigInput>;
