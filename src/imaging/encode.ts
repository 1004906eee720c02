import sharp, { type Sharp } from "sharp";
import { writeFileAtomic } from "../files/index.ts";
import { bitsOf, createImage, createMask, type Image, type Mask, toEightBit } from "./image.ts";

/** The image as an RGB PNG file of its own 8 or 16 bits, losslessly. Throws a RangeError when the data does not fit the size. */
export const encodePng = (image: Image): Promise<Buffer> =>
  rawImage(image)
    .toColourspace(bitsOf(image) === 16 ? "rgb16" : "srgb")
    .png()
    .toBuffer();

/** JPEG of the image, over 8 bits, at `quality` 1 .. 100; with `longestSide`, a larger image is first reduced to it, proportions kept. */
export const encodeJpeg = (image: Image, quality: number, longestSide?: number): Promise<Buffer> =>
  rawImage(toEightBit(image))
    .resize({ width: longestSide, height: longestSide, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();

/** The mask as an 8-bit grey PNG file: 255 = defect, 0 = normal. Throws a RangeError when the data does not fit the size. */
export const encodeMaskPng = async (mask: Mask): Promise<Buffer> => {
  const { width, height, data } = createMask(mask.width, mask.height, mask.data);
  const grey = data.map((value) => (value === 0 ? 0 : 255));
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();
};

/** Writes the image as PNG, whole or not at all (see `writeFileAtomic`); creates missing folders. */
export const writePng = async (path: string, image: Image): Promise<void> => writeFileAtomic(path, await encodePng(image));

/** Writes the mask as PNG, whole or not at all (see `writeFileAtomic`); creates missing folders. */
export const writeMaskPng = async (path: string, mask: Mask): Promise<void> => writeFileAtomic(path, await encodeMaskPng(mask));

const rawImage = (image: Image): Sharp => {
  const { width, height, data } = createImage(image.width, image.height, image.data);
  return sharp(data, { raw: { width, height, channels: 3 } });
};
