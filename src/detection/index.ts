export { blurredDifference } from "./baseline.ts";
export * from "./contract.ts";
export { type Detection, type Detector, openDetector } from "./detector.ts";
export { type EvaluatedSample, type Evaluation, evaluate } from "./evaluate.ts";
export { type EvaluateOptions, type EvaluateResult, evaluateModel } from "./evaluate-model.ts";
export { explain, heatOverlay } from "./pictures.ts";
export { type Prediction, type Predictions, predict } from "./predict.ts";
export { kinds, measuresForMachines, measuresForPeople, type ReportInput, reportData } from "./report.ts";
export { setThreshold } from "./threshold.ts";
