import { GraphError, input, jsonMetadata, readModel, softmax, type Tensor, toOnnx } from "../../graph/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { openRuntime, type RuntimeOptions } from "../../runtime/index.ts";
import { configSchema, type ModelConfig } from "./config.ts";
import { segmentationLogits } from "./network/index.ts";

/** How many channels the network sees: each sequence in the slice and its neighbours. */
export const channelsOf = ({ sequences, neighbours }: Pick<ModelConfig, "sequences" | "neighbours">): number =>
  sequences.length * (2 * neighbours + 1);

/**
 * The network as it is exported: `slices`, float32 [batch, sequences x (2 neighbours + 1), patch, patch], standardised by study and
 * sequence, the neighbours of a sequence beside each other -> `probabilities` [batch, classes, patch, patch], which sum to 1 over the classes.
 */
export const segmenter = (p: Parameters, config: ModelConfig): { readonly slices: Tensor; readonly probabilities: Tensor } => {
  const { patch, classes, network } = config;
  const slices = input("slices", ["batch", channelsOf(config), patch, patch]);
  return { slices, probabilities: softmax(segmentationLogits(p, slices, { ...network, classes: classes.length }), 1) };
};

/** What a segmenter's file says about itself beside its network. */
export interface SegmenterDescription {
  readonly config: ModelConfig;
  readonly provenance: unknown;
}

/**
 * The contract of a segmenter's model file, see `segmenter`. Reading, registration, standardisation, measurement are the tool's, with
 * all their parameters in the metadata; the predictor of change is a file of its own. Only `ai.onnx` operators are used.
 */
export const writeSegmenter = (
  { slices, probabilities }: { readonly slices: Tensor; readonly probabilities: Tensor },
  { config, provenance }: SegmenterDescription,
): Uint8Array =>
  toOnnx({
    inputs: [slices],
    outputs: { probabilities },
    name: "lynceus-progression",
    metadata: {
      "lynceus.system": JSON.stringify("progression"),
      "lynceus.config": JSON.stringify(config),
      "lynceus.notice": JSON.stringify("For research use only."),
      "lynceus.provenance": JSON.stringify(provenance),
    },
  });

const modelConfigSchema = configSchema.refine(
  (config): config is ModelConfig => config.sequences !== undefined && config.pixel !== undefined,
);

/** Reads a segmenter's file. @throws GraphError when it is none. */
export const readSegmenter = (bytes: Uint8Array) => {
  const model = readModel(bytes);
  const entry = (key: string): unknown => jsonMetadata(model, `lynceus.${key}`);
  const config = modelConfigSchema.safeParse(entry("config"));
  const fits = model.feeds.some(({ name }) => name === "slices") && model.results.some(({ name }) => name === "probabilities");
  if (entry("system") !== "progression" || !config.success || !fits) {
    throw new GraphError("The ONNX model segments no vessels: it lacks the metadata, or the values slices and probabilities.");
  }
  const description: SegmenterDescription = { config: config.data as ModelConfig, provenance: entry("provenance") };
  return { model, description };
};

/** A segmenter's network, ready to run. */
export interface Segmenter extends SegmenterDescription {
  /** [count, channels, patch, patch] -> [count, classes, patch, patch]. */
  segment(slices: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens a segmenter's model file. */
export const openSegmenter = async (bytes: Uint8Array, options: RuntimeOptions = {}): Promise<Segmenter> => {
  const { model, description } = readSegmenter(bytes);
  const runtime = openRuntime(options);
  const loaded = await runtime.load(model).catch(async (error: Error) => {
    await runtime.close();
    throw error;
  });
  const { config } = description;
  const channels = channelsOf(config);
  return {
    ...description,
    segment: async (data) => {
      const { patch } = config;
      const shape = [data.length / (channels * patch * patch), channels, patch, patch];
      const { probabilities } = await loaded.run({ slices: { data, shape } });
      return probabilities.data as Float32Array;
    },
    close: () => runtime.close(),
  };
};
