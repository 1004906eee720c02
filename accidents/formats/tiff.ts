import sharp from "sharp";
import { bad, type Encode, either, type Format, type Harmed, type Lie, type Picture, pick, randomBytes } from "./format.ts";
import { sixteenBits } from "./png.ts";
import { harmedProfile } from "./profile.ts";

/** One entry of a directory: tag, type (1 byte, 3 short, 4 long), count, and its value or where that lies. */
export type Entry = readonly [tag: number, type: number, count: number, value: number];

const tags = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  stripCounts: 279,
  planar: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileCounts: 325,
  sampleFormat: 339,
} as const;

const sizeOfType = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/** Numbers of a file in its own byte order. */
const reader = (bytes: Buffer) => {
  const big = bytes.toString("latin1", 0, 2) === "MM";
  return {
    short: (at: number): number => (big ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at)),
    long: (at: number): number => (big ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)),
    write: (at: number, value: number, size: 2 | 4): Buffer => {
      const copy = Buffer.from(bytes);
      if (size === 2) big ? copy.writeUInt16BE(value, at) : copy.writeUInt16LE(value, at);
      else big ? copy.writeUInt32BE(value, at) : copy.writeUInt32LE(value, at);
      return copy;
    },
  };
};

interface Directory {
  readonly start: number;
  readonly count: number;
  /** Where the entry of a tag begins. */
  entry(tag: number): number | undefined;
  /** The numbers of a tag, behind whose offset or in the entry itself. */
  values(tag: number): number[];
}

const firstDirectory = (bytes: Buffer): Directory => {
  const { short, long } = reader(bytes);
  const start = long(4);
  const count = short(start);
  const entry = (tag: number): number | undefined => {
    const index = Array.from({ length: count }, (_, i) => short(start + 2 + 12 * i)).indexOf(tag);
    return index < 0 ? undefined : start + 2 + 12 * index;
  };
  const values = (tag: number): number[] => {
    const at = entry(tag);
    if (at === undefined) return [];
    const [size, length] = [sizeOfType[short(at + 2)], long(at + 4)];
    const from = size * length > 4 ? long(at + 8) : at + 8;
    return Array.from({ length }, (_, i) => (size === 2 ? short(from + 2 * i) : long(from + 4 * i)));
  };
  return { start, count, entry, values };
};

/** The same file with another value in the entry of a tag; undefined where it has none. */
const withValue = (bytes: Buffer, tag: number, value: number): Buffer | undefined => {
  const at = firstDirectory(bytes).entry(tag);
  if (at === undefined) return undefined;
  const { short, long, write } = reader(bytes);
  const inside = sizeOfType[short(at + 2)] * long(at + 4) <= 4;
  if (inside && short(at + 2) === 3)
    return value < 65_536 ? write(at + 8, value, 2) : reader(write(at + 2, 4, 2)).write(at + 8, value, 4);
  return write(at + 8, value, 4);
};

/** Lies about one of the tags, with one of the values. */
const about =
  (names: readonly (keyof typeof tags)[], values: readonly number[], judge: (bytes: Buffer) => Harmed = either): Lie =>
  (bytes, draw) => {
    const { entry } = firstDirectory(bytes);
    const present = names.filter((name) => entry(tags[name]) !== undefined);
    if (present.length === 0) return undefined;
    const changed = withValue(bytes, tags[pick(draw, present)], pick(draw, values));
    return changed && judge(changed);
  };

const outside = [2 ** 32 - 1, 2 ** 31, 50_000_000];

const lies: Record<string, Lie> = {
  size: about(["width", "height"], [0, 1, 2 ** 31, 2 ** 32 - 1, 65_535, 9_900]),
  "no size": about(["width", "height"], [0], bad),
  "size below the limit": (bytes) => {
    const wide = withValue(bytes, tags.width, 9_900);
    return wide && either(withValue(wide, tags.height, 9_900) ?? wide);
  },
  "offsets outside the file": about(["stripOffsets", "tileOffsets"], outside, bad),
  "byte counts": about(["stripCounts", "tileCounts"], [0, 1, ...outside]),
  "rows per strip": about(["rowsPerStrip"], [0, 1, 2 ** 32 - 1, 7]),
  "tile size": about(["tileWidth", "tileHeight"], [0, 1, 3, 2 ** 31, 2 ** 32 - 1]),
  "bits per sample": about(["bits"], [0, 3, 17, 64, 65_535]),
  "samples per pixel": about(["samples"], [0, 2, 5, 65_535]),
  "4 billion samples": (bytes) => {
    const at = firstDirectory(bytes).entry(tags.bits);
    return at === undefined ? undefined : either(reader(bytes).write(at + 4, 2 ** 32 - 1, 4));
  },
  compression: about(["compression"], [0, 2, 3, 4, 5, 7, 8, 99, 32_773, 34_676, 50_001, 60_000]),
  photometric: about(["photometric"], [0, 3, 5, 6, 8, 32_844, 65_535]),
  planes: about(["planar"], [0, 2, 9]),
  "sample format": about(["sampleFormat"], [0, 2, 3, 4, 5, 6, 65_535]),
  predictor: about(["predictor"], [0, 2, 3, 99]),
  "directory outside the file": (bytes, draw) => bad(reader(bytes).write(4, pick(draw, outside), 4)),
  "directory that names itself as the next": (bytes) => {
    const { start, count } = firstDirectory(bytes);
    return either(reader(bytes).write(start + 2 + 12 * count, start, 4));
  },
  "number of entries": (bytes, draw) => either(reader(bytes).write(firstDirectory(bytes).start, pick(draw, [0, 1, 65_535]), 2)),
  "type of an entry": (bytes, draw) => {
    const { start, count } = firstDirectory(bytes);
    return either(reader(bytes).write(start + 4 + 12 * draw.integer(0, count - 1), pick(draw, [0, 2, 5, 12, 16, 18, 999]), 2));
  },
  "version number": (bytes, draw) => either(reader(bytes).write(2, pick(draw, [0, 41, 43]), 2)),
};

/** A grey TIFF file of one directory, its pixels in one strip, in the byte order asked for. */
const writeGrey = (order: "II" | "MM", { width, height }: Picture, values: Uint8Array | Uint16Array | Float32Array): Buffer => {
  const pixels = Buffer.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  if (order === "MM" && values.BYTES_PER_ELEMENT === 2) pixels.swap16();
  const entries: Entry[] = [
    [tags.width, 4, 1, width],
    [tags.height, 4, 1, height],
    [tags.bits, 3, 1, 8 * values.BYTES_PER_ELEMENT],
    [tags.compression, 3, 1, 1],
    [tags.photometric, 3, 1, 1],
    [tags.stripOffsets, 4, 1, 8],
    [tags.samples, 3, 1, 1],
    [tags.rowsPerStrip, 4, 1, height],
    [tags.stripCounts, 4, 1, pixels.length],
    [tags.sampleFormat, 3, 1, values instanceof Float32Array ? 3 : 1],
  ];
  const padded = Buffer.concat([pixels, Buffer.alloc(pixels.length % 2)]);
  return Buffer.concat([directoryHeader(order, 8 + padded.length), padded, directory(order, entries, 0)]);
};

export const directoryHeader = (order: "II" | "MM", start: number): Buffer => {
  const header = Buffer.alloc(8);
  header.write(order, "latin1");
  header[order === "II" ? 2 : 3] = 42;
  return reader(header).write(4, start, 4);
};

/** A directory: its number of entries, the entries, where the next one begins. */
export const directory = (order: "II" | "MM", entries: readonly Entry[], next: number): Buffer => {
  const bytes = Buffer.alloc(2 + 12 * entries.length + 4);
  const big = order === "MM";
  const short = (value: number, at: number) => (big ? bytes.writeUInt16BE(value, at) : bytes.writeUInt16LE(value, at));
  const long = (value: number, at: number) => (big ? bytes.writeUInt32BE(value, at) : bytes.writeUInt32LE(value, at));
  short(entries.length, 0);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 2 + 12 * index;
    short(tag, at);
    short(type, at + 2);
    long(count, at + 4);
    if (type === 3 && count === 1) short(value, at + 8);
    else long(value, at + 8);
  }
  long(next, bytes.length - 4);
  return bytes;
};

/** The same picture with one more entry: the directory is written again at the end of the file. */
const withEntry = (bytes: Buffer, tag: number, type: number, count: number, value: number): Buffer => {
  const { short, long } = reader(bytes);
  const order = bytes.toString("latin1", 0, 2) as "II" | "MM";
  const { start, count: entries } = firstDirectory(bytes);
  const old = Array.from({ length: entries }, (_, i): Entry => {
    const at = start + 2 + 12 * i;
    const [type, count] = [short(at + 2), long(at + 4)];
    return [short(at), type, count, type === 3 && count === 1 ? short(at + 8) : long(at + 8)];
  });
  const sorted = [...old.filter(([other]) => other !== tag), [tag, type, count, value] as Entry].sort(([a], [b]) => a - b);
  const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(0)]);
  return Buffer.concat([reader(padded).write(4, padded.length, 4), directory(order, sorted, 0)]);
};

const raw = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });
const grey = ({ data }: Picture): Uint8Array => data.filter((_, i) => i % 3 === 1);

const variants: Record<string, Encode> = {
  "rgb-8": (image) => raw(image).tiff({ compression: "none" }).toBuffer(),
  lzw: (image) => raw(image).tiff({ compression: "lzw", predictor: "horizontal" }).toBuffer(),
  deflate: (image) => raw(image).tiff({ compression: "deflate" }).toBuffer(),
  jpeg: (image) => raw(image).tiff({ compression: "jpeg" }).toBuffer(),
  tiled: (image) => raw(image).tiff({ compression: "lzw", tile: true, tileWidth: 32, tileHeight: 32 }).toBuffer(),
  "rgb-16": ({ width, height, data }) =>
    sharp(sixteenBits({ width, height, data }), { raw: { width, height, channels: 3 } })
      .toColourspace("rgb16")
      .tiff({ compression: "none" })
      .toBuffer(),
  "grey-16-big-endian": async (image) =>
    writeGrey(
      "MM",
      image,
      sixteenBits(image).filter((_, i) => i % 3 === 1),
    ),
  "grey-8": async (image) => writeGrey("II", image, grey(image)),
  float: async (image) =>
    writeGrey(
      "II",
      image,
      Float32Array.from(grey(image), (value) => value / 255),
    ),
};

export const tiff: Format = {
  extension: ".tif",
  variants,
  structure: (bytes) => {
    const { start, count, values } = firstDirectory(bytes);
    const offsets = [...values(tags.stripOffsets), ...values(tags.tileOffsets)];
    const counts = [...values(tags.stripCounts), ...values(tags.tileCounts)];
    const body = [Math.min(...offsets), Math.max(...offsets.map((offset, i) => offset + counts[i]))] as const;
    const directoryEnd = start + 2 + 12 * count;
    const entries = Array.from({ length: count }, (_, i) => start + 2 + 12 * i);
    return {
      boundaries: [4, 8, start, ...entries, directoryEnd, ...offsets],
      header: [start, directoryEnd],
      body,
      needed: Math.max(body[1], directoryEnd),
    };
  },
  lies,
  claimHugeSize: (bytes) => withValue(withValue(bytes, tags.width, 100_000)!, tags.height, 100_000)!,
  metadata: {
    "description outside the file": (bytes) => withEntry(bytes, 270, 2, 1000, 2 ** 31),
    "description of 4 billion letters": (bytes) => withEntry(bytes, 270, 2, 2 ** 32 - 1, 8),
    "EXIF directory that is the file's start": (bytes) => withEntry(bytes, 34_665, 4, 1, 0),
    "colour profile outside the file": (bytes) => withEntry(bytes, 34_675, 7, 3000, 2 ** 31),
    "colour profile of pixels": (bytes) => withEntry(bytes, 34_675, 7, 300, 8),
    "harmed colour profile": (bytes, draw) => {
      const profile = harmedProfile(draw);
      return withEntry(Buffer.concat([bytes, profile]), 34_675, 7, profile.length, bytes.length);
    },
    "unknown tag": (bytes, draw) => withEntry(bytes, 50_999, 4, 1, draw.integer(0, 2 ** 31)),
    "noise behind the picture": (bytes, draw) => Buffer.concat([bytes, randomBytes(draw, 500)]),
  },
};
