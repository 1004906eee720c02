import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isTable, listFolder, withoutExtension } from "./listing.ts";
import { deeperDatasets, manifestsIn, recogniseLayout } from "./read.ts";
import { DatasetError } from "./sample.ts";

/**
 * The data sets that a source for `readDataset` holds, by name in code-unit order: for a benchmark over all categories.
 * These are the folders one level deeper that are data sets by themselves (the roots of MVTec AD and its relatives, and
 * of VisA), or the manifests of a folder that holds several, or the source itself.
 * Throws a DatasetError when there is nothing at the source.
 */
export const listCategories = async (root: string): Promise<{ name: string; source: string }[]> => {
  const status = await stat(root).catch(() => undefined);
  if (status === undefined) throw new DatasetError(`There is no data set "${root}". Check the path.`);
  const name = basename(resolve(root));
  if (!status.isDirectory()) return [{ name: isTable(root) ? withoutExtension(name) : name, source: root }];
  const listing = await listFolder(root);
  const layout = await recogniseLayout(listing);
  if (layout === "manifests") {
    return (await manifestsIn(listing)).map((source) => ({ name: withoutExtension(basename(source)), source }));
  }
  const deeper = layout === "folder" ? await deeperDatasets(listing) : [];
  return deeper.length > 0 ? deeper.map((folder) => ({ name: folder, source: join(root, folder) })) : [{ name, source: root }];
};
