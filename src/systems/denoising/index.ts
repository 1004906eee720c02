export { anomalyMap } from "./anomaly-map.ts";
export type { Calibration } from "./calibration.ts";
export * from "./config.ts";
export * from "./corruption/index.ts";
export { detector } from "./detector.ts";
export { type AblationOptions, type AblationRow, ablation, ablationTable } from "./evaluate.ts";
export { type NetworkOptions, restore } from "./model.ts";
export { predict } from "./predict.ts";
export { buildStep, readConfig, rebuildModel, type TrainOptions, type TrainSummary, train } from "./train.ts";
