import type { Mask } from "../../../imaging/index.ts";
import type { DensityMap } from "./density.ts";

/** Sizes of patches; all lengths of this folder's results are in pixels of the slide's full resolution (level 0). */
export interface PatchSize {
  /** Side of a patch in pixels, at the resolution that the network sees. */
  readonly pixels: number;
  /** Pixels of full resolution per pixel of that resolution. */
  readonly downsample: number;
}

/**
 * A slide divided in square cells, as large as a quarter of a patch: cell (i, j) begins at (i side, j side). A patch at the corner of cell
 * (i, j) covers this one and its neighbours on the right, below, and both.
 */
export interface Cells {
  readonly slide: { readonly width: number; readonly height: number };
  /** Side of a patch, and of a cell, half of it. */
  readonly patch: number;
  readonly side: number;
  readonly columns: number;
  readonly rows: number;
  /** [rows, columns]: 1 where enough of a cell is foreground. */
  readonly isTissue: Uint8Array;
  /** [rows, columns]: the mean semantic density of a cell. */
  readonly density: Float32Array;
  /** Whether one quarter of the patch at (x, y) has enough foreground: such patches are taken. */
  readonly isTaken: (x: number, y: number) => boolean;
  /** The largest density among the cells of tissue whose centres lie in the patch at (x, y), or 0. */
  readonly densityOfPatch: (x: number, y: number) => number;
}

/**
 * The cells of a slide of `slide.width` x `slide.height` pixels. Foreground and density map may have any resolution: both are stretched
 * over the slide. A cell's density is the mean of the windows whose centres lie in it, by their share of tissue; where there are none, it
 * is that of the nearest window. A cell is tissue when some of it, and at least `leastTissue` (0 .. 1), as far as it lies on the slide, is
 * foreground. Throws a RangeError for a patch without pixels.
 */
export const divideInCells = (
  slide: { readonly width: number; readonly height: number },
  foreground: Mask,
  density: DensityMap,
  { pixels, downsample }: PatchSize,
  leastTissue: number,
): Cells => {
  const patch = pixels * downsample;
  if (!(patch >= 2)) throw new RangeError(`A patch has at least 2 pixels of the slide on each side, not ${patch}.`);
  const side = patch / 2;
  const [columns, rows] = [Math.ceil(slide.width / side), Math.ceil(slide.height / side)];
  const shareOf = foregroundShare(slide, foreground);
  const isEnough = (share: number): boolean => share > 0 && share >= leastTissue - 1e-9;
  const isTissue = new Uint8Array(columns * rows).map((_, cell) =>
    isEnough(shareOf((cell % columns) * side, Math.floor(cell / columns) * side, side)) ? 1 : 0,
  );
  const ofCell = densitiesOfCells(slide, density, side, columns, rows);
  const isTaken = (x: number, y: number): boolean =>
    isEnough(shareOf(x, y, side)) ||
    isEnough(shareOf(x + side, y, side)) ||
    isEnough(shareOf(x, y + side, side)) ||
    isEnough(shareOf(x + side, y + side, side));
  const densityOfPatch = (x: number, y: number): number => {
    // The small part keeps rounding from moving a centre across the rim.
    const first = (position: number): number => Math.max(0, Math.ceil(position / side - 0.5 - 1e-9));
    const end = (position: number, count: number): number => Math.min(count, Math.ceil((position + patch) / side - 0.5 - 1e-9));
    let largest = 0;
    for (let row = first(y); row < end(y, rows); row++) {
      for (let column = first(x); column < end(x, columns); column++) {
        const cell = row * columns + column;
        if (isTissue[cell] === 1) largest = Math.max(largest, ofCell[cell]);
      }
    }
    return largest;
  };
  return { slide, patch, side, columns, rows, isTissue, density: ofCell, isTaken, densityOfPatch };
};

/** A function that gives the share of foreground in the square at (x, y), of what lies on the slide; exact by integral image. */
const foregroundShare = (slide: { readonly width: number; readonly height: number }, { width, height, data }: Mask) => {
  const integral = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += data[y * width + x] === 0 ? 0 : 1;
      integral[(y + 1) * (width + 1) + x + 1] = integral[y * (width + 1) + x + 1] + row;
    }
  }
  /** The foreground above and left of a point, in pixels of the mask; bilinear between corners, which is exact. */
  const before = (x: number, y: number): number => {
    const column = Math.min(width - 1, Math.floor(x));
    const row = Math.min(height - 1, Math.floor(y));
    const across = x - column;
    const down = y - row;
    const at = row * (width + 1) + column;
    const above = integral[at] + across * (integral[at + 1] - integral[at]);
    const below = integral[at + width + 1] + across * (integral[at + width + 2] - integral[at + width + 1]);
    return above + down * (below - above);
  };
  const [scaleX, scaleY] = [width / slide.width, height / slide.height];
  const within = (at: number, length: number): number => (at < 0 ? 0 : at > length ? length : at);
  return (x: number, y: number, side: number): number => {
    const left = within(x, slide.width) * scaleX;
    const right = within(x + side, slide.width) * scaleX;
    const top = within(y, slide.height) * scaleY;
    const bottom = within(y + side, slide.height) * scaleY;
    const area = (right - left) * (bottom - top);
    if (!(area > 0)) return 0;
    return (before(right, bottom) - before(left, bottom) - before(right, top) + before(left, top)) / area;
  };
};

const densitiesOfCells = (
  slide: { readonly width: number; readonly height: number },
  density: DensityMap,
  side: number,
  columns: number,
  rows: number,
): Float32Array => {
  const [scaleX, scaleY] = [slide.width / density.width, slide.height / density.height];
  const sums = new Float64Array(columns * rows);
  const weights = new Float64Array(columns * rows);
  for (let v = 0; v < density.rows; v++) {
    const row = Math.floor(((v * density.step + density.window.height / 2) * scaleY) / side);
    for (let u = 0; u < density.columns; u++) {
      const column = Math.floor(((u * density.step + density.window.width / 2) * scaleX) / side);
      if (column >= columns || row >= rows) continue;
      const [window, cell] = [v * density.columns + u, row * columns + column];
      sums[cell] += density.tissue[window] * density.values[window];
      weights[cell] += density.tissue[window];
    }
  }
  const nearest = (centre: number, scale: number, window: number, count: number): number =>
    Math.min(count - 1, Math.max(0, Math.round((centre / scale - window / 2) / density.step)));
  return new Float32Array(columns * rows).map((_, cell) => {
    if (weights[cell] > 0) return sums[cell] / weights[cell];
    const u = nearest(((cell % columns) + 0.5) * side, scaleX, density.window.width, density.columns);
    const v = nearest((Math.floor(cell / columns) + 0.5) * side, scaleY, density.window.height, density.rows);
    return density.values[v * density.columns + u];
  });
};
