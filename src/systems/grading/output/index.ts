export { type ClassShare, type Composition, compositionOf, gleasonScore, RESEARCH_USE } from "./composition.ts";
export { type EvaluatedSlide, type EvaluationReportInput, evaluationReport } from "./evaluation-report.ts";
export { type GeoJsonOptions, type RegionFeature, regionFeatures, writeGeoJson } from "./geojson.ts";
export { type ClassPictures, colourClasses, overviewPictures, partPictures } from "./overlay.ts";
export { writeSegmentation } from "./segmentation-tiff.ts";
export { patchesCsv, SLIDE_SCHEMA, type SlideJson, slideJson } from "./slide-json.ts";
export { classLegend, mostMalignant, reportPicture, type SlideReportInput, slideReport } from "./slide-report.ts";
export { readSlideOutputs, type SlideOutputOptions, type SlideOutputs, stemOf, writeSlideOutputs } from "./write-outputs.ts";
