export * from "./dataset.ts";
export * from "./manipulations/index.ts";
export { editedPhotograph } from "./photograph/edit.ts";
export { type Photograph, photograph } from "./photograph/photograph.ts";
export { type AreaRange, randomBlob } from "./regions.ts";
export * from "./statistics-model.ts";
export { traceFeatures } from "./trace-oracle.ts";
