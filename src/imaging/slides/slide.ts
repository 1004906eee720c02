import type { Image, ImageOf } from "../image.ts";

/** One resolution of a slide. */
export interface SlideLevel {
  /** In pixels of this level. */
  readonly width: number;
  readonly height: number;
  /** How many pixels of level 0 lie along one of this level: 1, 2, 4 ... */
  readonly downsample: number;
}

/** A rectangle in pixels. It may reach beyond the border. */
export interface SlideRegion {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An image too large to be held, which is read by level and region. */
export interface Slide {
  readonly path: string;
  /** "Aperio SVS", "OME-TIFF", "TIFF pyramid" or "plain image". */
  readonly format: string;
  /** Of level 0, in pixels. */
  readonly width: number;
  readonly height: number;
  /** From fine to coarse. */
  readonly levels: readonly SlideLevel[];
  /** Micrometres that a pixel of level 0 is wide. */
  readonly micronsPerPixel: number | undefined;
  /** Objective power, such as 20 or 40. */
  readonly magnification: number | undefined;
  /** What the file holds beside its levels, such as "label" and "macro", which show patient data: it is never read out. */
  readonly associated: readonly string[];
  /**
   * The 8-bit RGB of a region given in pixels of that level, whole numbers; beyond the border it is white. Several reads at once are fine.
   * @throws RangeError for a level or region that cannot be; ImageError that names the file when a tile of it is damaged.
   */
  read(level: number, region: SlideRegion): Promise<ImageOf<Uint8Array>>;
  /** Closes the file; nothing can be read afterwards. */
  close(): Promise<void>;
}

export interface OpenSlideOptions {
  /** Micrometres per pixel of level 0, instead of what the file says. The objective power is then unknown: it follows from this. */
  readonly micronsPerPixel?: number;
  /** Bytes of decoded tiles that are kept. Default 64 MiB. */
  readonly cacheBytes?: number;
  /**
   * For masks: the samples as they are stored, however many bits they have; of a palette the index, in all three channels, instead of its
   * colour; 0 beyond the border. What cannot be indices is refused: values above 255, and compressions that change values.
   */
  readonly indices?: boolean;
}

/** What a region is filled with where there is nothing. */
export const emptyValue = ({ indices = false }: OpenSlideOptions): number => (indices ? 0 : 255);

/** The most pixels that a region may have. */
const MAX_REGION = 100_000_000;

/** @throws RangeError that says what cannot be read. */
export const checkRegion = (levels: readonly SlideLevel[], level: number, { x, y, width, height }: SlideRegion): void => {
  if (levels[level] === undefined) {
    throw new RangeError(`The slide has levels 0 to ${levels.length - 1}, not ${level}.`);
  }
  if (![x, y, width, height].every(Number.isSafeInteger) || width <= 0 || height <= 0) {
    throw new RangeError(`A region is whole pixels with a positive size, not ${width} x ${height} at ${x}, ${y}.`);
  }
  if (width * height > MAX_REGION) {
    throw new RangeError(
      `A region of ${width} x ${height} pixels is more than ${MAX_REGION} at once. Read it in parts, or scaled down.`,
    );
  }
};

/** Copies what both regions show, given on the same level, from one image to the other. */
export const copyShared = (from: Image, at: SlideRegion, to: Image, region: SlideRegion): void => {
  const [left, right] = [Math.max(at.x, region.x), Math.min(at.x + at.width, region.x + region.width)];
  const [top, bottom] = [Math.max(at.y, region.y), Math.min(at.y + at.height, region.y + region.height)];
  if (left >= right) return;
  for (let y = top; y < bottom; y++) {
    const start = ((y - at.y) * from.width + left - at.x) * 3;
    to.data.set(from.data.subarray(start, start + (right - left) * 3), ((y - region.y) * to.width + left - region.x) * 3);
  }
};
