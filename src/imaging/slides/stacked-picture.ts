import { TAG } from "../tiff-tags.ts";

/** Types of a TIFF tag's values. */
export const SHORT = 3;
export const LONG = 4;
export const UNDEFINED = 7;

const SIZES = new Map([
  [SHORT, 2],
  [LONG, 4],
  [UNDEFINED, 1],
]);

export type PictureTags = ReadonlyMap<number, { readonly type: number; readonly values: readonly number[] | Buffer }>;

export interface StackedPicture {
  /** Of a tile, or of a strip; the last strip may have fewer rows. */
  readonly width: number;
  readonly tileHeight: number;
  /** Of all together. */
  readonly height: number;
  /** Whether they are tiles, or else strips: tiles at the right and lower border are stored whole, strips are not. */
  readonly tiled: boolean;
  /** How they are stored, without what the other fields say. */
  readonly tags: PictureTags;
  /** As they are stored, compressed. */
  readonly parts: readonly Uint8Array[];
}

/** A TIFF file of tiles or strips, one below the other, around their bytes, so that a decoder of files decodes them. */
export const wrapPicture = ({ width, tileHeight, height, tiled, tags, parts }: StackedPicture): Buffer => {
  const long = (...values: number[]) => ({ type: LONG, values });
  const [place, lengths] = tiled ? [TAG.tileOffsets, TAG.tileByteCounts] : [TAG.stripOffsets, TAG.stripByteCounts];
  const own = new Map([
    [TAG.width, long(width)],
    [TAG.height, long(height)],
    [lengths, long(...parts.map(({ length }) => length))],
    [place, long(...parts.map(() => 0))],
  ]);
  if (tiled) own.set(TAG.tileWidth, long(width)).set(TAG.tileHeight, long(tileHeight));
  else own.set(TAG.rowsPerStrip, long(tileHeight));

  const all: PictureTags = new Map([...tags, ...own]);
  const sorted = [...all].sort(([a], [b]) => a - b);
  const directory = Buffer.alloc(8 + 2 + 12 * sorted.length + 4);
  directory.write("II*\0", 0, "latin1");
  directory.writeUInt32LE(8, 4);
  directory.writeUInt16LE(sorted.length, 8);
  const values = sorted.map(([, { type, values }]) => bytesOf(type, values));
  const outside = values.filter(({ length }) => length > 4);
  let end = directory.length + outside.reduce((sum, { length }) => sum + length, 0);
  const offsets = parts.map(({ length }) => {
    end += length;
    return end - length;
  });
  let at = directory.length;
  for (const [i, [tag, { type }]] of sorted.entries()) {
    const entry = 10 + 12 * i;
    const bytes = values[i];
    if (tag === place) bytesOf(LONG, offsets).copy(bytes);
    directory.writeUInt16LE(tag, entry);
    directory.writeUInt16LE(type, entry + 2);
    directory.writeUInt32LE(bytes.length / SIZES.get(type)!, entry + 4);
    if (bytes.length <= 4) bytes.copy(directory, entry + 8);
    else {
      directory.writeUInt32LE(at, entry + 8);
      at += bytes.length;
    }
  }
  return Buffer.concat([directory, ...outside, ...parts]);
};

const bytesOf = (type: number, values: readonly number[] | Buffer): Buffer => {
  if (values instanceof Buffer) return values;
  const size = SIZES.get(type)!;
  const bytes = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) bytes.writeUIntLE(value, i * size, size);
  return bytes;
};
