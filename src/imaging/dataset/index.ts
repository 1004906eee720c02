export { listCategories } from "./categories.ts";
export {
  type DuplicateOptions,
  type DuplicatePair,
  type DuplicateReport,
  findDuplicates,
} from "./duplicates.ts";
export { expandInputs } from "./inputs.ts";
export { type FoundFile, isTable, type Listing, listFolder, skippedWithTables, sortSkipped, unusableFiles } from "./listing.ts";
export { type DatasetOptions, readDataset } from "./read.ts";
export { byCodeUnits, byName, type Dataset, DatasetError, type Sample, type SkippedFile, some } from "./sample.ts";
export { readHeader, readTable, type Table } from "./table.ts";
export { findFile, namedCells, RowProblem } from "./table-rows.ts";
