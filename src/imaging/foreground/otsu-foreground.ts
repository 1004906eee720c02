import { createMask, type Image, type Mask, toEightBit } from "../image.ts";
import { otsuThreshold } from "./otsu.ts";

/** Glass is never more saturated than this, and tissue never less than `LEAST_SATURATION`. */
const MOST_SATURATION = 0.12;
const LEAST_SATURATION = 0.05;
/** Saturation of darker pixels is relative to this, in 8-bit levels: in black, noise alone would be a strong colour. */
const DARK = 64;
/** Spreads small saturations: glass and pale tissue differ by their ratio. */
const OFFSET = 0.02;
/** A picture in which hardly any pixel's channels differ by more levels than this is a grey one. */
const GREY = 6;
/** In grey pictures, object and ground differ by this at least, in 8-bit levels. */
const LEAST_CONTRAST = 20;
const LEVELS = 256;

/**
 * Tissue as what has colour: Otsu's threshold on log(saturation + 0.02), where saturation is (max - min) / max(max, 64) of the channels.
 * Unlike brightness, saturation tells glass from pale stroma, and black borders from tissue; its logarithm gives both sides like spread.
 * The threshold stays between saturations 0.05 and 0.12, so that a slide full of tissue has no background invented, and an empty one no
 * tissue. A grey picture (a scan) is divided by brightness instead, its ground being what most of its rim shows; one without contrast
 * is all background.
 */
export const otsuForeground = (image: Image): Mask => {
  const { data, width, height } = toEightBit(image);
  const pixels = width * height;
  const saturations = new Float32Array(pixels);
  let coloured = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const [r, g, b] = [data[3 * pixel], data[3 * pixel + 1], data[3 * pixel + 2]];
    const high = Math.max(r, g, b);
    const chroma = high - Math.min(r, g, b);
    if (chroma > GREY) coloured++;
    saturations[pixel] = chroma / Math.max(high, DARK);
  }
  if (coloured < 0.001 * pixels) return brightObject(data, width, height);
  const threshold = Math.min(MOST_SATURATION, Math.max(LEAST_SATURATION, saturationThreshold(saturations)));
  return createMask(
    width,
    height,
    Uint8Array.from(saturations, (saturation) => (saturation > threshold ? 1 : 0)),
  );
};

const saturationThreshold = (saturations: Float32Array): number => {
  const [low, high] = [Math.log(OFFSET), Math.log(1 + OFFSET)];
  const histogram = new Uint32Array(LEVELS);
  for (const saturation of saturations) {
    histogram[Math.min(LEVELS - 1, Math.floor(((Math.log(saturation + OFFSET) - low) / (high - low)) * LEVELS))]++;
  }
  const level = otsuThreshold(histogram);
  return level === undefined ? 0 : Math.exp(low + ((level + 1) / LEVELS) * (high - low)) - OFFSET;
};

const brightObject = (data: Uint8Array, width: number, height: number): Mask => {
  const histogram = new Uint32Array(LEVELS);
  for (let at = 1; at < data.length; at += 3) histogram[data[at]]++;
  const threshold = otsuThreshold(histogram);
  if (threshold === undefined || contrastAt(histogram, threshold) < LEAST_CONTRAST) return createMask(width, height);
  const bright = Uint8Array.from({ length: width * height }, (_, pixel) => (data[3 * pixel + 1] > threshold ? 1 : 0));
  let [rim, brightRim] = [0, 0];
  for (let pixel = 0; pixel < bright.length; pixel++) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
    rim++;
    brightRim += bright[pixel];
  }
  return createMask(width, height, brightRim > rim / 2 ? bright.map((value) => 1 - value) : bright);
};

/** How far the means of the two classes lie apart. */
const contrastAt = (histogram: Uint32Array, threshold: number): number => {
  const meanOf = (from: number, to: number): number => {
    let [count, sum] = [0, 0];
    for (let level = from; level < to; level++) {
      count += histogram[level];
      sum += level * histogram[level];
    }
    return sum / count;
  };
  return meanOf(threshold + 1, LEVELS) - meanOf(0, threshold + 1);
};
