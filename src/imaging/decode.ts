import { ImageError, type ImageOf, type Mask } from "./image.ts";
import { nameOf, type ReadOptions, withImage } from "./open.ts";
import type { Range } from "./readable.ts";
import { type DataOf, imageOf, maskOf } from "./rendering.ts";

export interface DecodeOptions extends ReadOptions {
  /** Bits of each channel of the result. Default 8. */
  depth?: 8 | 16;
  /**
   * The values of the file that become black and white: 12-bit cameras store 0 .. 4095 in 16-bit files, and floats have any range.
   * Between them it is linear; values beyond are cut. Default: the full range of whole numbers, [0, 1] of floats.
   */
  range?: Range;
  /** Colour behind transparent pixels, `[red, green, blue]` in 0 .. 255. Default black. */
  background?: readonly [number, number, number];
}

/**
 * Decodes a PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF file, or a buffer holding one, to `[height, width, 3]` sRGB of 8 or 16 bits.
 * The content decides, not the file's name. Of an animation or several pages the first is taken, and the EXIF rotation is applied.
 *
 * Values are exact: at 16 bits those of a 16-bit file as they are and those of an 8-bit file times 257; at 8 bits those of a
 * 16-bit file as round(v 255 / 65535). Signed and 32-bit whole numbers are mapped from the full range of their type. What
 * has fewer than 8 bits was brought to 8 before, and what is min-is-white turned to black, so `range` speaks of those values.
 *
 * Grey becomes three equal channels. An embedded profile (ICC) is converted to sRGB, at 8 bits except for 16-bit grey and RGB with
 * a profile of curves and primaries; with `range`, which says how light the file's values are, or of floats it is not applied, and
 * those of BMP are not read. CMYK without a profile becomes R = (255 - C) (255 - K) / 255 and so on, as in Pillow and
 * ImageMagick; `range` then speaks of R, G and B. Transparent pixels lie over black (see `background`).
 *
 * Throws an ImageError that names the file and what to do when it does not exist, cannot be read, is empty, too large,
 * damaged, cut short, of a kind that is not read or no image; and when a file of floats without `range` leaves [0, 1].
 */
export const decodeImage = async <Depth extends 8 | 16 = 8>(
  source: string | Buffer,
  options: DecodeOptions & { depth?: Depth } = {},
): Promise<ImageOf<DataOf<Depth>>> => {
  const { depth = 8 as Depth, range, background = [0, 0, 0] } = options;
  if (range !== undefined && !(Number.isFinite(range.low) && Number.isFinite(range.high) && range.low < range.high)) {
    throw new RangeError(`The range of an image must have low < high, not ${range.low} and ${range.high}.`);
  }
  return withImage(source, options, async ({ read }) =>
    imageOf<Depth>(await read(range === undefined), { depth, range, background }),
  );
};

/**
 * Decodes a ground truth picture to 1 (defect) and 0 (normal). Data sets store masks as 0 and 255, but also as 0 and 1,
 * or as one grey value per kind of defect. In lossless formats (PNG, TIFF, BMP, GIF) a pixel is therefore a defect when
 * any channel is not 0; lossy formats (JPEG, WebP, AVIF) smear values around edges, so there a defect is above half.
 * Transparent pixels count as normal, and colour profiles are ignored, as they could lift 0.
 *
 * Throws an ImageError like `decodeImage`, and when the mask has another size than `width` x `height`, those of its image.
 */
export const decodeMask = async (
  source: string | Buffer,
  width?: number,
  height?: number,
  options: ReadOptions = {},
): Promise<Mask> => {
  const mask = await withImage(source, options, async ({ read, lossless }) => maskOf(await read(false), lossless ? 0 : 0.5));
  if ((width !== undefined && width !== mask.width) || (height !== undefined && height !== mask.height)) {
    throw new ImageError(
      nameOf(source, options),
      `the mask is ${mask.width} x ${mask.height} pixels but its image is ${width} x ${height}. ` +
        "A mask needs one pixel for each pixel of its image; export it again at that size.",
    );
  }
  return mask;
};
