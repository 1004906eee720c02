import sharp from "sharp";
import { ImageError, type ImageOf } from "../image.ts";
import { startOpenJpeg } from "../openjpeg.ts";
import { ImageProblem } from "../readable.ts";
import { COMPRESSION, PHOTOMETRIC } from "../tiff.ts";
import { TAG } from "../tiff-tags.ts";
import type { TiffDirectory } from "./directory.ts";
import { decodeJpeg2000, isJpeg2000 } from "./jpeg-2000.ts";
import type { RandomAccessFile } from "./random-access.ts";
import { type PictureTags, SHORT, UNDEFINED, wrapPicture } from "./stacked-picture.ts";

/** The pixels of one page, stored in tiles; strips are tiles as wide as the page. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Decodes tiles to 8-bit RGB, which takes less time together than one by one. Rejected, with an ImageProblem, are those that are damaged. */
  tiles(places: readonly TilePlace[]): Promise<readonly PromiseSettledResult<ImageOf<Uint8Array>>[]>;
}

export interface TilePlace {
  readonly column: number;
  readonly row: number;
}

/** A tile with more pixels is no tile: it could not be held several at a time. */
const MAX_TILE = 2 ** 24;

/** Sides of a tile are multiples of this (TIFF 6.0); so many smaller ones would take for ever. */
const MIN_TILE = 16;

/** What libvips decodes, as sharp is built. */
const READABLE = new Set<number>([
  COMPRESSION.none,
  COMPRESSION.lzw,
  COMPRESSION.jpeg,
  COMPRESSION.deflate,
  COMPRESSION.oldDeflate,
  COMPRESSION.packBits,
  COMPRESSION.webp,
]);

/** Those that change values; JPEG 2000 need not. */
const LOSSY = new Set<number>([COMPRESSION.jpeg, COMPRESSION.webp]);

/** By the numbers of libtiff. */
const COMPRESSION_NAMES = new Map([
  [6, "JPEG of the old kind"],
  [34_887, "LERC"],
  [34_925, "LZMA"],
  [34_934, "JPEG XR"],
  [22_610, "JPEG XR"],
  [50_000, "Zstandard"],
  [50_002, "JPEG XL"],
]);

/**
 * Reads how a page is stored: 8-bit grey, palette or RGB with or without opacity, in tiles or strips, channels together or apart.
 * Tiles are decoded from their bytes alone: JPEG 2000 by OpenJPEG, all else by libvips, with the colours that it gives for the whole
 * file, except that embedded profiles are not applied. Transparent pixels lie over white. A tile without bytes, which writers leave out
 * as empty, is `empty`. With `indices` samples are what is stored, of a palette and where 0 is white too.
 * @throws ImageProblem when it is of another kind, or claims what cannot be; with `indices` when its compression changes values.
 */
export const readRaster = async (
  file: RandomAccessFile,
  page: TiffDirectory,
  { indices = false, empty = 255 } = {},
): Promise<Raster> => {
  const [width, height] = [await page.first(TAG.width, 0), await page.first(TAG.height, 0)];
  const tiled = page.has(TAG.tileWidth);
  const tileWidth = tiled ? await page.first(TAG.tileWidth, 0) : width;
  const tileHeight = tiled ? await page.first(TAG.tileHeight, 0) : Math.min(height, await page.first(TAG.rowsPerStrip, height));
  if (Math.min(width, height, tileWidth, tileHeight) < 1) throw new ImageProblem("it is damaged: a page of it has no pixels.");
  if (tiled && Math.min(tileWidth, tileHeight) < MIN_TILE) {
    throw new ImageProblem(`it is damaged: its tiles have ${tileWidth} x ${tileHeight} pixels. Copy it again.`);
  }
  if (tileWidth * tileHeight > MAX_TILE) {
    throw new ImageProblem(
      `its pixels lie in ${tiled ? "tiles" : "strips"} of ${tileWidth} x ${tileHeight}, too large to read it in parts. ` +
        "Convert it to a pyramidal TIFF with tiles of 256 x 256.",
    );
  }
  const kind = await readKind(page);
  if (indices && LOSSY.has(kind.compression)) {
    throw new ImageProblem("its compression does not keep the numbers of classes exactly. Save the mask with deflate or LZW.");
  }
  if (isJpeg2000(kind.compression)) await startOpenJpeg();
  const planes = kind.planar ? kind.samples : 1;
  const [across, down] = [Math.ceil(width / tileWidth), Math.ceil(height / tileHeight)];
  const [offsetsTag, lengthsTag] = tiled ? [TAG.tileOffsets, TAG.tileByteCounts] : [TAG.stripOffsets, TAG.stripByteCounts];
  if (page.count(offsetsTag) < across * down * planes || page.count(lengthsTag) < across * down * planes) {
    throw new ImageProblem(
      `it claims ${width} x ${height} pixels, but has ${page.count(offsetsTag)} tiles of the ${across * down * planes} that they take: ` +
        "it is damaged. Copy it again.",
    );
  }
  const tags = await pictureTags(page, kind, indices);
  const rowsOf = (row: number): number => (tiled ? tileHeight : Math.min(tileHeight, height - row * tileHeight));
  let index: Promise<readonly [readonly number[], readonly number[]]> | undefined;

  /** A tile of a plane as it is stored; empty where it was left out. */
  const stored = async ({ column, row }: TilePlace, plane: number): Promise<Buffer> => {
    index ??= Promise.all([page.numbers(offsetsTag), page.numbers(lengthsTag)]);
    const [offsets, lengths] = await index;
    const tile = (plane * down + row) * across + column;
    const plain = tileWidth * tileHeight * (kind.planar ? 1 : kind.samples);
    if (lengths[tile] > 2 * plain + 2 ** 16) throw damagedTile(column * tileWidth, row * tileHeight);
    return file.read(offsets[tile], lengths[tile]);
  };

  const decodeAlone = async (bytes: Buffer, height: number): Promise<Uint8Array | undefined> => {
    if (bytes.length === 0) return undefined;
    const { samples: channels, compression, photometric } = kind;
    return asChannels(await decodeJpeg2000(bytes, { width: tileWidth, height, channels, compression, photometric }), channels, 3);
  };

  /** The channels of a plane of each tile; undefined where it was left out. */
  const decode = async (places: readonly TilePlace[], plane: number): Promise<(Uint8Array | undefined)[]> => {
    const bytes = await Promise.all(places.map((place) => stored(place, plane)));
    if (isJpeg2000(kind.compression)) return Promise.all(places.map(({ row }, i) => decodeAlone(bytes[i], rowsOf(row))));
    const parts = bytes.filter(({ length }) => length > 0);
    if (parts.length === 0) return places.map(() => undefined);
    const rows = places.map(({ row }, i) => (bytes[i].length > 0 ? rowsOf(row) : 0));
    const total = rows.reduce((sum, some) => sum + some, 0);
    const picture = sharp(wrapPicture({ width: tileWidth, tileHeight, height: total, tiled, tags, parts }), {
      failOn: "warning",
      limitInputPixels: tileWidth * total,
      ignoreIcc: true,
    });
    const opaque = kind.alpha && !kind.planar && !indices ? picture.flatten({ background: "white" }) : picture;
    const { data, info } = await opaque.raw().toBuffer({ resolveWithObject: true });
    const pixels = asChannels(data, info.channels, kind.planar ? 1 : 3);
    const row = tileWidth * (kind.planar ? 1 : 3);
    let at = 0;
    return rows.map((some) => {
      at += some * row;
      return some > 0 ? pixels.slice(at - some * row, at) : undefined; // a copy: what is kept of it is one tile alone
    });
  };

  const decodeAll = async (places: readonly TilePlace[]): Promise<ImageOf<Uint8Array>[]> => {
    const planes = await Promise.all(Array.from({ length: kind.planar ? 3 : 1 }, (_, plane) => decode(places, plane)));
    return places.map(({ row }, i) => {
      const size = { width: tileWidth, height: rowsOf(row) };
      if (!kind.planar && planes[0][i] !== undefined) return { ...size, data: planes[0][i] };
      const data = new Uint8Array(size.width * size.height * 3).fill(kind.samples === 1 ? 0 : empty);
      if (kind.planar) {
        for (const [channel, { [i]: values }] of planes.entries()) {
          if (values !== undefined) for (let pixel = 0; pixel < values.length; pixel++) data[pixel * 3 + channel] = values[pixel];
        }
      }
      return { ...size, data };
    });
  };

  const tiles: Raster["tiles"] = async (places) => {
    try {
      return (await decodeAll(places)).map((value) => ({ status: "fulfilled", value }));
    } catch (error) {
      if (places.length > 1) {
        const alone = [];
        for (const place of places) alone.push(...(await tiles([place])));
        return alone;
      }
      const [{ column, row }] = places;
      // A decoder's own words may be about another tile.
      const reason =
        error instanceof ImageProblem || error instanceof ImageError ? error : damagedTile(column * tileWidth, row * tileHeight);
      return [{ status: "rejected", reason }];
    }
  };
  return { width, height, tileWidth, tileHeight, tiles };
};

const damagedTile = (x: number, y: number): ImageProblem =>
  new ImageProblem(`its tile at ${x}, ${y} is damaged or cut short. Copy it again.`);

interface Kind {
  readonly samples: number;
  readonly compression: number;
  readonly photometric: number;
  readonly planar: boolean;
  readonly alpha: boolean;
}

const readKind = async (page: TiffDirectory): Promise<Kind> => {
  const compression = await page.first(TAG.compression, COMPRESSION.none);
  const jpeg2000 = isJpeg2000(compression);
  if (!jpeg2000 && !READABLE.has(compression)) {
    const name = COMPRESSION_NAMES.get(compression) ?? `of a kind that is not known`;
    throw new ImageProblem(
      `its tiles are compressed as ${name} (compression ${compression}), which is not read. Convert it to a pyramidal TIFF with JPEG tiles.`,
    );
  }
  const samples = await page.first(TAG.samples, 1);
  const photometric = await page.first(TAG.photometric, PHOTOMETRIC.grey);
  const planar = samples > 1 && (await page.first(TAG.planes, 1)) === 2;
  const depths = await page.numbers(TAG.bits);
  const formats = await page.numbers(TAG.sampleFormat);
  const { minIsWhite, grey, rgb, palette, yCbCr } = PHOTOMETRIC;
  if (depths.length === 0 || depths.some((depth) => depth !== 8) || formats.some((format) => format !== 1)) {
    throw unread(`its samples have ${depths[0] ?? 1} bits or are no unsigned whole numbers`);
  }
  const single = samples === 1 && (jpeg2000 ? [grey] : [minIsWhite, grey, palette]).includes(photometric);
  const coloured = (samples === 3 || samples === 4) && photometric === rgb;
  const luminance = samples === 3 && photometric === yCbCr && (jpeg2000 || compression === COMPRESSION.jpeg) && !planar;
  if (!(single || coloured || luminance)) {
    throw unread(`it has ${samples} channels of colours of kind ${photometric} (PhotometricInterpretation)`);
  }
  if (jpeg2000 && (planar || samples === 4)) throw unread("its JPEG 2000 tiles hold opacity, or single channels of its colours");
  if ((await page.first(TAG.orientation, 1)) !== 1) throw unread("it is turned or mirrored (Orientation)");
  const extra = await page.first(TAG.extraSamples, 0);
  return { samples, compression, photometric, planar, alpha: samples === 4 && (extra === 1 || extra === 2) };
};

const unread = (kind: string): ImageProblem =>
  new ImageProblem(`it is a slide of a kind that is not read: ${kind}. Convert it to a pyramidal TIFF of 8-bit RGB.`);

/** The tags by which one tile, or one plane of it, is a picture of its own. */
const pictureTags = async (page: TiffDirectory, kind: Kind, indices: boolean): Promise<PictureTags> => {
  const { samples, compression, photometric, planar } = kind;
  const channels = planar ? 1 : samples;
  const asGrey = planar || (indices && samples === 1);
  const tags: [number, { type: number; values: readonly number[] | Buffer }][] = [
    [TAG.bits, { type: SHORT, values: Array(channels).fill(8) }],
    [TAG.compression, { type: SHORT, values: [compression] }],
    [TAG.photometric, { type: SHORT, values: [asGrey ? PHOTOMETRIC.grey : photometric] }],
    [TAG.samples, { type: SHORT, values: [channels] }],
    [TAG.planes, { type: SHORT, values: [1] }],
  ];
  const kept = asGrey
    ? [TAG.predictor]
    : [TAG.predictor, TAG.extraSamples, TAG.yCbCrSubsampling, ...(photometric === PHOTOMETRIC.palette ? [TAG.colourMap] : [])];
  for (const tag of kept) if (page.has(tag)) tags.push([tag, { type: SHORT, values: await page.numbers(tag) }]);
  if (page.has(TAG.jpegTables)) tags.push([TAG.jpegTables, { type: UNDEFINED, values: await page.bytes(TAG.jpegTables) }]);
  return new Map(tags);
};

/** `channels` of each pixel from those decoded: grey repeated, or what is beyond them left out. */
const asChannels = (data: Uint8Array, stored: number, channels: number): Uint8Array => {
  if (stored === channels) return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
  const pixels = data.length / stored;
  const result = new Uint8Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      result[pixel * channels + channel] = data[pixel * stored + (stored < 3 ? 0 : channel)];
    }
  }
  return result;
};
