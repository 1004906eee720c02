import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isDicom } from "../../imaging/index.ts";
import type { Vector3 } from "../../imaging/matrix3.ts";

/** A file or folder with images of one sequence, or of several. */
export interface ImageSource {
  /** "T1" of `T1.nii.gz` or of a folder `T1` with DICOM files; undefined where the DICOM files of a folder say it themselves. */
  readonly sequence: string | undefined;
  readonly format: "nifti" | "dicom";
  readonly path: string;
}

/** One examination of a patient. */
export interface StudySource {
  /** "P000012, stage 1". */
  readonly name: string;
  readonly folder: string;
  readonly sources: readonly ImageSource[];
  /** A file of classes, where there is one: NIfTI, DICOM-SEG or RTSTRUCT, see `readGivenLabels`. */
  readonly labels?: string;
  /** What was found by hand. */
  readonly byHand?: Landmarks;
}

/** Places in a vessel, counted in columns, rows and slices of the reference from 0; fractions are allowed. */
export interface Landmarks {
  /** The slice where one lumen becomes two. */
  readonly bifurcation?: number;
  /** Column, row and slice of a point inside the internal carotid, beyond the bifurcation. */
  readonly internal?: Vector3;
}

export const NIFTI = /\.nii(\.gz)?$/i;
const LABELS = ["labels", "label", "lesions", "mask", "segmentation"];
const DICOM_LABELS = /^(labels|contours)\.dcm$/i;

/** Folders of a patient's examinations. */
export const STAGES = ["stage-1", "stage-2"];

/** The images of a folder; undefined where there are none. */
export const studyAt = async (folder: string, name: string): Promise<StudySource | undefined> => {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const sources: ImageSource[] = [];
  let labels: string | undefined;
  let isLoose = false;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && (await filesIn(path)).length > 0 && !STAGES.includes(entry.name)) {
      if (await looksLikeDicom(path)) sources.push({ sequence: entry.name, format: "dicom", path });
    } else if (NIFTI.test(entry.name)) {
      const stem = entry.name.replace(NIFTI, "");
      if (LABELS.includes(stem.toLowerCase())) labels = path;
      else sources.push({ sequence: stem, format: "nifti", path });
    } else if (entry.isFile() && DICOM_LABELS.test(entry.name)) {
      labels ??= path;
    } else if (entry.isFile() && (await isDicomFile(path))) isLoose = true;
  }
  if (isLoose) sources.push({ sequence: undefined, format: "dicom", path: folder });
  return sources.length === 0 ? undefined : { name, folder, sources, labels };
};

export const foldersOf = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

export const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

const looksLikeDicom = async (folder: string): Promise<boolean> => {
  for (const name of (await filesIn(folder)).slice(0, 5)) if (await isDicomFile(join(folder, name))) return true;
  return false;
};

const isDicomFile = async (path: string): Promise<boolean> => {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(132), 0, 132, 0);
    return bytesRead === 132 && isDicom(buffer);
  } finally {
    await file.close();
  }
};
