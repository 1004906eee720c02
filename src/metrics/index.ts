export { aurocDifference, type BootstrapOptions, imageMeasure, type Measure } from "./bootstrap.ts";
export { type CaseBootstrapOptions, measuresOverCases } from "./case-bootstrap.ts";
export { type Components, type Connectivity, connectedComponents } from "./components.ts";
export { type ConformalCalibration, calibrateConformal, isUnsure, predictionSet } from "./conformal.ts";
export {
  accuracy,
  type ClassMeasures,
  type ConfusionMatrix,
  classMeasures,
  confusionMatrix,
  meanOverClasses,
  predictedCounts,
  quadraticKappa,
  referenceCounts,
  sumOfConfusions,
} from "./confusion-matrix.ts";
export { crossFittedThreshold } from "./cross-fitting.ts";
export { type PrecisionRecallCurve, precisionRecallCurve, type RocCurve, rocCurve } from "./curves.ts";
export { type DetectionMeasures, type DetectionOptions, detectionMeasures } from "./detection-measures.ts";
export { equalErrorRate } from "./equal-error-rate.ts";
export { estimatedLowestCost } from "./estimated-cost.ts";
export { type FalseAlarmThreshold, thresholdAtFalseAlarmRate } from "./false-alarm.ts";
export { foldsOf } from "./folds.ts";
export { type GradeMeasures, gradeMeasures, kappaDifference } from "./grade-measures.ts";
export { type Confusion, confusionAt, type ImageLabels, imageAuroc, imageRoc } from "./image-measures.ts";
export { type MeanOverSeeds, meanOverCategories, meanOverSeeds } from "./means.ts";
export {
  type CostCurve,
  type CostMeasures,
  type CostModel,
  costAt,
  costCurve,
  expectedCost,
  lowestCost,
  type OperatingPoint,
} from "./operating-point.ts";
export { maximumOutside, meanOfTopOutside } from "./outside-ignored.ts";
export { type PixelMeasures, pixelMeasures } from "./pixel-bootstrap.ts";
export { pixelMeasuresByKind, type ScoredMapOfKind } from "./pixel-kinds.ts";
export {
  type OverlapOptions,
  perRegionOverlap,
  pixelAuroc,
  pixelAveragePrecision,
  rankPixels,
  regionRoc,
  type ScoredMap,
} from "./pixel-measures.ts";
export { averagePrecision, maximumF1 } from "./precision-recall.ts";
export { type LabelledScores, type Ranking, rank } from "./ranking.ts";
export { reduceMap } from "./reduced-maps.ts";
export { type RegionMeasures, type RegionOptions, regionMeasures } from "./region-measures.ts";
export { areaUnderRoc, OneClassError, type Roc, rocOf } from "./roc.ts";
export { type SegmentationMeasures, segmentationMeasures } from "./segmentation-measures.ts";
export { type Evaluated, type Summary, summarise } from "./summary.ts";
