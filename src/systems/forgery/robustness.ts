import {
  createImage,
  createMask,
  decodeImage,
  defectPixels,
  encodeJpeg,
  gaussianBlur,
  type ImageOf,
  type Mask,
  resizeImage,
} from "../../imaging/index.ts";
import { type Random, random } from "../../random/index.ts";

/** An image of 8 bits and, where it is known, which of its pixels are forged. */
export interface Picture {
  readonly image: ImageOf<Uint8Array>;
  readonly mask?: Mask;
}

/** What happens to images on their way to whoever judges them, in several strengths. */
export interface Distortion {
  readonly name: "JPEG" | "blur" | "resize" | "noise" | "crop";
  /** What a level counts. */
  readonly unit: string;
  /** The levels of the protocol, from mild to strong. */
  readonly levels: readonly number[];
  /** The lowest and the highest level that there can be. */
  readonly range: readonly [number, number];
  /** See `distort`. */
  apply(picture: Picture, level: number, source: Random): Picture | Promise<Picture>;
}

/**
 * The picture distorted at a level: a function of the picture, the distortion, the level and the keys alone, such as (seed, index of the
 * image). The levels of one distortion share their random numbers, so that a stronger level is more of the same.
 * @throws RangeError for a level outside the distortion's range.
 */
export const distort = async (
  picture: Picture,
  distortion: Distortion,
  level: number,
  ...keys: readonly (number | string)[]
): Promise<Picture> => {
  const { name, unit, range } = distortion;
  if (!(level >= range[0] && level <= range[1])) {
    throw new RangeError(`The level of ${name} (${unit}) is ${level}; it must lie between ${range[0]} and ${range[1]}.`);
  }
  return distortion.apply(picture, level, random("distortion", name, ...keys));
};

/** Encoded and decoded at a quality of the Independent JPEG Group's scale, colours at half the resolution (4:2:0) at every quality. */
const jpeg: Distortion = {
  name: "JPEG",
  unit: "quality",
  levels: [100, 90, 80, 70, 60, 50, 40],
  range: [1, 100],
  apply: async ({ image, mask }, quality) => ({
    image: await decodeImage(await encodeJpeg(image, Math.round(quality)), { name: "a JPEG in memory", maxPixels: Infinity }),
    mask,
  }),
};

/** A Gaussian of so many pixels. */
const blur: Distortion = {
  name: "blur",
  unit: "sigma in pixels",
  levels: [0.5, 1, 1.5, 2, 3],
  range: [0, 100],
  apply: ({ image, mask }, sigma) => ({ image: gaussianBlur(image, sigma), mask }),
};

/** Made smaller by the factor and brought back to its size, both by antialiased linear interpolation: fine detail is lost. */
const resize: Distortion = {
  name: "resize",
  unit: "factor",
  levels: [0.8, 0.65, 0.5, 0.35, 0.25],
  range: [0.01, 1],
  apply: ({ image, mask }, factor) => {
    const [width, height] = [image.width, image.height].map((length) => Math.max(1, Math.round(factor * length)));
    return { image: resizeImage(resizeImage(image, width, height), image.width, image.height), mask };
  },
};

/** Independent Gaussian noise on every value, of this standard deviation in grey levels (of 255). */
const noise: Distortion = {
  name: "noise",
  unit: "standard deviation in grey levels",
  levels: [2, 4, 8, 12, 16],
  range: [0, 255],
  apply: ({ image, mask }, deviation, source) => {
    const data = image.data.map((value) => Math.min(255, Math.max(0, Math.round(value + deviation * source.normal()))));
    return { image: createImage(image.width, image.height, new Uint8Array(data)), mask };
  },
};

/**
 * A window with this share of either side, anywhere in the image. Where there are forged pixels, the first of ten places that keeps
 * half of them, or else the one that keeps most: without them it would no longer be a forged image.
 */
const crop: Distortion = {
  name: "crop",
  unit: "share of either side",
  levels: [0.9, 0.8, 0.7, 0.6, 0.5],
  range: [0.01, 1],
  apply: ({ image, mask }, share, source) => {
    const places = Array.from({ length: 10 }, () => placeWindow(image, share, source.uniform(), source.uniform()));
    const place = mask === undefined ? places[0] : keepingForged(mask, places);
    return {
      image: createImage(place.width, place.height, cropped(image.data, image.width, 3, place)),
      mask: mask && cropMask(mask, place),
    };
  },
};

/**
 * The robustness sweep of the protocol. Strengths are absolute, in pixels and grey levels of the image as it comes, since that is what
 * happens to files; a detector that looks at a smaller version of a large image sees less of them. The mask follows the image: only a
 * crop changes it.
 */
export const distortions: readonly Distortion[] = [jpeg, blur, resize, noise, crop];

interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A window whose corner lies at the shares u and v, in [0, 1), of the room there is. */
const placeWindow = ({ width, height }: Picture["image"], share: number, u: number, v: number): Window => {
  const [wide, high] = [width, height].map((length) => Math.max(1, Math.round(share * length)));
  return { left: Math.floor(u * (width - wide + 1)), top: Math.floor(v * (height - high + 1)), width: wide, height: high };
};

const keepingForged = (mask: Mask, places: readonly Window[]): Window => {
  const kept = places.map((place) => defectPixels(cropMask(mask, place)));
  const half = kept.findIndex((count) => count >= defectPixels(mask) / 2);
  return places[half >= 0 ? half : kept.indexOf(Math.max(...kept))];
};

const cropMask = (mask: Mask, window: Window): Mask =>
  createMask(window.width, window.height, cropped(mask.data, mask.width, 1, window));

const cropped = (data: Uint8Array, width: number, channels: number, window: Window): Uint8Array<ArrayBuffer> => {
  const result = new Uint8Array(window.width * window.height * channels);
  for (let y = 0; y < window.height; y++) {
    const start = ((window.top + y) * width + window.left) * channels;
    result.set(data.subarray(start, start + window.width * channels), y * window.width * channels);
  }
  return result;
};
