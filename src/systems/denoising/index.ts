export { anomalyMap } from "./anomaly-map.ts";
export * from "./config.ts";
export * from "./corruption/index.ts";
export { detector } from "./detector.ts";
export { type AblationOptions, type AblationRow, ablation, ablationTable } from "./evaluate.ts";
export { type NetworkOptions, restore } from "./model.ts";
export { predict } from "./predict.ts";
export { readConfig, rebuildModel } from "./run.ts";
export { buildStep, method, train } from "./train.ts";
