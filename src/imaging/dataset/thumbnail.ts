import { createHash } from "node:crypto";
import sharp from "sharp";
import { decodeImage } from "../decode.ts";

/** Thumbnails are `[side, side]` grey levels 0 .. 255, in `blocks` x `blocks` blocks. */
export const side = 64;
const blocks = 8;
const pixels = side * side;
const blockPixels = pixels / (blocks * blocks);

/** A thumbnail with what bounds its distance to others from below. */
export interface Thumbnail {
  /** `[64, 64]`, 0 .. 255. */
  grey: Int16Array;
  sum: number;
  /** Square root of the sum of the squared differences from the mean. */
  spread: number;
  /** Sums of the 8 x 8 blocks, `[8, 8]`. */
  blockSums: Int16Array;
}

/** An image in a few bytes: its thumbnail, and a SHA-256 of its size and its decoded pixels at 8 bits. */
export interface Fingerprint {
  thumbnail: Thumbnail;
  digest: string;
}

/** Decodes an image and reduces it. Throws an ImageError like `decodeImage`. */
export const fingerprint = async (path: string): Promise<Fingerprint> => {
  const { width, height, data } = await decodeImage(path);
  const digest = createHash("sha256").update(`${width} x ${height}`).update(data).digest("base64");
  const grey = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: "fill", kernel: "mitchell" })
    .toColourspace("b-w")
    .raw()
    .toBuffer();
  return { thumbnail: createThumbnail(new Uint8Array(grey)), digest };
};

/** From grey levels `[64, 64]`. */
export const createThumbnail = (grey: Uint8Array): Thumbnail => {
  const blockSums = new Int16Array(blocks * blocks);
  let sum = 0;
  let squares = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const block = Math.floor(pixel / (side * blocks)) * blocks + Math.floor((pixel % side) / blocks);
    blockSums[block] += grey[pixel];
    sum += grey[pixel];
    squares += grey[pixel] ** 2;
  }
  return { grey: Int16Array.from(grey), sum, spread: Math.sqrt(squares - sum ** 2 / pixels), blockSums };
};

/** The root mean square of a sum of squared differences over the pixels of a thumbnail, in grey levels. */
export const rootMeanSquare = (squares: number): number => Math.sqrt(squares / pixels);

/** The sum of squares that belongs to a root mean square of grey levels. */
export const sumOfSquares = (rms: number): number => rms ** 2 * pixels;

/** For each of the 8 symmetries of a square, where each pixel of a `[size, size]` picture comes from. */
const symmetries = (size: number): Uint16Array[] =>
  Array.from({ length: 8 }, (_, symmetry) =>
    Uint16Array.from({ length: size * size }, (_, pixel) => {
      const [row, column] = [Math.floor(pixel / size), pixel % size];
      const y = symmetry & 1 ? size - 1 - row : row;
      const x = symmetry & 2 ? size - 1 - column : column;
      return symmetry & 4 ? x * size + y : y * size + x;
    }),
  );

const pixelSymmetries = symmetries(side);
const blockSymmetries = symmetries(blocks);

/**
 * The smallest sum of squared differences between the pixels of one thumbnail and those of the other in its 8 mirrored and
 * turned forms (or, with `forms` 1, as it is): exact where it is below `limit`, else Infinity. Lower bounds spare nearly
 * all of the work where images differ in more than noise:
 *
 * - sum (a - b)^2 >= (sum a - sum b)^2 / 4096 + (spread a - spread b)^2, as the difference of the means is orthogonal to
 *   the rest, to which the triangle inequality applies;
 * - sum (a - b)^2 >= sum over 8 x 8 blocks of (sum a - sum b)^2 / 64, by Jensen's inequality.
 */
export const squaredDistance = (a: Thumbnail, b: Thumbnail, limit: number, forms: 1 | 8 = 8): number => {
  if (boundBySpread(a, b) >= limit) return Number.POSITIVE_INFINITY;
  let best = limit;
  for (let symmetry = 0; symmetry < forms; symmetry++) {
    const ofBlocks = sumUpTo(a.blockSums, b.blockSums, blockSymmetries[symmetry], best * blockPixels);
    if (ofBlocks < best * blockPixels) best = Math.min(best, sumUpTo(a.grey, b.grey, pixelSymmetries[symmetry], best));
  }
  return best < limit ? best : Number.POSITIVE_INFINITY;
};

/** The bound by mean and spread, a little lower for the rounding of the spread. */
const boundBySpread = (a: Thumbnail, b: Thumbnail): number =>
  (a.sum - b.sum) ** 2 / pixels + Math.max(0, Math.abs(a.spread - b.spread) - 1e-6) ** 2;

/** Sum of the squared differences, left off once it has reached the limit. One type of array, as two would be half as fast. */
const sumUpTo = (a: Int16Array, b: Int16Array, from: Uint16Array, limit: number): number => {
  let sum = 0;
  for (let start = 0; start < a.length && sum < limit; start += 32) {
    for (let i = start; i < start + 32; i++) {
      const difference = a[i] - b[from[i]];
      sum += difference * difference;
    }
  }
  return sum;
};
