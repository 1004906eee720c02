/** An image of 8-bit sRGB colours; `data` is interleaved `[height, width, 3]`, values 0 .. 255. */
export interface Image {
  width: number;
  height: number;
  data: Uint8Array;
}

/** The ground truth of one image; `data` is `[height, width]`, 1 = defect, 0 = normal. */
export interface Mask {
  width: number;
  height: number;
  data: Uint8Array;
}

/** An image that cannot be used. `message` is a sentence for the user that names the file, `file` the file alone. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly file: string;

  constructor(file: string, problem: string, cause?: unknown) {
    super(`Cannot use the image "${file}": ${problem}`, { cause });
    this.file = file;
  }
}

/**
 * An image of `width` x `height` pixels around `data` (`[height, width, 3]`), black when `data` is left out.
 * Throws a RangeError when the size is not made of positive whole numbers or does not fit the data.
 */
export const createImage = (
  width: number,
  height: number,
  data: Uint8Array = new Uint8Array(checkedLength(width, height, 3)),
): Image => {
  if (data.length !== checkedLength(width, height, 3)) {
    throw new RangeError(`An RGB image of ${width} x ${height} pixels has ${width * height * 3} bytes, not ${data.length}.`);
  }
  return { width, height, data };
};

/**
 * A mask of `width` x `height` pixels around `data` (`[height, width]`), all normal when `data` is left out.
 * Throws a RangeError when the size is not made of positive whole numbers or does not fit the data.
 */
export const createMask = (
  width: number,
  height: number,
  data: Uint8Array = new Uint8Array(checkedLength(width, height, 1)),
): Mask => {
  if (data.length !== checkedLength(width, height, 1)) {
    throw new RangeError(`A mask of ${width} x ${height} pixels has ${width * height} bytes, not ${data.length}.`);
  }
  return { width, height, data };
};

/** How many pixels of the mask are defect. */
export const defectPixels = (mask: Mask): number => {
  let count = 0;
  for (const value of mask.data) if (value !== 0) count++;
  return count;
};

const checkedLength = (width: number, height: number, channels: number): number => {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new RangeError(`Width and height must be positive whole numbers, not ${width} and ${height}.`);
  }
  return width * height * channels;
};
