import { promisify } from "node:util";
import { deflate } from "node:zlib";
import sharp from "sharp";
import { type AtomicFile, createFileAtomic } from "../../files/index.ts";
import { COMPRESSION, PHOTOMETRIC } from "../tiff.ts";
import { TAG } from "../tiff-tags.ts";
import { bigTiffDirectory, bigTiffHeader, type TagValues } from "./big-tiff.ts";
import { type Coarser, halveInto, repeatBorder } from "./coarser.ts";

export interface SlideLayout {
  /** Of level 0, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Side of a tile, a multiple of 16. Default 256. */
  readonly tile?: number;
  /** 3 of RGB; 1 of grey or of classes. */
  readonly channels: 1 | 3;
  /** "jpeg" loses a little, "deflate" nothing: masks need it. */
  readonly compression: "jpeg" | "deflate" | "none";
  /** Of JPEG, 1 .. 100. Default 90. */
  readonly quality?: number;
  /** Micrometres that a pixel of level 0 is wide. */
  readonly micronsPerPixel?: number;
  /** Objective power of level 0. */
  readonly magnification?: number;
  /** Of one channel: the colour of each value, `[red, green, blue]` in 0 .. 255; values beyond it are black. */
  readonly palette?: readonly (readonly [number, number, number])[];
  /**
   * How coarser levels come about: "mean" of 2 x 2 pixels, or the "majority" of their values (of equally frequent ones the first in reading
   * order), by which classes stay classes. Default: mean of three channels, majority of one.
   */
  readonly coarser?: Coarser;
}

export interface WriteSlideOptions {
  /** Hears how many of the tiles of all levels are done. */
  readonly listener?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Ends the writing with its reason; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/**
 * The pixels of level 0 from `x`, `y` on, `[height, width, channels]`. Each tile is asked for once; neighbours lie close to each other in
 * time (in Morton order: by quadrants of quadrants).
 */
export type TileSource = (x: number, y: number, width: number, height: number) => Promise<Uint8Array> | Uint8Array;

/**
 * Writes a pyramidal tiled BigTIFF file: level 0 and levels half as large each (sides rounded up), down to one tile, as pages one after
 * the other, which libvips, OpenSlide and QuPath read. Tiles are made by quadrants, so a few of them per level are held at a time and never a row
 * of the slide. The size of a pixel stands in XResolution (per centimetre) and, with the objective power, in the description, as
 * "MPP = 0.5|AppMag = 20". It stands under its name only when it is whole (see `createFileAtomic`).
 * @throws RangeError when the layout, or the length of a tile that was made, cannot be; Error that names the file when it cannot be
 * written; the signal's reason; and whatever `tileOf` throws. The previous file is then untouched.
 */
export const writeSlide = async (
  path: string,
  layout: SlideLayout,
  tileOf: TileSource,
  { listener, signal }: WriteSlideOptions = {},
): Promise<void> => {
  checkLayout(layout);
  const { channels, tile: size = 256, coarser = channels === 3 ? "mean" : "majority" } = layout;
  const levels = levelsOf(layout.width, layout.height, size);
  const total = levels.reduce((sum, { across, down }) => sum + across * down, 0);
  const file = await createFileAtomic(path);
  try {
    const queue = tileQueue(file, layout);
    let done = 0;
    const store = async (level: Level, column: number, row: number, pixels: Uint8Array): Promise<void> => {
      await queue.add(level, row * level.across + column, pixels);
      listener?.({ done: ++done, total });
    };

    /** Makes a tile from the level below, or level 0 from its source, and stores all on the way. */
    const make = async (depth: number, column: number, row: number): Promise<Uint8Array> => {
      const level = levels[depth];
      const [x, y] = [column * size, row * size];
      const [width, height] = [Math.min(size, level.width - x), Math.min(size, level.height - y)];
      const pixels = new Uint8Array(size * size * channels);
      if (depth === 0) {
        signal?.throwIfAborted();
        const given = await tileOf(x, y, width, height);
        if (given.length !== width * height * channels) {
          throw new RangeError(
            `A tile of ${width} x ${height} pixels has ${width * height * channels} values, not ${given.length}.`,
          );
        }
        const length = width * channels;
        for (let line = 0; line < height; line++) {
          pixels.set(given.subarray(line * length, (line + 1) * length), line * size * channels);
        }
      } else {
        for (const lower of [0, 1] as const) {
          for (const right of [0, 1] as const) {
            const [below, left, top] = [levels[depth - 1], 2 * column + right, 2 * row + lower];
            if (left >= below.across || top >= below.down) continue;
            halveInto(pixels, await make(depth - 1, left, top), { size, channels, coarser }, { right, lower });
          }
        }
      }
      repeatBorder(pixels, size, channels, width, height);
      await store(level, column, row, pixels);
      return pixels;
    };

    await make(levels.length - 1, 0, 0);
    let end = await queue.finish();
    const start = end;
    for (const [depth, level] of levels.entries()) {
      const directory = bigTiffDirectory(tagsOf(layout, size, level, depth), end, depth === levels.length - 1);
      await file.write(directory, end);
      end += directory.length;
    }
    await file.write(bigTiffHeader(start), 0);
    await file.finish();
  } finally {
    await file.discard();
  }
};

/** One resolution, and where its tiles lie in the file, row by row. */
interface Level {
  readonly width: number;
  readonly height: number;
  readonly across: number;
  readonly down: number;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
}

const levelsOf = (width: number, height: number, size: number): Level[] => {
  const [across, down] = [Math.ceil(width / size), Math.ceil(height / size)];
  const level = {
    width,
    height,
    across,
    down,
    offsets: new Float64Array(across * down),
    lengths: new Float64Array(across * down),
  };
  return across * down === 1 ? [level] : [level, ...levelsOf(Math.ceil(width / 2), Math.ceil(height / 2), size)];
};

/** Tiles that are compressed at the same time. */
const PARALLEL = 8;

/** Compresses tiles beside each other, and writes them in the order in which they came, so that the file is the same every time. */
const tileQueue = (file: AtomicFile, layout: SlideLayout) => {
  const waiting: { readonly level: Level; readonly index: number; readonly bytes: Promise<Uint8Array> }[] = [];
  let end = bigTiffHeader(0).length;
  const writeFirst = async (): Promise<void> => {
    const { level, index, bytes } = waiting.shift()!;
    const data = await bytes;
    await file.write(data, end);
    level.offsets[index] = end;
    level.lengths[index] = data.length;
    end += data.length;
  };
  return {
    add: async (level: Level, index: number, pixels: Uint8Array): Promise<void> => {
      const bytes = compress(pixels, layout);
      bytes.catch(() => {}); // heard when its turn comes
      waiting.push({ level, index, bytes });
      if (waiting.length > PARALLEL) await writeFirst();
    },
    /** Where the tiles end. */
    finish: async (): Promise<number> => {
      while (waiting.length > 0) await writeFirst();
      return Math.ceil(end / 8) * 8;
    },
  };
};

const deflated = promisify(deflate);

const compress = async (
  pixels: Uint8Array,
  { compression, channels, tile = 256, quality = 90 }: SlideLayout,
): Promise<Uint8Array> => {
  if (compression === "none") return pixels;
  if (compression === "deflate") return deflated(pixels);
  const picture = sharp(pixels, { raw: { width: tile, height: tile, channels } });
  return (channels === 1 ? picture.toColourspace("b-w") : picture).jpeg({ quality, chromaSubsampling: "4:4:4" }).toBuffer();
};

const tagsOf = (layout: SlideLayout, size: number, level: Level, depth: number): ReadonlyMap<number, TagValues> => {
  const { channels, compression, palette, micronsPerPixel, magnification } = layout;
  const short = (...values: number[]): TagValues => ({ type: "short", values });
  const long = (...values: number[]): TagValues => ({ type: "long", values });
  const said = [micronsPerPixel && `MPP = ${micronsPerPixel}`, magnification && `AppMag = ${magnification}`].filter(Boolean);
  const tags = new Map<number, TagValues>([
    [TAG.subfileType, long(depth === 0 ? 0 : 1)], // 1: a smaller copy
    [TAG.width, long(level.width)],
    [TAG.height, long(level.height)],
    [TAG.bits, short(...Array<number>(channels).fill(8))],
    [TAG.compression, short(COMPRESSION[compression])],
    [TAG.photometric, short(palette ? PHOTOMETRIC.palette : colourOf(layout))],
    [TAG.samples, short(channels)],
    [TAG.planes, short(1)],
    [TAG.software, { type: "ascii", values: "Lynceus" }],
    [TAG.tileWidth, long(size)],
    [TAG.tileHeight, long(size)],
    [TAG.tileOffsets, { type: "long8", values: level.offsets }],
    [TAG.tileByteCounts, { type: "long", values: level.lengths }],
  ]);
  if (depth === 0 && said.length > 0) tags.set(TAG.description, { type: "ascii", values: `Lynceus|${said.join("|")}` });
  if (micronsPerPixel !== undefined) {
    const perCentimetre = { type: "rational", values: [10_000 / (micronsPerPixel * 2 ** depth)] } as const;
    tags.set(TAG.xResolution, perCentimetre).set(TAG.yResolution, perCentimetre).set(TAG.resolutionUnit, short(3));
  }
  if (palette !== undefined) tags.set(TAG.colourMap, short(...colourMap(palette)));
  if (compression === "jpeg" && channels === 3) tags.set(TAG.yCbCrSubsampling, short(1, 1));
  return tags;
};

const colourOf = ({ channels, compression }: SlideLayout): number => {
  if (channels === 1) return PHOTOMETRIC.grey;
  return compression === "jpeg" ? PHOTOMETRIC.yCbCr : PHOTOMETRIC.rgb;
};

/** 256 reds, then greens, then blues, of 16 bits. */
const colourMap = (palette: NonNullable<SlideLayout["palette"]>): number[] =>
  [0, 1, 2].flatMap((channel) => Array.from({ length: 256 }, (_, value) => (palette[value]?.[channel] ?? 0) * 257));

const checkLayout = (layout: SlideLayout): void => {
  const {
    width,
    height,
    tile = 256,
    channels,
    compression,
    quality = 90,
    palette,
    micronsPerPixel = 1,
    magnification = 1,
  } = layout;
  const wrong = (problem: string): RangeError => new RangeError(`A slide cannot be written: ${problem}`);
  if (![width, height].every((side) => Number.isSafeInteger(side) && side > 0 && side < 2 ** 31)) {
    throw wrong(`width and height must be positive whole numbers, not ${width} and ${height}.`);
  }
  if (!(Number.isInteger(tile) && tile % 16 === 0 && tile >= 16 && tile <= 4096)) {
    throw wrong(`the side of its tiles must be a multiple of 16 from 16 to 4096, not ${tile}.`);
  }
  if (!(micronsPerPixel > 0 && Number.isFinite(micronsPerPixel) && magnification > 0 && Number.isFinite(magnification))) {
    throw wrong("micrometres per pixel and magnification must be positive.");
  }
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100)) throw wrong(`JPEG's quality is 1 to 100, not ${quality}.`);
  if (palette === undefined) return;
  if (channels !== 1 || compression === "jpeg") throw wrong("a palette needs one channel, and not JPEG, which changes values.");
  if (palette.length > 256 || palette.flat().some((value) => !(Number.isInteger(value) && value >= 0 && value <= 255))) {
    throw wrong("a palette has at most 256 colours of red, green and blue in 0 .. 255.");
  }
};
