import { readFile } from "node:fs/promises";
import { readImageHeader } from "../header.ts";
import { createImage, type ImageOf } from "../image.ts";
import { withImage } from "../open.ts";
import { type ImageHeader, ImageProblem, type ReadableImage } from "../readable.ts";
import { indicesAsGrey } from "./png-palette.ts";

/** A mask that is no slide of tiles: the numbers of classes that its pixels hold. */
export interface IndexPicture {
  readonly header: ImageHeader;
  /** Decodes it: the samples that the file holds, of grey in all three channels; opacity and colour profiles mean nothing. */
  read(): Promise<ImageOf<Uint8Array>>;
}

/**
 * Opens a mask, of which nothing but the header is decoded now. Of grey, and of a PNG file's palette, a pixel's sample is its index,
 * however many bits it has: 5 is 5 of 4 bits and of 16.
 * @throws ImageError as `decodeImage` does, and when its samples cannot be indices: of JPEG, WebP and AVIF, which change values, of
 * floats, CMYK and other palettes; `read` when one is above 255 or negative.
 */
export const openIndices = async (path: string): Promise<IndexPicture> => {
  const use = await openerOf(path);
  const header = await use(async (image) => {
    requireIndices(image.header, image.lossless);
    return image.header;
  });
  return {
    header,
    read: () =>
      use(async (image) => {
        const { width, height, channels, colour, data } = await image.read(false);
        const indices = createImage(width, height);
        const step = colour === "grey" ? 0 : 1;
        // What has fewer than 8 bits was stretched to 0 .. 255.
        const unit = colour === "grey" && header.bits < 8 ? 255 / (2 ** header.bits - 1) : 1;
        for (let pixel = 0, to = 0; pixel < width * height; pixel++) {
          for (let channel = 0; channel < 3; channel++) {
            const value = data[pixel * channels + step * channel] / unit;
            if (value < 0 || value > 255) {
              throw new ImageProblem(
                `its pixel at ${pixel % width}, ${Math.floor(pixel / width)} is ${value}, but classes have the numbers 0 to 255. Give it as a mask of such numbers.`,
              );
            }
            indices.data[to++] = value;
          }
        }
        return indices;
      }),
  };
};

/** Opens the file, or a PNG file without its palette, each time that it is used. */
const openerOf = async (path: string) => {
  const { format, colour } = await readImageHeader(path);
  const isPalette = format === "png" && colour === "palette";
  return async <Result>(use: (image: ReadableImage) => Promise<Result>): Promise<Result> =>
    withImage(isPalette ? indicesAsGrey(await readFile(path)) : path, { name: path }, use);
};

const requireIndices = ({ format, colour, float }: ImageHeader, lossless: boolean): void => {
  const name = format.toUpperCase();
  if (!lossless)
    throw new ImageProblem(`as ${name} it does not keep the numbers of classes exactly. Save the mask as PNG or TIFF.`);
  if (float)
    throw new ImageProblem("its values are floating-point numbers, not numbers of classes. Save the mask as 8-bit grey.");
  if (colour === "palette") {
    throw new ImageProblem(`the indices of a palette are not read of ${name} files. Save the mask as grey, or as PNG or TIFF.`);
  }
  if (colour !== "grey" && colour !== "rgb") {
    throw new ImageProblem(`its colours are ${colour}, not numbers of classes. Save the mask as 8-bit grey.`);
  }
};
