import type { Random } from "../../src/random/index.ts";

/**
 * What must become of a file: "good" must be finished, "bad" cannot be decoded whole by anyone and must be named; of
 * "either" only an end is asked.
 */
export type Expectation = "good" | "bad" | "either";

/** A file that something was done to. */
export interface Harmed {
  readonly bytes: Buffer;
  readonly expectation: Expectation;
}

/** What of a valid file is where, in bytes from its beginning. */
export interface Structure {
  /** Where chunks, segments, boxes, directories and their parts begin. */
  readonly boundaries: readonly number[];
  /** What says how the (first) picture is stored. */
  readonly header: readonly [start: number, end: number];
  /** The compressed pixels of the (first) picture: from its first byte to the one behind its last. */
  readonly body: readonly [start: number, end: number];
  /** A file cut before this byte has lost a part of its (first) picture, or what it takes to find it. */
  readonly needed: number;
}

/** What is painted: interleaved RGB, `[height, width, 3]`, 8 bits each. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** One way to write a picture; `others` are further pictures of the same size, for animations. */
export type Encode = (picture: Picture, others: readonly Picture[]) => Promise<Buffer>;

/** A change of a file that leaves it well-formed but for one thing; undefined where the file has no such thing. */
export type Lie = (bytes: Buffer, draw: Random) => Harmed | undefined;

/** What the corpus knows of a file format. */
export interface Format {
  readonly extension: string;
  readonly variants: Readonly<Record<string, Encode>>;
  structure(bytes: Buffer): Structure;
  readonly lies: Readonly<Record<string, Lie>>;
  /** The same file claiming 100,000 x 100,000 pixels, or the most that the format can say. */
  claimHugeSize(bytes: Buffer): Buffer;
  /** Changes that no decoder needs to care about: damaged descriptions, profiles, comments. */
  readonly metadata: Readonly<Record<string, (bytes: Buffer, draw: Random) => Buffer>>;
  /** Whether every byte of the body is under a checksum, so that no change of it can go unnoticed. */
  readonly checksummed?: boolean;
}

/** A copy with other bytes at `offset`. */
export const patched = (bytes: Buffer, offset: number, replacement: Uint8Array): Buffer => {
  const copy = Buffer.from(bytes);
  copy.set(replacement, offset);
  return copy;
};

/** A copy with `removed` bytes at `offset` taken out and others put in. */
export const spliced = (bytes: Buffer, offset: number, removed: number, inserted: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([bytes.subarray(0, offset), inserted, bytes.subarray(offset + removed)]);

/** The number's bytes, most significant first or, for "little", last. */
export const integer = (value: number, size: 1 | 2 | 3 | 4, order: "big" | "little" = "big"): Buffer => {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[order === "big" ? size - 1 - i : i] = Math.floor(value / 256 ** i) % 256;
  return bytes;
};

export const pick = <Item>(draw: Random, items: readonly Item[]): Item => items[draw.integer(0, items.length - 1)];

export const randomBytes = (draw: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => draw.integer(0, 255)));

export const bad = (bytes: Buffer): Harmed => ({ bytes, expectation: "bad" });
export const either = (bytes: Buffer): Harmed => ({ bytes, expectation: "either" });
