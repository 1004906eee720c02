import { detectorSystem } from "../detector-system.ts";
import { configSchema, presets } from "./config.ts";
import { ablation, ablationTable } from "./evaluate.ts";
import { method } from "./train.ts";

export const denoising = detectorSystem({
  name: "denoising",
  summary: "Defects, learnt from normal images by restoring occluded, noised regions.",
  configSchema,
  presets,
  methodOf: async () => method,
  compare: async (request) => [ablationTable(await ablation(request))],
});
