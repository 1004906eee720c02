import type { System } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { demo } from "./demo.ts";
import { inspectPatients } from "./inspect-patients.ts";
import { predict } from "./predict-files.ts";
import { evaluateModel, evaluateRun, rebuildModel } from "./run.ts";
import { trainProgression } from "./train.ts";

export const progression: System = {
  name: "progression",
  summary: "Plaque measured in MRI of vessel walls, and its change predicted",
  predicts: "PATIENT",
  configSchema,
  presets,
  train: ({ config, ...options }) => trainProgression({ ...options, config: configSchema.parse(config) }),
  rebuildModel,
  evaluateRun,
  evaluateModel,
  predict,
  inspect: inspectPatients,
  demo,
};
