import { type WriteSlideOptions, writeSlide } from "../../../imaging/index.ts";
import type { TissueClass } from "../classes.ts";
import type { LabelMap } from "../result.ts";

/**
 * Writes the stitched map as a pyramidal TIFF file of one channel: the class number of each pixel, `NO_CLASS` (255) where no patch was
 * seen, under a palette of the classes' colours, white for those without one. Coarser levels hold the majority of four pixels. Only
 * tiles are held in memory.
 *
 * @param micronsPerPixel of the slide's level 0; that of the map follows from its downsample.
 * @throws what `writeSlide` and the map's `read` throw.
 */
export const writeSegmentation = (
  path: string,
  labels: LabelMap,
  classes: readonly TissueClass[],
  micronsPerPixel: number | undefined,
  options?: WriteSlideOptions,
): Promise<void> => {
  const { width, height, downsample } = labels;
  const scale = micronsPerPixel === undefined ? undefined : micronsPerPixel * downsample;
  const palette = Array.from({ length: 256 }, (_, label) => classes[label]?.colour ?? WHITE);
  return writeSlide(
    path,
    { width, height, channels: 1, compression: "deflate", palette, micronsPerPixel: scale, coarser: "majority" },
    (x, y, across, down) => labels.read(x, y, across, down),
    options,
  );
};

const WHITE = [255, 255, 255] as const;
