import { createImage, createMask, type Image, type ImageOf, type Mask } from "./image.ts";
import { ImageProblem, type Range, type Samples } from "./readable.ts";

const isFloat = ({ data, full }: Samples): boolean =>
  full === undefined && (data instanceof Float32Array || data instanceof Float64Array);

const fullRange = (samples: Samples): Range => {
  const { data, full } = samples;
  if (full !== undefined) return full;
  if (isFloat(samples)) return { low: 0, high: 1 };
  const values = 2 ** (8 * data.BYTES_PER_ELEMENT);
  const signed = data instanceof Int8Array || data instanceof Int16Array || data instanceof Int32Array;
  return signed ? { low: -values / 2, high: values / 2 - 1 } : { low: 0, high: values - 1 };
};

/** Without a range, floats must be in [0, 1]. @throws ImageProblem that says where they are instead. */
const requireUnitValues = ({ data, channels, alpha }: Samples): void => {
  let [low, high, missing] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < data.length; i++) {
    if (i % channels === alpha) continue;
    const value = data[i];
    if (Number.isNaN(value)) missing++;
    else if (value < low) low = value;
    if (value > high) high = value;
  }
  if (missing === 0 && low >= 0 && high <= 1) return;
  const found = low <= high ? `run from ${low} to ${high}` : "are missing";
  const holes = missing > 0 ? `, and ${missing} are not numbers (NaN)` : "";
  throw new ImageProblem(
    `its values are floating-point numbers that ${found}${holes}, so black and white are not known. Give them in image.range.`,
  );
};

export interface Rendering<Depth extends 8 | 16 = 8 | 16> {
  readonly depth: Depth;
  /** Default: the type's full range; [0, 1] for floats, which must then lie in it. */
  readonly range?: Range | undefined;
  /** Colour behind transparent pixels, in 0 .. 255. */
  readonly background: readonly [number, number, number];
}

export type DataOf<Depth extends 8 | 16> = Depth extends 8 ? Uint8Array : Uint16Array;

/**
 * The samples as an image of 8 or 16 bits. With u = (v - low) / (high - low) kept within [0, 1] and opacity a, a channel is
 * round((u a + background (1 - a)) white), rounded once. CMYK becomes RGB first, R = (white - C) (white - K) / white and so on.
 * Not a number (NaN) counts as low.
 * @throws ImageProblem when floats leave [0, 1] and no range is given.
 */
export const imageOf = <Depth extends 8 | 16>(samples: Samples, rendering: Rendering<Depth>): ImageOf<DataOf<Depth>> => {
  const { width, height, channels, data, colour, alpha } = samples;
  const { depth, range, background } = rendering;
  const full = fullRange(samples);
  if (range === undefined && isFloat(samples)) requireUnitValues(samples);
  const { low, high } = range ?? full;
  const white = 2 ** depth - 1;
  const unchanged = data instanceof (depth === 8 ? Uint8Array : Uint16Array) && low === 0 && high === white;
  if (unchanged && colour === "rgb" && channels === 3) return createImage(width, height, data as DataOf<Depth>);
  const unitOf = (value: number): number => Math.min(Math.max((value - low) / (high - low), 0), 1) || 0;
  const result: Image["data"] = new (depth === 8 ? Uint8Array : Uint16Array)(width * height * 3);
  const few = data instanceof Uint8Array || data instanceof Uint16Array;
  if (few && colour !== "cmyk" && isOpaque(samples, full.high)) {
    const table = new (depth === 8 ? Uint8Array : Uint16Array)(2 ** (8 * data.BYTES_PER_ELEMENT));
    for (let value = 0; value < table.length; value++) table[value] = Math.round(unitOf(value) * white);
    lookUp(data, channels, colour, table, result);
    return createImage(width, height, result as DataOf<Depth>);
  }
  const step = colour === "grey" ? 0 : 1;
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
    const opacity = alpha === undefined ? 1 : data[from + alpha] / full.high;
    for (let channel = 0; channel < 3; channel++) {
      const stored = data[from + step * channel];
      const value = colour === "cmyk" ? ((full.high - stored) * (full.high - data[from + 3])) / full.high : stored;
      const behind = (background[channel] / 255) * (1 - opacity);
      result[to + channel] = Math.round((unitOf(value) * opacity + behind) * white);
    }
  }
  return createImage(width, height, result as DataOf<Depth>);
};

const isOpaque = ({ data, channels, alpha }: Samples, opaque: number): boolean => {
  if (alpha === undefined) return true;
  for (let at = alpha; at < data.length; at += channels) if (data[at] !== opaque) return false;
  return true;
};

/** The short way of what most files hold: few values, all of them opaque. */
const lookUp = (
  data: Uint8Array | Uint16Array,
  channels: number,
  colour: "grey" | "rgb",
  table: Image["data"],
  result: Image["data"],
): void => {
  if (colour === "grey") {
    for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
      const value = table[data[from]];
      result[to] = value;
      result[to + 1] = value;
      result[to + 2] = value;
    }
    return;
  }
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
    result[to] = table[data[from]];
    result[to + 1] = table[data[from + 1]];
    result[to + 2] = table[data[from + 2]];
  }
};

/**
 * 1 where a colour channel, over black, is above `threshold` (0 .. 1 of the type's range), also below -threshold of signed types;
 * else 0. NaN is 0.
 */
export const maskOf = (samples: Samples, threshold: number): Mask => {
  const { width, height, channels, data, colour, alpha } = samples;
  const { high } = fullRange(samples);
  const mask = createMask(width, height);
  for (let pixel = 0; pixel < mask.data.length; pixel++) {
    const from = pixel * channels;
    const opacity = alpha === undefined ? 1 : data[from + alpha] / high;
    const light = colour === "cmyk" ? (high - data[from + 3]) / high : 1;
    for (let channel = 0; channel < (colour === "grey" ? 1 : 3); channel++) {
      const value = colour === "cmyk" ? (high - data[from + channel]) * light : data[from + channel];
      if (Math.abs(value) * opacity > threshold * high) mask.data[pixel] = 1;
    }
  }
  return mask;
};
