import type { Cell, Input, InputValues } from "./inputs.ts";
import { type Matrix, matrix } from "./models/index.ts";

/** A cell that was not understood, and so counts as missing. */
export interface CellProblem {
  /** Index of the row. */
  readonly row: number;
  readonly input: string;
  readonly reason: string;
}

export interface Cells {
  /** [rows, inputs]: numbers, numbers of categories, NaN where missing. */
  readonly values: Matrix;
  readonly problems: readonly CellProblem[];
  /** Names in the rows that are no inputs, sorted: slips of the pen would otherwise pass as missing values. */
  readonly unknownNames: readonly string[];
}

/**
 * Reads rows by the schema of their inputs: what is missing, out of its range or unknown becomes NaN; the latter two are reported, without the
 * cell's words, which may be a name or a date.
 */
export const readCells = (inputs: readonly Input[], rows: readonly InputValues[]): Cells => {
  const values = matrix(rows.length, inputs.length);
  const problems: CellProblem[] = [];
  const known = new Set(inputs.map(({ name }) => name));
  const unknown = new Set<string>();
  for (const [row, given] of rows.entries()) {
    for (const name of Object.keys(given)) if (!known.has(name)) unknown.add(name);
    for (const [column, input] of inputs.entries()) {
      const { value, reason } = readCell(input, given[input.name]);
      values.data[row * inputs.length + column] = value;
      if (reason !== undefined) problems.push({ row, input: input.name, reason });
    }
  }
  return { values, problems, unknownNames: [...unknown].sort() };
};

const MISSING_WORDS = new Set(["", "na", "n/a", "nan", "null", "?"]);

const readCell = (input: Input, cell: Cell): { readonly value: number; readonly reason?: string } => {
  const missing = { value: Number.NaN };
  if (cell === null || cell === undefined || Number.isNaN(cell)) return missing;
  const word = (typeof cell === "boolean" ? (cell ? "yes" : "no") : String(cell)).trim();
  if (input.kind === "categorical") {
    const category = input.categories.findIndex((name) => name.toLowerCase() === word.toLowerCase());
    if (category >= 0) return { value: category };
    if (MISSING_WORDS.has(word.toLowerCase())) return missing;
    return { ...missing, reason: `it is none of ${input.categories.join(", ")}` };
  }
  if (MISSING_WORDS.has(word.toLowerCase())) return missing;
  const value = Number(word);
  if (Number.isNaN(value)) return { ...missing, reason: "it is no number" };
  if (value >= input.low && value <= input.high) return { value };
  return { ...missing, reason: `${value} ${input.unit} is outside the plausible ${input.low} to ${input.high}` };
};
