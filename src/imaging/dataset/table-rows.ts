import { stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { whySkipped } from "./listing.ts";

/** Why a row of a table cannot be used. */
export class RowProblem extends Error {}

/**
 * The cells of a row by their columns, empty where the table has no such column. `columns`: each with the names it goes by, in lower case.
 * @throws RowProblem when the row has more cells than the header.
 */
export const namedCells = <Column extends string>(
  columns: Readonly<Record<Column, readonly string[]>>,
  header: readonly string[],
  cells: readonly string[],
): Record<Column, string> => {
  if (cells.slice(header.length).some((cell) => cell !== "")) {
    throw new RowProblem(`it has ${cells.length} cells, but the header ${header.length}; quote a cell that holds the separator`);
  }
  const named = Object.entries<readonly string[]>(columns).map(([column, names]) => {
    const index = names.map((name) => header.indexOf(name)).find((position) => position >= 0) ?? -1;
    return [column, cells[index] ?? ""];
  });
  return Object.fromEntries(named);
};

/**
 * The image file that a cell names, relative to `folder`; "\" separates folders too, where no file has it in its name. @throws
 * RowProblem when there is none.
 */
export const findFile = async (folder: string, column: string, cell: string): Promise<string> => {
  if (cell === "") throw new RowProblem(`it has no ${column}`);
  for (const name of [cell, cell.replaceAll("\\", "/")]) {
    const path = isAbsolute(name) ? name : join(folder, name);
    const status = await stat(path).catch(() => undefined);
    if (!status?.isFile()) continue;
    const reason = whySkipped(basename(path));
    if (reason !== undefined && reason !== "hidden file") throw new RowProblem(`"${cell}" is ${reason}`);
    return path;
  }
  throw new RowProblem(column === "path" ? `"${cell}" does not exist` : `the ${column} "${cell}" does not exist`);
};
