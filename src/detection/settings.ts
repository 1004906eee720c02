import { z } from "zod";
import { TILE_OVERLAP } from "../imaging/index.ts";

/** How files become the network's input; `size` is the system's default height and width. */
export const imageSettings = (size: number) =>
  z
    .strictObject({
      size: z.int().min(16).max(2048).default(size).describe("Height and width at which the network sees an image, in pixels."),
      channels: z
        .union([z.literal(1), z.literal(3), z.literal("auto")])
        .default("auto")
        .describe("1 grey, 3 colour; auto: grey when the training images are."),
      aspect: z
        .enum(["fit", "stretch", "tile"])
        .default("stretch")
        .describe("fit keeps an image's proportions, stretch fills the square, tile looks at it in overlapping tiles."),
      tile: z
        .strictObject({
          pixels: z
            .int()
            .min(16)
            .max(65_535)
            .optional()
            .describe("Side of a tile in the image's own pixels; left out, it is image.size, and nothing is resized."),
          overlap: z
            .number()
            .min(0)
            .max(0.5)
            .default(TILE_OVERLAP)
            .describe("The least share of a tile that it has in common with its neighbour."),
        })
        .prefault({})
        .describe("How image.aspect=tile cuts an image."),
      depth: z
        .union([z.literal(8), z.literal(16), z.literal("auto")])
        .default("auto")
        .describe("Bits of a value that reach the network; auto: 16 when the training files have more than 8."),
      range: z
        .strictObject({ low: z.number(), high: z.number() })
        .refine(({ low, high }) => low < high, "low must be below high")
        .optional()
        .describe(
          "The files' values that become black and white, such as 0 and 4095 of a 12-bit camera; needed for float images.",
        ),
      roi: z
        .string()
        .optional()
        .describe(
          "A picture of the region of interest, framed like the images: what is black in it is neither trained on nor scored.",
        ),
    })
    .refine(({ aspect, roi }) => aspect !== "tile" || roi === undefined, {
      path: ["roi"],
      message:
        "a region of interest is drawn on whole images, which the network does not see in tiles; use ignore masks, or another image.aspect",
    })
    .prefault({});

export const validationSettings = z
  .strictObject({
    share: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.1)
      .describe("Share of the normal training images kept out of training, to set the threshold."),
    folds: z
      .int()
      .min(0)
      .max(20)
      .refine(
        (folds) => folds !== 1,
        "one part cannot be left out of itself: give 2 or more, or 0 to keep a share of the images out",
      )
      .default(0)
      .describe(
        "For few images: instead of keeping a share out, train so many further networks, each without one part of the images, and set the threshold from how each scores the part it has not seen.",
      ),
    falseAlarmRate: z.number().gt(0).lt(1).default(0.05).describe("Share of normal images that may be called anomalous."),
  })
  .prefault({});

/** What every detector's configuration holds. */
export interface DetectorConfig {
  readonly seed: number;
  readonly trainOn: "normal" | "all";
  readonly image: z.output<ReturnType<typeof imageSettings>>;
  readonly training: {
    readonly steps: number;
    readonly checkpointEvery: number;
    readonly cacheMegabytes: number;
  };
  readonly validation: z.output<typeof validationSettings>;
}

/** A configuration in which the images have decided what was left to them. */
export type Settled<Config extends DetectorConfig> = Config & {
  readonly image: { readonly channels: 1 | 3; readonly depth: 8 | 16 };
};
