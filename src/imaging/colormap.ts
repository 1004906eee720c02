import { createImage, type Image, type ImageOf, toEightBit } from "./image.ts";

export type Colour = readonly [red: number, green: number, blue: number];

/**
 * Ten evenly spaced colours of "inferno", the perceptually uniform colour map of Smith and van der Walt (2015) that
 * matplotlib distributes under CC0: https://bids.github.io/colormap/. Between them the map is nearly straight.
 */
const inferno: readonly Colour[] = [
  [0, 0, 4],
  [27, 12, 66],
  [75, 12, 107],
  [120, 28, 109],
  [165, 44, 96],
  [207, 68, 70],
  [237, 105, 37],
  [251, 154, 6],
  [247, 208, 60],
  [252, 255, 164],
];

/** The colour of a value in 0 .. 1, from black over purple and orange to pale yellow; values outside are clamped. */
export const infernoColour = (value: number): Colour => {
  const position = Math.min(Math.max(value, 0), 1) * (inferno.length - 1);
  const stop = Math.min(Math.floor(position), inferno.length - 2);
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(inferno[stop][channel] + (position - stop) * (inferno[stop + 1][channel] - inferno[stop][channel]));
  return [mix(0), mix(1), mix(2)];
};

/**
 * Colours an anomaly map `[height, width]`: `low` and below becomes black, `high` and above pale yellow. When `high` is
 * not above `low`, values above `low` are the highest colour and all others the lowest. NaN counts as `low`.
 * Throws a RangeError when the map does not have `width * height` values.
 */
export const heatmap = (map: Float32Array, width: number, height: number, low: number, high: number): ImageOf<Uint8Array> => {
  checkMap(map, width, height);
  const image = createImage(width, height);
  for (let pixel = 0; pixel < map.length; pixel++) image.data.set(infernoColour(position(map[pixel], low, high)), pixel * 3);
  return image;
};

/**
 * The image, over 8 bits, under its anomaly map `[height, width]`: the cover of each pixel grows from 0 at `low` to `opacity`
 * (0 .. 1) at `high`, so that normal areas look as in the image. Values are coloured as by `heatmap`.
 * Throws a RangeError when the map has another size than the image.
 */
export const overlay = (image: Image, map: Float32Array, low: number, high: number, opacity: number): ImageOf<Uint8Array> => {
  checkMap(map, image.width, image.height);
  const { data } = toEightBit(image);
  const result = createImage(image.width, image.height);
  for (let pixel = 0; pixel < map.length; pixel++) {
    const value = position(map[pixel], low, high);
    const colour = infernoColour(value);
    const cover = opacity * value;
    for (let channel = 0; channel < 3; channel++) {
      const at = pixel * 3 + channel;
      result.data[at] = Math.round((1 - cover) * data[at] + cover * colour[channel]);
    }
  }
  return result;
};

/** Where the value lies between low (0) and high (1). */
const position = (value: number, low: number, high: number): number => {
  if (!(value > low)) return 0;
  return value >= high ? 1 : (value - low) / (high - low);
};

const checkMap = (map: Float32Array, width: number, height: number): void => {
  if (map.length !== width * height) {
    throw new RangeError(`An anomaly map of ${map.length} values does not fit an image of ${width} x ${height} pixels.`);
  }
};
