export { BLOCK, blockCosineTransform, cosineMatrix, cosineTransform } from "./cosine-transform.ts";
export { type Detection, type DetectorOptions, detector, regionMap } from "./detector.ts";
export type { FeatureOptions } from "./features.ts";
export { type Blend, type Generated, type GeneratorOptions, generator, styleTransfer } from "./generator.ts";
export { diversityLoss, maskAreaLoss, regionWeights, type SimilarityOptions, similarityLoss } from "./losses.ts";
export { type LowRankOptions, lowRank } from "./low-rank.ts";
export {
  detectorLoss,
  type ForgeryBatch,
  type GeneratorLosses,
  generatorLoss,
  type Networks,
  type ObjectiveOptions,
  type Players,
} from "./objectives.ts";
export { type Preset, type PresetName, presets } from "./presets.ts";
export { type Perception, randomPerception, type StyleLosses, type StyleLossOptions, styleLosses } from "./style-losses.ts";
