import { readFile } from "node:fs/promises";
import { evaluateModel } from "../../detection/index.ts";
import { readMetrics, runFiles } from "../../training/index.ts";
import type { System } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { ablation, ablationTable } from "./evaluate.ts";
import { rebuildModel, train } from "./train.ts";

export const denoising: System = {
  name: "denoising",
  summary: "Defects, learnt from normal images by restoring occluded, noised regions.",
  configSchema,
  presets,
  train: ({ config, ...options }) => train({ ...options, config: configSchema.parse(config) }),
  rebuildModel,
  evaluateRun: async ({ run, data, out = run, ablation: compare, ...options }) => {
    const files = runFiles(run);
    let comparisons: Parameters<typeof evaluateModel>[0]["comparisons"];
    if (compare) {
      const rows = await ablation({ run, data, ...compare, ...options });
      if (rows === undefined) return undefined;
      comparisons = [ablationTable(rows)];
    }
    const { threads, listener } = options;
    return evaluateModel({
      model: await readFile(files.model),
      data,
      out,
      metrics: await readMetrics(files.metrics),
      comparisons,
      runtime: { threads },
      listener,
    });
  },
};
