import type { System } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { demo } from "./demo.ts";
import { inspectDataset } from "./inspect-dataset.ts";
import { CLASS_NAMES, evaluateModel, evaluateRun, rebuildModel } from "./run.ts";
import { trainForgeryDetector } from "./train.ts";

export const forgery: System = {
  name: "forgery",
  summary: "Real or simulated image, and where: a detector trained against its own forger.",
  classNames: CLASS_NAMES,
  configSchema,
  presets,
  train: ({ config, ...options }) => trainForgeryDetector({ ...options, config: configSchema.parse(config) }),
  rebuildModel,
  evaluateRun,
  evaluateModel,
  inspect: inspectDataset,
  demo,
};
