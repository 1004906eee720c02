import { ImageProblem } from "../readable.ts";
import { TAG } from "../tiff-tags.ts";
import type { RandomAccessFile } from "./random-access.ts";

/** One directory of a TIFF file, so one of its pictures. A tag's values are read when they are asked for; none where it lacks the tag. */
export interface TiffDirectory {
  has(tag: number): boolean;
  /** How many values a tag has. */
  count(tag: number): number;
  /** Whole numbers, fractions and floats. */
  numbers(tag: number): Promise<readonly number[]>;
  first(tag: number, otherwise: number): Promise<number>;
  /** At most the first `most` bytes of it. Default 4096. */
  text(tag: number, most?: number): Promise<string>;
  bytes(tag: number): Promise<Buffer>;
}

/** A TIFF file's directories. */
export interface TiffDirectories {
  /** Those that follow one another. */
  readonly pages: readonly TiffDirectory[];
  /** Those that a page points to, as its smaller copies; no more than 64 of them. */
  below(page: TiffDirectory): Promise<readonly TiffDirectory[]>;
}

/** Limits far above what slides have, so that a damaged file does not fill the memory. */
const MAX_PAGES = 1_000;
const MAX_ENTRIES = 500;
const MAX_BELOW = 64;
const MAX_VALUES = 4_000_000;
const MAX_BYTES = 64 * 2 ** 20;

/** Bytes of a value by its type: BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, FLOAT, DOUBLE, IFD, LONG8 and IFD8. */
const SIZES = new Map([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [7, 1],
  [11, 4],
  [12, 8],
  [13, 4],
  [16, 8],
  [18, 8],
]);

/**
 * Reads the directories of a TIFF file (TIFF 6.0, Adobe 1992) or BigTIFF file, of either byte order, without its pixels.
 * @throws ImageProblem when they point outside the file, go round in a circle or are too many.
 */
export const readDirectories = async (file: RandomAccessFile): Promise<TiffDirectories> => {
  const header = await file.read(0, 8);
  const littleEndian = header[0] === 0x49;
  const big = wholeAt(header, 2, 2, littleEndian) === 43;
  const pointer = big ? 8 : 4;
  const start = big ? wholeAt(await file.read(8, 8), 0, 8, littleEndian) : wholeAt(header, 4, 4, littleEndian);

  const pages: TiffDirectory[] = [];
  const seen = new Set<number>();
  for (let at = start; at !== 0; ) {
    if (seen.has(at)) throw new ImageProblem("it is damaged: its pages follow one another in a circle. Copy it again.");
    if (seen.size === MAX_PAGES) throw new ImageProblem(`it has more than ${MAX_PAGES} pages, which no slide has.`);
    seen.add(at);
    const { directory, next } = await readDirectory(file, at, pointer, littleEndian);
    pages.push(directory);
    at = next;
  }
  return {
    pages,
    below: async (page) => {
      if (page.count(TAG.subDirectories) > MAX_BELOW) throw new ImageProblem("it is damaged: a page has too many below it.");
      const found: TiffDirectory[] = [];
      for (const at of await page.numbers(TAG.subDirectories)) {
        found.push((await readDirectory(file, at, pointer, littleEndian)).directory);
      }
      return found;
    },
  };
};

const readDirectory = async (file: RandomAccessFile, at: number, pointer: 4 | 8, littleEndian: boolean) => {
  const whole = (bytes: Buffer, position: number, size: number): number => wholeAt(bytes, position, size, littleEndian);
  const [countSize, entrySize] = pointer === 8 ? [8, 20] : [2, 12];
  const entries = whole(await file.read(at, countSize), 0, countSize);
  if (entries > MAX_ENTRIES)
    throw new ImageProblem(`it is damaged: a page at byte ${at} claims ${entries} entries. Copy it again.`);
  const table = await file.read(at + countSize, entries * entrySize + pointer);

  const tags = new Map<number, { readonly type: number; readonly count: number; readonly value: Buffer }>();
  for (let entry = 0; entry < entries; entry++) {
    const bytes = table.subarray(entry * entrySize, (entry + 1) * entrySize);
    const type = whole(bytes, 2, 2);
    if (SIZES.has(type))
      tags.set(whole(bytes, 0, 2), { type, count: whole(bytes, 4, pointer), value: bytes.subarray(4 + pointer) });
  }

  const bytes = async (tag: number, most = Number.POSITIVE_INFINITY): Promise<Buffer> => {
    const { type, count, value } = tags.get(tag) ?? none;
    const length = count * SIZES.get(type)!;
    if (length <= value.length) return value.subarray(0, length);
    if (Math.min(length, most) > MAX_BYTES) throw tooMany(tag, count);
    return file.read(whole(value, 0, pointer), Math.min(length, most));
  };
  const numbers = async (tag: number): Promise<readonly number[]> => {
    const { type, count } = tags.get(tag) ?? none;
    if (count > MAX_VALUES) throw tooMany(tag, count);
    const [size, stored] = [SIZES.get(type)!, await bytes(tag)];
    return Array.from({ length: count }, (_, i) => numberAt(stored, i * size, type, littleEndian));
  };
  const directory: TiffDirectory = {
    has: (tag) => tags.has(tag),
    count: (tag) => tags.get(tag)?.count ?? 0,
    numbers,
    first: async (tag, otherwise) => (await numbers(tag))[0] ?? otherwise,
    text: async (tag, most = 4096) => (await bytes(tag, most)).toString("utf8").split("\0", 1)[0],
    bytes,
  };
  return { directory, next: whole(table, entries * entrySize, pointer) };
};

const tooMany = (tag: number, count: number): ImageProblem =>
  new ImageProblem(`tag ${tag} of it claims ${count} values, more than any slide has: it is damaged. Copy it again.`);

const none = { type: 1, count: 0, value: Buffer.alloc(0) };

const numberAt = (bytes: Buffer, at: number, type: number, littleEndian: boolean): number => {
  if (type === 5) return wholeAt(bytes, at, 4, littleEndian) / wholeAt(bytes, at + 4, 4, littleEndian);
  if (type === 11) return littleEndian ? bytes.readFloatLE(at) : bytes.readFloatBE(at);
  if (type === 12) return littleEndian ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at);
  return wholeAt(bytes, at, SIZES.get(type)!, littleEndian);
};

const wholeAt = (bytes: Buffer, at: number, size: number, littleEndian: boolean): number => {
  if (size === 8) return Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return littleEndian ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
};
