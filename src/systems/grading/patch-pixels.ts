import { fitStains, type Image, ImageError, type ImageOf, readScaled, type Slide, stainNormaliser } from "../../imaging/index.ts";
import { classOfValue, NO_CLASS, type TissueClass } from "./classes.ts";
import type { Config } from "./config.ts";

/** A square of a slide, in pixels of level 0. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** Brings the stains of a slide to common colours, where that is asked for; a thumbnail shows what they are. */
export const stainsOf = (
  thumbnail: Image,
  { slide: { stains } }: Pick<Config, "slide">,
): ((image: ImageOf<Uint8Array>) => ImageOf<Uint8Array>) =>
  stains === "macenko" ? stainNormaliser(fitStains(thumbnail)) : (image) => image;

/** A patch of a slide as the network sees it: [pixels, pixels, 3], 8-bit. */
export const readPatch = (slide: Slide, { x, y, size }: Square, pixels: number): Promise<ImageOf<Uint8Array>> =>
  readScaled(slide, { x, y, width: size, height: size }, { width: pixels, height: pixels });

/**
 * Reads the classes of a patch from a slide's mask, [pixels, pixels]: the value nearest to the middle of each pixel, `NO_CLASS` where
 * it is that of no class or beyond the mask. The mask (opened with `indices`) may be a reduced picture of the slide.
 * @throws Error when the proportions of mask and slide differ.
 */
export const maskReader = (
  slide: Slide,
  mask: Slide,
  classes: readonly TissueClass[],
  pixels: number,
): ((square: Square) => Promise<Uint8Array>) => {
  const [across, down] = [slide.width / mask.width, slide.height / mask.height];
  if (Math.abs(across / down - 1) > 0.02) {
    throw new Error(
      `The mask "${mask.path}" of ${mask.width} x ${mask.height} pixels does not fit its slide of ${slide.width} x ${slide.height}: the proportions differ.`,
    );
  }
  const classOf = classOfValue(classes);
  return async ({ x, y, size }) => {
    const [left, top] = [Math.floor(x / across), Math.floor(y / down)];
    const [width, height] = [Math.ceil((x + size) / across) - left, Math.ceil((y + size) / down) - top];
    const { data } = await mask.read(0, { x: left, y: top, width, height });
    const places = (start: number, factor: number, offset: number, limit: number): Int32Array =>
      Int32Array.from({ length: pixels }, (_, i) =>
        Math.min(limit - 1, Math.floor((start + ((i + 0.5) * size) / pixels) / factor) - offset),
      );
    const [columns, rows] = [places(x, across, left, width), places(y, down, top, height)];
    const labels = new Uint8Array(pixels * pixels);
    for (let row = 0; row < pixels; row++) {
      for (let column = 0; column < pixels; column++) {
        const outside = left + columns[column] >= mask.width || top + rows[row] >= mask.height;
        const value = data[(rows[row] * width + columns[column]) * 3];
        labels[row * pixels + column] = outside ? NO_CLASS : classOf[value];
      }
    }
    return labels;
  };
};

/** Less than this part of a slide's patches says nothing about it. */
const LEAST_KNOWN = 0.01;

/**
 * Reads a mask until enough of the patches' pixels are of a class, which takes a few patches of most masks and all of a wrong one.
 * @throws ImageError that names the mask, when under 1 % of them are.
 */
export const requireClasses = async (
  read: (square: Square) => Promise<Uint8Array>,
  squares: readonly Square[],
  { path }: Slide,
  classes: readonly TissueClass[],
): Promise<void> => {
  let [known, each] = [0, 0];
  for (const square of squares) {
    const labels = await read(square);
    each = labels.length;
    for (const label of labels) if (label !== NO_CLASS) known++;
    if (known > 0 && known >= LEAST_KNOWN * each * squares.length) return;
  }
  const values = classes.flatMap(({ maskValues }) => maskValues).join(", ");
  throw new ImageError(
    path,
    `as a mask it says the class of ${known === 0 ? "no pixel" : "less than 1 % of the pixels"} of its slide's patches: the values of the classes are ${values}. Give other masks, or the values of these in "classes".`,
  );
};
