import { dirname, relative, resolve, sep } from "node:path";
import {
  DatasetError,
  findFile,
  type Listing,
  namedCells,
  RowProblem,
  readHeader,
  readTable,
  type SkippedFile,
} from "../../../imaging/index.ts";
import { type FoundImage, type Split, splitNamed } from "./found-image.ts";

/** The columns that are read, each with the names it goes by. */
const COLUMNS = {
  image: ["image", "path", "file", "filename"],
  label: ["label", "class"],
  kind: ["kind", "manipulation"],
  mask: ["mask"],
  identity: ["identity", "group"],
  donor: ["donor"],
  split: ["split"],
};

type Cells = Record<keyof typeof COLUMNS, string>;

const hasColumns = (header: readonly string[]): boolean =>
  [COLUMNS.image, COLUMNS.label].every((names) => names.some((name) => header.includes(name)));

/** The tables of real and forged images that lie directly in a folder. */
export const tablesIn = async ({ tables }: Listing): Promise<string[]> => {
  const found: string[] = [];
  for (const { path, parts } of tables) if (parts.length === 1 && hasColumns(await readHeader(path))) found.push(path);
  return found;
};

/**
 * The images of a CSV file (see `readTable`) with one row an image and columns by name, in any order and case:
 *
 * - `image` (or path, file, filename): relative to the folder of the table;
 * - `label` (or class): real or 0, fake or 1;
 * - `kind`: how it was forged; empty: "fake";
 * - `mask`: the picture of the forged region, not black where it is; `identity` (or group): the source video or person, several of
 *   them separated by "|"; `donor`: those that a part was taken from, identities as well; `split`: train, validation (or val), test, or empty.
 *
 * A row that cannot be used is in `skipped` with its line and reason. Throws a DatasetError when the file cannot be read, lacks one of the
 * first two columns or has no row that can be used.
 */
export const readImageTable = async (
  table: string,
): Promise<{ readonly images: FoundImage[]; readonly skipped: SkippedFile[]; readonly notes: string[] }> => {
  const { header, rows, damaged } = await readTable(table);
  if (!hasColumns(header)) {
    throw new DatasetError(
      `The table "${table}" needs the columns "image" and "label"; it has ${header.join(", ") || "none"}. ` +
        "Further ones it may have: kind, mask, identity, donor, split.",
    );
  }
  const images = new Map<string, FoundImage>();
  const problems = [...damaged];
  let needless = 0;
  for (const { line, cells } of rows) {
    try {
      const named = namedCells(COLUMNS, header, cells);
      const image = await readRow(dirname(table), named);
      if (images.has(resolve(image.path))) throw new RowProblem(`"${image.name}" is in the table already`);
      images.set(resolve(image.path), image);
      if (image.label === 0 && named.mask !== "") needless++;
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      problems.push({ line, reason: error.message });
    }
  }
  const skipped = problems
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, reason }): SkippedFile => ({ path: table, reason: `line ${line}: ${reason}` }));
  if (images.size === 0) {
    const first = skipped.length === 0 ? "it has no row" : `${skipped.length} rows were skipped; the first: ${skipped[0].reason}`;
    throw new DatasetError(`The table "${table}" names no image that can be used (${first}). Correct its rows.`);
  }
  const notes = needless > 0 ? [`${needless} real images have a mask, which is left out.`] : [];
  return { images: [...images.values()], skipped, notes };
};

const readRow = async (folder: string, cells: Cells): Promise<FoundImage> => {
  const path = await findFile(folder, "image", cells.image);
  const label = readLabel(cells.label);
  const maskPath = cells.mask === "" || label === 0 ? undefined : await findFile(folder, "mask", cells.mask);
  const name = relative(folder, path).split(sep).join("/");
  const identities = [cells.identity, cells.donor]
    .join("|")
    .split("|")
    .flatMap((part) => part.trim() || []);
  return {
    path,
    name,
    below: name,
    label,
    kind: label === 0 ? "real" : cells.kind || "fake",
    split: readSplit(cells.split),
    ...(maskPath === undefined ? {} : { maskPath }),
    ...(identities.length > 0 ? { identities } : {}),
  };
};

const readLabel = (cell: string): 0 | 1 => {
  if (/^(real|0)$/i.test(cell)) return 0;
  if (/^(fake|1)$/i.test(cell)) return 1;
  throw new RowProblem(cell === "" ? "it has no label" : `the label "${cell}" is none of real, fake, 0 and 1`);
};

const readSplit = (cell: string): Split | undefined => {
  const split = splitNamed(cell);
  if (cell !== "" && split === undefined) throw new RowProblem(`the split "${cell}" is none of train, validation and test`);
  return split;
};
