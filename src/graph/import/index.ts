export { type Feeds, type FrozenFunction, type ModelValue, type ReadFunctionOptions, readFunction } from "./function.ts";
export { offsetOf } from "./offsets.ts";
export { type FeatureMap, lastOfEachStride } from "./strides.ts";
export { readTflite } from "./tflite/read.ts";
