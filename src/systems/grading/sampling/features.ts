import {
  deconvolutionMatrix,
  densityOfIntensity,
  type Image,
  ruifrokStains,
  type StainVectors,
  stainNames,
  toEightBit,
} from "../../../imaging/index.ts";

/** What is measured at every pixel: phi in d = sum(S phi) / sum(S). */
export interface Feature {
  /** What the channels are; the sampling tensor has as many. */
  readonly channels: readonly string[];
  /** How many pixels around a pixel its value depends on. */
  readonly margin: number;
  /** One channel, [height, width], within 0 .. 1. */
  readonly measure: (image: Image, channel: number) => Float32Array;
}

/** The amount of stain that counts as 1, in optical density to base 10: what dark nuclei have. */
const FULL_AMOUNT = 1;

/**
 * The amounts of haematoxylin, eosin and residual by colour deconvolution (Ruifrok and Johnston 2001), in optical density to base 10, cut
 * at 0 and 1. Nuclei have most haematoxylin: about 0.5 to 1, stroma 0.05 to 0.2.
 */
export const stainFeature = (stains: StainVectors = ruifrokStains): Feature => {
  const matrix = deconvolutionMatrix(stains);
  return {
    channels: stainNames,
    margin: 0,
    measure: (image, channel) => {
      const { data } = toEightBit(image);
      const [red, green, blue] = matrix.map((row) => densityOfIntensity.map((density) => (density * row[channel]) / FULL_AMOUNT));
      const amounts = new Float32Array(data.length / 3);
      for (let pixel = 0, at = 0; pixel < amounts.length; pixel++, at += 3) {
        const amount = red[data[at]] + green[data[at + 1]] + blue[data[at + 2]];
        amounts[pixel] = amount < 0 ? 0 : amount > 1 ? 1 : amount;
      }
      return amounts;
    },
  };
};

const DIRECTIONS = 8;
/** Half the side of the square whose gradients are compared, less the pixel itself. */
const REACH = 4;
/** Gradients of this many 8-bit levels per pixel count half; those of noise, hardly. */
const FAINT_GRADIENT = 20;

/**
 * The entropy of the gradients' directions around each pixel: with the magnitudes in 9 x 9 pixels summed by direction (eight, opposite
 * ones being the same) to shares p, -sum p log p / log 8, times E / (E + 20^2), where E is the mean squared magnitude in levels per pixel.
 * Plain areas have 0, parallel fibres little, crowded nuclei nearly 1.
 */
export const gradientEntropy: Feature = {
  channels: ["gradient entropy"],
  margin: REACH + 1,
  measure: (image) => {
    const { width, height } = image;
    const bins = Array.from({ length: DIRECTIONS }, () => new Float32Array(width * height));
    const energy = new Float32Array(width * height);
    const grey = greyLevels(image);
    for (let y = 0; y < height; y++) {
      const [above, below] = [Math.max(0, y - 1) * width, Math.min(height - 1, y + 1) * width];
      for (let x = 0; x < width; x++) {
        const across = (grey[y * width + Math.min(width - 1, x + 1)] - grey[y * width + Math.max(0, x - 1)]) / 2;
        const down = (grey[below + x] - grey[above + x]) / 2;
        const squared = across * across + down * down;
        if (squared === 0) continue;
        const turn = Math.atan2(down, across) / Math.PI + 1; // 0 .. 2, where 0, 1 and 2 are the same direction
        bins[Math.round(turn * DIRECTIONS) % DIRECTIONS][y * width + x] = Math.sqrt(squared);
        energy[y * width + x] = squared;
      }
    }
    for (const values of [...bins, energy]) boxMeans(values, width, height, REACH);
    return energy.map((strength, pixel) => {
      let total = 0;
      for (const bin of bins) total += bin[pixel];
      if (!(total > 0)) return 0;
      let entropy = 0;
      for (const bin of bins) if (bin[pixel] > 0) entropy -= (bin[pixel] / total) * Math.log(bin[pixel] / total);
      return ((entropy / Math.log(DIRECTIONS)) * strength) / (strength + FAINT_GRADIENT ** 2);
    });
  },
};

/** The mean of the channels, in 8-bit levels. */
const greyLevels = (image: Image): Float32Array => {
  const { data } = toEightBit(image);
  return new Float32Array(data.length / 3).map((_, pixel) => (data[3 * pixel] + data[3 * pixel + 1] + data[3 * pixel + 2]) / 3);
};

/** Replaces each value by the mean over the square of `reach` pixels around it, as far as that lies in the picture. */
const boxMeans = (values: Float32Array, width: number, height: number, reach: number): void => {
  const along = (start: number, step: number, length: number, sums: Float64Array): void => {
    for (let at = 0; at < length; at++) sums[at + 1] = sums[at] + values[start + at * step];
    for (let at = 0; at < length; at++) {
      const [from, to] = [Math.max(0, at - reach), Math.min(length, at + reach + 1)];
      values[start + at * step] = Math.max(0, (sums[to] - sums[from]) / (to - from));
    }
  };
  const sums = new Float64Array(Math.max(width, height) + 1);
  for (let y = 0; y < height; y++) along(y * width, 1, width, sums);
  for (let x = 0; x < width; x++) along(x, width, height, sums);
};
