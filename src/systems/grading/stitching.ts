import { type FileHandle, open, rm } from "node:fs/promises";
import { NO_CLASS } from "./classes.ts";
import type { Square } from "./patch-pixels.ts";
import type { LabelMap } from "./result.ts";

export interface StitchOptions {
  /** Of the slide, in pixels of level 0. */
  readonly width: number;
  readonly height: number;
  /** Pixels of level 0 along one of the map. */
  readonly downsample: number;
  /** Side of a patch, in pixels of the map. */
  readonly patch: number;
  readonly classes: number;
}

/** Joins patches to the map of a slide. */
export interface Stitching {
  /** Adds a patch; patches come row by row, each not above the one before. probabilities: [classes, size, size]. */
  add(square: Square, probabilities: Uint8Array): Promise<void>;
  /** The map, when all patches were added, and how many pixels each class has. */
  finish(): Promise<{ readonly labels: LabelMap; readonly areas: readonly number[] }>;
  /** Closes and removes the file. */
  remove(): Promise<void>;
}

/**
 * Blends overlapping patches: the class of a pixel is the one of the largest sum of probabilities, each patch counting less towards its
 * border (a tent from 1 in its middle), where the network saw less of the surroundings. Rows above the patch that was added last are finished and go to
 * the file at `path`, a byte for each pixel, so that memory is that of one row of patches.
 */
export const stitch = async (path: string, { width, height, downsample, patch, classes }: StitchOptions): Promise<Stitching> => {
  const [columns, rows] = [Math.max(1, Math.ceil(width / downsample)), Math.max(1, Math.ceil(height / downsample))];
  const file = await open(path, "w+");
  const tent = Float32Array.from({ length: patch }, (_, i) => (Math.min(i, patch - 1 - i) + 1) / Math.ceil(patch / 2));
  /** Sums of rows `top` .. `top + patch` of the map, [rows, columns, classes], as a ring. */
  const ring = new Float32Array(patch * columns * classes);
  const seen = new Uint8Array(patch * columns);
  const areas = new Array<number>(classes).fill(0);
  let top = 0;

  /** Writes the rows above `row`. */
  const finishUpTo = async (row: number): Promise<void> => {
    while (top < Math.min(row, rows)) {
      const count = Math.min(row, rows, top + patch) - top;
      const labels = new Uint8Array(count * columns);
      for (let y = 0; y < count; y++) {
        const line = (top + y) % patch;
        for (let x = 0; x < columns; x++) {
          const at = line * columns + x;
          const label = seen[at] === 0 ? NO_CLASS : largestOf(ring, at * classes, classes);
          labels[y * columns + x] = label;
          if (label !== NO_CLASS) areas[label]++;
        }
        ring.fill(0, line * columns * classes, (line + 1) * columns * classes);
        seen.fill(0, line * columns, (line + 1) * columns);
      }
      await file.write(labels, 0, labels.length, top * columns);
      top += count;
    }
  };

  return {
    add: async ({ x, y }, probabilities) => {
      const [left, first] = [Math.round(x / downsample), Math.round(y / downsample)];
      if (first < top) throw new Error(`A patch in row ${first} of the map came after rows up to ${top} were finished.`);
      await finishUpTo(first);
      const area = patch * patch;
      for (let row = 0; row < patch && first + row < rows; row++) {
        const line = (first + row) % patch;
        for (let column = 0; column < patch && left + column < columns; column++) {
          const at = line * columns + left + column;
          const weight = tent[row] * tent[column];
          seen[at] = 1;
          for (let c = 0; c < classes; c++) ring[at * classes + c] += weight * probabilities[c * area + row * patch + column];
        }
      }
    },
    finish: async () => {
      await finishUpTo(rows);
      return { labels: labelMap(file, columns, rows, downsample), areas };
    },
    remove: async () => {
      await file.close();
      await rm(path, { force: true });
    },
  };
};

const largestOf = (values: Float32Array, start: number, count: number): number => {
  let best = 0;
  for (let c = 1; c < count; c++) if (values[start + c] > values[start + best]) best = c;
  return best;
};

const labelMap = (file: FileHandle, width: number, height: number, downsample: number): LabelMap => ({
  width,
  height,
  downsample,
  read: async (x, y, across, down) => {
    if (!(x >= 0 && y >= 0 && across > 0 && down > 0 && x + across <= width && y + down <= height)) {
      throw new RangeError(`The region of ${across} x ${down} from (${x}, ${y}) is not on the map of ${width} x ${height}.`);
    }
    const labels = new Uint8Array(across * down);
    for (let row = 0; row < down; row++) await file.read(labels, row * across, across, (y + row) * width + x);
    return labels;
  },
});
