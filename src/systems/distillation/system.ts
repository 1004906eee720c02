import { detectorSystem } from "../detector-system.ts";
import { configSchema, presets } from "./config.ts";
import { ablation, ablationTable } from "./evaluate.ts";
import { neighbours } from "./neighbours.ts";
import { methodOf } from "./train.ts";

export const distillation = detectorSystem({
  name: "distillation",
  summary: "Defects, learnt from normal images by a student that remembers normality against a pretrained teacher.",
  configSchema,
  presets,
  baselines: async (config) => [neighbours(configSchema.parse(config))],
  methodOf,
  compare: async (request) => [ablationTable(await ablation(request))],
});
