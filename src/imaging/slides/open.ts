import { ImageError } from "../image.ts";
import { ImageProblem } from "../readable.ts";
import { PHOTOMETRIC } from "../tiff.ts";
import { isTiff, TAG } from "../tiff-tags.ts";
import { readDirectories, type TiffDirectory } from "./directory.ts";
import { isJpeg2000 } from "./jpeg-2000.ts";
import { plainSlide } from "./plain-slide.ts";
import { findPyramid } from "./pyramid.ts";
import { openRandomAccess } from "./random-access.ts";
import type { OpenSlideOptions, Slide } from "./slide.ts";
import { tiffSlide } from "./tiff-slide.ts";

/**
 * Opens a whole-slide image: Aperio SVS, a pyramidal TIFF or BigTIFF (levels as pages or below the first, SubIFDs), OME-TIFF of 8-bit RGB,
 * or a plain image of one level. The content decides, not the file's name. Only directories are read now, and tiles as they are needed,
 * so that memory does not grow with the slide. Labels, macro images and thumbnails are named in `associated` and never read.
 *
 * Tiles may be stored as they are, or as JPEG, JPEG 2000 (Aperio's too), LZW, deflate, PackBits or WebP.
 * @throws ImageError that names the file and what to do when it does not exist, is empty, damaged, cut short or of a kind that is not
 * read; RangeError when `micronsPerPixel` is not positive.
 */
export const openSlide = async (path: string, options: OpenSlideOptions = {}): Promise<Slide> => {
  const { micronsPerPixel } = options;
  if (micronsPerPixel !== undefined && !(micronsPerPixel > 0 && Number.isFinite(micronsPerPixel))) {
    throw new RangeError(`Micrometres per pixel are a positive number, not ${micronsPerPixel}.`);
  }
  const file = await openRandomAccess(path);
  let inParts = false;
  try {
    if (!isTiff(await file.read(0, Math.min(4, file.size)))) return await plainSlide(path, options);
    const directories = await readDirectories(file);
    const pyramid = await findPyramid(directories);
    const [page] = pyramid.levels;
    const single = pyramid.levels.length === 1 && page === directories.pages[0];
    const whole = single && (await isPlain(page, file.size)) && (!options.indices || (await isOtherGrey(page)));
    if (whole) return await plainSlide(path, options, pyramid);
    const slide = await tiffSlide(path, file, pyramid, options);
    inParts = true;
    return slide;
  } catch (error) {
    throw error instanceof ImageProblem ? new ImageError(path, error.message, error) : error;
  } finally {
    if (!inParts) await file.close();
  }
};

/** Whether a page is better decoded whole: small, and in strips, as programs for photographs write it. */
const isPlain = async (page: TiffDirectory, bytes: number): Promise<boolean> => {
  const pixels = (await page.first(TAG.width, 0)) * (await page.first(TAG.height, 0));
  if (isJpeg2000(await page.first(TAG.compression, 1))) return false;
  return !page.has(TAG.tileWidth) && pixels <= 25_000_000 && bytes <= 2 ** 28;
};

/** Masks of another depth than tiles are read of. */
const isOtherGrey = async (page: TiffDirectory): Promise<boolean> => {
  const bits = await page.first(TAG.bits, 1);
  return (await page.first(TAG.photometric, PHOTOMETRIC.grey)) === PHOTOMETRIC.grey && bits !== 8 && bits <= 16;
};
