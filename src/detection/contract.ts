import { z } from "zod";
import { GraphError, type Model, readModel, type Tensor, toOnnx } from "../graph/index.ts";
import type { PreprocessOptions } from "../imaging/index.ts";

/** Where the line between normal and anomalous was drawn, and from what. */
export const thresholdSchema = z.object({
  value: z.number(),
  /** The share of normal images that may be called anomalous. */
  falseAlarmRate: z.number(),
  /** The share that the number of validation images really guarantees. */
  attainedRate: z.number(),
  /** How many normal validation images it was set from. */
  normalImages: z.int(),
  /** Median over those images of the mean of their maps: what normal looks like. */
  normalLevel: z.number(),
});

const preprocessSchema = z.object({ size: z.int(), channels: z.literal([1, 3]), aspect: z.enum(["stretch", "fit"]) });

export type Threshold = z.output<typeof thresholdSchema>;

/** What a detector's file says about itself beside its network. */
export interface DetectorDescription {
  readonly system: string;
  readonly config: unknown;
  /** How pixels become the network's input: part of the graph, repeated here for who draws pictures. */
  readonly preprocess: PreprocessOptions;
  readonly threshold: Threshold | undefined;
  readonly provenance: unknown;
}

/**
 * The contract of an image detector's model file. Input `image`: 8-bit RGB, [height, width, 3], any size. Outputs: `map`
 * [height, width], anomaly per pixel; `score` [], anomaly of the image; further ones explain. Higher is more anomalous;
 * scores are raw. Only `ai.onnx` operators are used, and the description is in the metadata, so any ONNX Runtime can serve it.
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
      Object.entries(description).flatMap(([key, value]) =>
        value === undefined ? [] : [[`lynceus.${key}`, JSON.stringify(value)]],
      ),
    ),
  });
};

/** Reads a detector's file. @throws GraphError when it is no ONNX model, or not one of this contract. */
export const readDetector = (bytes: Uint8Array): { model: Model; description: DetectorDescription } => {
  const model = readModel(bytes);
  const entry = (key: string): unknown => {
    const text = model.metadata[`lynceus.${key}`];
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      throw new GraphError(`The model's metadata entry "lynceus.${key}" is damaged: it is not JSON.`);
    }
  };
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
      config: entry("config"),
      threshold: threshold.data,
      provenance: entry("provenance"),
    },
  };
};
