import type { Random } from "../src/random/index.ts";
import { type Expectation, type Format, type Harmed, pick, spliced } from "./formats/format.ts";

/** Bytes before the end of the pixels that may be padding or a checksum: a file that lost only these may still be whole. */
const TAIL = 16;

/** What a mutation did, in words, beside its result. */
export type Mutated = Harmed & { readonly mutation: string };

/** The file's first bytes: up to a random place, or to where a part of it begins. */
export const cut = (bytes: Buffer, format: Format, draw: Random): Mutated => {
  const { boundaries, needed } = format.structure(bytes);
  const structural = draw.integer(0, 1) === 0;
  const end = structural ? pick(draw, boundaries) : draw.integer(1, bytes.length - 1);
  const expectation = end <= needed - TAIL ? "bad" : "either";
  return {
    bytes: bytes.subarray(0, end),
    expectation,
    mutation: `cut at byte ${end} of ${bytes.length}${structural ? ", where a part begins" : ""}`,
  };
};

/** 1 to 50 bits turned, anywhere, in the header only or in the first picture's pixels only. */
export const flipBits = (bytes: Buffer, format: Format, draw: Random): Mutated => {
  const { header, body } = format.structure(bytes);
  const [where, [start, end]] = pick(draw, [
    ["anywhere", [0, bytes.length]],
    ["in the header", header],
    ["in the body", body],
  ] as const);
  const count = pick(draw, [1, 1, 2, 5, 20, 50]);
  const changed = Buffer.from(bytes);
  for (let i = 0; i < count; i++) changed[draw.integer(start, end - 1)] ^= 1 << draw.integer(0, 7);
  const mutation = `${count} bits turned ${where}`;
  return { bytes: changed, expectation: where === "in the body" ? ofBody(bytes, changed, format) : "either", mutation };
};

/** A block of 1 to 4096 bytes zeroed, filled with ones, exchanged with another, doubled or taken out. */
export const harmBlock = (bytes: Buffer, format: Format, draw: Random): Mutated => {
  const { body } = format.structure(bytes);
  const inBody = draw.integer(0, 1) === 0;
  const [start, end] = inBody ? body : [0, bytes.length];
  const length = Math.min(2 ** draw.integer(0, 12), (end - start) >> 1);
  const at = draw.integer(start, end - length);
  const how = pick(draw, ["zeroed", "set to ones", "exchanged", "doubled", "taken out"] as const);
  let changed: Buffer = Buffer.from(bytes);
  if (how === "zeroed") changed.fill(0, at, at + length);
  if (how === "set to ones") changed.fill(255, at, at + length);
  if (how === "doubled") changed = spliced(bytes, at, 0, bytes.subarray(at, at + length));
  if (how === "taken out") changed = spliced(bytes, at, length);
  if (how === "exchanged") {
    const other = draw.integer(start, end - length);
    changed.set(bytes.subarray(other, other + length), at);
    changed.set(bytes.subarray(at, at + length), other);
  }
  const mutation = `${length} bytes at ${at} ${how}${inBody ? ", in the body" : ""}`;
  return { bytes: changed, expectation: inBody ? ofBody(bytes, changed, format) : "either", mutation };
};

/** The beginning of one file and the end of another; or the one whole and the other behind it. */
export const splice = (bytes: Buffer, other: Buffer, draw: Random): Mutated => {
  if (draw.integer(0, 3) === 0) {
    return { bytes: Buffer.concat([bytes, other]), expectation: "either", mutation: "another file behind it" };
  }
  const [end, start] = [draw.integer(1, bytes.length - 1), draw.integer(1, other.length - 1)];
  const mutation = `up to byte ${end}, then another file from byte ${start}`;
  return { bytes: Buffer.concat([bytes.subarray(0, end), other.subarray(start)]), expectation: "either", mutation };
};

/** One of the format's lies, of those that apply to this file. */
export const lie = (bytes: Buffer, format: Format, draw: Random): Mutated => {
  const names = Object.keys(format.lies);
  for (const index of draw.permutation(names.length)) {
    const harmed = format.lies[names[index]](bytes, draw);
    if (harmed !== undefined) return { ...harmed, mutation: `lie about ${names[index]}` };
  }
  throw new Error("No lie fits the file.");
};

/** Something that no decoder needs to care about; in a TIFF file, what points outside the file may be the picture as well. */
export const harmMetadata = (bytes: Buffer, format: Format, draw: Random): Mutated => {
  const name = pick(draw, Object.keys(format.metadata));
  const expectation = format.extension.startsWith(".tif") ? "either" : "good";
  return { bytes: format.metadata[name](bytes, draw), expectation, mutation: `metadata: ${name}` };
};

const ofBody = (bytes: Buffer, changed: Buffer, { checksummed }: Format): Expectation =>
  checksummed && !changed.equals(bytes) ? "bad" : "either";
