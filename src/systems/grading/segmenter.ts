import { z } from "zod";
import { GraphError, jsonMetadata, readModel, type Tensor, toOnnx } from "../../graph/index.ts";
import { openRuntime, type RuntimeOptions } from "../../runtime/index.ts";
import { classesOf, type TissueClass } from "./classes.ts";
import { type Config, configSchema } from "./config.ts";

const calibrationSchema = z.object({ threshold: z.number(), missRate: z.number(), cases: z.int() });

/** How the slide's grade follows from what the network sees; learnt from slides that it was not trained on. */
const gradingSchema = z.object({
  /** softmax(W r + b) of the shares r of patch grades. */
  rule: z.object({ weights: z.array(z.array(z.number())), bias: z.array(z.number()) }),
  /** Of the table, for grades by the map. */
  limits: z.object({ minimumCancer: z.number(), minimumPattern: z.number() }).optional(),
  /** Of the probabilities that the rule gives, and of how plausible the map makes each grade. */
  calibration: calibrationSchema.optional(),
  mapCalibration: calibrationSchema.optional(),
});
export type GradingRule = z.output<typeof gradingSchema>;

/** What a grader's file says about itself beside its network. */
export interface GraderDescription {
  readonly config: Config;
  readonly classes: readonly TissueClass[];
  readonly grading: GradingRule | undefined;
  readonly provenance: unknown;
}

/**
 * The contract of a grader's model file: `patches`, 8-bit RGB [batch, size, size, 3] at the magnification of the configuration in,
 * `probabilities` [batch, classes, size, size] out. Which patches, the refinement, the counting and the slide's grade are the tool's, with
 * all their parameters in the metadata. Only `ai.onnx` operators are used.
 */
export const writeGrader = (
  { patches, probabilities }: { readonly patches: Tensor; readonly probabilities: Tensor },
  { config, grading, provenance }: Omit<GraderDescription, "classes">,
): Uint8Array =>
  toOnnx({
    inputs: [patches],
    outputs: { probabilities },
    name: "lynceus-grading",
    metadata: {
      "lynceus.system": JSON.stringify("grading"),
      "lynceus.config": JSON.stringify(config),
      "lynceus.notice": JSON.stringify("For research use only."),
      ...(grading === undefined ? {} : { "lynceus.grading": JSON.stringify(grading) }),
      "lynceus.provenance": JSON.stringify(provenance),
    },
  });

/** Reads a grader's file. @throws GraphError when it is none. */
export const readGrader = (bytes: Uint8Array) => {
  const model = readModel(bytes);
  const entry = (key: string): unknown => jsonMetadata(model, `lynceus.${key}`);
  const config = configSchema.safeParse(entry("config"));
  const fits = model.feeds.some(({ name }) => name === "patches") && model.results.some(({ name }) => name === "probabilities");
  if (entry("system") !== "grading" || !config.success || !fits) {
    throw new GraphError("The ONNX model grades no slides: it lacks the metadata, or the values patches and probabilities.");
  }
  const description: GraderDescription = {
    config: config.data,
    classes: classesOf(config.data.classes),
    grading: gradingSchema.optional().parse(entry("grading")),
    provenance: entry("provenance"),
  };
  return { model, description };
};

/** A grader's network, ready to run. */
export interface Segmenter extends GraderDescription {
  /** Patches [count, size, size, 3], 8-bit, one after the other -> probabilities [count, classes, size, size]. */
  segment(patches: Uint8Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens a grader's model file. */
export const openSegmenter = async (bytes: Uint8Array, options: RuntimeOptions = {}): Promise<Segmenter> => {
  const { model, description } = readGrader(bytes);
  const runtime = openRuntime(options);
  const loaded = await runtime.load(model).catch(async (error: Error) => {
    await runtime.close();
    throw error;
  });
  const { patch } = description.config;
  return {
    ...description,
    segment: async (data) => {
      const count = data.length / (3 * patch * patch);
      const { probabilities } = await loaded.run({ patches: { data, shape: [count, patch, patch, 3] } });
      return probabilities.data as Float32Array;
    },
    close: () => runtime.close(),
  };
};
