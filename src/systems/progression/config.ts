import { z } from "zod";
import { optimisationSettings } from "../../training/index.ts";
import { namedChanges, vesselClasses } from "./measurement/index.ts";
import { MODEL_KINDS } from "./prediction/index.ts";

const augmentationSchema = z
  .strictObject({
    flipHorizontal: z.boolean().default(true).describe("Mirror left and right, half of the time."),
    flipVertical: z.boolean().default(true).describe("Mirror front and back, half of the time."),
    turn: z.number().min(0).max(180).default(20).describe("Largest turn within the slice, in degrees."),
    scale: z.number().min(0).max(0.5).default(0.1).describe("Largest relative change of size."),
    gain: z.number().min(0).max(1).default(0.2).describe("Largest relative change of each sequence's contrast, and of its mean."),
    field: z
      .number()
      .min(0)
      .max(1)
      .default(0.2)
      .describe("Largest relative change of brightness across a slice, as coils cause it."),
  })
  .prefault({})
  .describe("Random changes of training slices.");

/** Everything that decides a run of `progression`. Every field has a default; unknown fields are mistakes. */
export const configSchema = z
  .strictObject({
    seed: z.int().default(0).describe("Seeds weights, order of slices, augmentation, and the folds of patients."),
    classes: z
      .array(z.string().min(1))
      .min(2)
      .default(vesselClasses.map(({ name }) => name))
      .refine((names) => new Set(names).size === names.length, "two classes have the same name")
      .describe(
        "Names of the labels 0, 1, ...; 0 is the background. With other classes than a vessel's nothing is measured or predicted.",
      ),
    sequences: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        "Names of the sequences that the network sees, the reference first. Default: those that all training studies have, T1 first.",
      ),
    registration: z
      .strictObject({
        kind: z
          .enum(["rigid", "affine", "none"])
          .default("rigid")
          .describe("How the sequences of a study are brought to the reference; none: their headers are right."),
        samples: z.int().min(500).default(20_000).describe("Points at which two sequences are compared."),
      })
      .prefault({}),
    pixel: z
      .number()
      .positive()
      .optional()
      .describe("Side of a pixel that the network sees, in mm. Default: the median of the training studies."),
    patch: z
      .int()
      .min(16)
      .max(512)
      .default(64)
      .describe("Side of what the network sees at once, in pixels; divides by 2^network.depth."),
    neighbours: z
      .int()
      .min(0)
      .max(3)
      .default(1)
      .describe("Slices to either side that the network sees beside the one it labels: 0 is 2D, 1 and more 2.5D."),
    network: z
      .strictObject({
        width: z.int().min(4).default(16).describe("Channels of the first level; each further one has twice as many."),
        depth: z.int().min(1).max(6).default(3).describe("How often height and width are halved."),
        normalisation: z.enum(["batch", "instance"]).default("batch"),
      })
      .prefault({}),
    loss: z
      .strictObject({
        crossEntropy: z.number().min(0).default(1),
        dice: z.number().min(0).default(1),
        balance: z
          .number()
          .min(0)
          .max(1)
          .default(0)
          .describe(
            "How far rare classes count more in the cross-entropy: 0 all voxels alike, 1 all classes alike. Trainings of some hundred steps need about 0.5.",
          ),
      })
      .prefault({})
      .refine(({ crossEntropy, dice }) => crossEntropy + dice > 0, "one of the two terms must count"),
    rare: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("Share of a batch that is drawn class by class, so that rare ones are seen; the rest are all slices in turn."),
    augmentation: augmentationSchema,
    training: optimisationSettings({
      steps: 2500,
      batch: 8,
      optimiser: "adamw",
      learningRate: 1e-2,
      schedule: "cosine",
      weightDecay: 0.01,
    }),
    prediction: z
      .strictObject({
        use: z
          .boolean()
          .default(true)
          .describe("Fit a predictor of the change factors, where there are enough patients with two stages."),
        kinds: z.array(z.enum(MODEL_KINDS)).min(1).optional().describe("Models to choose from. Default: all."),
        folds: z.int().min(2).max(20).default(5).describe("Folds of patients, for choosing and for measuring."),
        deadBands: z
          .partialRecord(z.enum(namedChanges.map(({ name }) => name)), z.number().nonnegative())
          .default({})
          .describe(
            "By change factor, in its unit a year: changes up to this size are called stable, such as those below what can be measured.",
          ),
        coverage: z.number().min(0.5).lt(1).default(0.9).describe("Share of intervals that are to hold the truth."),
      })
      .prefault({}),
  })
  .check(({ value: { patch, network }, issues }) => {
    if (patch % 2 ** network.depth === 0) return;
    issues.push({
      code: "custom",
      path: ["patch"],
      input: patch,
      message: `the network halves a patch ${network.depth} times (network.depth), so its side must divide by ${2 ** network.depth}, not ${patch}`,
    });
  });

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** A configuration in which the training studies have decided what is left to them. */
export type ModelConfig = Config & Required<Pick<Config, "sequences" | "pixel">>;

/** Starting points of `--preset`; what they leave open has the schema's default. */
export const presets = {
  tiny: { network: { width: 8 }, loss: { balance: 0.5 }, training: { steps: 300 } },
  small: {},
  /** For a graphics device, or many hours. */
  base: {
    patch: 128,
    neighbours: 2,
    network: { width: 32, depth: 4 },
    training: { steps: 20_000, batch: 16, learningRate: 1e-3 },
  },
  /** What `lynceus demo progression` runs. */
  demo: {
    network: { width: 12 },
    loss: { balance: 0.5 },
    training: { steps: 500 },
    registration: { samples: 6000 },
    prediction: { kinds: ["mean", "ridge"], folds: 4 },
  },
} as const satisfies Record<string, ConfigInput>;
