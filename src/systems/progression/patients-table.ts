import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parse } from "csv-parse/sync";
import { exists } from "../../files/index.ts";
import type { SkippedFile } from "../../imaging/index.ts";
import type { Vector3 } from "../../imaging/matrix3.ts";
import { yearsBetween } from "./measurement/index.ts";
import { PERSONAL_INPUTS } from "./prediction/index.ts";
import { type Landmarks, type StudySource, studyAt } from "./study-folder.ts";

export type Split = "train" | "validation" | "test";

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
  /** What a user should know, as sentences. */
  readonly notes: readonly string[];
}

/** A data set that cannot be used: the message says why, and what is expected. */
export class PatientDatasetError extends Error {
  override readonly name = "PatientDatasetError";
}

export const LAYOUT =
  "Expected is a table patients.csv (patient, stage_1, and where known stage_2, date_1, date_2, split and structured data), or a folder for each patient with the folders stage-1 and stage-2, or one with images; images are NIfTI files named after their sequence, or folders of DICOM files.";
/** Columns that are no structured data. */
const COLUMNS = ["patient", "split"].concat(
  ["stage", "date", "bifurcation", "internal"].flatMap((own) => [`${own}_1`, `${own}_2`]),
);

type Row = Readonly<Record<string, string>>;

/** A row that cannot be used: it is left out. Its cells are not quoted, for they may be names and dates. */
class RowProblem extends Error {}

/**
 * The patients of a table; folders are relative to it. A row that cannot be used is named in `skipped`, a column that means nothing in `notes`.
 * @throws PatientDatasetError when it is no table of patients, has none that can be used, or has one in two splits.
 */
export const readPatientsTable = async (source: string, table: string): Promise<PatientDataset> => {
  const rows = await rowsOf(table);
  const skipped: SkippedFile[] = [];
  const patients: PatientSource[] = [];
  for (const [index, row] of rows.entries()) {
    try {
      patients.push(await patientOf(row, table, skipped));
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      skipped.push({ path: table, reason: `Row ${index + 2} of "${table}" is left out: ${error.message}` });
    }
  }
  if (patients.length === 0)
    throw new PatientDatasetError(`None of the patients of "${table}" can be used. ${skipped[0].reason}`);
  requireOneSplit(patients, table);
  const known = [...COLUMNS, ...PERSONAL_INPUTS.map(({ name }) => name)];
  const unknown = Object.keys(rows[0]).filter((column) => !known.includes(column));
  const notes = unknown.length === 0 ? [] : [`No use is made of ${unknown.join(", ")}: structured data are called ${DATA}.`];
  return { source, patients, skipped, notes };
};

const rowsOf = async (table: string): Promise<readonly Row[]> => {
  let rows: Row[];
  try {
    rows = parse(await readFile(table, "utf8"), { columns: true, trim: true, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw new PatientDatasetError(`The table "${table}" cannot be read as CSV: ${(error as Error).message}`);
  }
  if (rows.length === 0) throw new PatientDatasetError(`The table "${table}" has no rows.`);
  const lacking = ["patient", "stage_1"].find((column) => !(column in rows[0]));
  if (lacking === undefined) return rows;
  throw new PatientDatasetError(
    `The table "${table}" needs a column "${lacking}"; it has ${Object.keys(rows[0]).join(", ")}. ${LAYOUT}`,
  );
};

const DATA = PERSONAL_INPUTS.map(({ name }) => name).join(", ");

const patientOf = async (row: Row, table: string, skipped: SkippedFile[]): Promise<PatientSource> => {
  const { patient: name, split, stage_1, stage_2 } = row;
  if (!name || !stage_1) throw new RowProblem(`the column ${name ? "stage_1" : "patient"} is empty.`);
  if (split && !["train", "validation", "test"].includes(split)) {
    throw new RowProblem("split is neither train, validation nor test.");
  }
  const years = yearsOf(row);
  const stages: StudySource[] = [];
  for (const [n, given] of [stage_1, stage_2].entries()) {
    if (!given) continue;
    const folder = resolve(dirname(table), given);
    const study = await studyAt(folder, `${name}, stage ${n + 1}`).catch(() => undefined);
    const byHand = landmarksOf(row, n + 1);
    const reason = `"${folder}", stage ${n + 1} of ${name}, holds no images, or does not exist.`;
    if (study) stages.push(byHand ? { ...study, byHand } : study);
    else if (n === 0) throw new RowProblem(reason);
    else skipped.push({ path: folder, reason });
  }
  const record = Object.fromEntries(Object.entries(row).filter(([column]) => !COLUMNS.includes(column)));
  return { name, split: (split as Split) || "train", stages, years, record };
};

const requireOneSplit = (patients: readonly PatientSource[], table: string): void => {
  const splits = new Map<string, Split>();
  for (const { name, split } of patients) {
    const other = splits.get(name) ?? split;
    if (other !== split) {
      throw new PatientDatasetError(
        `"${table}" has ${name} both in ${other} and in ${split}: what is learnt from a patient cannot be tested on the same. Give one split.`,
      );
    }
    splits.set(name, split);
  }
};

/**
 * The same patient as the table above its folder has it, where there is one with a row for it: with dates, structured data and places found by
 * hand; its stages are those that are in the folder. @throws PatientDatasetError when the row cannot be used.
 */
export const rowAbove = async (own: PatientSource): Promise<PatientSource | undefined> => {
  const [{ folder }] = own.stages;
  for (const above of [dirname(folder), dirname(dirname(folder))]) {
    const table = join(above, "patients.csv");
    const rows = (await exists(table)) ? await rowsOf(table).catch(() => []) : []; // it may be of something else
    const at = rows.findIndex(({ stage_1 }) => stage_1 && resolve(above, stage_1) === folder);
    if (at < 0) continue;
    try {
      const row = await patientOf(rows[at], table, []);
      return { ...row, stages: own.stages.map((stage) => row.stages.find((other) => other.folder === stage.folder) ?? stage) };
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      throw new PatientDatasetError(`Row ${at + 2} of "${table}" cannot be used: ${error.message}`);
    }
  }
  return undefined;
};

const landmarksOf = (row: Row, stage: number): Landmarks | undefined => {
  const [slice, point] = [row[`bifurcation_${stage}`], row[`internal_${stage}`]];
  if (!slice && !point) return undefined;
  const numbers = (text: string, count: number, what: string): number[] => {
    const found = text.split(/[\s;,]+/).map(Number);
    if (found.length === count && found.every((number) => number >= 0)) return found;
    throw new RowProblem(`${what} is no such thing.`);
  };
  return {
    ...(slice ? { bifurcation: numbers(slice, 1, `bifurcation_${stage}, a slice of the reference counted from 0,`)[0] } : {}),
    ...(point
      ? {
          internal: numbers(
            point,
            3,
            `internal_${stage}, column, row and slice of a voxel counted from 0,`,
          ) as unknown as Vector3,
        }
      : {}),
  };
};

const yearsOf = ({ date_1, date_2 }: Row): number | undefined => {
  if (!date_1 || !date_2) return undefined;
  const [first, second] = [date_1, date_2].map((date) => {
    const [, year, month, day] = (/^(\d{4})-?(\d\d)-?(\d\d)$/.exec(date) ?? []).map(Number);
    const time = new Date(Date.UTC(year, month - 1, day));
    if (time.getUTCMonth() === month - 1) return time.getTime() / 86_400_000;
    throw new RowProblem("date_1 and date_2 are not both dates such as 2024-05-31.");
  });
  if (second <= first) throw new RowProblem("date_2 must be later than date_1.");
  return yearsBetween(first, second);
};
