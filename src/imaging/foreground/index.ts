import { createMask, type Image, type Mask } from "../image.ts";
import { reduceImage, resizeMask } from "../reduce.ts";
import { grabCut } from "./grab-cut.ts";
import { closing, fillHoles, opening, removeSpecks } from "./morphology.ts";
import { otsuForeground } from "./otsu-foreground.ts";

export * from "./grab-cut.ts";
export { minimumCut } from "./minimum-cut.ts";
export * from "./morphology.ts";
export { otsuThreshold } from "./otsu.ts";
export { otsuForeground } from "./otsu-foreground.ts";

export const foregroundMethods = ["otsu", "grabCut", "none"] as const;
export type ForegroundMethod = (typeof foregroundMethods)[number];

export interface ForegroundOptions {
  readonly method?: ForegroundMethod;
  /** The thumbnail's own resolution. Left out, sizes are shares of the thumbnail's instead. */
  readonly micronsPerPixel?: number;
  /** Shreds thinner than this, in microns, are left out; gaps as thin are closed. Default 20. */
  readonly detail?: number;
  /** Tissue smaller than this, in square millimetres, is a speck. Default 0.005, the square of 70 microns. */
  readonly leastTissue?: number;
  /** Holes smaller than this, in square millimetres, belong to the tissue: the lumina of glands. Default 0.02. */
  readonly largestHole?: number;
}

/** The picture on which GrabCut works has at most this many pixels on its longest side. */
const GRAB_CUT_SIDE = 512;
/** Fewer pixels than this are a speck at any resolution. */
const LEAST_PIXELS = 8;
/** Without a known resolution, a thumbnail is taken to show this many microns along its longest side. */
const USUAL_SIDE = 15_000;

/**
 * Where a slide's thumbnail shows tissue, by Otsu's threshold or by GrabCut begun from it, without shreds, specks and small holes.
 * GrabCut works on at most 512 x 512 pixels; its mask is brought back to the thumbnail's size.
 */
export const findForeground = (thumbnail: Image, options: ForegroundOptions = {}): Mask => {
  const { method = "otsu", detail = 20, leastTissue = 0.005, largestHole = 0.02 } = options;
  const { width, height } = thumbnail;
  if (method === "none") return createMask(width, height, new Uint8Array(width * height).fill(1));
  const micronsPerPixel = options.micronsPerPixel ?? USUAL_SIDE / Math.max(width, height);
  const radius = detail / 2 / micronsPerPixel;
  const area = (squareMillimetres: number): number => (squareMillimetres * 1e6) / micronsPerPixel ** 2;
  let mask: Mask;
  if (method === "otsu") {
    mask = otsuForeground(thumbnail);
  } else {
    const small = reduceImage(thumbnail, GRAB_CUT_SIDE);
    mask = resizeMask(grabCut(small, otsuForeground(small)), width, height);
  }
  // Discs below a pixel's width change nothing.
  const tidy = radius < 1 ? mask : opening(closing(mask, radius), radius);
  return fillHoles(removeSpecks(tidy, Math.max(LEAST_PIXELS, area(leastTissue))), area(largestHole));
};
