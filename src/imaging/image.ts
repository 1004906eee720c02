/** An image of sRGB colours; `data` is interleaved `[height, width, 3]`: 8 bits, 0 .. 255, or 16 bits, 0 .. 65535. */
export interface Image {
  width: number;
  height: number;
  data: Uint8Array | Uint16Array;
}

/** An image whose depth is known when the program is written. */
export type ImageOf<Data extends Image["data"]> = Image & { data: Data };

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
 * An image of `width` x `height` pixels around `data` (`[height, width, 3]`), 8-bit and black when `data` is left out.
 * Throws a RangeError when the size is not made of positive whole numbers or does not fit the data.
 */
export const createImage = <Data extends Image["data"] = Uint8Array>(
  width: number,
  height: number,
  data: Data = new Uint8Array(checkedLength(width, height, 3)) as Image["data"] as Data,
): ImageOf<Data> => {
  if (data.length !== checkedLength(width, height, 3)) {
    throw new RangeError(`An RGB image of ${width} x ${height} pixels has ${width * height * 3} values, not ${data.length}.`);
  }
  return { width, height, data };
};

/** How many bits a channel has. */
export const bitsOf = ({ data }: Image): 8 | 16 => (data instanceof Uint16Array ? 16 : 8);

/** The image with 8 bits, round(v 255 / 65535); the same object when it already has them. */
export const toEightBit = (image: Image): ImageOf<Uint8Array> => {
  if (image.data instanceof Uint8Array) return image as ImageOf<Uint8Array>;
  return createImage(
    image.width,
    image.height,
    new Uint8Array(image.data.map((value) => Math.round(value / 257))), // `from` with a function builds a list first: too much memory
  );
};

/** The image with 16 bits, v 257; the same object when it already has them. `toEightBit` undoes it exactly. */
export const toSixteenBit = (image: Image): ImageOf<Uint16Array> => {
  if (image.data instanceof Uint16Array) return image as ImageOf<Uint16Array>;
  return createImage(
    image.width,
    image.height,
    new Uint16Array(image.data).map((value) => value * 257),
  );
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
