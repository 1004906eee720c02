export { type SegmentationLoss, type SegmentationLossOptions, segmentationLoss } from "./loss.ts";
export { type Preset, type PresetName, presets } from "./presets.ts";
export { type Pretrained, PretrainedError, parametersOf, readPretrained } from "./pretrained.ts";
export { type Segmentation, type SegmentationOptions, segmentation } from "./segmentation.ts";
export { type StochasticDepthOptions, stochasticDepth } from "./stochastic-depth.ts";
export type { PositionFusion, SwinOptions } from "./swin.ts";
export type { DecoderNormalisation, UPerNetOptions } from "./upernet.ts";
