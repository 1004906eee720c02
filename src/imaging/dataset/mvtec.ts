import type { FoundFile, Listing } from "./listing.ts";
import { skippedWithTables, sortSkipped } from "./listing.ts";
import { attachIgnoreMasks, attachMasks, type SeparatedFiles } from "./masks.ts";
import { byName, type Dataset, isNormal, kindAndLabel, type Sample } from "./sample.ts";

/** Folders of a split. "test_public" is the test of MVTec AD 2 whose labels are known. */
const splits: Record<string, Sample["split"]> = {
  train: "train",
  validation: "train",
  valid: "train",
  test: "test",
  test_public: "test",
};

/** Whether there are images in a folder for training or testing. */
export const isMvtec = (images: readonly FoundFile[]): boolean =>
  images.some(({ parts }) => parts.length > 1 && ["train", "test", "test_public"].includes(parts[0]));

/**
 * The convention of MVTec AD (Bergmann et al. 2019), which most published data sets follow:
 *
 *     train/good/000.png   test/good/000.png   test/crack/000.png   ground_truth/crack/000_mask.png (or 000.png)
 *     ignore/test/crack/000.png: the pixels of test/crack/000.png that count nowhere
 *
 * Each part may be missing. Normal kinds are also called "ok" (BTAD, Mishra et al. 2021) or "normal". Images directly in
 * `train` are good; other folders of `train` are known defects with label 1. `validation` (MVTec LOCO, MVTec AD 2) and
 * `valid` (BMAD) are training, as the threshold is set from images kept out of training. Other places of masks: see
 * `separateMasks`. The several masks per image of MVTec LOCO are not read.
 */
export const arrangeMvtec = (source: string, listing: Listing, { images, truth, ignore }: SeparatedFiles): Dataset => {
  const samples: Sample[] = [];
  const skipped = skippedWithTables(listing);
  for (const { path, name, parts } of images) {
    const split = Object.hasOwn(splits, parts[0]) ? splits[parts[0]] : undefined;
    if (split === undefined || parts.length === 1) {
      skipped.push({ path, reason: 'outside "train/", "test/<kind>/" and "ground_truth/<kind>/"' });
    } else if (parts[2] === "xyz" && parts.length > 3) {
      skipped.push({ path, reason: "positions in space (MVTec 3D-AD), not an image" });
    } else if (parts.length > 2) {
      samples.push({ path, name, split, ...kindAndLabel(parts[1]) });
    } else if (split === "train") {
      samples.push({ path, name, split, kind: "good", label: 0 });
    } else {
      skipped.push({ path, reason: 'directly in "test"; test images belong in "test/good" or "test/<kind of defect>"' });
    }
  }
  samples.sort(byName);
  const train = samples.filter(({ split }) => split === "train");
  const test = samples.filter(({ split }) => split === "test");
  const validation = train.filter(({ name }) => !name.startsWith("train/")).length;
  const keyOf = ({ name }: Sample): string => name.replace(/^[^/]*\/|\.[^./]*$/g, "");
  const notes = [
    ...(validation > 0 ? [`${validation} images of the validation folder are taken for training.`] : []),
    ...attachMasks([...test, ...train], truth, keyOf, ({ parts }) => parts.some(isNormal)),
  ];
  skipped.push(...attachIgnoreMasks([...test, ...train], ignore));
  return { source, layout: "mvtec", train, test, skipped: sortSkipped(skipped), notes };
};
