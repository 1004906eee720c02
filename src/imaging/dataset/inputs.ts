import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type Listing, listFolder, skippedWithTables, whySkipped } from "./listing.ts";
import { separateMasks } from "./masks.ts";
import { isPattern, listPattern } from "./plain.ts";
import { readListing } from "./read.ts";
import { DatasetError, type SkippedFile } from "./sample.ts";

/**
 * The image files behind a list of files, folders and patterns, for prediction: inputs in their order, the images of a
 * folder (however deep) or pattern in code-unit order, each file once. The masks of a folder that is a data set, by
 * their place or by its manifest, are no images to predict: they are in `masks`. Whatever is no image or does not exist
 * is in `skipped` with a reason; nothing is thrown.
 */
export const expandInputs = async (
  inputs: readonly string[],
): Promise<{ paths: string[]; masks: string[]; skipped: SkippedFile[] }> => {
  const paths = new Map<string, string>();
  const masks = new Set<string>();
  const skipped: SkippedFile[] = [];
  const add = (path: string): void => void (paths.has(resolve(path)) || paths.set(resolve(path), path));
  for (const input of inputs) {
    const status = await stat(input).catch(() => undefined);
    if (status === undefined && isPattern(input)) {
      const found = await listPattern(input);
      for (const { path } of found.images) add(path);
      skipped.push(...found.skipped);
      if (found.images.length === 0) skipped.push({ path: input, reason: "no image matches this pattern" });
    } else if (status === undefined) {
      skipped.push({ path: input, reason: "does not exist or cannot be read" });
    } else if (status.isDirectory()) {
      const listing = await listFolder(input);
      const own = await masksIn(input, listing);
      for (const { path } of listing.images) own.has(resolve(path)) ? masks.add(path) : add(path);
      skipped.push(...skippedWithTables(listing));
      if (listing.images.length === 0) skipped.push({ path: input, reason: "folder without images" });
    } else {
      const reason = whySkipped(basename(input));
      if (reason === undefined) add(input);
      else skipped.push({ path: input, reason });
    }
  }
  return { paths: [...paths.values()], masks: [...masks], skipped };
};

/** The files of a folder that are masks, as absolute paths. */
const masksIn = async (folder: string, listing: Listing): Promise<Set<string>> => {
  const { truth, ignore } = separateMasks(listing.images);
  const masks = new Set([...truth, ...ignore].map(({ file }) => resolve(file.path)));
  const dataset = await readListing(folder, listing, 0).catch((error: unknown) => {
    if (error instanceof DatasetError) return undefined;
    throw error;
  });
  for (const { maskPath, ignorePath } of dataset === undefined ? [] : [...dataset.train, ...dataset.test]) {
    for (const path of [maskPath, ignorePath]) if (path !== undefined) masks.add(resolve(path));
  }
  return masks;
};
