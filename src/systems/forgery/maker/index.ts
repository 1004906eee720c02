export * from "./dataset.ts";
export { convolveAxis, type FloatImage, reflected, toBytes, toFloat } from "./float-image.ts";
export * from "./manipulations/index.ts";
export { editedPhotograph } from "./photograph/edit.ts";
export { type Photograph, photograph } from "./photograph/photograph.ts";
export { type AreaRange, randomBlob, softEdge } from "./regions.ts";
export * from "./statistics-model.ts";
export { traceFeatures } from "./trace-oracle.ts";
