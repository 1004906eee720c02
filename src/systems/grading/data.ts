import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { parse } from "csv-parse/sync";
import type { SkippedFile } from "../../imaging/index.ts";
import { digestOfFiles } from "../../training/index.ts";

export type Split = "train" | "validation" | "test";

/** A slide of a data set. */
export interface SlideSample {
  /** Its path within the data set. */
  readonly name: string;
  readonly path: string;
  /** A picture of the classes, of the slide's size or reduced by a whole factor. */
  readonly maskPath?: string;
  /** The ISUP grade that a pathologist gave, 0 .. 5. */
  readonly grade?: number;
  /** Whose slide it is: slides of one patient are never divided between what is learnt from and what is judged. */
  readonly patient?: string;
  readonly split: Split;
}

export interface SlideDataset {
  readonly source: string;
  readonly slides: readonly SlideSample[];
  readonly skipped: readonly SkippedFile[];
}

/** A data set that cannot be used: the message says why, and what is expected. */
export class SlideDatasetError extends Error {
  override readonly name = "SlideDatasetError";
}

const SLIDE = /\.(svs|tiff?|png|jpe?g|bmp|webp)$/i;
const FOLDERS = { images: ["images", "image", "slides"], masks: ["masks", "mask"] } as const;

/**
 * The slides of a data set: a table (`slides.csv`, or a folder with one) with the columns image, and where there are any mask, grade,
 * patient and split (train, validation, test), paths being relative to the table; a folder with `images` and `masks` of equal names; or
 * a folder of slides, or one slide.
 * @throws SlideDatasetError where there are none, or a column does not fit.
 */
export const readSlides = async (source: string): Promise<SlideDataset> => {
  const status = await stat(source).catch(() => {
    throw new SlideDatasetError(`"${source}" does not exist. Give a folder of slides, a table slides.csv, or a slide.`);
  });
  const table = status.isDirectory() ? join(source, "slides.csv") : source;
  if (/\.csv$/i.test(table) && (await isFile(table))) return readTable(source, table);
  if (!status.isDirectory()) return { source, slides: [sampleOf(basename(source), source)], skipped: [] };
  const names = await readdir(source);
  const [images, masks] = [FOLDERS.images, FOLDERS.masks].map((known) => known.find((name) => names.includes(name)));
  const folder = images === undefined ? source : join(source, images);
  const slides = (await readdir(folder)).filter((name) => SLIDE.test(name)).sort();
  if (slides.length === 0) {
    throw new SlideDatasetError(
      `"${source}" holds no slides: neither a table slides.csv, nor folders images and masks, nor files ending in svs, tiff, png or jpg.`,
    );
  }
  const maskNames = masks === undefined ? [] : await readdir(join(source, masks));
  return {
    source,
    skipped: [],
    slides: slides.map((name) => {
      const mask = maskNames.find((other) => stem(other) === stem(name));
      return { ...sampleOf(name, join(folder, name)), maskPath: mask && join(source, masks as string, mask) };
    }),
  };
};

/** The slides that a network learns from. */
export const trainingSlides = (slides: readonly SlideSample[]): SlideSample[] =>
  slides.filter(({ split, maskPath }) => split === "train" && maskPath !== undefined);

/** SHA-256 over slides and masks, by name and contents, and over what is said of them. */
export const digestOfSlides = (slides: readonly SlideSample[]): Promise<string> =>
  digestOfFiles(
    slides.flatMap(({ name, path, maskPath, grade, patient }) => [
      { name: JSON.stringify([name, grade, patient]), path },
      ...(maskPath === undefined ? [] : [{ name: `${name}, mask`, path: maskPath }]),
    ]),
  );

const stem = (name: string): string => basename(name, extname(name));
const sampleOf = (name: string, path: string): SlideSample => ({ name, path: resolve(path), split: "train" });
const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const readTable = async (source: string, table: string): Promise<SlideDataset> => {
  let rows: Record<string, string>[];
  try {
    rows = parse(await readFile(table, "utf8"), { columns: true, trim: true, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw new SlideDatasetError(`The table "${table}" cannot be read as CSV: ${(error as Error).message}`);
  }
  if (rows.length === 0) throw new SlideDatasetError(`The table "${table}" has no rows.`);
  if (!("image" in rows[0])) {
    throw new SlideDatasetError(
      `The table "${table}" needs a column "image"; it has ${Object.keys(rows[0]).join(", ")}. Further ones it may have: mask, grade, patient, split.`,
    );
  }
  const at = (path: string): string => resolve(dirname(table), path);
  const skipped: SkippedFile[] = [];
  const slides: SlideSample[] = [];
  for (const [index, { image, mask, grade, patient, split }] of rows.entries()) {
    const problem = (text: string): never => {
      throw new SlideDatasetError(`Row ${index + 2} of "${table}": ${text}`);
    };
    if (!image) problem("the column image is empty.");
    const isup = grade === undefined || grade === "" ? undefined : Number(grade);
    if (isup !== undefined && !(Number.isInteger(isup) && isup >= 0 && isup <= 5)) {
      problem(`grade is "${grade}", but an ISUP grade is 0, 1, 2, 3, 4 or 5, or empty.`);
    }
    if (split && !["train", "validation", "test"].includes(split)) problem(`split is "${split}", not train, validation or test.`);
    const missing = await firstMissing([at(image), ...(mask ? [at(mask)] : [])]);
    if (missing !== undefined) {
      skipped.push({ path: missing, reason: `"${missing}", of row ${index + 2} of the table, does not exist.` });
      continue;
    }
    slides.push({
      name: image,
      path: at(image),
      maskPath: mask ? at(mask) : undefined,
      grade: isup,
      patient: patient || undefined,
      split: (split as Split | undefined) || "train",
    });
  }
  if (slides.length === 0)
    throw new SlideDatasetError(`None of the slides of "${table}" exists; the first is "${skipped[0]?.path}".`);
  const divided = slides.find(
    ({ patient, split }) => patient !== undefined && slides.some((other) => other.patient === patient && other.split !== split),
  );
  if (divided) {
    throw new SlideDatasetError(
      `Patient "${divided.patient}" of "${table}" has slides to train on and slides to test on: what is measured would be too good.`,
    );
  }
  const splitOf = new Map(slides.map(({ path, split }) => [path, split]));
  const twice = slides.find(({ path, split }) => splitOf.get(path) !== split);
  if (twice) {
    throw new SlideDatasetError(
      `The slide "${twice.name}" of "${table}" stands in two splits, ${twice.split} and ${splitOf.get(twice.path)}: leave it in one.`,
    );
  }
  return { source, slides, skipped };
};

const firstMissing = async (paths: readonly string[]): Promise<string | undefined> => {
  for (const path of paths) if (!(await isFile(path))) return path;
  return undefined;
};
