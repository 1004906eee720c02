import { type FoundFile, withoutExtension } from "./listing.ts";
import { type Sample, type SkippedFile, some } from "./sample.ts";

/** A mask, and the name without extension of what it belongs to. */
export interface FoundMask {
  file: FoundFile;
  key: string;
}

export interface SeparatedFiles {
  images: FoundFile[];
  /** Pictures of defects. Key: what follows "ground_truth/", such as "crack/003_mask". */
  truth: FoundMask[];
  /** Pictures of the pixels that count nowhere. Key: the name of the image, such as "test/crack/003". */
  ignore: FoundMask[];
}

/** Folders inside that of a kind which hold its images and their masks. */
const pairedFolders = [
  { images: "rgb", masks: "gt" }, // MVTec 3D-AD (Bergmann et al. 2022)
  { images: "img", masks: "label" }, // BMAD (Bao et al. 2024)
];

/**
 * Tells masks from images by their folders. Masks of defects lie in
 *
 * - `ground_truth/` at any depth: MVTec AD and its relatives, and `test_public/ground_truth/` of MVTec AD 2;
 * - `Data/Masks/`: VisA (Zou et al. 2022);
 * - `<split>/<kind>/gt/` beside `rgb/`: MVTec 3D-AD; `<split>/<kind>/label/` beside `img/`: BMAD.
 *
 * Masks of pixels that count nowhere lie in `ignore/`, under the name of their image.
 */
export const separateMasks = (files: readonly FoundFile[]): SeparatedFiles => {
  const folders = new Set(files.map(({ parts }) => parts.slice(0, -1).join("/")));
  const separated: SeparatedFiles = { images: [], truth: [], ignore: [] };
  for (const file of files) {
    const { parts } = file;
    const key = truthKey(parts, folders);
    if (parts[0] === "ignore" && parts.length > 1) separated.ignore.push({ file, key: stem(parts.slice(1)) });
    else if (key !== undefined) separated.truth.push({ file, key });
    else separated.images.push(file);
  }
  return separated;
};

const truthKey = (parts: readonly string[], folders: ReadonlySet<string>): string | undefined => {
  const parents = parts.slice(0, -1);
  const start = parents.indexOf("ground_truth");
  if (start >= 0) return stem(parts.slice(start + 1));
  const data = parents.indexOf("Data");
  if (data >= 0 && parents[data + 1] === "Masks") return stem(parts.slice(data + 2));
  const pair = parents.length > 2 ? pairedFolders.find(({ masks }) => masks === parents.at(-1)) : undefined;
  if (pair === undefined || !folders.has([...parents.slice(0, -1), pair.images].join("/"))) return undefined;
  return stem([...parents.slice(1, -1), pair.images, parts.at(-1)!]);
};

const stem = (parts: readonly string[]): string => withoutExtension(parts.join("/"));

/** Masks by their key, each handed out once. */
const maskTable = (masks: readonly FoundMask[]) => {
  const left = new Map<string, FoundFile[]>();
  for (const { file, key } of masks) left.set(key, [...(left.get(key) ?? []), file]);
  return {
    take: (...keys: string[]): string | undefined => {
      for (const key of keys) {
        const file = left.get(key)?.shift();
        if (file !== undefined) return file.path;
      }
      return undefined;
    },
    rest: (): FoundFile[] => [...left.values()].flat(),
  };
};

/**
 * Gives each defect its mask, `<key>_mask.*` or `<key>.*`, where `keyOf` is the name of an image after its split, such as
 * "crack/003". Returns sentences about defects in the test without a mask and masks without an image. A mask of normal
 * images, which some data sets have, is empty and left alone.
 */
export const attachMasks = (
  samples: readonly Sample[],
  truth: readonly FoundMask[],
  keyOf: (sample: Sample) => string,
  isOfNormal: (file: FoundFile) => boolean,
): string[] => {
  const masks = maskTable(truth);
  const without: string[] = [];
  for (const sample of samples) {
    if (sample.label === 0) continue;
    const key = keyOf(sample);
    const path = masks.take(`${key}_mask`, key);
    if (path !== undefined) sample.maskPath = path;
    else if (sample.split === "test") without.push(sample.name);
  }
  const orphans = masks.rest().filter((file) => !isOfNormal(file));
  const notes: string[] = [];
  if (without.length > 0) notes.push(`${without.length} defect images of "test" have no mask: ${some(without)}.`);
  if (orphans.length > 0) {
    notes.push(`${orphans.length} masks belong to no image: ${some(orphans.map(({ name }) => name))}.`);
  }
  return notes;
};

/** Gives each image the mask of its pixels that count nowhere, `ignore/<name of the image>`; returns those left over. */
export const attachIgnoreMasks = (samples: readonly Sample[], ignore: readonly FoundMask[]): SkippedFile[] => {
  const masks = maskTable(ignore);
  for (const sample of samples) {
    const path = masks.take(withoutExtension(sample.name));
    if (path !== undefined) sample.ignorePath = path;
  }
  return masks.rest().map(({ path }) => ({ path, reason: 'in "ignore/", but there is no image of this name beside it' }));
};
