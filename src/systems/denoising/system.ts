import { basename, join, resolve } from "node:path";
import { evaluateModel } from "../../detection/index.ts";
import { readJson, readMetrics, runFiles } from "../../training/index.ts";
import type { System } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { ablation, ablationTable } from "./evaluate.ts";
import { rebuildModel } from "./run.ts";
import { train } from "./train.ts";

export const denoising: System = {
  name: "denoising",
  summary: "Defects, learnt from normal images by restoring occluded, noised regions.",
  configSchema,
  presets,
  train: async ({ config, ...options }) => train({ ...options, config: configSchema.parse(config) }),
  rebuildModel,
  evaluateRun: async ({ run, data, out, costs, ablation: compare, ...options }) => {
    const files = runFiles(run);
    const model = await rebuildModel(run);
    const manifest = (await readJson(files.manifest)) as { data?: string } | undefined;
    // Another folder's figures do not replace those of the run's own.
    const ownData = manifest?.data === resolve(data);
    let comparisons: Parameters<typeof evaluateModel>[0]["comparisons"];
    if (compare) {
      comparisons = [ablationTable(await ablation({ run, data, ...compare, ...options }))];
    }
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
