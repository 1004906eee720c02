import {
  createImage,
  createMask,
  encodeJpeg,
  type Image,
  type ImageOf,
  infernoColour,
  type Mask,
  overlay,
  toEightBit,
} from "../imaging/index.ts";
import type { MapScale, Picture, Rgb } from "../report/index.ts";
import type { DetectorDescription } from "./contract.ts";
import type { Detection } from "./detector.ts";

/** Longest side of a picture in a report, in pixels: sharp when a card is enlarged, and 24 cases of three pictures stay below 3 MB. */
const PICTURE_SIDE = 384;
const QUALITY = 80;
/** How much of the image the highest colour covers: as much as leaves its texture visible. */
const OPACITY = 0.55;
/** Where on the colour map the highest colour lies: amber, since the pale yellow beyond would not show on bright images. */
const HIGHEST = 0.86;
/** Cyan, which the colours of heat maps (purple, orange, yellow) leave out, between two black lines that hold on yellow and white. */
const OUTLINE: Rgb = [0, 229, 255];

/**
 * The image under its anomaly map. Colour begins halfway between what normal images show and the threshold, and is full as far
 * above the threshold as normal images lie below it: the same scale for every image of a model. Without a threshold above a known
 * normal level, the upper half of the map's own range is used.
 */
export const heatOverlay = (image: Image, { map }: Detection, description: DetectorDescription): ImageOf<Uint8Array> => {
  const { low, high } = mapRange(description) ?? ownRange(map);
  const result = createImage(image.width, image.height);
  // In strips: of a large image, beside the result, nothing is copied whole.
  for (let top = 0; top < image.height; top += STRIP) {
    const [from, to] = [top * image.width, Math.min(top + STRIP, image.height) * image.width];
    const strip = { width: image.width, height: (to - from) / image.width, data: image.data.subarray(3 * from, 3 * to) };
    const clamped = map.subarray(from, to).map((value) => Math.min(value, high));
    result.data.set(overlay(strip, clamped, low, low + (high - low) / HIGHEST, OPACITY / HIGHEST).data, 3 * from);
  }
  return result;
};

/** Rows that are coloured at once. */
const STRIP = 64;

/** What the colours of `heatOverlay` mean and, where images have masks or areas that do not count, the lines of `explain`: for the legend of a report. */
export const heatScale = (
  description: DetectorDescription,
  { masked = false, hatched = false }: { readonly masked?: boolean; readonly hatched?: boolean } = {},
): MapScale => {
  const grey = 140;
  const colours = Array.from({ length: 25 }, (_, step): Rgb => {
    const value = step / 24;
    const [red, green, blue] = infernoColour(value * HIGHEST).map((part) => Math.round(grey + OPACITY * value * (part - grey)));
    return [red, green, blue];
  });
  const outline = masked ? { colour: OUTLINE, label: truthName(description) } : undefined;
  const areas = hatched ? " Hatched areas are not inspected." : "";
  const fixed = mapRange(description);
  if (fixed === undefined) {
    const ticks = [
      { at: 0, label: "middle" },
      { at: 1, label: "highest of the image" },
    ];
    return { colours, ticks, note: `Each image has its own scale; colour begins in the middle of its range.${areas}`, outline };
  }
  const { low, high, threshold } = fixed;
  const begins =
    description.imageScore.kind === "classifier"
      ? `Colour begins at ${low} of the map, which runs from 0 to 1`
      : "Colour begins halfway between what normal images show and the threshold";
  return {
    colours,
    ticks: [
      { at: 0, label: shortNumber(low) },
      { at: (threshold - low) / (high - low), label: `threshold ${shortNumber(threshold)}` },
      { at: 1, label: description.imageScore.kind === "classifier" ? shortNumber(high) : `${shortNumber(high)} and above` },
    ],
    note: `${begins}; below, the image is left as it is.${areas}`,
    outline,
  };
};

/** What a mask marks: a classifier's map may be of other things than defects. */
const truthName = ({ imageScore }: DetectorDescription): string =>
  imageScore.kind === "classifier" ? "the true region" : "the true defect";

/** The pictures that explain one detection: the heat map first, then the image, and the restored image where the system restores. */
export const explain = async (
  image: Image,
  detection: Detection,
  description: DetectorDescription,
  mask?: Mask,
): Promise<Picture[]> => {
  const ignored = detection.ignored && { width: image.width, height: image.height, data: detection.ignored };
  const picture = async (caption: string, shown: Image): Promise<Picture> => ({
    caption,
    alternative: mask && `${caption}, ${truthName(description)} outlined`,
    bytes: await encodeJpeg(outlined(shown, PICTURE_SIDE, mask, ignored), QUALITY),
  });
  const { restored } = detection;
  return [
    await picture("heat map", heatOverlay(image, detection, description)),
    await picture("image", image),
    ...(restored === undefined
      ? []
      : [{ caption: "restored", bytes: await encodeJpeg(restoredImage(restored, image, description), QUALITY) }]),
  ];
};

/**
 * The image, over 8 bits, with its longest side reduced to `side`, a line around the masked areas and hatching over the ignored ones.
 * Small images are enlarged by a whole number, so that the line stays thin. Both masks have the image's size.
 */
export const outlined = (image: Image, side: number, mask?: Mask, ignored?: Mask): ImageOf<Uint8Array> => {
  const scale = side / Math.max(image.width, image.height);
  const length = (old: number): number => Math.max(1, Math.round(old * (scale < 1 ? scale : Math.floor(scale))));
  const size = [length(image.width), length(image.height)] as const;
  const result = resized(toEightBit(image), ...size);
  if (ignored !== undefined) hatch(result, reducedMask(ignored, ...size, "all"));
  if (mask !== undefined) outline(result, reducedMask(mask, ...size, "any"), side < 256 ? 1 : 2);
  return result;
};

/** Where colour begins and where it is full; undefined without a threshold above the normal level. A classifier's map runs from 0 to 1, whatever its threshold for images is. */
const mapRange = ({ threshold, imageScore }: DetectorDescription) => {
  if (imageScore.kind === "classifier") return { low: 0.25, high: 1, threshold: 0.5 };
  if (threshold?.normalLevel === undefined || threshold.value <= threshold.normalLevel) return undefined;
  const margin = threshold.value - threshold.normalLevel;
  return { low: threshold.value - margin / 2, high: threshold.value + margin, threshold: threshold.value };
};

/** The upper half of a map's values. */
const ownRange = (map: Float32Array) => {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of map) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return { low: (low + high) / 2, high };
};

/** The image at another size: each pixel is the mean of those it covers, or the nearest one when enlarging. */
const resized = (image: ImageOf<Uint8Array>, width: number, height: number): ImageOf<Uint8Array> => {
  const result = createImage(width, height);
  forEachCovered(image, width, height, (target, columns, rows) => {
    const sums = [0, 0, 0];
    for (let y = rows.from; y < rows.to; y++) {
      for (let x = columns.from; x < columns.to; x++) {
        for (let channel = 0; channel < 3; channel++) sums[channel] += image.data[(y * image.width + x) * 3 + channel];
      }
    }
    const count = (rows.to - rows.from) * (columns.to - columns.from);
    for (let channel = 0; channel < 3; channel++) result.data[target * 3 + channel] = Math.round(sums[channel] / count);
  });
  return result;
};

/** The mask at another size: 1 where any, or where all, of the covered pixels are 1, so that thin defects are not lost. */
const reducedMask = (mask: Mask, width: number, height: number, which: "any" | "all"): Mask => {
  const result = createMask(width, height);
  forEachCovered(mask, width, height, (target, columns, rows) => {
    let found = 0;
    for (let y = rows.from; y < rows.to; y++) {
      for (let x = columns.from; x < columns.to; x++) found += mask.data[y * mask.width + x] === 0 ? 0 : 1;
    }
    const needed = which === "any" ? 1 : (rows.to - rows.from) * (columns.to - columns.from);
    result.data[target] = found >= needed ? 1 : 0;
  });
  return result;
};

type Stretch = { readonly from: number; readonly to: number };

/** For each pixel of the new size, the columns and rows of the old size that it covers: one at least. */
const forEachCovered = (
  old: { readonly width: number; readonly height: number },
  width: number,
  height: number,
  visit: (target: number, columns: Stretch, rows: Stretch) => void,
): void => {
  const stretches = (from: number, to: number): Stretch[] =>
    Array.from({ length: to }, (_, index) => {
      const start = Math.floor((index * from) / to);
      return { from: start, to: Math.max(start + 1, Math.floor(((index + 1) * from) / to)) };
    });
  const [columns, rows] = [stretches(old.width, width), stretches(old.height, height)];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) visit(y * width + x, columns[x], rows[y]);
};

/** Draws a line around each masked area, outside of it, so that the defect itself stays visible: black, `thickness` of colour, black. */
const outline = ({ data, width, height }: Image, mask: Mask, thickness: number): void => {
  const isSet = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && mask.data[y * width + x] !== 0;
  const distances = new Float32Array(width * height).fill(Number.POSITIVE_INFINITY);
  const reach = thickness + 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isSet(x, y) || (isSet(x - 1, y) && isSet(x + 1, y) && isSet(x, y - 1) && isSet(x, y + 1))) continue;
      for (let down = Math.max(0, y - reach); down <= Math.min(height - 1, y + reach); down++) {
        for (let across = Math.max(0, x - reach); across <= Math.min(width - 1, x + reach); across++) {
          const at = down * width + across;
          distances[at] = Math.min(distances[at], Math.hypot(across - x, down - y));
        }
      }
    }
  }
  for (let pixel = 0; pixel < distances.length; pixel++) {
    const distance = distances[pixel];
    if (mask.data[pixel] !== 0 || distance > reach) continue;
    data.set(distance > 1 && distance <= 1 + thickness ? OUTLINE : [0, 0, 0], pixel * 3);
  }
};

/** Greys what counts nowhere, under diagonal lines. */
const hatch = ({ data, width }: Image, ignored: Mask): void => {
  for (let pixel = 0; pixel < ignored.data.length; pixel++) {
    if (ignored.data[pixel] === 0) continue;
    const onLine = (Math.floor(pixel / width) + (pixel % width)) % 10 < 2;
    for (let channel = 0; channel < 3; channel++) {
      const at = pixel * 3 + channel;
      data[at] = Math.round(onLine ? 200 : 0.45 * data[at] + 0.55 * 110);
    }
  }
};

/** The restored image [channels, size, size] as pixels of the original's proportions, at about the network's own resolution. */
const restoredImage = (
  { data, shape }: NonNullable<Detection["restored"]>,
  { width, height }: Image,
  { preprocess }: DetectorDescription,
): Image => {
  const [channels, size] = shape;
  const longest = preprocess.aspect === "fit" ? Math.max(width, height) : undefined;
  const from = (position: number, length: number): number => {
    const covered = longest === undefined ? size : (length * size) / longest;
    return Math.min(size - 1, Math.floor(((position + 0.5) / length) * covered + (size - covered) / 2));
  };
  const scale = Math.min(PICTURE_SIDE / Math.max(width, height), size / Math.min(width, height));
  const result = createImage(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  for (let y = 0; y < result.height; y++) {
    const row = from(y / scale, height);
    for (let x = 0; x < result.width; x++) {
      const column = from(x / scale, width);
      for (let channel = 0; channel < 3; channel++) {
        const value = Number(data[(Math.min(channel, channels - 1) * size + row) * size + column]);
        result.data[(y * result.width + x) * 3 + channel] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  }
  return result;
};

const shortNumber = (value: number): string => Number(value.toPrecision(3)).toString().replace("-", "−");
