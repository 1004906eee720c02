import { createImage, type ImageOf } from "../../../../imaging/index.ts";

/** The part of an image from (left, top) on. */
export const crop = (
  { width: whole, data }: ImageOf<Uint8Array>,
  left: number,
  top: number,
  width: number,
  height: number,
): ImageOf<Uint8Array> => createImage(width, height, cropRows(data, 3 * whole, 3 * left, top, 3 * width, height));

/** The same part of `[height, width]`. */
export const cropLabels = (
  labels: Uint8Array,
  whole: number,
  left: number,
  top: number,
  width: number,
  height: number,
): Uint8Array => cropRows(labels, whole, left, top, width, height);

const cropRows = (data: Uint8Array, stride: number, left: number, top: number, length: number, rows: number): Uint8Array => {
  const result = new Uint8Array(length * rows);
  for (let row = 0; row < rows; row++) {
    const start = (top + row) * stride + left;
    result.set(data.subarray(start, start + length), row * length);
  }
  return result;
};
