import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { byCodeUnits, byName, type SkippedFile } from "./sample.ts";

export interface FoundFile {
  path: string;
  /** Path relative to the listed folder, with "/" on every system. */
  name: string;
  /** The name cut at its slashes. */
  parts: string[];
}

export interface Listing {
  images: FoundFile[];
  /** CSV files, which may be manifests. */
  tables: FoundFile[];
  skipped: SkippedFile[];
}

const extensions = [".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jpg", ".jpeg", ".avif"];

/** For a message to somebody whose files are not images. */
export const imageExtensions = extensions.join(", ");

const NOT_AN_IMAGE = "not an image by its extension";

/** Why a file is not read as an image, by its name alone; undefined for an image. */
export const whySkipped = (file: string): string | undefined => {
  if (file.startsWith(".")) return "hidden file";
  if (/^(thumbs\.db|desktop\.ini)$/i.test(file)) return "file of the operating system";
  return extensions.includes(extensionOf(file)) ? undefined : NOT_AN_IMAGE;
};

export const isTable = (file: string): boolean => extensionOf(file) === ".csv";

/** Of what was skipped, what someone meant to be used: images by their names (broken links, pipes), and rows of a table. */
export const unusableFiles = (skipped: readonly SkippedFile[]): SkippedFile[] =>
  skipped.filter(({ path }) => isTable(path) || whySkipped(basename(path)) === undefined);

export const withoutExtension = (name: string): string => name.replace(/\.[^./]*$/, "");

const extensionOf = (file: string): string => /\.[^.]*$/.exec(file)?.[0].toLowerCase() ?? "";

/**
 * All image files and tables below a folder, by name in code-unit order, without opening them; the rest is in `skipped`
 * with a reason. Links are followed, except in circles. Nothing is thrown: a folder that cannot be read is skipped.
 */
export const listFolder = async (root: string): Promise<Listing> => {
  const images: FoundFile[] = [];
  const tables: FoundFile[] = [];
  const skipped: SkippedFile[] = [];
  const visit = async (folder: string, parents: string[], realParents: string[]): Promise<void> => {
    const real = await realpath(folder).catch(() => folder);
    if (realParents.includes(real)) {
      skipped.push({ path: folder, reason: "link to a folder that contains it" });
      return;
    }
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) skipped.push({ path: folder, reason: "folder cannot be read" });
    for (const entry of entries ?? []) {
      const path = join(folder, entry.name);
      const parts = [...parents, entry.name];
      const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
      if (kind === undefined) skipped.push({ path, reason: "broken link or unreadable" });
      else if (kind.isDirectory() && entry.name.startsWith(".")) skipped.push({ path, reason: "hidden folder" });
      else if (kind.isDirectory()) await visit(path, parts, [...realParents, real]);
      else {
        const reason = kind.isFile() ? whySkipped(entry.name) : "not a regular file";
        if (reason === undefined) images.push({ path, name: parts.join("/"), parts });
        else if (reason === NOT_AN_IMAGE && isTable(entry.name)) tables.push({ path, name: parts.join("/"), parts });
        else skipped.push({ path, reason });
      }
    }
  };
  await visit(root, [], []);
  images.sort(byName);
  tables.sort(byName);
  return { images, tables, skipped: sortSkipped(skipped) };
};

/** What a layout that reads no table leaves out. */
export const skippedWithTables = ({ skipped, tables }: Listing): SkippedFile[] =>
  sortSkipped([...skipped, ...tables.map(({ path }) => ({ path, reason: NOT_AN_IMAGE }))]);

export const sortSkipped = (skipped: SkippedFile[]): SkippedFile[] => skipped.sort((a, b) => byCodeUnits(a.path, b.path));
