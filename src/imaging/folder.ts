import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

export interface Sample {
  path: string;
  /** Path relative to the dataset's root, with "/" on every system. */
  name: string;
  split: "train" | "test";
  /** "good" or the kind of defect, which is the name of the folder. */
  kind: string;
  /** 0 = normal, 1 = defect. */
  label: 0 | 1;
  /** The picture of the defect's area, for `decodeMask`. */
  maskPath?: string;
}

export interface SkippedFile {
  path: string;
  reason: string;
}

export interface FolderDataset {
  root: string;
  layout: "mvtec" | "folder";
  train: Sample[];
  test: Sample[];
  /** Files that are not part of the dataset, one entry each. */
  skipped: SkippedFile[];
  /** Sentences about what is unusual but usable, such as missing masks. */
  notes: string[];
}

/** A folder or dataset that cannot be used; the message is a sentence for the user. */
export class FolderError extends Error {
  override readonly name = "FolderError";
}

/**
 * Lists a dataset without opening its images. Two layouts are understood:
 *
 * - "mvtec", the convention of MVTec AD (Bergmann et al. 2019): `train/good`, `test/good`, `test/<kind>` and
 *   `ground_truth/<kind>/<name>_mask.png` or `<name>.png` (any image format). Each part may be missing. Images directly
 *   in `train` are good; other folders of `train` are known defects with label 1.
 * - "folder", anything else: all images, however deep, are training samples of kind "good".
 *
 * Samples are sorted by name in code-unit order, which no locale or file system changes. Everything left out is in
 * `skipped` with a reason. Throws a FolderError when the folder does not exist, is a file, holds no image,
 * or holds whole datasets as its subfolders (training on their test images would go unnoticed).
 */
export const readFolder = async (root: string): Promise<FolderDataset> => {
  await checkFolder(root);
  const { images, skipped } = await listImages(root);
  if (images.length === 0) {
    throw new FolderError(
      `The folder "${root}" holds no image (${skipped.length} other files were skipped). Images end in ${extensions.join(", ")}.`,
    );
  }
  if (images.some(({ parts }) => parts.length > 1 && (parts[0] === "train" || parts[0] === "test"))) {
    return arrangeMvtec(root, images, skipped);
  }
  const datasets = new Set(
    images.filter(({ parts }) => parts.length > 2 && (parts[1] === "train" || parts[1] === "test")).map(({ parts }) => parts[0]),
  );
  if (datasets.size > 0) {
    const names = [...datasets];
    throw new FolderError(
      `The folder "${root}" holds its images in datasets one level deeper (${some(names)}). Give one of them: "${join(root, names[0])}".`,
    );
  }
  const train = images.map(({ path, name }): Sample => ({ path, name, split: "train", kind: "good", label: 0 }));
  return { root, layout: "folder", train, test: [], skipped, notes: [] };
};

/**
 * The image files behind a list of files and folders, for prediction: inputs in their order, the images of a folder
 * (however deep) in code-unit order, each file once. Whatever is no image or does not exist is in `skipped` with a
 * reason; nothing is thrown.
 */
export const expandInputs = async (inputs: readonly string[]): Promise<{ paths: string[]; skipped: SkippedFile[] }> => {
  const paths = new Map<string, string>();
  const skipped: SkippedFile[] = [];
  for (const input of inputs) {
    const status = await stat(input).catch(() => undefined);
    if (status === undefined) {
      skipped.push({ path: input, reason: "does not exist or cannot be read" });
    } else if (status.isDirectory()) {
      const found = await listImages(input);
      for (const { path } of found.images) if (!paths.has(resolve(path))) paths.set(resolve(path), path);
      skipped.push(...found.skipped);
      if (found.images.length === 0) skipped.push({ path: input, reason: "folder without images" });
    } else {
      const reason = whySkipped(input.split(/[\\/]/).at(-1)!);
      if (reason !== undefined) skipped.push({ path: input, reason });
      else if (!paths.has(resolve(input))) paths.set(resolve(input), input);
    }
  }
  return { paths: [...paths.values()], skipped };
};

interface FoundImage {
  path: string;
  name: string;
  /** The name cut at its slashes. */
  parts: string[];
}

/** Gives each image of an MVTec folder its split, kind and label, and each defect its mask. */
const arrangeMvtec = (root: string, images: FoundImage[], skipped: SkippedFile[]): FolderDataset => {
  const train: Sample[] = [];
  const test: Sample[] = [];
  const masks = new Map<string, FoundImage>();
  for (const image of images) {
    const { path, name, parts } = image;
    const split = parts[0];
    if (split === "ground_truth" && parts.length > 2) masks.set(parts.slice(1).join("/"), image);
    else if (split === "train") {
      const kind = parts.length > 2 ? parts[1] : "good";
      train.push({ path, name, split, kind, label: kind === "good" ? 0 : 1 });
    } else if (split === "test" && parts.length > 2) {
      test.push({ path, name, split, kind: parts[1], label: parts[1] === "good" ? 0 : 1 });
    } else if (split === "test") {
      skipped.push({ path, reason: 'directly in "test"; test images belong in "test/good" or "test/<kind of defect>"' });
    } else skipped.push({ path, reason: 'outside "train/", "test/<kind>/" and "ground_truth/<kind>/"' });
  }
  const unusedMasks = new Map(masks);
  const withoutMask: string[] = [];
  for (const sample of [...test, ...train]) {
    if (sample.label === 0) continue;
    const stem = withoutExtension(sample.name.slice(sample.split.length + 1));
    const key = maskKeys(stem).find((candidate) => unusedMasks.has(candidate));
    if (key !== undefined) {
      sample.maskPath = unusedMasks.get(key)!.path;
      unusedMasks.delete(key);
    } else if (sample.split === "test") withoutMask.push(sample.name);
  }
  const orphans = [...unusedMasks.values()].filter(({ parts }) => parts[1] !== "good").map(({ name }) => name);
  const notes: string[] = [];
  if (withoutMask.length > 0) {
    notes.push(`${withoutMask.length} defect images of "test" have no mask in "ground_truth": ${some(withoutMask)}.`);
  }
  if (orphans.length > 0) notes.push(`${orphans.length} masks of "ground_truth" belong to no image: ${some(orphans)}.`);
  return { root, layout: "mvtec", train, test, skipped, notes };
};

const extensions = [".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jpg", ".jpeg", ".avif"];

const maskKeys = (stem: string): string[] =>
  ["_mask", ""].flatMap((suffix) => extensions.map((extension) => stem + suffix + extension));

const withoutExtension = (name: string): string => name.replace(/\.[^./]*$/, "");

const some = (names: string[]): string => names.slice(0, 3).join(", ") + (names.length > 3 ? ", ..." : "");

const checkFolder = async (root: string): Promise<void> => {
  const status = await stat(root).catch((error: NodeJS.ErrnoException) => error);
  if (status instanceof Error) {
    const problem = status.code === "ENOENT" ? "does not exist" : `cannot be read (${status.code})`;
    throw new FolderError(`The folder "${root}" ${problem}. Check the path.`);
  }
  if (!status.isDirectory()) throw new FolderError(`"${root}" is a file. Give the folder that holds the images.`);
};

const whySkipped = (file: string): string | undefined => {
  if (file.startsWith(".")) return "hidden file";
  if (/^(thumbs\.db|desktop\.ini)$/i.test(file)) return "file of the operating system";
  const extension = /\.[^.]*$/.exec(file)?.[0].toLowerCase();
  return extension !== undefined && extensions.includes(extension) ? undefined : "not an image by its extension";
};

/** All image files below a folder, by name in code-unit order. Links are followed, except in circles. */
const listImages = async (root: string): Promise<{ images: FoundImage[]; skipped: SkippedFile[] }> => {
  const images: FoundImage[] = [];
  const skipped: SkippedFile[] = [];
  const visit = async (folder: string, parents: string[], realParents: string[]): Promise<void> => {
    const real = await realpath(folder).catch(() => folder);
    if (realParents.includes(real)) {
      skipped.push({ path: folder, reason: "link to a folder that contains it" });
      return;
    }
    const entries = await readdir(folder).catch(() => undefined);
    if (entries === undefined) skipped.push({ path: folder, reason: "folder cannot be read" });
    for (const entry of entries ?? []) {
      const path = join(folder, entry);
      const parts = [...parents, entry];
      const status = await stat(path).catch(() => undefined);
      if (status === undefined) skipped.push({ path, reason: "broken link or unreadable" });
      else if (status.isDirectory() && entry.startsWith(".")) skipped.push({ path, reason: "hidden folder" });
      else if (status.isDirectory()) await visit(path, parts, [...realParents, real]);
      else {
        const reason = status.isFile() ? whySkipped(entry) : "not a regular file";
        if (reason === undefined) images.push({ path, name: parts.join("/"), parts });
        else skipped.push({ path, reason });
      }
    }
  };
  await visit(root, [], []);
  images.sort((a, b) => byCodeUnits(a.name, b.name));
  skipped.sort((a, b) => byCodeUnits(a.path, b.path));
  return { images, skipped };
};

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
