import { basename } from "node:path";
import { z } from "zod";
import { GraphError, jsonMetadata, type Model, readModel, type Tensor, toOnnx, withMetadata } from "../graph/index.ts";
import { tilesOf } from "../imaging/index.ts";

/** Where the line between normal and anomalous was drawn, and from what; a value that a person chose comes from nothing. */
export const thresholdSchema = z.object({
  value: z.number(),
  /** The share of normal images that may be called anomalous. */
  falseAlarmRate: z.number().optional(),
  /** The share that the number of validation images really guarantees. */
  attainedRate: z.number().optional(),
  /** How many normal validation images it was set from. */
  normalImages: z.int().optional(),
  /** Median over those images of the mean of their maps: what normal looks like. */
  normalLevel: z.number().optional(),
});

const preprocessSchema = z.object({
  size: z.int(),
  channels: z.literal([1, 3]),
  aspect: z.enum(["stretch", "fit", "tile"]),
  /** With aspect `tile`: the side of a tile in the image's own pixels, and the least share of it that neighbours have in common. */
  tile: z.object({ pixels: z.int().positive().optional(), overlap: z.number().min(0).max(0.5) }).optional(),
  /** Bits of the input's values. */
  depth: z.literal([8, 16]).default(8),
  /** The files' values that become black and white; by default the range of their type. */
  range: z.object({ low: z.number(), high: z.number() }).optional(),
  /** Width over height of the region of interest, which images must share. */
  proportions: z.number().optional(),
});

/** An image's score is its map's largest value, the mean of its top share, or a classifier's, which the map only explains. */
const imageScoreSchema = z.union([
  z.object({ kind: z.literal("classifier") }),
  z.object({ kind: z.literal("max") }),
  z.object({ kind: z.literal("top"), share: z.number().gt(0).max(1) }),
]);

export type Threshold = z.output<typeof thresholdSchema>;

/** What a detector's file says about itself beside its network. */
export interface DetectorDescription {
  readonly system: string;
  readonly config: unknown;
  /** How pixels become the network's input: part of the graph, repeated here for who draws pictures. */
  readonly preprocess: z.output<typeof preprocessSchema>;
  readonly imageScore: z.output<typeof imageScoreSchema>;
  readonly threshold: Threshold | undefined;
  readonly provenance: unknown;
}

/**
 * The contract of an image detector's model file. Input `image`: RGB of 8 bits (16 where it was trained on such images), [height,
 * width, 3], any size. Outputs: `map` [height, width], anomaly per pixel; `score` [], anomaly of the image; `inspected` [height,
 * width], 1 in the region of interest, where there is one; further ones explain. Higher is more anomalous; scores are raw. Where `imageScore` is "classifier", the score is the probability that the image is anomalous, and the map, 0 to 1, says where; its values are not calibrated. Only `ai.onnx` operators are used, and the description is in the metadata, so any ONNX Runtime can serve it.
 *
 * With `preprocess.aspect` "tile" the file judges one tile, an image of at most `preprocess.tile.pixels` on each side, and whoever runs
 * it cuts the image as `planTiles` says, and joins the tiles' maps as `blendTiles` says: both formulas need nothing but the image's
 * size, `pixels` and `overlap`. The image's score then follows from the joined map by `imageScore`: its largest value, or the mean
 * of the max(1, round(share pixels)) largest. A classifier's file judges whole images.
 */
export const writeDetector = (
  {
    image,
    ...outputs
  }: { readonly image: Tensor; readonly map: Tensor; readonly score: Tensor } & Readonly<Record<string, Tensor>>,
  description: DetectorDescription,
): Uint8Array => {
  return toOnnx({
    inputs: [image],
    outputs,
    name: `lynceus-${description.system}`,
    metadata: Object.fromEntries(
      Object.entries({
        ...description,
        config: withoutWay(description.config),
        preprocess: withTiles(preprocessSchema.parse(description.preprocess)),
      }).flatMap(([key, value]) => (value === undefined ? [] : [[`lynceus.${key}`, JSON.stringify(value)]])),
    ),
  });
};

/** With all that cutting needs, and nothing of it where images are not cut. */
const withTiles = (preprocess: DetectorDescription["preprocess"]): DetectorDescription["preprocess"] => ({
  ...preprocess,
  tile: tilesOf(preprocess),
});

/** What may leave the machine: the names of the region and of the teacher without the way to them. */
const withoutWay = (config: unknown): unknown => {
  const { image, teacher } = (config ?? {}) as { image?: { roi?: string }; teacher?: { model?: string } };
  if (image?.roi === undefined && teacher?.model === undefined) return config;
  return {
    ...(config as object),
    ...(image?.roi === undefined ? {} : { image: { ...image, roi: basename(image.roi) } }),
    ...(teacher?.model === undefined ? {} : { teacher: { ...teacher, model: nameOf(teacher.model) } }),
  };
};

/** The last part of a path or an address; what follows the ? may be a secret. */
const nameOf = (model: string): string =>
  basename(model.includes("://") && URL.canParse(model) ? new URL(model).pathname : model);

/** The detector's file with a threshold that a person chose. @throws GraphError as `readDetector`. */
export const withThreshold = (bytes: Uint8Array, value: number): Uint8Array => {
  const { normalLevel } = readDetector(bytes).description.threshold ?? {};
  const threshold: Threshold = { value, normalLevel };
  return withMetadata(bytes, { "lynceus.threshold": JSON.stringify(threshold) });
};

/** Reads a detector's file. @throws GraphError when it is no ONNX model, or not one of this contract. */
export const readDetector = (bytes: Uint8Array): { model: Model; description: DetectorDescription } => {
  const model = readModel(bytes);
  const entry = (key: string): unknown => jsonMetadata(model, `lynceus.${key}`);
  const system = entry("system");
  const preprocess = preprocessSchema.safeParse(entry("preprocess"));
  const names = [...model.feeds, ...model.results].map(({ name }) => name);
  if (typeof system !== "string" || !preprocess.success || !["image", "map", "score"].every((name) => names.includes(name))) {
    throw new GraphError(
      "The ONNX model is not a Lynceus image detector: it lacks the metadata, or the values image, map and score.",
    );
  }
  const threshold = thresholdSchema.optional().safeParse(entry("threshold"));
  return {
    model,
    description: {
      system,
      preprocess: preprocess.data,
      imageScore: imageScoreSchema.safeParse(entry("imageScore")).data ?? { kind: "max" },
      config: entry("config"),
      threshold: threshold.data,
      provenance: entry("provenance"),
    },
  };
};
