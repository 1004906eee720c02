import { open, readFile, stat } from "node:fs/promises";
import { type CsvError, parse } from "csv-parse/sync";
import { DatasetError } from "./sample.ts";

export interface TableRow {
  /** Line of the file, from 1; of a row over several lines the last. */
  line: number;
  cells: string[];
}

export interface Table {
  /** Names of the columns, in lower case. */
  header: string[];
  rows: TableRow[];
  /** Lines that are no row of a table. */
  damaged: { line: number; reason: string }[];
}

const MAX_BYTES = 256 * 2 ** 20;
const HEADER_BYTES = 65536;

/**
 * Reads a CSV file: commas, semicolons or tabs, whichever the header has most of; cells quoted or not; UTF-8, UTF-16 with
 * a byte order mark, or else Windows-1252, which spreadsheets write. Damaged lines are named, not thrown.
 * Throws a DatasetError when the file cannot be read or is larger than 256 MiB.
 */
export const readTable = async (path: string): Promise<Table> => {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw new DatasetError(`The table "${path}" has ${size} bytes, more than ${MAX_BYTES}. Divide it.`);
    return parseTable(decode(await readFile(path)));
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? error;
    throw new DatasetError(`The table "${path}" cannot be read (${code}). Check the path and its permissions.`, { cause: error });
  }
};

/** The names of a table's columns, in lower case; none when the file cannot be read. Reads no more than its beginning. */
export const readHeader = async (path: string): Promise<string[]> => {
  const file = await open(path).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)) ?? {};
    const [firstLine] = decode(buffer?.subarray(0, bytesRead) ?? Buffer.alloc(0), false).split(/[\r\n]/, 1);
    return parseTable(firstLine).header;
  } catch {
    return [];
  } finally {
    await file?.close();
  }
};

const decode = (bytes: Buffer, whole = true): string => {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
};

const parseTable = (text: string): Table => {
  const [firstLine] = text.split(/[\r\n]/, 1);
  let failure: CsvError | undefined;
  const records = parse(text, {
    delimiter: [",", ";", "\t"].toSorted((a, b) => firstLine.split(b).length - firstLine.split(a).length)[0],
    record_delimiter: ["\r\n", "\n", "\r"],
    info: true,
    ltrim: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    skip_records_with_error: true,
    on_skip: (error: CsvError | undefined) => {
      failure = error;
      return undefined;
    },
  }) as unknown as { record: string[]; info: { lines: number } }[];
  const rows = records.map(({ record, info }) => ({ line: info.lines, cells: record.map((cell) => cell.trim()) }));
  const header = rows.shift()?.cells.map((name) => name.toLowerCase()) ?? [];
  return { header, rows, damaged: failure === undefined ? [] : [explain(failure, (records.at(-1)?.info.lines ?? 0) + 1)] };
};

const explain = ({ code, lines, message }: CsvError, line: number): Table["damaged"][number] =>
  code === "CSV_QUOTE_NOT_CLOSED"
    ? { line, reason: "a quotation mark is never closed, so the rest of the table cannot be read" }
    : { line: Number(lines), reason: `not a row of a table (${message})` };
