import { ImageError } from "../image.ts";
import type { Slide } from "./slide.ts";

/** What is wide 1 micrometre at 10x, as slide scanners have it: 0.5 at 20x, 0.25 at 40x. */
const MICRONS_AT_1X = 10;

/**
 * The magnification of level 0: the objective power where the file has it, or else 10 / (micrometres per pixel), so 20x at 0.5.
 * @throws ImageError that names the file and `--mpp` when it says neither.
 */
export const magnificationOf = ({ path, magnification, micronsPerPixel }: Slide): number => {
  if (magnification !== undefined) return magnification;
  if (micronsPerPixel !== undefined) return MICRONS_AT_1X / micronsPerPixel;
  throw new ImageError(
    path,
    "it says neither its magnification nor how large its pixels are. Give the micrometres per pixel with --mpp (for training: the setting slide.micronsPerPixel), such as 0.5 for 20x.",
  );
};

/**
 * How many pixels of level 0 lie along one at the target magnification: 2 from 20x to 10x; under 1 where level 0 is coarser.
 * @throws ImageError as `magnificationOf` does; RangeError when the target is not positive.
 */
export const scaleFor = (slide: Slide, target: number): number => {
  if (!(target > 0 && Number.isFinite(target))) throw new RangeError(`A magnification is a positive number, not ${target}.`);
  return magnificationOf(slide) / target;
};

/** What a file says, where it is a number that a size or magnification can have. */
export const positive = (value: number): number | undefined => (Number.isFinite(value) && value > 0 ? value : undefined);
