import { join } from "node:path";
import type { z } from "zod";
import {
  type EvaluateOptions,
  evaluateModel,
  type MethodConfig,
  type MethodOf,
  rebuildModel,
  trainDetector,
} from "../detection/index.ts";
import type { Comparison } from "../report/index.ts";
import { digestOf, readJson, readMetrics, runFiles, writeJson } from "../training/index.ts";
import { digestOfDataset } from "./dataset-digest.ts";
import { evaluationFolder } from "./evaluation-folder.ts";
import type { AblationRequest, Evaluated, System, WorkOptions } from "./system.ts";

export interface CompareRequest extends WorkOptions, AblationRequest {
  /** The run folder. */
  readonly run: string;
  readonly data: string;
}

export interface DetectorSystem<Config extends MethodConfig> extends Pick<System, "name" | "summary" | "presets" | "baselines"> {
  readonly configSchema: z.ZodType<Config>;
  readonly methodOf: MethodOf<Config>;
  /** What `evaluate --ablation` trains and shows. */
  compare?(request: CompareRequest): Promise<readonly Comparison[]>;
}

/** The system that a method of detection makes: it trains, rebuilds and evaluates run folders as every detector does. */
export const detectorSystem = <Config extends MethodConfig>(detector: DetectorSystem<Config>): System => {
  const { name, summary, configSchema, presets, baselines, methodOf, compare } = detector;
  const rebuild = (run: string) => rebuildModel(run, { schema: configSchema, methodOf });
  return {
    name,
    summary,
    configSchema,
    presets,
    baselines,
    train: async ({ config: given, ...options }) => {
      const config = configSchema.parse(given);
      return trainDetector(await methodOf(config, options), { ...options, config });
    },
    rebuildModel: rebuild,
    evaluateRun: async ({ run, data, out, costs, ablation, ...options }) => {
      if (ablation && compare === undefined)
        throw new Error(`The system "${name}" has no variants to compare: leave out --ablation.`);
      if (ablation?.seeds !== undefined || ablation?.leaveOut !== undefined)
        throw new Error(`The system "${name}" compares one seed, and leaves no kind out: leave out --seeds and --leave-out.`);
      const files = runFiles(run);
      const model = await rebuild(run);
      const kept = join(run, "ablation", "comparisons.json");
      const compared = ablation && (await compare?.({ run, data, ...ablation, ...options }));
      if (compared) await writeJson(kept, { of: await originOf(model, data), comparisons: compared } satisfies Compared);
      const comparisons = compared ?? (await keptComparisons(kept, model, data));
      const { threads, provider, workers, listener, signal } = options;
      return evaluated({
        model,
        data,
        out: out ?? (await evaluationFolder(run, data)),
        metrics: await readMetrics(files.metrics),
        comparisons,
        costs,
        defaults: configSchema.parse(presets.small),
        runtime: { threads, provider },
        workers,
        listener,
        signal,
      });
    },
  };
};

/** Evaluates a detector, of a run or not. */
export const evaluated = async (options: EvaluateOptions): Promise<Evaluated> => {
  const { evaluation, ...found } = await evaluateModel(options);
  const { samples, secondsPerImage, failures } = evaluation;
  return { ...found, images: samples.length, secondsPerImage, failures };
};

interface Compared {
  readonly of: string;
  readonly comparisons: readonly Comparison[];
}

/** What an earlier `--ablation` compared, where it was this model on these images. */
const keptComparisons = async (path: string, model: Uint8Array, data: string): Promise<readonly Comparison[] | undefined> => {
  const kept = (await readJson(path)) as Compared | undefined;
  return kept && kept.of === (await originOf(model, data)) ? kept.comparisons : undefined;
};

/** Identifies what a comparison was made on: the model, the images and their masks. */
const originOf = async (model: Uint8Array, data: string): Promise<string> =>
  digestOf(`${digestOf(model)} ${await digestOfDataset(data)}`);
