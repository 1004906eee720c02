import { stat } from "node:fs/promises";
import { join } from "node:path";
import { arrangeClasses, isClasses } from "./classes.ts";
import { imageExtensions, isTable, type Listing, listFolder } from "./listing.ts";
import { isManifest, readManifest } from "./manifest.ts";
import { separateMasks } from "./masks.ts";
import { arrangeMvtec, isMvtec } from "./mvtec.ts";
import { arrangeFolder, isPattern, readPattern } from "./plain.ts";
import { type Dataset, DatasetError, some } from "./sample.ts";
import { arrangeVisa, isVisa } from "./visa.ts";

export interface DatasetOptions {
  /** Of the division into training and test where none is stated. Default 0. */
  seed?: number;
}

/**
 * Lists a data set without opening its images. The layouts, in the order in which they are recognised:
 *
 * - "mvtec": folders `train/`, `test/` and `ground_truth/` (`arrangeMvtec`);
 * - "visa": folders `Data/Images/` and `Data/Masks/` (`arrangeVisa`);
 * - "manifest": a CSV file, or a folder with exactly one that names images (`readManifest`);
 * - "classes": folders of kinds, a normal one among them (`arrangeClasses`);
 * - "folder": any other folder of images, however deep, all for training (`arrangeFolder`);
 * - "glob": a pattern such as "photos/*.jpg", all for training (`readPattern`).
 *
 * Samples are sorted by name in code-unit order, which no locale or file system changes. Everything left out is in
 * `skipped` with a reason. Throws a DatasetError when there is nothing at the source, or no image, or whole data sets
 * one level deeper (training on their test images would go unnoticed; see `listCategories`).
 */
export const readDataset = async (source: string, { seed = 0 }: DatasetOptions = {}): Promise<Dataset> => {
  const status = await stat(source).catch((error: NodeJS.ErrnoException) => error);
  if (status instanceof Error) {
    if (isPattern(source)) return readPattern(source);
    const problem = status.code === "ENOENT" ? "does not exist" : `cannot be read (${status.code})`;
    throw new DatasetError(`The folder "${source}" ${problem}. Check the path.`);
  }
  if (status.isDirectory()) return readListing(source, await listFolder(source), seed);
  if (isTable(source)) return readManifest(source, seed);
  throw new DatasetError(`"${source}" is a file. Give the folder that holds the images, or a table of them (.csv).`);
};

/** `readDataset` of a folder that is listed already. */
export const readListing = async (source: string, listing: Listing, seed: number): Promise<Dataset> => {
  const layout = await recogniseLayout(listing);
  const manifests = layout === "manifest" || layout === "manifests" ? await manifestsIn(listing) : [];
  if (layout === "manifest") return { ...(await readManifest(manifests[0], seed)), source };
  if (layout === "manifests") {
    throw new DatasetError(
      `The folder "${source}" holds several tables of images (${some(manifests)}). Give one of them, or keep only one there.`,
    );
  }
  const files = separateMasks(listing.images);
  if (files.images.length === 0) {
    const others = listing.skipped.length + listing.tables.length;
    throw new DatasetError(
      `The folder "${source}" holds no image (${others} other files were skipped). Images end in ${imageExtensions}.`,
    );
  }
  if (layout === "mvtec") return noteManifests(arrangeMvtec(source, listing, files), await manifestsIn(listing));
  if (layout === "visa") return arrangeVisa(source, listing, files, seed);
  if (layout === "classes") return arrangeClasses(source, listing, files, seed);
  const deeper = await deeperDatasets(listing);
  if (deeper.length > 0) {
    throw new DatasetError(
      `The folder "${source}" holds its images in datasets one level deeper (${some(deeper)}). ` +
        `Give one of them: "${join(source, deeper[0])}".`,
    );
  }
  return arrangeFolder(source, listing, files);
};

const noteManifests = (dataset: Dataset, manifests: string[]): Dataset => {
  if (manifests.length > 0) {
    dataset.notes.push(`The folders were read, not the table of images beside them. To read it, give it: ${some(manifests)}.`);
  }
  return dataset;
};

/** The layout of a folder, where "manifests" are several tables of images. */
export const recogniseLayout = async (listing: Listing): Promise<Exclude<Dataset["layout"], "glob"> | "manifests"> => {
  const { images } = separateMasks(listing.images);
  if (isMvtec(images)) return "mvtec";
  if (isVisa(images)) return "visa";
  const manifests = await manifestsIn(listing);
  if (manifests.length > 0) return manifests.length === 1 ? "manifest" : "manifests";
  return isClasses(images) ? "classes" : "folder";
};

/** The tables of images directly in a folder. */
export const manifestsIn = async ({ tables }: Listing): Promise<string[]> => {
  const manifests: string[] = [];
  for (const { path, parts } of tables) if (parts.length === 1 && (await isManifest(path))) manifests.push(path);
  return manifests;
};

/** The folders directly in a folder that are data sets by themselves, more than images. */
export const deeperDatasets = async ({ images, tables }: Listing): Promise<string[]> => {
  const inFolders = separateMasks(images).images.filter(({ parts }) => parts.length > 1);
  const deeper: string[] = [];
  for (const folder of new Set(inFolders.map(({ parts }) => parts[0]))) {
    const within = (files: Listing["images"]): Listing["images"] =>
      files
        .filter(({ parts }) => parts.length > 1 && parts[0] === folder)
        .map(({ path, parts }) => ({ path, name: parts.slice(1).join("/"), parts: parts.slice(1) }));
    if ((await recogniseLayout({ images: within(images), tables: within(tables), skipped: [] })) !== "folder")
      deeper.push(folder);
  }
  return deeper;
};
