export * from "./config.ts";
export * from "./corruption/index.ts";
export { type AblationOptions, type AblationRow, ablation, ablationTable } from "./evaluate.ts";
export { anomalyMap, type Calibration, detector, type ModelConfig, type NetworkOptions, restore } from "./model.ts";
export { predict } from "./predict.ts";
export { buildStep, readConfig, rebuildModel, type TrainOptions, type TrainSummary, train } from "./train.ts";
