export { type Feeds, type FrozenFunction, type ModelValue, type ReadFunctionOptions, readFunction } from "./function.ts";
export { offsetOf } from "./offsets.ts";
export { readSafetensors } from "./safetensors.ts";
export { readStoredTensors, type StoredTensor, type StoredTensors } from "./stored.ts";
export { type FeatureMap, lastOfEachStride } from "./strides.ts";
export { readTflite } from "./tflite/read.ts";
