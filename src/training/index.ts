export { beginInFolder } from "./begin-in-folder.ts";
export {
  CheckpointError,
  hasBegun,
  hasCheckpoint,
  readLastState,
  readTensors,
  requireCheckpointOf,
  writeTensors,
} from "./checkpoint.ts";
export * from "./epoch-order.ts";
export type { Listener, ProgressEvent } from "./events.ts";
export { type TrainingOptions, type TrainingResult, train } from "./loop.ts";
export * from "./manifest.ts";
export * from "./optimisation.ts";
export * from "./run-folder.ts";
export * from "./time-steps.ts";
export { type SettledTraining, trainBySettings } from "./train-by-settings.ts";
