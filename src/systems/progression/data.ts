import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { exists } from "../../files/index.ts";
import type { SkippedFile } from "../../imaging/index.ts";
import { digestOfFiles } from "../../training/index.ts";
import { joinedStudies } from "./join-studies.ts";
import {
  LAYOUT,
  type PatientDataset,
  PatientDatasetError,
  type PatientSource,
  readPatientsTable,
  rowAbove,
} from "./patients-table.ts";
import { filesIn, foldersOf, STAGES, type StudySource, studyAt } from "./study-folder.ts";

export { type PatientDataset, PatientDatasetError, type PatientSource, type Split } from "./patients-table.ts";
export type { ImageSource, StudySource } from "./study-folder.ts";

/**
 * The patients of a data set: a table (`patients.csv`, or a folder with one), a folder of patients, a patient's folder (stage-1, stage-2), a folder
 * of one study's images, or an archive's export with a folder for each study (see `joinedStudies`). A patient or stage that holds no images is
 * named in `skipped`.
 * @throws PatientDatasetError where there are none, or a column does not fit.
 */
export const readPatients = async (source: string): Promise<PatientDataset> => {
  const status = await stat(source).catch(() => {
    throw new PatientDatasetError(`"${source}" does not exist. ${LAYOUT}`);
  });
  const table = status.isDirectory() ? join(source, "patients.csv") : source;
  if (/\.csv$/i.test(table) && (await exists(table))) return readPatientsTable(source, table);
  if (!status.isDirectory()) throw new PatientDatasetError(`"${source}" is neither a folder nor a table. ${LAYOUT}`);
  const skipped: SkippedFile[] = [];
  const own = await patientAt(resolve(source), basename(resolve(source)), skipped);
  const row = own && (await rowAbove(own));
  if (row) return { source, patients: [row], skipped, notes: [] };
  if (own) return { source, patients: [own], skipped, notes: [] };
  const found: PatientSource[] = [];
  for (const name of await foldersOf(source)) {
    const below = await patientsBelow(join(resolve(source), name), name, skipped, DEPTH);
    found.push(...below);
    if (below.length === 0) skipped.push({ path: join(source, name), reason: `"${join(source, name)}" holds no images.` });
  }
  const { patients, notes } = await joinedStudies(found, source);
  if (patients.length === 0) throw new PatientDatasetError(`"${source}" holds no images of patients. ${LAYOUT}`);
  return { source, patients, skipped, notes };
};

/** Folders below a patient's, at most, in which a study may lie: exports are sorted by patient, study and series. */
const DEPTH = 3;

const patientsBelow = async (folder: string, name: string, skipped: SkippedFile[], depth: number): Promise<PatientSource[]> => {
  const own = await patientAt(folder, name, skipped);
  if (own || depth === 0) return own ? [own] : [];
  const below: PatientSource[] = [];
  for (const inside of await foldersOf(folder))
    below.push(...(await patientsBelow(join(folder, inside), `${name}/${inside}`, skipped, depth - 1)));
  return below;
};

/** SHA-256 over the files of patients, by name and contents, and over what is said of them. */
export const digestOfPatients = async (patients: readonly PatientSource[]): Promise<string> => {
  const files: { name: string; path: string }[] = [];
  for (const { name, stages, years, record } of patients) {
    for (const [stage, { sources, labels, byHand }] of stages.entries()) {
      const said = JSON.stringify([name, stage, years, record, byHand]);
      for (const { path, format, sequence } of sources) {
        const inside = format === "nifti" ? [path] : (await filesIn(path)).map((file) => join(path, file));
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
