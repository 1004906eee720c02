export { bifurcationOf } from "./bifurcation.ts";
export {
  type ChangeFactor,
  type ChangeFactors,
  changeFactors,
  changeOf,
  compareStages,
  namedChanges,
  type StageComparison,
  yearsBetween,
} from "./change.ts";
export * from "./classes.ts";
export type { Contour, Point } from "./contours.ts";
export { type Coverage, commonCoverage, coverageOf, distanceAlong } from "./coverage.ts";
export { featuresOf, type VesselFeature, type VesselFeatures, vesselFeatures } from "./features.ts";
export type { InternalCarotid } from "./internal-carotid.ts";
export { type ClassFractions, type MeasureOptions, measureVessel, type VesselMeasurement } from "./measure.ts";
export type { LumenMeasurement, SliceMeasurement } from "./slice.ts";
