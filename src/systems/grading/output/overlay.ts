import { createImage, type Image, type ImageOf, readScaled, type Slide, type SlideRegion } from "../../../imaging/index.ts";
import type { TissueClass } from "../classes.ts";
import { NO_CLASS } from "../classes.ts";
import type { LabelMap } from "../result.ts";
import { type Labels, reduceLabels } from "./reduced-labels.ts";

/** Longest side of the picture of a whole slide, in pixels. */
const OVERVIEW_SIDE = 1600;
/** How much of the tissue a colour covers: cancer more than the rest. */
const OPACITY = { cancer: 0.5, other: 0.4 };
/** How far the line around cancer is darkened. */
const LINE = 0.6;

/** The same part of a slide without and with its classes. */
export interface ClassPictures {
  readonly image: ImageOf<Uint8Array>;
  readonly overlay: ImageOf<Uint8Array>;
}

/** The whole slide with at most `longest` pixels on a side, plain and under the classes of its map. Memory does not grow with the slide. */
export const overviewPictures = async (
  slide: Slide,
  labels: LabelMap,
  classes: readonly TissueClass[],
  { longest = OVERVIEW_SIDE, signal }: { readonly longest?: number; readonly signal?: AbortSignal } = {},
): Promise<ClassPictures> => {
  const whole = { x: 0, y: 0, width: slide.width, height: slide.height };
  const image = await readScaled(slide, whole, sizeWithin(whole, longest));
  return {
    image,
    overlay: colourClasses(image, resampled(await reduceLabels(labels, longest, signal), whole, image), classes, 2),
  };
};

/** A square or other part of the slide, in pixels of level 0, as `overviewPictures`. It should fit into memory at the map's resolution. */
export const partPictures = async (
  slide: Slide,
  labels: LabelMap,
  classes: readonly TissueClass[],
  part: SlideRegion,
  longest: number,
): Promise<ClassPictures> => {
  const image = await readScaled(slide, part, sizeWithin(part, longest));
  const { downsample } = labels;
  const [left, top] = [part.x, part.y].map((at) => Math.max(0, Math.floor(at / downsample)));
  const width = Math.min(labels.width, Math.ceil((part.x + part.width) / downsample)) - left;
  const height = Math.min(labels.height, Math.ceil((part.y + part.height) / downsample)) - top;
  if (width <= 0 || height <= 0) return { image, overlay: image };
  const seen = { width, height, downsample, data: await labels.read(left, top, width, height) };
  const fromCorner = { ...part, x: part.x - left * downsample, y: part.y - top * downsample };
  return { image, overlay: colourClasses(image, resampled(seen, fromCorner, image), classes, 1) };
};

/**
 * The image under the colours of its classes, with a line, `thickness` pixels wide, along the inside of each pattern of cancer. What has no
 * colour is left as it is.
 *
 * @param labels a class number a pixel, [height, width], or `NO_CLASS`.
 */
export const colourClasses = (
  { width, height, data }: ImageOf<Uint8Array>,
  labels: Uint8Array,
  classes: readonly TissueClass[],
  thickness: number,
): ImageOf<Uint8Array> => {
  const result = createImage(width, height, data.slice());
  const differs = (x: number, y: number, label: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && labels[y * width + x] !== label;
  const onLine = (x: number, y: number, label: number): boolean => {
    for (let away = 1; away <= thickness; away++) {
      if (differs(x - away, y, label) || differs(x + away, y, label)) return true;
      if (differs(x, y - away, label) || differs(x, y + away, label)) return true;
    }
    return false;
  };
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const label = labels[pixel];
      const shown = classes[label];
      if (shown?.colour === undefined) continue;
      const cancer = shown.pattern > 0;
      const line = cancer && onLine(x, y, label);
      const opacity = cancer ? OPACITY.cancer : OPACITY.other;
      for (let channel = 0; channel < 3; channel++) {
        const colour = shown.colour[channel];
        const at = 3 * pixel + channel;
        result.data[at] = Math.round(line ? LINE * colour : opacity * colour + (1 - opacity) * data[at]);
      }
    }
  }
  return result;
};

/** The size of a picture of a region with at most `longest` pixels on a side, and not more than the region has. */
const sizeWithin = ({ width, height }: SlideRegion, longest: number) => {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
};

/** The class under the middle of each pixel of a picture of the region, [height, width]; the region is in pixels of level 0 from the labels' corner on. */
const resampled = (labels: Labels, region: SlideRegion, picture: Image): Uint8Array => {
  const places = (start: number, length: number, pixels: number, most: number): Int32Array =>
    Int32Array.from({ length: pixels }, (_, i) => {
      const place = Math.floor((start + ((i + 0.5) * length) / pixels) / labels.downsample);
      return place >= 0 && place < most ? place : -1;
    });
  const columns = places(region.x, region.width, picture.width, labels.width);
  const rows = places(region.y, region.height, picture.height, labels.height);
  const result = new Uint8Array(picture.width * picture.height).fill(NO_CLASS);
  for (let y = 0, pixel = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++, pixel++) {
      if (rows[y] >= 0 && columns[x] >= 0) result[pixel] = labels.data[rows[y] * labels.width + columns[x]];
    }
  }
  return result;
};
