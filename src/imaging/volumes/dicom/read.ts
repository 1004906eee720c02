import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { ImageError } from "../../image.ts";
import { readFailure } from "../../open.ts";
import { ImageProblem } from "../../readable.ts";
import { createVolume, type Grid, type Volume, voxelsOf } from "../volume.ts";
import { parseDicom } from "./data-set.ts";
import { type About, type MrAcquisition, readHeaders, type Slice, type SourceImage, withFile } from "./headers.ts";
import { type IdentityOptions, identityOf } from "./identity.ts";
import { frameReader } from "./pixels.ts";
import { groupsOf, type Stack, stackOf } from "./stacks.ts";

/** What a DICOM folder holds. */
export interface DicomFolder {
  /** Ordered by patient, day, number of the series, and as they were taken. */
  readonly stacks: readonly DicomStack[];
  /** What is not among them, with the reason as a sentence that names files. File names are the user's own words and are not changed. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/** Slices of one series that make one volume. */
export interface DicomStack extends Omit<About, "acquisition"> {
  readonly acquisition: MrAcquisition;
  readonly grid: Grid;
  /** From the first slice to the last. */
  readonly images: readonly SourceImage[];
  /** What a user should know, as sentences. */
  readonly notes: readonly string[];
  /** Reads the pixels: rescaled values on `grid`. @throws ImageError that names the file for all that goes wrong. */
  read(): Promise<Volume>;
}

/** The most files that are looked at. */
const MAX_FILES = 100_000;

/**
 * Looks through a folder with all below it, or at one file, reads the headers of its DICOM images and sorts them into stacks: by study,
 * series, size, direction, and echo or time where a series has several. Slices are ordered along their normal, columns x rows, and must be
 * evenly spaced; classic and multi-frame (enhanced) images of one number per pixel are read. Pixels are read only by `DicomStack.read`.
 *
 * The reader de-identifies: of the patient, the people and places, and of free text nothing leaves it, UIDs are remapped by a keyed hash
 * (HMAC-SHA-256) and dates shifted by a keyed number of days, unless `keepIdentity`. What is burned into the pixels stays; a note says
 * where a file admits it.
 * @throws ImageError when the folder cannot be read or has too many files. A file that cannot be used is named in `skipped`.
 */
export const openDicom = async (path: string, options: IdentityOptions = {}): Promise<DicomFolder> => {
  const identity = identityOf(options);
  const skipped: { file: string; reason: string }[] = [];
  const series = new Map<string, Slice[]>();
  for (const file of await filesBelow(path)) {
    const name = relative(path, file) || file;
    try {
      for (const slice of await readHeaders(file, name, identity)) {
        const { study, series: uid, frameOfReference } = slice.about;
        const key = `${study}|${uid}|${frameOfReference}`;
        const slices = series.get(key);
        if (slices) slices.push(slice);
        else series.set(key, [slice]);
      }
    } catch (error) {
      // Other errors are the parser's, for bytes that lie; its words could quote the file.
      const reason = error instanceof ImageProblem ? error.message : "it is a damaged DICOM file. Copy it again.";
      skipped.push({ file: name, reason });
    }
  }
  const stacks: DicomStack[] = [];
  for (const group of [...series.values()].flatMap(groupsOf)) {
    try {
      stacks.push(dicomStack(stackOf(group)));
    } catch (error) {
      if (!(error instanceof ImageProblem)) throw error;
      skipped.push({ file: group[0].name, reason: error.message });
    }
  }
  return { stacks: stacks.sort(byTime), skipped };
};

const byTime = (a: DicomStack, b: DicomStack): number =>
  (a.patient < b.patient ? -1 : a.patient > b.patient ? 1 : 0) ||
  (a.day ?? 0) - (b.day ?? 0) ||
  (a.seriesNumber ?? 0) - (b.seriesNumber ?? 0) ||
  (a.acquisition.echoTime ?? 0) - (b.acquisition.echoTime ?? 0);

const filesBelow = async (path: string): Promise<string[]> => {
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inside = join(folder, entry.name);
      if (entry.isDirectory()) await walk(inside);
      else if (entry.isFile()) files.push(inside);
      if (files.length > MAX_FILES) throw new ImageError(path, `it has more than ${MAX_FILES} files. Give a folder with less.`);
    }
  };
  try {
    if ((await stat(path)).isFile()) return [path];
    await walk(path);
    return files;
  } catch (error) {
    throw error instanceof ImageError ? error : readFailure(path, error);
  }
};

const dicomStack = ({ slices, grid, notes }: Stack<Slice>): DicomStack => {
  const [{ about, frame }] = slices;
  return {
    ...about,
    acquisition: { ...about.acquisition, echoTime: frame.echoTime },
    ...{ grid, images: slices.map(({ image }) => image) },
    notes: [...notes, ...new Set(slices.flatMap(({ warnings }) => warnings))],
    read: () => readStack(slices, grid),
  };
};

const readStack = async (slices: readonly Slice[], grid: Grid): Promise<Volume> => {
  let data: Float32Array | undefined; // made when a first slice proved to be there
  const size = grid.width * grid.height;
  const files = new Map<string, number[]>();
  for (const [k, { path }] of slices.entries()) {
    const ks = files.get(path);
    if (ks) ks.push(k);
    else files.set(path, [k]);
  }
  for (const [path, ks] of files) {
    try {
      const dataSet = await withFile(path, async (read, bytes) => parseDicom(await read(bytes)));
      const read = frameReader(dataSet);
      for (const k of ks) {
        const { slope, intercept, index } = slices[k].frame;
        const stored = await read(index);
        if (stored.length !== size) throw new ImageProblem("it changed since it was opened. Open the folder again.");
        data ??= new Float32Array(voxelsOf(grid));
        for (let i = 0; i < size; i++) data[k * size + i] = stored[i] * slope + intercept;
      }
    } catch (error) {
      if (error instanceof ImageError) throw error;
      throw new ImageError(path, error instanceof ImageProblem ? error.message : "it is damaged. Copy it again.", error);
    }
  }
  return createVolume(grid, data ?? new Float32Array(0));
};
