import type { LabelMap } from "../result.ts";

/** A map of classes that fits into memory. */
export interface Labels {
  readonly width: number;
  readonly height: number;
  /** Pixels of level 0 along one of these. */
  readonly downsample: number;
  /** [height, width]. */
  readonly data: Uint8Array;
}

/** Pixels of the map that are read at once. */
const BLOCK = 2 ** 22;

/**
 * The map with at most `longest` pixels on a side: the most frequent value of blocks of k x k pixels with the smallest whole k, of equally frequent ones
 * the lowest class. It is read in blocks, so that memory does not grow with the map.
 */
export const reduceLabels = async (labels: LabelMap, longest: number, signal?: AbortSignal): Promise<Labels> => {
  const k = Math.max(1, Math.ceil(Math.max(labels.width, labels.height) / longest));
  const [width, height] = [Math.ceil(labels.width / k), Math.ceil(labels.height / k)];
  const data = new Uint8Array(width * height);
  const side = Math.max(1, Math.floor(Math.sqrt(BLOCK) / k));
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      signal?.throwIfAborted();
      const [x, y] = [left * k, top * k];
      const across = Math.min(side * k, labels.width - x);
      const block = await labels.read(x, y, across, Math.min(side * k, labels.height - y));
      reduceBlock(block, across, k, (column, row, label) => {
        data[(top + row) * width + left + column] = label;
      });
    }
  }
  return { width, height, downsample: labels.downsample * k, data };
};

/** Labels in memory as a map, which can be reduced further. */
export const mapOf = ({ width, height, downsample, data }: Labels): LabelMap => ({
  width,
  height,
  downsample,
  read: async (x, y, across, down) => {
    const part = new Uint8Array(across * down);
    for (let row = 0; row < down; row++) {
      const from = (y + row) * width + x;
      part.set(data.subarray(from, from + across), row * across);
    }
    return part;
  },
});

const reduceBlock = (
  block: Uint8Array,
  across: number,
  k: number,
  put: (column: number, row: number, label: number) => void,
): void => {
  const down = block.length / across;
  const counts = new Uint32Array(256);
  for (let y = 0, row = 0; y < down; y += k, row++) {
    for (let x = 0, column = 0; x < across; x += k, column++) {
      let best = block[y * across + x];
      for (let j = y; j < Math.min(y + k, down); j++) {
        for (let i = x; i < Math.min(x + k, across); i++) {
          const label = block[j * across + i];
          counts[label]++;
          if (counts[label] > counts[best] || (counts[label] === counts[best] && label < best)) best = label;
        }
      }
      for (let j = y; j < Math.min(y + k, down); j++) {
        for (let i = x; i < Math.min(x + k, across); i++) counts[block[j * across + i]] = 0;
      }
      put(column, row, best);
    }
  }
};
