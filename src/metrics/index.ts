export { aurocDifference, type BootstrapOptions, imageMeasure, type Measure } from "./bootstrap.ts";
export { type Components, type Connectivity, connectedComponents } from "./components.ts";
export { type PrecisionRecallCurve, precisionRecallCurve, type RocCurve, rocCurve } from "./curves.ts";
export { type FalseAlarmThreshold, thresholdAtFalseAlarmRate } from "./false-alarm.ts";
export { type Confusion, confusionAt, type ImageLabels, imageAuroc, imageRoc } from "./image-measures.ts";
export { type PixelMeasures, pixelMeasures } from "./pixel-bootstrap.ts";
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
export { areaUnderRoc, OneClassError, type Roc, rocOf } from "./roc.ts";
export { type Evaluated, type Summary, summarise } from "./summary.ts";
