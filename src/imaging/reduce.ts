import { createImage, createMask, type Image, type ImageOf, type Mask, toEightBit } from "./image.ts";

/**
 * The image over 8 bits with its longest side reduced to `longestSide`, proportions kept: each pixel is the mean of those that it
 * covers, a pixel on its border by the part covered. An image that is no larger stays as it is.
 */
export const reduceImage = (image: Image, longestSide: number): ImageOf<Uint8Array> => {
  const scale = longestSide / Math.max(image.width, image.height);
  const whole = toEightBit(image);
  if (scale >= 1) return whole;
  const [width, height] = [image.width, image.height].map((length) => Math.max(1, Math.round(length * scale)));
  const narrow = reduceAxis(Float32Array.from(whole.data), image.height, image.width, 3, width);
  const small = reduceAxis(narrow, 1, image.height, width * 3, height);
  return createImage(width, height, new Uint8Array(small.map(Math.round)));
};

/** The mask at another size: each pixel is that of the old mask under its centre. */
export const resizeMask = (mask: Mask, width: number, height: number): Mask => {
  const result = createMask(width, height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++) {
      result.data[y * width + x] = mask.data[row + Math.floor(((x + 0.5) * mask.width) / width)] === 0 ? 0 : 1;
    }
  }
  return result;
};

/** [outer, length, inner] -> [outer, shorter, inner], by mean over stretches of length / shorter. */
const reduceAxis = (values: Float32Array, outer: number, length: number, inner: number, shorter: number): Float32Array => {
  const result = new Float32Array(outer * shorter * inner);
  const stretch = length / shorter;
  for (let to = 0; to < shorter; to++) {
    const [start, end] = [to * stretch, Math.min(length, (to + 1) * stretch)];
    for (let from = Math.floor(start); from < end; from++) {
      const weight = (Math.min(end, from + 1) - Math.max(start, from)) / stretch;
      for (let block = 0; block < outer; block++) {
        const [target, source] = [(block * shorter + to) * inner, (block * length + from) * inner];
        for (let at = 0; at < inner; at++) result[target + at] += weight * values[source + at];
      }
    }
  }
  return result;
};
