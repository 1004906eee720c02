import type { System } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { demo } from "./demo.ts";
import { inspectSlide } from "./inspect-slide.ts";
import { predict } from "./predict-files.ts";
import { evaluateModel, evaluateRun, rebuildModel } from "./run.ts";
import { trainGrader } from "./train.ts";

export const grading: System = {
  name: "grading",
  summary: "Gleason map and ISUP grade of whole-slide images",
  configSchema,
  presets,
  train: ({ config, ...options }) => trainGrader({ ...options, config: configSchema.parse(config) }),
  rebuildModel,
  evaluateRun,
  evaluateModel,
  predict,
  inspect: inspectSlide,
  demo,
};
