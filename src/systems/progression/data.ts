import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parse } from "csv-parse/sync";
import { exists } from "../../files/index.ts";
import type { SkippedFile } from "../../imaging/index.ts";
import { digestOfFiles } from "../../training/index.ts";
import { yearsBetween } from "./measurement/index.ts";

export type Split = "train" | "validation" | "test";

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
  /** Where one lumen becomes two, by hand: the reference's slice, from 0, fractions allowed. */
  readonly bifurcation?: number;
}

export interface PatientSource {
  readonly name: string;
  readonly split: Split;
  /** Stage 1, and stage 2 where there is one. */
  readonly stages: readonly StudySource[];
  /** Between the stages, where a table says it; DICOM files may say it as well. */
  readonly years?: number;
  /** The other columns of the table: structured data, as it stands there. */
  readonly record: Readonly<Record<string, string>>;
}

export interface PatientDataset {
  readonly source: string;
  readonly patients: readonly PatientSource[];
  readonly skipped: readonly SkippedFile[];
}

/** A data set that cannot be used: the message says why, and what is expected. */
export class PatientDatasetError extends Error {
  override readonly name = "PatientDatasetError";
}

const LAYOUT =
  "Expected is a table patients.csv (patient, stage_1, and where known stage_2, date_1, date_2, split and structured data), or a folder for each patient with the folders stage-1 and stage-2, or one with images; images are NIfTI files named after their sequence, or folders of DICOM files.";
const NIFTI = /\.nii(\.gz)?$/i;
const LABELS = ["labels", "label", "lesions", "mask", "segmentation"];
const DICOM_LABELS = /^(labels|contours)\.dcm$/i;
const STAGES = ["stage-1", "stage-2"];

/**
 * The patients of a data set: a table (`patients.csv`, or a folder with one), a folder of patients, a patient's folder (stage-1, stage-2), or a
 * folder of one study's images. A patient or stage that holds no images is named in `skipped`.
 * @throws PatientDatasetError where there are none, or a column does not fit.
 */
export const readPatients = async (source: string): Promise<PatientDataset> => {
  const status = await stat(source).catch(() => {
    throw new PatientDatasetError(`"${source}" does not exist. ${LAYOUT}`);
  });
  const table = status.isDirectory() ? join(source, "patients.csv") : source;
  if (/\.csv$/i.test(table) && (await exists(table))) return readTable(source, table);
  if (!status.isDirectory()) throw new PatientDatasetError(`"${source}" is neither a folder nor a table. ${LAYOUT}`);
  const skipped: SkippedFile[] = [];
  const own = await patientAt(resolve(source), basename(resolve(source)), skipped);
  const row = own && (await rowAbove(own));
  if (row) return { source, patients: [row], skipped };
  const patients = own ? [own] : [];
  if (own === undefined) {
    for (const name of await foldersOf(source)) {
      const found = await patientAt(join(source, name), name, skipped);
      if (found) patients.push(found);
      else skipped.push({ path: join(source, name), reason: `"${join(source, name)}" holds no images.` });
    }
  }
  if (patients.length === 0) throw new PatientDatasetError(`"${source}" holds no images of patients. ${LAYOUT}`);
  return { source, patients, skipped };
};

/** SHA-256 over the files of patients, by name and contents, and over what is said of them. */
export const digestOfPatients = async (patients: readonly PatientSource[]): Promise<string> => {
  const files: { name: string; path: string }[] = [];
  for (const { name, stages, years, record } of patients) {
    for (const [stage, { sources, labels, bifurcation }] of stages.entries()) {
      const said = JSON.stringify([name, stage, years, record, bifurcation]);
      for (const { path, format, sequence } of sources) {
        const inside = format === "nifti" ? [path] : (await filesBelow(path)).map((file) => join(path, file));
        files.push(...inside.map((file, n) => ({ name: `${said} ${sequence} ${n}`, path: file })));
      }
      if (labels) files.push({ name: `${said} labels`, path: labels });
    }
  }
  return digestOfFiles(files);
};

const patientAt = async (folder: string, name: string, skipped: SkippedFile[]): Promise<PatientSource | undefined> => {
  const inside = await foldersOf(folder);
  const staged = STAGES.filter((stage) => inside.includes(stage));
  const stages: StudySource[] = [];
  for (const [n, path] of (staged.length > 0 ? staged.map((stage) => join(folder, stage)) : [folder]).entries()) {
    const study = await studyAt(path, staged.length > 0 ? `${name}, ${staged[n].replace("-", " ")}` : name);
    if (study) stages.push(study);
    else if (staged.length > 0) skipped.push({ path, reason: `"${path}" holds no images.` });
  }
  if (stages.length === 0 || (staged.length > 0 && staged[0] !== STAGES[0])) return undefined;
  return { name, split: "train", stages, record: {} };
};

/** The images of a folder; undefined where there are none. */
const studyAt = async (folder: string, name: string): Promise<StudySource | undefined> => {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const sources: ImageSource[] = [];
  let labels: string | undefined;
  let isLoose = false;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && (await filesBelow(path)).length > 0 && !STAGES.includes(entry.name)) {
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

const foldersOf = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

const looksLikeDicom = async (folder: string): Promise<boolean> => {
  for (const name of (await filesBelow(folder)).slice(0, 5)) if (await isDicomFile(join(folder, name))) return true;
  return false;
};

/** Whether a file has the preamble of PS3.10, 7.1. */
const isDicomFile = async (path: string): Promise<boolean> => {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(132), 0, 132, 0);
    return bytesRead === 132 && buffer.toString("latin1", 128, 132) === "DICM";
  } finally {
    await file.close();
  }
};

/** Columns that are no structured data. */
const COLUMNS = ["patient", "split", "stage_1", "stage_2", "date_1", "date_2", "bifurcation_1", "bifurcation_2"];

const readTable = async (source: string, table: string): Promise<PatientDataset> => {
  let rows: Record<string, string>[];
  try {
    rows = parse(await readFile(table, "utf8"), { columns: true, trim: true, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw new PatientDatasetError(`The table "${table}" cannot be read as CSV: ${(error as Error).message}`);
  }
  if (rows.length === 0) throw new PatientDatasetError(`The table "${table}" has no rows.`);
  const lacking = ["patient", "stage_1"].find((column) => !(column in rows[0]));
  if (lacking) {
    throw new PatientDatasetError(
      `The table "${table}" needs a column "${lacking}"; it has ${Object.keys(rows[0]).join(", ")}. ${LAYOUT}`,
    );
  }
  const skipped: SkippedFile[] = [];
  const patients: PatientSource[] = [];
  for (const [index, row] of rows.entries()) {
    const problem = (text: string): never => {
      throw new PatientDatasetError(`Row ${index + 2} of "${table}": ${text}`);
    };
    const { patient: name, split, stage_1, stage_2, date_1, date_2, bifurcation_1, bifurcation_2 } = row;
    if (!name || !stage_1) problem(`the column ${name ? "stage_1" : "patient"} is empty.`);
    if (split && !["train", "validation", "test"].includes(split)) problem(`split is "${split}", not train, validation or test.`);
    const stages: StudySource[] = [];
    for (const [n, given] of [stage_1, stage_2].entries()) {
      if (!given) continue;
      const folder = resolve(dirname(table), given);
      const study = await studyAt(folder, `${name}, stage ${n + 1}`).catch(() => undefined);
      const bifurcation = sliceOf([bifurcation_1, bifurcation_2][n], problem);
      if (study) stages.push(bifurcation === undefined ? study : { ...study, bifurcation });
      else skipped.push({ path: folder, reason: `"${folder}", stage ${n + 1} of ${name}, holds no images, or does not exist.` });
      if (stages.length <= n) break; // stage 2 alone is no stage 1
    }
    if (stages.length === 0) continue;
    const record = Object.fromEntries(Object.entries(row).filter(([column]) => !COLUMNS.includes(column)));
    patients.push({ name, split: (split as Split) || "train", stages, years: yearsOf(date_1, date_2, problem), record });
  }
  if (patients.length === 0) throw new PatientDatasetError(`None of the patients of "${table}" has images. ${skipped[0].reason}`);
  return { source, patients, skipped };
};

/** The same patient as the table beside its folder has it, where there is one: with dates and structured data. */
const rowAbove = async ({ stages: [{ folder }] }: PatientSource): Promise<PatientSource | undefined> => {
  const table = join(dirname(dirname(folder)), "patients.csv");
  if (!(await exists(table))) return undefined;
  const { patients } = await readTable(dirname(table), table);
  return patients.find(({ stages }) => stages[0].folder === folder);
};

const sliceOf = (text: string | undefined, problem: (text: string) => never): number | undefined => {
  if (!text) return undefined;
  const slice = Number(text);
  if (!(slice >= 0)) problem(`the bifurcation "${text}" is no number of a slice, counted from 0.`);
  return slice;
};

const yearsOf = (first: string | undefined, second: string | undefined, problem: (text: string) => never): number | undefined => {
  if (!first || !second) return undefined;
  const [a, b] = [first, second].map((date) => Date.parse(date) / 86_400_000);
  if (!Number.isFinite(a) || !Number.isFinite(b)) problem("date_1 and date_2 must be dates such as 2024-05-31.");
  if (b <= a) problem("date_2 must be later than date_1.");
  return yearsBetween(a, b);
};
