import { join } from "node:path";
import { glob } from "tinyglobby";
import { type FoundFile, type Listing, skippedWithTables, sortSkipped, whySkipped } from "./listing.ts";
import { attachIgnoreMasks, type SeparatedFiles } from "./masks.ts";
import { byName, type Dataset, DatasetError, type Sample, type SkippedFile } from "./sample.ts";

/** Images of which nothing is known: all training, all good. */
const asTraining = ({ path, name }: FoundFile): Sample => ({ path, name, split: "train", kind: "good", label: 0 });

/**
 * One folder of images, however deep: all are good and for training. `ignore/<name of the image>` is the mask of its
 * pixels that count nowhere. Images in a folder "ground_truth" are masks without a test, and are skipped.
 */
export const arrangeFolder = (source: string, listing: Listing, { images, truth, ignore }: SeparatedFiles): Dataset => {
  const train = images.map(asTraining);
  const skipped = [
    ...skippedWithTables(listing),
    ...truth.map(({ file }) => ({ path: file.path, reason: "a mask by its folder, not an image to train on" })),
    ...attachIgnoreMasks(train, ignore),
  ];
  return { source, layout: "folder", train, test: [], skipped: sortSkipped(skipped), notes: [] };
};

/** Whether a name is a pattern: with *, ?, [a-z] or {a,b}. */
export const isPattern = (name: string): boolean => /[*?[{]/.test(name);

/**
 * The images that a pattern such as "photos/*.jpg" matches, by name in code-unit order; names are relative to the
 * folder before the first wildcard. On Windows "\" separates folders; elsewhere it takes a wildcard by its letter.
 */
export const listPattern = async (
  pattern: string,
  onWindows = process.platform === "win32",
): Promise<{ images: FoundFile[]; skipped: SkippedFile[] }> => {
  const segments = (onWindows ? pattern.replaceAll("\\", "/") : pattern).split("/");
  const first = segments.findIndex((segment) => /[*?[\]{}()!\\]/.test(segment));
  const base = segments.slice(0, first).join("/");
  const folder = first === 0 ? "." : base === "" ? "/" : base;
  const names = await glob(segments.slice(first).join("/"), { cwd: folder, expandDirectories: false });
  const files = names.map((name): FoundFile => ({ path: join(folder, name), name, parts: name.split("/") })).sort(byName);
  const images = files.filter(({ parts }) => whySkipped(parts.at(-1)!) === undefined);
  const skipped = files.flatMap(({ path, parts }) => {
    const reason = whySkipped(parts.at(-1)!);
    return reason === undefined ? [] : [{ path, reason }];
  });
  return { images, skipped };
};

/** The images of a pattern, all good and for training. Throws a DatasetError when there are none. */
export const readPattern = async (source: string): Promise<Dataset> => {
  const { images, skipped } = await listPattern(source);
  if (images.length === 0) {
    throw new DatasetError(
      `There is no file "${source}", and as a pattern it matches no image (but ${skipped.length} other files). ` +
        'Check the path; in a pattern "*" stands for any letters of a name and "**" for any folders.',
    );
  }
  return { source, layout: "glob", train: images.map(asTraining), test: [], skipped, notes: [] };
};
