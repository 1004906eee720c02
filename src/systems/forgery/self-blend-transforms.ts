import { convolveAxis, reflected } from "./maker/index.ts";

/** All images here are planes [channels, size, size] in [0, 1] with 1 channel (grey) or 3 (red, green, blue), and so are all results. */
type Planes = Float32Array;

/** Adds to each channel its own shift, and cuts to [0, 1]. */
export const shiftChannels = (planes: Planes, size: number, shifts: readonly number[]): Planes =>
  planes.map((value, at) => cut(value + shifts[Math.floor(at / (size * size))]));

export interface HueSaturationValue {
  /** Added to the hue, in turns of the circle of colours. */
  readonly hue: number;
  /** Factors, from 0. */
  readonly saturation: number;
  readonly value: number;
}

/**
 * Changes hue, saturation and value of the hexcone model (Smith, "Color gamut transform pairs", 1978): V = max(R, G, B), S = (V - min) / V;
 * S and V are cut at 1. A factor of S leaves grey grey, which a shift would dye. Of one channel, only the value changes.
 */
export const changeHueSaturationValue = (planes: Planes, size: number, change: HueSaturationValue): Planes => {
  const pixels = size * size;
  if (planes.length === pixels) return planes.map((value) => cut(value * change.value));
  const result = new Float32Array(planes.length);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const red = planes[pixel];
    const green = planes[pixels + pixel];
    const blue = planes[2 * pixels + pixel];
    const most = Math.max(red, green, blue);
    const range = most - Math.min(red, green, blue);
    const saturation = most === 0 ? 0 : Math.min(1, (range / most) * change.saturation);
    const value = Math.min(1, most * change.value);
    const turned = sextantOf(red, green, blue, most, range) / 6 + change.hue;
    const hue = 6 * (turned - Math.floor(turned));
    for (let channel = 0; channel < 3; channel++) {
      // How near the hue is to red at 0, green at 2 or blue at 4: 1 where that is the largest channel, 0 where it is the least.
      const distance = Math.abs(hue - 2 * channel);
      const share = cut(2 - Math.min(distance, 6 - distance));
      result[channel * pixels + pixel] = value * (1 - saturation + saturation * share);
    }
  }
  return result;
};

/** The hue in sixths of a turn: red 0, green 2, blue 4; grey 0. */
const sextantOf = (red: number, green: number, blue: number, most: number, range: number): number => {
  if (range === 0) return 0;
  if (most === red) return (green - blue) / range;
  return most === green ? 2 + (blue - red) / range : 4 + (red - green) / range;
};

/** contrast x + brightness, cut to [0, 1]. */
export const changeBrightnessContrast = (planes: Planes, brightness: number, contrast: number): Planes =>
  planes.map((value) => cut(contrast * value + brightness));

/** Keeps every `ratio`-th pixel along both axes, the middle one, and fills those between by linear interpolation. */
export const downscale = (planes: Planes, size: number, ratio: number): Planes => {
  const first = Math.min(size - 1, Math.floor(ratio / 2));
  const kept = Float64Array.from({ length: Math.ceil((size - first) / ratio) }, (_, i) => first + i * ratio);
  const between = Float64Array.from({ length: size }, (_, i) => Math.min(kept.length - 1, Math.max(0, (i - first) / ratio)));
  return interpolate(interpolate(planes, size, kept, kept), kept.length, between, between);
};

/**
 * (1 - alpha) x + alpha ((8 + lightness) x - its eight neighbours), cut to [0, 1]; the border is mirrored. A lightness below 1 darkens.
 */
export const sharpen = (planes: Planes, size: number, alpha: number, lightness: number): Planes => {
  const across = convolveAxis(planes, planes.length / size, size, 1, [1, 1, 1]);
  const sums = convolveAxis(across, planes.length / (size * size), size, size, [1, 1, 1]);
  return planes.map((value, at) => cut((1 + alpha * (8 + lightness)) * value - alpha * sums[at]));
};

export interface Move {
  /** Factors of size about the middle of the image. */
  readonly scaleX: number;
  readonly scaleY: number;
  /** Way to the right and down, as shares of the size. */
  readonly right: number;
  readonly down: number;
}

/** The image resized about its middle, then moved, at the size that it had: by linear interpolation, mirrored beyond its border. */
export const move = (planes: Planes, size: number, { scaleX, scaleY, right, down }: Move): Planes => {
  const middle = (size - 1) / 2;
  const along = (scale: number, shift: number): Float64Array =>
    Float64Array.from({ length: size }, (_, i) => middle + (i - middle - shift * size) / scale);
  return interpolate(planes, size, along(scaleX, right), along(scaleY, down));
};

/** [channels, size, size] read at columns and rows between the pixels: [channels, rows, columns]. */
const interpolate = (planes: Planes, size: number, columns: Float64Array, rows: Float64Array): Planes =>
  interpolateAxis(interpolateAxis(planes, size, 1, columns), size, columns.length, rows);

/** [outer, length, inner] -> [outer, positions, inner], linear between the pixels and mirrored beyond the ends. */
export const interpolateAxis = (values: Float32Array, length: number, inner: number, positions: Float64Array): Float32Array => {
  const outer = values.length / (length * inner);
  const result = new Float32Array(outer * positions.length * inner);
  const before = Int32Array.from(positions, (position) => reflected(Math.floor(position), length));
  const after = Int32Array.from(positions, (position) => reflected(Math.floor(position) + 1, length));
  for (let block = 0; block < outer; block++) {
    for (let to = 0; to < positions.length; to++) {
      const weight = positions[to] - Math.floor(positions[to]);
      const [from, next] = [(block * length + before[to]) * inner, (block * length + after[to]) * inner];
      const target = (block * positions.length + to) * inner;
      for (let at = 0; at < inner; at++) result[target + at] = (1 - weight) * values[from + at] + weight * values[next + at];
    }
  }
  return result;
};

const cut = (value: number): number => Math.min(1, Math.max(0, value));
