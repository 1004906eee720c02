export {
  type SegmentationLoss,
  type SegmentationLossOptions,
  type SegmentationOptions,
  segmentationLogits,
  segmentationLoss,
} from "./segmentation.ts";
