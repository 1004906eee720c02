import { ImageError } from "../image.ts";
import type { Slide } from "./slide.ts";

/** What is wide 1 micrometre at 10x, as slide scanners have it: 0.5 at 20x, 0.25 at 40x. */
const MICRONS_AT_1X = 10;

/** Below this relative difference size and power say the same: the 0.499 of a 20x objective is 20x, at which levels fit exactly. */
const SAME = 0.02;
/** Above it they disagree. */
const DISAGREE = 0.15;

/**
 * The magnification of level 0: 10 / (micrometres per pixel), so 20x at 0.5. The objective power where that is not known, or is the same
 * within 2 %: it is nominal, and behind an adapter the camera's pixels are of another size.
 * @throws ImageError that names the file and `--mpp` when it says neither.
 */
export const magnificationOf = ({ path, magnification, micronsPerPixel }: Slide): number => {
  if (micronsPerPixel !== undefined) {
    const measured = MICRONS_AT_1X / micronsPerPixel;
    return magnification !== undefined && differenceOf(measured, magnification) < SAME ? magnification : measured;
  }
  if (magnification !== undefined) return magnification;
  throw new ImageError(
    path,
    "it says neither its magnification nor how large its pixels are. Give the micrometres per pixel with --mpp (for training: the setting slide.micronsPerPixel), such as 0.5 for 20x.",
  );
};

const differenceOf = (a: number, b: number): number => Math.max(a, b) / Math.min(a, b) - 1;

/** What makes a slide's magnification, or a view of it at the target magnification, doubtful, as sentences. @throws as `scaleFor` does. */
export const magnificationFlaws = (slide: Slide, target: number): string[] => {
  const { magnification: power, micronsPerPixel } = slide;
  const found = magnificationOf(slide);
  const short = (value: number): number => Number(value.toPrecision(3));
  const flaws: string[] = [];
  if (power !== undefined && micronsPerPixel !== undefined && differenceOf(found, power) > DISAGREE) {
    flaws.push(
      `The file says ${short(power)}x, but its pixels of ${short(micronsPerPixel)} micrometres are those of ${short(found)}x, which was used. If they are of another size, give it with --mpp.`,
    );
  }
  if (scaleFor(slide, target) < 1 - SAME) {
    flaws.push(
      `The slide is of ${short(found)}x, coarser than the ${short(target)}x at which it is looked at: it was enlarged and lacks detail, so grades are doubtful.`,
    );
  }
  return flaws;
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
