import { createImage, ImageError, type ImageOf } from "../image.ts";
import { ImageProblem } from "../readable.ts";
import { downsampleOf, type Pyramid } from "./pyramid.ts";
import type { RandomAccessFile } from "./random-access.ts";
import { type Raster, readRaster, type TilePlace } from "./raster.ts";
import { checkRegion, copyShared, emptyValue, type OpenSlideOptions, type Slide, type SlideLevel } from "./slide.ts";
import { tileCache } from "./tile-cache.ts";

/** How often tiles are decoded at the same time. */
const PARALLEL = 4;

/** Pixels that are decoded together: six tiles of 256 x 256. Each time takes a millisecond of its own. */
const TOGETHER = 400_000;
const MOST_TOGETHER = 256;

/** The pyramid as a slide; it closes the file. @throws ImageProblem when a level is of a kind that is not read. */
export const tiffSlide = async (
  path: string,
  file: RandomAccessFile,
  pyramid: Pyramid,
  options: OpenSlideOptions,
): Promise<Slide> => {
  const { cacheBytes = 64 * 2 ** 20, indices = false, micronsPerPixel } = options;
  const empty = emptyValue(options);
  const rasters: Raster[] = [];
  for (const page of pyramid.levels) rasters.push(await readRaster(file, page, { indices, empty }));
  const levels = rasters.map((raster): SlideLevel => {
    return { width: raster.width, height: raster.height, downsample: downsampleOf(rasters[0], raster) ?? 1 };
  });
  const largest = Math.max(...rasters.map(({ tileWidth, tileHeight }) => tileWidth * tileHeight));
  const cache = tileCache<TilePlace & { readonly level: number }, ImageOf<Uint8Array>>({
    limit: cacheBytes,
    together: Math.min(MOST_TOGETHER, Math.max(1, Math.floor(TOGETHER / largest))),
    parallel: PARALLEL,
    keyOf: ({ level, column, row }) => `${level} ${column} ${row}`,
    bytesOf: ({ data }) => data.length,
  });

  let closed = false;
  const read: Slide["read"] = async (level, region) => {
    if (closed) throw new Error(`The slide "${path}" is closed.`);
    checkRegion(levels, level, region);
    const image = createImage(region.width, region.height);
    image.data.fill(empty);
    const { width, height, tileWidth, tileHeight, tiles } = rasters[level];
    const places: (TilePlace & { level: number })[] = [];
    const [right, bottom] = [Math.min(region.x + region.width, width), Math.min(region.y + region.height, height)];
    for (let row = Math.floor(Math.max(region.y, 0) / tileHeight); row * tileHeight < bottom; row++) {
      for (let column = Math.floor(Math.max(region.x, 0) / tileWidth); column * tileWidth < right; column++) {
        places.push({ level, column, row });
      }
    }
    const copies = cache.get(places, tiles).map(async (tile, i) => {
      const [x, y] = [places[i].column * tileWidth, places[i].row * tileHeight];
      const shown = { x, y, width: Math.min(tileWidth, width - x), height: Math.min(tileHeight, height - y) };
      copyShared(await tile, shown, image, region);
    });
    await Promise.all(copies).catch((error: unknown) => {
      throw error instanceof ImageProblem ? new ImageError(path, `level ${level}: ${error.message}`, error) : error;
    });
    return image;
  };

  return {
    path,
    format: pyramid.format,
    width: levels[0].width,
    height: levels[0].height,
    levels,
    micronsPerPixel: micronsPerPixel ?? pyramid.micronsPerPixel,
    magnification: micronsPerPixel === undefined ? pyramid.magnification : undefined,
    associated: pyramid.associated,
    read,
    close: async () => {
      closed = true;
      await file.close();
    },
  };
};
