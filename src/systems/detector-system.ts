import { basename, join, resolve } from "node:path";
import type { z } from "zod";
import { evaluateModel, type MethodConfig, type MethodOf, rebuildModel, trainDetector } from "../detection/index.ts";
import type { Comparison } from "../report/index.ts";
import { readJson, readMetrics, runFiles } from "../training/index.ts";
import type { AblationRequest, System, WorkOptions } from "./system.ts";

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
      const files = runFiles(run);
      const model = await rebuild(run);
      const manifest = (await readJson(files.manifest)) as { data?: string } | undefined;
      // Another folder's figures do not replace those of the run's own.
      const ownData = manifest?.data === resolve(data);
      const comparisons = ablation && (await compare?.({ run, data, ...ablation, ...options }));
      const { threads, provider, workers, listener, signal } = options;
      return evaluateModel({
        model,
        data,
        out: out ?? (ownData ? run : join(run, `evaluation-${basename(resolve(data))}`)),
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
