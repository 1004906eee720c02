export { type Baseline, blurredDifference } from "./baseline.ts";
export { type Calibration, calibrate, standardise } from "./calibration.ts";
export type { Words } from "./case-groups.ts";
export * from "./contract.ts";
export { type CostLine, type CostTable, costsOf } from "./costs.ts";
export { type Detection, type Detector, type DetectorOptions, openDetector } from "./detector.ts";
export { type EvaluatedSample, type Evaluation, type EvaluationOptions, evaluate } from "./evaluate.ts";
export { type EvaluateOptions, type EvaluateResult, evaluateModel } from "./evaluate-model.ts";
export {
  type DetectorGraph,
  type Method,
  type MethodConfig,
  type MethodOf,
  type Trained,
  type TrainingWork,
  weightSettings,
} from "./method.ts";
export { explain, heatOverlay, outlined } from "./pictures.ts";
export { planTraining, settle, type TrainingPlan } from "./plan.ts";
export { type Precision, type PrecisionOptions, type ReducedModel, reducePrecision } from "./precision.ts";
export { type Prediction, type Predictions, predict } from "./predict.ts";
export * from "./prepared-images.ts";
export { openPreparingRuntime } from "./preparing-runtime.ts";
export * from "./preprocessor.ts";
export { type LabelledImage, readImage, readSample } from "./read.ts";
export { onlyRegion, type Region, readRegion, regionOfRun, whereItCounts } from "./region.ts";
export { kinds, measuresForMachines, measuresForPeople, type ReportInput, reportData } from "./report.ts";
export { readConfig, rebuildModel } from "./run.ts";
export * from "./score.ts";
export * from "./settings.ts";
export { scoreNormal, thresholdOf } from "./threshold.ts";
export * from "./train.ts";
export * from "./training-data.ts";
export {
  type Budget,
  compareVariants,
  type Variant,
  type VariantRow,
  type VariantsOptions,
} from "./variants.ts";
export { type VariantsTableOptions, variantsTable } from "./variants-table.ts";
