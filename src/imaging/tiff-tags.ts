/** The numbers of a TIFF file's first directory. Layout: TIFF 6.0 (Adobe, 1992), with the wider pointers of BigTIFF. */
export interface TiffTags {
  readonly littleEndian: boolean;
  /** A tag's whole numbers; none where the file lacks it. @throws RangeError when they lie outside the file. */
  all(tag: number): readonly number[];
  /** A tag's first number. */
  first(tag: number, otherwise: number): number;
  /** A tag's text (ASCII); undefined where the file lacks it. @throws RangeError when it lies outside the file. */
  text(tag: number): string | undefined;
  /** Where a tag's numbers begin in the file. */
  placeOf(tag: number): number | undefined;
  /** How many directories, so pages, follow one another. */
  pages(): number;
}

export const TAG = {
  subfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  description: 270,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  xResolution: 282,
  yResolution: 283,
  planes: 284,
  resolutionUnit: 296,
  software: 305,
  predictor: 317,
  colourMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  subDirectories: 330,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
  yCbCrSubsampling: 530,
  xmp: 700,
};

const ASCII = 2;

/** Bytes of a whole number, by its type: BYTE, SHORT, LONG and LONG8. */
const SIZES = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
  [16, 8],
]);

export const isTiff = (bytes: Buffer): boolean => /^(II[*+]\0|MM\0[*+])/.test(bytes.toString("latin1", 0, 4));

/** @throws RangeError when the directory lies outside the file. */
export const readTiffTags = (bytes: Buffer): TiffTags => {
  const littleEndian = bytes[0] === 0x49;
  const whole = (at: number, size: number): number => {
    if (size === 8) return Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    return littleEndian ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  };
  const big = whole(2, 2) === 43;
  const [pointer, countSize, entrySize] = big ? [8, 8, 20] : [4, 2, 12];
  const start = whole(big ? 8 : 4, pointer);

  const entries = new Map<number, { readonly at: number; readonly count: number; readonly size: number }>();
  const texts = new Map<number, { readonly at: number; readonly count: number }>();
  for (let entry = 0, count = whole(start, countSize); entry < count; entry++) {
    const at = start + countSize + entry * entrySize;
    const type = whole(at + 2, 2);
    const size = type === ASCII ? 1 : SIZES.get(type);
    if (size === undefined) continue;
    const values = whole(at + 4, pointer);
    const inside = at + 4 + pointer;
    const place = { at: values * size <= pointer ? inside : whole(inside, pointer), count: values };
    if (type === ASCII) texts.set(whole(at, 2), place);
    else entries.set(whole(at, 2), { ...place, size });
  }

  const all = (tag: number): readonly number[] => {
    const { at, count, size } = entries.get(tag) ?? { at: 0, count: 0, size: 1 };
    if (at + count * size > bytes.length) throw new RangeError(`tag ${tag} points outside the file`);
    return Array.from({ length: count }, (_, i) => whole(at + i * size, size));
  };
  const text = (tag: number): string | undefined => {
    const place = texts.get(tag);
    if (place === undefined) return undefined;
    if (place.at + place.count > bytes.length) throw new RangeError(`tag ${tag} points outside the file`);
    return bytes
      .toString("utf8", place.at, place.at + place.count)
      .split("\0", 1)[0]
      .trim();
  };
  const pages = (): number => {
    const seen = new Set<number>();
    for (let at = start; at !== 0 && !seen.has(at); at = whole(at + countSize + whole(at, countSize) * entrySize, pointer)) {
      seen.add(at);
    }
    return seen.size;
  };
  return {
    littleEndian,
    all,
    first: (tag, otherwise) => all(tag)[0] ?? otherwise,
    text,
    placeOf: (tag) => entries.get(tag)?.at,
    pages,
  };
};
