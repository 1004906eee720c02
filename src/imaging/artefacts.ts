import { closing, dilation, opening, regionsOf, removeSpecks, sharedPart, subtract } from "./foreground/index.ts";
import { createMask, type Image, type Mask, toEightBit } from "./image.ts";
import { percentiles } from "./percentile.ts";
import { densityOfIntensity, meanOpticalDensity } from "./stains/index.ts";

/** Where a slide shows what is neither tissue nor glass, and how much of the tissue that is. */
export interface Artefact {
  readonly mask: Mask;
  /** The share of the foreground that the mask covers, 0 .. 1. */
  readonly share: number;
}

export interface ArtefactOptions {
  /** The thumbnail's resolution. Left out, sizes are those of a thumbnail of 10 microns per pixel. */
  readonly micronsPerPixel?: number;
}

const USUAL_RESOLUTION = 10;
/** Strokes of ink are larger than this, in square microns; what is smaller is dye at a margin, dust, or noise. */
const LEAST_STROKE = 30_000;
/** The least mean optical density of ink: paler pixels have no certain colour. */
const LEAST_INK = 0.12;
/**
 * Whether no mixture of haematoxylin and eosin absorbs red, green and blue like this, but ink, alone or over tissue, does. The stains absorb
 * green the most, and of red and blue parts of that: haematoxylin about 0.9 and 0.4, eosin 0.1 to 0.3 and 0.1 to 0.7.
 */
const isInk = (red: number, green: number, blue: number): boolean => {
  if (red + green + blue < 3 * LEAST_INK) return false;
  const isGreenOrBlue = red > 1.15 * green + 0.05;
  const isBlue = red > 0.25 && red > 0.8 * green && blue < 0.3 * red;
  const isRed = blue > 0.6 && blue > 0.78 * green && red < 0.25 * green;
  const [least, most] = [Math.min(red, green, blue), Math.max(red, green, blue)];
  const isBlack = least > 0.8 && most < 1.5 * least;
  return isGreenOrBlue || isBlue || isRed || isBlack;
};

/**
 * Marks of blue, green, red and black pens on a thumbnail: pixels whose absorption (optical density of red, green and blue) no mixture
 * of haematoxylin and eosin has, in regions as large as strokes. A pen's colour may have been taken for tissue; subtract the mask from the
 * foreground, which it must fit in size.
 */
export const findPen = (thumbnail: Image, foreground: Mask, options: ArtefactOptions = {}): Artefact => {
  const { width, height } = thumbnail;
  const { data } = toEightBit(thumbnail);
  const micronsPerPixel = options.micronsPerPixel ?? USUAL_RESOLUTION;
  const ink = createMask(width, height);
  for (let pixel = 0; pixel < ink.data.length; pixel++) {
    const red = densityOfIntensity[data[3 * pixel]];
    const green = densityOfIntensity[data[3 * pixel + 1]];
    const blue = densityOfIntensity[data[3 * pixel + 2]];
    if (isInk(red, green, blue)) ink.data[pixel] = 1;
  }
  const strokes = removeSpecks(opening(closing(ink, 1), 1), Math.max(12, LEAST_STROKE / micronsPerPixel ** 2));
  const mask = strokes.data.includes(1) ? dilation(strokes, 1) : strokes;
  return { mask, share: sharedPart(foreground, mask) };
};

/** A fold is at most this wide and at least this long, in microns, and this many times as long as wide. */
const [WIDEST_FOLD, SHORTEST_FOLD, LEAST_ELONGATION] = [200, 250, 2.5];
/** In a fold light goes through the tissue twice: its optical density is near twice the tissue's median. */
const FOLD_FACTOR = 1.7;
/** Saturation less intensity: what is dark but grey is no fold (Kothari et al.). */
const LEAST_EXCESS = 0.1;

/**
 * Folds: long, narrow strips of tissue that are darker than the rest by what a second layer adds, and saturated. A pixel can be in a fold
 * where its mean optical density is at least 1.7 times the tissue's median and its saturation exceeds its intensity (after Kothari, Phan
 * and Wang, "Eliminating tissue-fold artifacts in histopathological whole-slide images", 2013); of the regions of such pixels, those are
 * folds that are narrow (by opening), long, and elongated (by second moments). Broad dark regions are dense tissue. Strips that are dense
 * by nature, such as the horny layer of skin, are flagged, too: a thumbnail does not tell them from folds.
 */
export const findFolds = (thumbnail: Image, foreground: Mask, options: ArtefactOptions = {}): Artefact => {
  const { width, height } = thumbnail;
  const { data } = toEightBit(thumbnail);
  const micronsPerPixel = options.micronsPerPixel ?? USUAL_RESOLUTION;
  const none = { mask: createMask(width, height), share: 0 };
  const density = meanOpticalDensity(thumbnail);
  const tissue = density.filter((_, pixel) => foreground.data[pixel] !== 0);
  if (tissue.length === 0) return none;
  const limit = FOLD_FACTOR * percentiles(tissue, [50])[0];
  const dark = createMask(width, height);
  for (let pixel = 0; pixel < density.length; pixel++) {
    if (foreground.data[pixel] === 0 || density[pixel] < limit) continue;
    const [red, green, blue] = [data[3 * pixel], data[3 * pixel + 1], data[3 * pixel + 2]];
    const intensity = (red + green + blue) / 3;
    const saturation = intensity === 0 ? 0 : 1 - Math.min(red, green, blue) / intensity;
    if (saturation - intensity / 255 > LEAST_EXCESS) dark.data[pixel] = 1;
  }
  const strips = closing(dark, 1);
  const broad = opening(strips, Math.max(1, WIDEST_FOLD / 2 / micronsPerPixel));
  const narrow = opening(broad.data.includes(1) ? subtract(strips, dilation(broad, 2)) : strips, 0.5);
  const mask = keepElongated(narrow, SHORTEST_FOLD / micronsPerPixel);
  return { mask, share: sharedPart(foreground, mask) };
};

/** The regions at least `length` pixels long and long in proportion: of a bar, length and width are the root of 12 times the variances. */
const keepElongated = (mask: Mask, length: number): Mask => {
  const { labels, areas } = regionsOf(mask, 1, 8);
  const moments = areas.map(() => ({ x: 0, y: 0, xx: 0, xy: 0, yy: 0 }));
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const [x, y, sums] = [pixel % mask.width, Math.floor(pixel / mask.width), moments[labels[pixel]]];
    sums.x += x;
    sums.y += y;
    sums.xx += x * x;
    sums.xy += x * y;
    sums.yy += y * y;
  }
  const isFold = moments.map((sums, label) => {
    const area = areas[label];
    if (label === 0 || area === 0) return false;
    const [xx, yy] = [sums.xx / area - (sums.x / area) ** 2, sums.yy / area - (sums.y / area) ** 2];
    const xy = sums.xy / area - (sums.x * sums.y) / area ** 2;
    const spread = Math.hypot((xx - yy) / 2, xy);
    const long = Math.sqrt(12 * Math.max(0, (xx + yy) / 2 + spread));
    const wide = area / Math.max(1, long);
    return long >= length && long >= LEAST_ELONGATION * wide;
  });
  return createMask(
    mask.width,
    mask.height,
    Uint8Array.from(labels, (label) => (isFold[label] ? 1 : 0)),
  );
};

/** Where the mean squared gradient is below this, in squared levels per pixel, there is no detail at all. */
const LEAST_GRADIENT = 10;

/**
 * Sharpness of a patch of tissue: the mean squared Laplacian over the mean squared gradient, of the mean of the channels. It is the mean
 * squared frequency of the detail there is (weighted by gradient), in 1 / pixels^2; unlike the variance of the Laplacian alone, it depends
 * on neither contrast nor amount of detail. At 0.5 to 1 micron per pixel, tissue in focus has 1.3 to 8, and blurred by a Gaussian of 2 pixels
 * 0.1 to 0.55. 0 where there is no detail.
 */
export const sharpness = (patch: Image): number => {
  const { width, height } = patch;
  const { data } = toEightBit(patch);
  const grey = new Float32Array(width * height).map((_, p) => (data[3 * p] + data[3 * p + 1] + data[3 * p + 2]) / 3);
  let [laplacians, gradients] = [0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const [left, right, above, below] = [grey[at - 1], grey[at + 1], grey[at - width], grey[at + width]];
      laplacians += (left + right + above + below - 4 * grey[at]) ** 2;
      gradients += ((right - left) ** 2 + (below - above) ** 2) / 4;
    }
  }
  const pixels = Math.max(0, width - 2) * Math.max(0, height - 2);
  return gradients < LEAST_GRADIENT * pixels || pixels === 0 ? 0 : laplacians / gradients;
};

/** Patches whose `sharpness` is below this are out of focus. */
export const LEAST_SHARPNESS = 0.6;
