/** How four pixels of a level become one of the next. */
export type Coarser = "mean" | "majority";

/**
 * Halves a tile, `[size, size, channels]`, into one quadrant of a tile of the same size: by the rounded mean of 2 x 2 pixels, or by the
 * most frequent of the four values, of equally frequent ones the first in reading order, so that classes stay classes.
 */
export const halveInto = (
  target: Uint8Array,
  tile: Uint8Array,
  { size, channels, coarser }: { readonly size: number; readonly channels: number; readonly coarser: Coarser },
  quadrant: { readonly right: 0 | 1; readonly lower: 0 | 1 },
): void => {
  const half = size / 2;
  const join = coarser === "mean" ? mean : majority;
  const row = size * channels;
  for (let y = 0; y < half; y++) {
    let to = (quadrant.lower * half + y) * row + quadrant.right * half * channels;
    for (let x = 0, from = 2 * y * row; x < half; x++, from += 2 * channels) {
      for (let channel = 0; channel < channels; channel++) {
        const at = from + channel;
        target[to++] = join(tile[at], tile[at + channels], tile[at + row], tile[at + row + channels]);
      }
    }
  }
};

const mean = (a: number, b: number, c: number, d: number): number => (a + b + c + d + 2) >> 2;

const majority = (a: number, b: number, c: number, d: number): number => {
  if (a === b || a === c || a === d) return a;
  if (b === c || b === d) return b;
  return c === d ? c : a;
};

/** Repeats the last column and row of what a tile shows, `width` x `height`, to its right and lower border. */
export const repeatBorder = (tile: Uint8Array, size: number, channels: number, width: number, height: number): void => {
  const row = size * channels;
  for (let y = 0; y < height && width < size; y++) {
    for (let at = y * row + width * channels; at < (y + 1) * row; at++) tile[at] = tile[at - channels];
  }
  for (let y = height; y < size; y++) tile.copyWithin(y * row, (height - 1) * row, height * row);
};
