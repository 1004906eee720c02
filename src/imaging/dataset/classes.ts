import { divide } from "./division.ts";
import { type FoundFile, type Listing, skippedWithTables, sortSkipped, withoutExtension } from "./listing.ts";
import { attachIgnoreMasks, attachMasks, type SeparatedFiles } from "./masks.ts";
import { type Dataset, isNormal, kindAndLabel } from "./sample.ts";

/** Whether the folders of the images are kinds: a normal one and at least one other. */
export const isClasses = (images: readonly FoundFile[]): boolean => {
  const kinds = images.filter(({ parts }) => parts.length > 1).map(({ parts }) => isNormal(parts[0]));
  return kinds.includes(true) && kinds.includes(false);
};

/**
 * Folders of kinds, without a split:
 *
 *     good/000.png   scratch/000.png   dent/000.png   ground_truth/scratch/000_mask.png   ignore/good/000.png
 *
 * The images are divided by `divide`, which `notes` says.
 */
export const arrangeClasses = (
  source: string,
  listing: Listing,
  { images, truth, ignore }: SeparatedFiles,
  seed: number,
): Dataset => {
  const skipped = skippedWithTables(listing);
  const inKinds = images.filter(({ parts }) => parts.length > 1);
  for (const { path, parts } of images) {
    if (parts.length === 1) skipped.push({ path, reason: "beside the folders of kinds, so its kind is not known" });
  }
  const { train, test, note } = divide(
    inKinds.map(({ path, name, parts }) => ({ path, name, ...kindAndLabel(parts[0]) })),
    seed,
  );
  const maskNotes = attachMasks(
    test,
    truth,
    ({ name }) => withoutExtension(name),
    ({ parts }) => parts.some(isNormal),
  );
  skipped.push(...attachIgnoreMasks([...train, ...test], ignore));
  const notes = truth.length > 0 ? [note, ...maskNotes] : [note];
  return { source, layout: "classes", train, test, skipped: sortSkipped(skipped), notes };
};
