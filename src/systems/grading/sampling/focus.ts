import { createMask, LEAST_SHARPNESS, type Mask, sharpness } from "../../../imaging/index.ts";
import type { Raster } from "./raster.ts";

export interface FocusOptions {
  /** Side of a region, in pixels of the raster. Default 512. */
  readonly region?: number;
  /** Side of the square in the middle of a region that is looked at, in pixels of the raster. Default 128. */
  readonly sample?: number;
  /** Less tissue than this in the sample tells nothing. Default 0.5. */
  readonly leastTissue?: number;
}

/**
 * Which regions of a slide are out of focus, by the sharpness of a sample from the middle of each. `mask` has one pixel per region, 1 =
 * out of focus; `share` is the part of the regions with tissue that are. The raster should be the one the network sees.
 */
export const findBlur = async (
  raster: Raster,
  foreground: Mask,
  options: FocusOptions = {},
): Promise<{ readonly mask: Mask; readonly share: number }> => {
  const { region = 512, sample = 128, leastTissue = 0.5 } = options;
  const mask = createMask(Math.ceil(raster.width / region), Math.ceil(raster.height / region));
  let [looked, blurred] = [0, 0];
  for (let row = 0; row < mask.height; row++) {
    for (let column = 0; column < mask.width; column++) {
      const [x, width] = middleOf(column * region, Math.min(raster.width, (column + 1) * region), sample);
      const [y, height] = middleOf(row * region, Math.min(raster.height, (row + 1) * region), sample);
      if (tissueIn(foreground, raster, { x, y, width, height }) < leastTissue) continue;
      looked++;
      if (sharpness(await raster.read({ x, y, width, height })) >= LEAST_SHARPNESS) continue;
      blurred++;
      mask.data[row * mask.width + column] = 1;
    }
  }
  return { mask, share: looked === 0 ? 0 : blurred / looked };
};

const middleOf = (from: number, to: number, sample: number): readonly [start: number, length: number] => {
  const length = Math.min(sample, to - from);
  return [from + Math.floor((to - from - length) / 2), length];
};

/** The share of foreground on a grid of 8 x 8 points of a region. */
const tissueIn = (
  mask: Mask,
  raster: Raster,
  { x, y, width, height }: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): number => {
  let inside = 0;
  for (let point = 0; point < 64; point++) {
    const column = Math.floor(((x + ((point % 8) + 0.5) * (width / 8)) * mask.width) / raster.width);
    const row = Math.floor(((y + (Math.floor(point / 8) + 0.5) * (height / 8)) * mask.height) / raster.height);
    if (mask.data[row * mask.width + column] !== 0) inside++;
  }
  return inside / 64;
};
