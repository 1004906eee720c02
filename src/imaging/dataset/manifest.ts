import { dirname, relative, resolve, sep } from "node:path";
import { divide, unitOf } from "./division.ts";
import { byName, type Dataset, DatasetError, kindAndLabel, type Sample, some } from "./sample.ts";
import { readHeader, readTable, type Table } from "./table.ts";
import { findFile, namedCells, RowProblem } from "./table-rows.ts";

/** The columns that are read, each with the names it goes by. */
const columnNames = {
  path: ["path", "image", "file", "filename"],
  label: ["label"],
  mask: ["mask"],
  split: ["split"],
  ignore: ["ignore"],
  group: ["group"],
};

type Column = keyof typeof columnNames;

/** Whether the header of a CSV file has a column of images. */
export const isManifest = async (path: string): Promise<boolean> => hasImages(await readHeader(path));

const hasImages = (header: readonly string[]): boolean => header.some((name) => columnNames.path.includes(name));

/**
 * Reads a manifest, a CSV file (see `readTable`) with one row per image and columns by name, in any order and case:
 *
 * - `path` (or image, file, filename), relative to the folder of the manifest; the only one that is required;
 * - `label`: good, normal, ok or 0 are normal, 1 is the kind "defect", anything else is the kind. An empty one counts as
 *   normal, but as "defect" where there is a mask;
 * - `mask` and `ignore`: pictures of the defect and of the pixels that count nowhere, paths like `path`;
 * - `split`: train or test; val, valid and validation are training, which `notes` says;
 * - `group`: what is not to be divided, such as a lot.
 *
 * Rows without a split are all training where none of them is a defect; else they are divided by `divide`, where normal
 * images without a label are training. A row that cannot be used is in `skipped` with its line and reason.
 * Throws a DatasetError when the file cannot be read, has no column of images or no row that can be used.
 */
export const readManifest = async (source: string, seed: number): Promise<Dataset> => {
  const table = await readTable(source);
  if (!hasImages(table.header)) {
    const header = table.header.length === 0 ? "it is empty" : `its columns are ${table.header.join(", ")}`;
    throw new DatasetError(
      `The table "${source}" has no column with the paths of the images (${header}). ` +
        `Name it in the first line: ${columnNames.path.join(", ")} are understood.`,
    );
  }
  const { rows, problems } = await readRows(source, table);
  const skipped = problems
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, reason }) => ({ path: source, reason: `line ${line}: ${reason}` }));
  if (rows.length === 0) {
    const first = skipped.length === 0 ? "it has no row" : `${skipped.length} rows were skipped; the first: ${skipped[0].reason}`;
    throw new DatasetError(`The table "${source}" names no image that can be used (${first}). Correct its rows.`);
  }
  return { source, layout: "manifest", ...arrange(rows, seed), skipped };
};

interface Row {
  line: number;
  sample: Omit<Sample, "split">;
  /** As stated; undefined where the cell is empty or the column missing. */
  split: Sample["split"] | undefined;
  labelled: boolean;
  validation: boolean;
  /** The mask of a normal image. */
  needlessMask: boolean;
}

interface Problem {
  line: number;
  reason: string;
}

const readRows = async (source: string, { header, rows, damaged }: Table): Promise<{ rows: Row[]; problems: Problem[] }> => {
  const folder = dirname(source);
  const read = new Map<string, Row>();
  const problems: Problem[] = [...damaged];
  for (const { line, cells } of rows) {
    try {
      const row = await readRow(folder, line, namedCells(columnNames, header, cells));
      const known = read.get(resolve(row.sample.path));
      if (known !== undefined) throw new RowProblem(`"${row.sample.name}" is in line ${known.line} already`);
      read.set(resolve(row.sample.path), row);
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      problems.push({ line, reason: error.message });
    }
  }
  return { rows: [...read.values()], problems };
};

const readRow = async (folder: string, line: number, cells: Record<Column, string>): Promise<Row> => {
  const path = await findFile(folder, "path", cells.path);
  const maskPath = cells.mask === "" ? undefined : await findFile(folder, "mask", cells.mask);
  const ignorePath = cells.ignore === "" ? undefined : await findFile(folder, "ignore", cells.ignore);
  const kind = readLabel(cells.label, maskPath !== undefined);
  const sample: Row["sample"] = { path, name: relative(folder, path).split(sep).join("/"), ...kind };
  if (maskPath !== undefined && kind.label === 1) sample.maskPath = maskPath;
  if (ignorePath !== undefined) sample.ignorePath = ignorePath;
  if (cells.group !== "") sample.group = cells.group;
  const needlessMask = maskPath !== undefined && kind.label === 0;
  return { line, sample, ...readSplit(cells.split), labelled: cells.label !== "", needlessMask };
};

const readLabel = (cell: string, hasMask: boolean): Pick<Sample, "kind" | "label"> => {
  if (cell === "") return kindAndLabel(hasMask ? "defect" : "good");
  if (cell === "0") return kindAndLabel("good");
  return kindAndLabel(cell === "1" ? "defect" : cell);
};

const readSplit = (cell: string): Pick<Row, "split" | "validation"> => {
  const name = cell.toLowerCase();
  if (name === "") return { split: undefined, validation: false };
  if (name === "train" || name === "test") return { split: name, validation: false };
  if (["val", "valid", "validation"].includes(name)) return { split: "train", validation: true };
  throw new RowProblem(`the split "${cell}" is none of train, val and test`);
};

/** Gives every row its split, the stated one or one by `divide`. */
const arrange = (rows: readonly Row[], seed: number): Pick<Dataset, "train" | "test" | "notes"> => {
  const stated = rows.filter(({ split }) => split !== undefined);
  const open = rows.filter(({ split }) => split === undefined);
  const defects = open.filter(({ sample }) => sample.label === 1);
  const fixed = new Map<string, Sample["split"]>();
  const fix = (some: readonly Row[], split: Sample["split"]): void => {
    for (const row of some) if (!fixed.has(unitOf(row.sample))) fixed.set(unitOf(row.sample), row.split ?? split);
  };
  fix(stated, "train");
  fix(defects, "test");
  fix(defects.length > 0 ? open.filter(({ labelled }) => !labelled) : open, "train");

  const divided = divide(
    open.map(({ sample }) => sample),
    seed,
    fixed,
  );
  const all = [...stated.map(({ sample, split }): Sample => ({ ...sample, split: split! })), ...divided.train, ...divided.test];
  all.sort(byName);

  const notes: string[] = [];
  const note = (count: number, sentence: string): void => void (count > 0 && notes.push(`${count} ${sentence}`));
  if (defects.length > 0) notes.push(divided.note);
  else if (stated.length > 0) note(open.length, "images have no split and are taken for training.");
  note(rows.filter(({ validation }) => validation).length, "images for validation are taken for training.");
  const unlabelled = rows.filter(({ labelled, sample }) => !labelled && sample.label === 0).length;
  if (unlabelled < rows.length) note(unlabelled, "images have no label and count as normal.");
  note(rows.filter(({ needlessMask }) => needlessMask).length, "normal images have a mask, which is left out.");
  const torn = new Set(stated.filter((row) => fixed.get(unitOf(row.sample)) !== row.split).map(({ sample }) => sample.group!));
  note(torn.size, `groups are in training and in test, as the manifest states: ${some([...torn])}.`);
  return { train: all.filter(({ split }) => split === "train"), test: all.filter(({ split }) => split === "test"), notes };
};
