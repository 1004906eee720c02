export { listCategories } from "./categories.ts";
export {
  type DuplicateOptions,
  type DuplicatePair,
  type DuplicateReport,
  findDuplicates,
} from "./duplicates.ts";
export { expandInputs } from "./inputs.ts";
export { unusableFiles } from "./listing.ts";
export { type DatasetOptions, readDataset } from "./read.ts";
export { type Dataset, DatasetError, type Sample, type SkippedFile } from "./sample.ts";
