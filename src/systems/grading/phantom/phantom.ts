import { random } from "../../../random/index.ts";
import { artefacts, blurReach } from "./artefacts.ts";
import { growBody } from "./body.ts";
import { createCanvas } from "./canvas.ts";
import { develop } from "./develop.ts";
import type { TissueKind } from "./outline.ts";
import { paintClasses, paintTissue } from "./paint-tissue.ts";
import { staining } from "./staining.ts";

export interface PhantomOptions {
  /** Size in pixels of level 0, 256 .. 65536. Default 1024 x 1024. */
  readonly width?: number;
  readonly height?: number;
  /** Side of a pixel of level 0. Default 1, which is 10x; 0.5 is 20x. */
  readonly micronsPerPixel?: number;
  /** ISUP grade of the slide, 0 .. 5. Left out, it is drawn from the seed. */
  readonly grade?: number;
  /** Slides of one patient share stain, scanner, and the sizes of glands and nuclei. Default: the seed. */
  readonly patient?: number;
  /** Biopsy cores, or one piece of a prostatectomy. Left out, it is drawn from the seed. */
  readonly tissue?: TissueKind;
}

/** The pixels of a region: `image` is 8-bit RGB `[height, width, 3]`, `mask` the class of each pixel (`phantomClasses`) `[height, width]`. */
export interface PaintedRegion {
  readonly width: number;
  readonly height: number;
  readonly image: Uint8Array;
  readonly mask: Uint8Array;
}

/** A synthetic H&E slide of prostate. Nothing measured on it says anything about patients. */
export interface Phantom {
  readonly width: number;
  readonly height: number;
  readonly micronsPerPixel: number;
  /** ISUP grade, 0 .. 5. */
  readonly grade: number;
  /**
   * Paints `width` x `height` pixels from (x, y) on. They are a function of the slide and their position alone: every division into
   * regions gives the same bytes. Memory is that of the region and a fixed store. Throws a RangeError for a region off the slide.
   */
  readonly paint: (x: number, y: number, width: number, height: number) => PaintedRegion;
  /** As `paint`, the mask alone, several times as fast. */
  readonly paintMask: (x: number, y: number, width: number, height: number) => Uint8Array;
}

/**
 * The tissue phantom of a seed: stroma, benign glands, and cancer of the Gleason patterns that make up the slide's ISUP grade by
 * `isupGrade` on the class areas of the whole slide. Throws a RangeError for an option out of range, and an Error where a slide is too
 * small for its grade.
 */
export const phantom = (seed: number, options: PhantomOptions = {}): Phantom => {
  const { width = 1024, height = 1024, micronsPerPixel = 1, patient = seed } = options;
  const choice = random("phantom slide", seed);
  const [drawnGrade, drawnTissue] = [choice.integer(0, 5), choice.uniform() < 0.5 ? "cores" : "piece"] as const;
  const { grade = drawnGrade, tissue = drawnTissue } = options;
  checkOptions(width, height, micronsPerPixel, grade);
  const size = { width: width * micronsPerPixel, height: height * micronsPerPixel };
  const body = growBody(seed, { ...size, grade, patient, tissue });
  const look = staining(seed, patient);
  const flaws = artefacts(seed, size.width, size.height);

  const paint = (x: number, y: number, regionWidth: number, regionHeight: number): PaintedRegion => {
    checkRegion(x, y, regionWidth, regionHeight, width, height);
    const image = new Uint8Array(regionWidth * regionHeight * 3);
    const mask = new Uint8Array(regionWidth * regionHeight);
    for (const chunk of chunks(x, y, regionWidth, regionHeight)) {
      const canvas = createCanvas(
        chunk.x - blurReach,
        chunk.y - blurReach,
        chunk.width + 2 * blurReach,
        chunk.height + 2 * blurReach,
        micronsPerPixel,
      );
      paintTissue(canvas, body, seed, flaws.folds);
      const pixels = develop(canvas, look, flaws, seed);
      for (let row = 0; row < chunk.height; row++) {
        const to = (chunk.y + row - y) * regionWidth + chunk.x - x;
        const from = (row + blurReach) * canvas.width + blurReach;
        image.set(pixels.subarray(3 * row * chunk.width, 3 * (row + 1) * chunk.width), 3 * to);
        mask.set(canvas.classes.subarray(from, from + chunk.width), to);
      }
    }
    return { width: regionWidth, height: regionHeight, image, mask };
  };

  const paintMask = (x: number, y: number, regionWidth: number, regionHeight: number): Uint8Array => {
    checkRegion(x, y, regionWidth, regionHeight, width, height);
    const mask = new Uint8Array(regionWidth * regionHeight);
    for (const chunk of chunks(x, y, regionWidth, regionHeight)) {
      const canvas = createCanvas(chunk.x, chunk.y, chunk.width, chunk.height, micronsPerPixel);
      paintClasses(canvas, body);
      for (let row = 0; row < chunk.height; row++) {
        const classes = canvas.classes.subarray(row * chunk.width, (row + 1) * chunk.width);
        mask.set(classes, (chunk.y + row - y) * regionWidth + chunk.x - x);
      }
    }
    return mask;
  };

  return { width, height, micronsPerPixel, grade, paint, paintMask };
};

const chunkSide = 256;

/** A region in pieces, so that what is needed while painting does not grow with it. */
function* chunks(x: number, y: number, width: number, height: number) {
  for (let top = 0; top < height; top += chunkSide) {
    for (let left = 0; left < width; left += chunkSide) {
      yield { x: x + left, y: y + top, width: Math.min(chunkSide, width - left), height: Math.min(chunkSide, height - top) };
    }
  }
}

const checkOptions = (width: number, height: number, micronsPerPixel: number, grade: number): void => {
  for (const [name, value] of [
    ["width", width],
    ["height", height],
  ] as const) {
    // biome-ignore format: one line
    if (!Number.isInteger(value) || value < 256 || value > 65536) {
      throw new RangeError(`The ${name} of a phantom must be a whole number from 256 to 65536 pixels, not ${value}.`);
    }
  }
  if (!(micronsPerPixel >= 0.2 && micronsPerPixel <= 4)) {
    throw new RangeError(`The pixels of a phantom must be 0.2 to 4 um wide, not ${micronsPerPixel}.`);
  }
  if (!Number.isInteger(grade) || grade < 0 || grade > 5)
    throw new RangeError(`An ISUP grade is 0, 1, 2, 3, 4 or 5, not ${grade}.`);
};

const checkRegion = (x: number, y: number, regionWidth: number, regionHeight: number, width: number, height: number): void => {
  const isInside =
    [x, y, regionWidth, regionHeight].every(Number.isInteger) &&
    x >= 0 && y >= 0 && regionWidth > 0 && regionHeight > 0 && x + regionWidth <= width && y + regionHeight <= height; // biome-ignore format: one line
  if (!isInside) {
    throw new RangeError(
      `The region of ${regionWidth} x ${regionHeight} pixels from (${x}, ${y}) is not on the slide of ${width} x ${height} pixels.`,
    );
  }
};
