import { createImage, encodeJpeg, type Image, type Mask, outlineMask, overlay } from "../imaging/index.ts";
import type { Picture } from "../report/index.ts";
import type { DetectorDescription } from "./contract.ts";
import type { Detection } from "./detector.ts";

/** Longest side of a picture in a report, in pixels. */
const PICTURE_SIDE = 320;

/**
 * The image under its anomaly map. Colour begins halfway between what normal images show and the threshold, and is full as far
 * above the threshold as normal images lie below it: the same scale for every image of a model. Without a threshold the map's own range is used.
 */
export const heatOverlay = (image: Image, { map }: Detection, { threshold }: DetectorDescription): Image => {
  if (threshold !== undefined) {
    const margin = threshold.value - threshold.normalLevel;
    return overlay(image, map, threshold.value - margin / 2, threshold.value + margin, 0.65);
  }
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of map) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return overlay(image, map, (low + high) / 2, high, 0.65);
};

/** The pictures that explain one detection: the image, its mask where there is one, the restored image, the heat map. */
export const explain = async (
  image: Image,
  detection: Detection,
  description: DetectorDescription,
  mask?: Mask,
): Promise<Picture[]> => {
  const picture = async (caption: string, shown: Image): Promise<Picture> => ({
    caption,
    bytes: await encodeJpeg(shown, 80, PICTURE_SIDE),
  });
  return Promise.all([
    picture(
      mask === undefined ? "image" : "image and true defect",
      mask === undefined ? image : outlineMask(image, mask, [0, 255, 120]),
    ),
    ...(detection.restored === undefined ? [] : [picture("restored", restoredImage(detection.restored, image, description))]),
    picture("heat map", heatOverlay(image, detection, description)),
  ]);
};

/** The restored image [channels, size, size] as pixels of the original's proportions, nearest neighbours. */
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
  const scale = Math.min(1, PICTURE_SIDE / Math.max(width, height));
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
