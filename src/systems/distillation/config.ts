import { z } from "zod";
import { imageSettings, type Settled, scoreFields, validationSettings } from "../../detection/index.ts";
import { augmentationSchema } from "../../imaging/index.ts";
import { optimisationSettings } from "../../training/index.ts";

/** Everything that decides a run of `distillation`. Every field has a default; unknown fields are mistakes. */
export const configSchema = z
  .strictObject({
    seed: z.int().default(0).describe("Seeds the weights, the order of images, the exemplars and augmentation."),
    trainOn: z
      .enum(["normal", "all"])
      .default("normal")
      .describe("all: images of known defects in train/<kind> are trained on too."),
    image: imageSettings(128),
    teacher: z
      .strictObject({
        model: z
          .string()
          .min(1)
          .default("objectron")
          .describe(
            "The pretrained network: objectron (comes with the installation), the path of an ONNX model, or its address (https://...).",
          ),
        strides: z
          .array(z.int().min(1).max(64))
          .min(1)
          .max(5)
          .default([8, 16])
          .describe("Pixels between positions of the feature maps that are compared; of each stride, the model's last map."),
        layers: z
          .array(z.string())
          .max(5)
          .default([])
          .describe("Names of the feature maps instead of strides; lynceus inspect MODEL lists them."),
        octaves: z
          .int()
          .min(1)
          .max(4)
          .default(2)
          .describe(
            "Sizes at which it sees the image: whole, half, a quarter ...; each further one adds its coarsest feature map, for large, faint defects.",
          ),
        scaling: z
          .enum(["auto", "imagenet", "symmetric", "unit", "bytes"])
          .default("auto")
          .describe(
            "How it takes colours: imagenet (mean and deviation of ImageNet), symmetric [-1, 1], unit [0, 1], bytes [0, 255]; auto: what objectron needs, imagenet for others.",
          ),
      })
      .prefault({}),
    student: z
      .strictObject({
        width: z
          .int()
          .min(4)
          .max(512)
          .default(64)
          .describe("Least channels of a scale; it has as many as the teacher, or these."),
        blocks: z.int().min(1).max(4).default(2).describe("Residual blocks of each scale."),
      })
      .prefault({}),
    memory: z
      .strictObject({
        modules: z
          .array(z.enum(["recall", "adaptive", "none"]))
          .min(1)
          .max(5)
          .default(["recall", "none"])
          .describe("What remembers at each scale, from coarse to fine; the last one stands for all further scales."),
        items: z.int().min(2).max(20_000).default(1000).describe("Pairs of key and value of a recall module."),
        adaptiveItems: z.int().min(2).max(1000).default(50).describe("Items that an adaptive memory makes of an image."),
        temperature: z
          .number()
          .positive()
          .max(10)
          .default(0.03)
          .describe("Divides cosines before a softmax: smaller is sharper."),
        exemplars: z
          .int()
          .min(1)
          .max(10_000)
          .default(500)
          .describe("Normal images that the recall memory is made and updated from."),
        exemplarsPerStep: z.int().min(1).max(64).default(4).describe("So many of them in each step, in turn."),
      })
      .prefault({}),
    augmentation: augmentationSchema,
    loss: z
      .strictObject({
        form: z
          .enum(["position", "flattened"])
          .default("position")
          .describe("Compare directions position by position, or of whole maps as one vector."),
        normality: z.number().min(0).default(0.1).describe("Weight of L_NM: exemplars must be recalled as they are."),
        orthogonality: z.number().min(0).default(0.1).describe("Weight of L_ORTH: memory items must differ."),
      })
      .prefault({}),
    score: z
      .strictObject({
        standardise: z
          .boolean()
          .default(true)
          .describe(
            "Measure the map in standard deviations z from what training images show at each position, as asinh(z / 10).",
          ),
        ...scoreFields({ sigma: 4 }),
      })
      .prefault({}),
    training: optimisationSettings({
      steps: 2000,
      batch: 8,
      optimiser: "adam",
      beta1: 0.5,
      learningRate: 5e-3,
      schedule: "one-cycle",
    }),
    validation: validationSettings,
  })
  .check((context) => {
    const { image, teacher } = context.value;
    const coarsest = Math.max(...teacher.strides) * 2 ** (teacher.octaves - 1);
    // The embedding halves the coarsest map once more.
    if (teacher.layers.length === 0 && image.size % (2 * coarsest) !== 0) {
      context.issues.push({
        code: "custom",
        path: ["image", "size"],
        input: image.size,
        message: `it must be a multiple of ${2 * coarsest}: twice the coarsest stride of the teacher's features`,
      });
    }
  });

export type Config = z.output<typeof configSchema>;
/** A configuration in which the images have decided their channels and depth. */
export type ModelConfig = Settled<Config>;
export type ConfigInput = z.input<typeof configSchema>;

/** Starting points of `--preset`; what they leave open has the schema's default. */
export const presets = {
  tiny: { teacher: { strides: [4, 8], octaves: 1 }, student: { width: 32, blocks: 1 }, training: { steps: 300 } },
  small: {},
  base: { image: { size: 256 }, teacher: { strides: [4, 8, 16] }, training: { steps: 4000, batch: 16 } },
  /** What `lynceus demo` runs, on images of 64 x 64 pixels: less than half a minute per surface on two cores. */
  demo: {
    teacher: { strides: [4, 8], octaves: 1 },
    student: { width: 32, blocks: 1 },
    score: { sigma: 2 },
    training: { steps: 200 },
    validation: { share: 0.25 },
  },
} as const satisfies Record<string, ConfigInput>;
