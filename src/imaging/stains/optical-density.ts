import type { Image } from "../image.ts";
import { toEightBit } from "../image.ts";

/** The density of the darkest value, log10(255). */
export const MAXIMUM_DENSITY = Math.log10(255);

/** Optical density of each 8-bit intensity I: log10(255 / max(I, 1)), from `MAXIMUM_DENSITY` (black) to 0 (white). */
export const densityOfIntensity: Float64Array = Float64Array.from({ length: 256 }, (_, intensity) =>
  Math.log10(255 / Math.max(intensity, 1)),
);

/** The 8-bit intensity that a density leaves, round(255 10^-density), within 0 .. 255. */
export const intensityOfDensity = (density: number): number =>
  Math.min(255, Math.max(0, Math.round(255 * Math.exp(-Math.LN10 * density))));

/**
 * Optical density of an image, [height, width, 3]: what light loses on its way through the slide, -log10(I / 255) per channel.
 * By the law of Beer and Lambert it is linear in the amount of each stain.
 */
export const opticalDensity = (image: Image): Float32Array => {
  const { data } = toEightBit(image);
  const density = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) density[at] = densityOfIntensity[data[at]];
  return density;
};

/** The optical density of a pixel as the mean of its channels, [height, width]. */
export const meanOpticalDensity = (image: Image): Float32Array => {
  const { data } = toEightBit(image);
  return new Float32Array(data.length / 3).map(
    (_, pixel) =>
      (densityOfIntensity[data[3 * pixel]] + densityOfIntensity[data[3 * pixel + 1]] + densityOfIntensity[data[3 * pixel + 2]]) /
      3,
  );
};
