import { createImage, type Image, type ImageOf, toEightBit } from "../../../imaging/index.ts";

/** A picture of real values, interleaved `[height, width, 3]`: levels 0 .. 255, or linear light where that is said. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export const floatImage = (width: number, height: number): FloatImage => ({
  width,
  height,
  data: new Float32Array(width * height * 3),
});

/** The levels of an image as real numbers 0 .. 255. */
export const toFloat = (image: Image): FloatImage => ({
  width: image.width,
  height: image.height,
  data: Float32Array.from(toEightBit(image).data),
});

/** Levels rounded and cut to 0 .. 255. */
export const toBytes = ({ width, height, data }: FloatImage): ImageOf<Uint8Array> =>
  createImage(width, height, Uint8Array.from(Uint8ClampedArray.from(data)));

/** Luma of BT.601, 0.299 R + 0.587 G + 0.114 B: `[height, width]`. */
export const luma = ({ width, height, data }: FloatImage): Float32Array =>
  new Float32Array(width * height).map((_, p) => 0.299 * data[3 * p] + 0.587 * data[3 * p + 1] + 0.114 * data[3 * p + 2]);

/**
 * Convolution of `[height, width, channels]` with a Gaussian of standard deviation `sigma` pixels, cut at three of them; beyond its
 * border the picture is mirrored. A sigma of 0 gives a copy.
 */
export const gaussianBlur = (
  values: Float32Array,
  width: number,
  height: number,
  channels: number,
  sigma: number,
): Float32Array => {
  const radius = Math.ceil(3 * sigma);
  if (radius === 0) return values.slice();
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < kernel.length; i++) kernel[i] /= total;
  const across = convolveAxis(values, height, width, channels, kernel);
  return convolveAxis(across, 1, height, width * channels, kernel);
};

/** Convolution of `[outer, length, inner]` along its middle axis. */
export const convolveAxis = (
  values: Float32Array,
  outer: number,
  length: number,
  inner: number,
  kernel: ArrayLike<number>,
): Float32Array => {
  const radius = (kernel.length - 1) / 2;
  const result = new Float32Array(values.length);
  for (let block = 0; block < outer; block++) {
    const start = block * length * inner;
    for (let tap = -radius; tap <= radius; tap++) {
      const weight = kernel[tap + radius];
      // What lies inside is one run of values; only the ends are mirrored.
      const [first, last] = [Math.min(length, Math.max(0, -tap)), Math.max(0, Math.min(length, length - tap))];
      const shift = tap * inner;
      const end = start + last * inner;
      for (let at = start + first * inner; at < end; at++) result[at] += weight * values[at + shift];
      for (let to = 0; to < length; to++) {
        if (to === first && last > first) to = last;
        if (to >= length) break;
        const source = start + reflected(to + tap, length) * inner;
        for (let at = 0; at < inner; at++) result[start + to * inner + at] += weight * values[source + at];
      }
    }
  }
  return result;
};

/** The position inside 0 .. length - 1 that stands for one outside, reflected at the border pixel (d c b | a b c d | c b a); the graph's `mirrored` repeats it. */
export const reflected = (position: number, length: number): number => {
  if (position >= 0 && position < length) return position;
  if (length === 1) return 0;
  const period = 2 * length - 2;
  const wrapped = ((position % period) + period) % period;
  return wrapped < length ? wrapped : period - wrapped;
};

/** How a picture is read between its pixels: with two or with four pixels along each axis. */
export type Interpolation = "bilinear" | "bicubic";

/** Weight of a pixel at a distance from the point: the tent, or Keys' cubic convolution of 1981 with a = -0.5. */
const weightAt: Readonly<Record<Interpolation, (distance: number) => number>> = {
  bilinear: (distance) => Math.max(0, 1 - distance),
  bicubic: (distance) => {
    if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
    if (distance < 2) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
    return 0;
  },
};

/** The colour at a point; the middle of the first pixel is (0, 0), and beyond its border the picture is mirrored. */
export const colourAt = (
  { width, height, data }: FloatImage,
  x: number,
  y: number,
  interpolation: Interpolation = "bicubic",
): readonly [number, number, number] => {
  const weight = weightAt[interpolation];
  const reach = interpolation === "bilinear" ? 0 : 1;
  const [left, top] = [Math.floor(x), Math.floor(y)];
  let [red, green, blue] = [0, 0, 0];
  for (let row = top - reach; row <= top + 1 + reach; row++) {
    const vertical = weight(Math.abs(row - y));
    if (vertical === 0) continue;
    const start = reflected(row, height) * width;
    for (let column = left - reach; column <= left + 1 + reach; column++) {
      const both = vertical * weight(Math.abs(column - x));
      if (both === 0) continue;
      const at = 3 * (start + reflected(column, width));
      red += both * data[at];
      green += both * data[at + 1];
      blue += both * data[at + 2];
    }
  }
  return [red, green, blue];
};
