import { TAG } from "../../tiff-tags.ts";

/** A picture to be stored in tiles, or in strips. */
export interface TestPage {
  readonly width: number;
  readonly height: number;
  /** Side of a tile, or rows of a strip. */
  readonly tile: number;
  readonly strips?: boolean;
  readonly channels: number;
  /** `[height, width, channels]`. */
  readonly pixels: Uint8Array;
  /** Whether each channel has tiles of its own. */
  readonly planar?: boolean;
  /** Of a tile's values; none where the tile is left out. */
  readonly compress?: (tile: Uint8Array) => Uint8Array;
  /** Beside those that follow from the rest; text, or whole numbers of 32 bits. */
  readonly tags?: Readonly<Record<number, number | readonly number[] | string>>;
  /** Pages that this one points to. */
  readonly below?: readonly TestPage[];
}

/** A TIFF file of either byte order, classic or BigTIFF, written independently of the product's writer. */
export const tiffFile = (pages: readonly TestPage[], { littleEndian = true, big = false } = {}): Buffer => {
  const parts: Buffer[] = [];
  let end = 0;
  const append = (bytes: Uint8Array): number => {
    const at = end;
    parts.push(Buffer.from(bytes));
    end += bytes.length;
    return at;
  };
  const number = (value: number, size: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    const cut = bytes.subarray(0, size);
    return littleEndian ? cut : cut.reverse();
  };
  const [pointer, countSize] = big ? [8, 8] : [4, 2];
  append(Buffer.from(littleEndian ? "II" : "MM"));
  append(big ? Buffer.concat([number(43, 2), number(8, 2), number(0, 2)]) : number(42, 2));
  const first = append(number(0, pointer));
  const point = (from: number, to: number): void => {
    const whole = Buffer.concat(parts);
    number(to, pointer).copy(whole, from);
    parts.splice(0, parts.length, whole);
  };

  /** Writes a page; gives where it lies and where its pointer to the next is. */
  const write = (page: TestPage): { at: number; next: number } => {
    const {
      width,
      height,
      tile,
      channels,
      strips = false,
      planar = false,
      compress = (bytes) => bytes,
      tags = {},
      below = [],
    } = page;
    const offsets: number[] = [];
    const lengths: number[] = [];
    for (const channel of planar ? Array.from({ length: channels }, (_, i) => i) : [undefined]) {
      for (let y = 0; y < height; y += tile) {
        for (let x = 0; x < width; x += strips ? width : tile) {
          const bytes = compress(cut(page, x, y, channel));
          offsets.push(bytes.length === 0 ? 0 : append(bytes));
          lengths.push(bytes.length);
        }
      }
    }
    const children = below.map((child) => write(child).at);
    const all: TestPage["tags"] = {
      [TAG.width]: width,
      [TAG.height]: height,
      [TAG.bits]: Array<number>(channels).fill(8),
      [TAG.compression]: 1,
      [TAG.photometric]: channels < 3 ? 1 : 2,
      [TAG.samples]: channels,
      [TAG.planes]: planar ? 2 : 1,
      ...(strips
        ? { [TAG.rowsPerStrip]: tile, [TAG.stripOffsets]: offsets, [TAG.stripByteCounts]: lengths }
        : { [TAG.tileWidth]: tile, [TAG.tileHeight]: tile, [TAG.tileOffsets]: offsets, [TAG.tileByteCounts]: lengths }),
      ...(children.length > 0 ? { [TAG.subDirectories]: children } : {}),
      ...tags,
    };
    const entries = Object.entries(all).map(([tag, value]) => {
      const text = typeof value === "string";
      const values = text ? [...Buffer.from(`${value}\0`)] : [value].flat();
      const bytes = Buffer.concat((values as number[]).map((one) => number(one, text ? 1 : 4)));
      const inside = bytes.length <= pointer ? Buffer.concat([bytes], pointer) : number(append(bytes), pointer);
      return Buffer.concat([number(Number(tag), 2), number(text ? 2 : 4, 2), number(values.length, pointer), inside]);
    });
    const at = append(number(entries.length, countSize));
    for (const entry of entries) append(entry);
    return { at, next: append(number(0, pointer)) };
  };

  let pending = first;
  for (const page of pages) {
    const { at, next } = write(page);
    point(pending, at);
    pending = next;
  }
  return Buffer.concat(parts);
};

/** A whole tile, 0 beyond the border, or a strip, which ends there; of one channel where it is named. */
const cut = (page: TestPage, left: number, top: number, channel?: number): Uint8Array => {
  const { width, height, tile, strips = false, channels, pixels } = page;
  const [columns, rows] = strips ? [width, Math.min(tile, height - top)] : [tile, tile];
  const wanted = channel === undefined ? Array.from({ length: channels }, (_, i) => i) : [channel];
  const result = new Uint8Array(columns * rows * wanted.length);
  for (let y = 0; y < Math.min(rows, height - top); y++) {
    for (let x = 0; x < Math.min(columns, width - left); x++) {
      for (const [i, one] of wanted.entries()) {
        result[(y * columns + x) * wanted.length + i] = pixels[((top + y) * width + left + x) * channels + one];
      }
    }
  }
  return result;
};
