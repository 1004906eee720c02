import type { Mask } from "../../../imaging/index.ts";
import { type Feature, stainFeature } from "./features.ts";
import type { Raster, Region } from "./raster.ts";
import { gridTensor, type Run, runsOf, type SamplingTensor } from "./sampling-tensor.ts";

/** The semantic density of a slide, at windows on a grid: window (u, v) begins at pixel (u step, v step) of the raster. */
export interface DensityMap {
  /** Windows in a row, and rows of them. */
  readonly columns: number;
  readonly rows: number;
  /** Pixels from one window to the next. */
  readonly step: number;
  /** Pixels of a window's sides. */
  readonly window: { readonly width: number; readonly height: number };
  /** Size of the raster, in pixels. */
  readonly width: number;
  readonly height: number;
  /** [rows, columns], in 0 .. 1; 0 where no selected element is tissue. */
  readonly values: Float32Array;
  /** [rows, columns], in 0 .. 1: how many of the selected elements are tissue. */
  readonly tissue: Float32Array;
}

export interface DensityOptions {
  /** Phi. Default: the amounts of stain. */
  readonly feature?: Feature;
  /** S. Its height and width are the window's. Default: the first channel (haematoxylin) of every pixel in 64 x 64. */
  readonly tensor?: SamplingTensor;
  /** Pixels from one window to the next. Default: half of the window's width. */
  readonly step?: number;
  /** Pixels of a tile's sides at most, unless a window is larger: what is held in memory at once. Default 1024. */
  readonly tile?: number;
}

const USUAL_WINDOW = 64;

/**
 * Semantic density: a window X slides over the foreground, and at each place
 *
 *   d = sum(S phi(X)) / sum(S)
 *
 * over those elements of the binary sampling tensor S that lie on tissue, so that glass beside tissue does not dilute it. Phi is within
 * 0 .. 1, and so is d: with the default, the mean optical density of haematoxylin.
 *
 * The foreground may have any size; it is stretched over the raster. The raster is read tile by tile, and tiles without foreground are
 * not read; the result does not depend on the tiles. Time is linear in pixels plus windows times rows of S.
 * Throws a RangeError when S has other channels than the feature, or selects nothing.
 */
export const semanticDensity = async (raster: Raster, foreground: Mask, options: DensityOptions = {}): Promise<DensityMap> => {
  const { feature = stainFeature(), tile = 1024 } = options;
  const { tensor = gridTensor(USUAL_WINDOW, feature.channels.length, [0]) } = options;
  const { step = Math.max(1, Math.floor(tensor.width / 2)) } = options;
  if (tensor.channels !== feature.channels.length) {
    throw new RangeError(
      `The sampling tensor has ${tensor.channels} channels, but the feature ${feature.channels.length} (${feature.channels.join(", ")}).`,
    );
  }
  const runs = runsOf(tensor);
  const selected = runs.reduce((sum, { from, to }) => sum + to - from, 0);
  const windowsAlong = (length: number, window: number): number => Math.max(1, Math.ceil((length - window) / step) + 1);
  const [columns, rows] = [windowsAlong(raster.width, tensor.width), windowsAlong(raster.height, tensor.height)];
  const values = new Float32Array(columns * rows);
  const tissue = new Float32Array(columns * rows);
  const [across, down] = [tensor.width, tensor.height].map((window) => Math.max(1, Math.floor((tile - window) / step) + 1));

  for (let top = 0; top < rows; top += down) {
    for (let left = 0; left < columns; left += across) {
      const [right, bottom] = [Math.min(columns, left + across), Math.min(rows, top + down)];
      const region = widened(raster, feature.margin, {
        x: left * step,
        y: top * step,
        width: (right - left - 1) * step + tensor.width,
        height: (bottom - top - 1) * step + tensor.height,
      });
      const inside = foregroundOf(foreground, raster, region);
      if (!inside.includes(1)) continue;
      const sums = await rowSums(raster, region, feature, runs, inside);
      for (let v = top; v < bottom; v++) {
        for (let u = left; u < right; u++) {
          const { sum, count } = windowSum(sums, runs, u * step - region.x, v * step - region.y);
          values[v * columns + u] = count === 0 ? 0 : sum / count;
          tissue[v * columns + u] = count / selected;
        }
      }
    }
  }
  const { width, height } = raster;
  return { columns, rows, step, window: { width: tensor.width, height: tensor.height }, width, height, values, tissue };
};

/** The region with a margin around it, as far as it lies in the raster. */
const widened = ({ width, height }: Raster, margin: number, region: Region): Region => {
  const [x, y] = [Math.max(0, region.x - margin), Math.max(0, region.y - margin)];
  return {
    x,
    y,
    width: Math.min(width, region.x + region.width + margin) - x,
    height: Math.min(height, region.y + region.height + margin) - y,
  };
};

/** 1 where a pixel of the region is tissue, [height, width]. */
const foregroundOf = (mask: Mask, raster: Raster, region: Region): Uint8Array => {
  const inside = new Uint8Array(region.width * region.height);
  const columns = Int32Array.from({ length: region.width }, (_, x) =>
    Math.floor(((region.x + x + 0.5) * mask.width) / raster.width),
  );
  for (let y = 0; y < region.height; y++) {
    const row = Math.floor(((region.y + y + 0.5) * mask.height) / raster.height) * mask.width;
    for (let x = 0; x < region.width; x++) inside[y * region.width + x] = mask.data[row + columns[x]] === 0 ? 0 : 1;
  }
  return inside;
};

/** Running sums along the rows of a region, each row with a 0 before it: [height, width + 1]. */
interface RowSums {
  readonly width: number;
  readonly height: number;
  /** Of the tissue's pixels. */
  readonly count: Float64Array;
  /** Of each channel that S selects from, over tissue. */
  readonly channels: readonly (Float64Array | undefined)[];
}

const rowSums = async (
  raster: Raster,
  region: Region,
  feature: Feature,
  runs: readonly Run[],
  inside: Uint8Array,
): Promise<RowSums> => {
  const { width, height } = region;
  const image = await raster.read(region);
  if (image.width !== width || image.height !== height) {
    throw new RangeError(`A region of ${width} x ${height} pixels was read as ${image.width} x ${image.height}.`);
  }
  const sumsOf = (values: ArrayLike<number>): Float64Array => {
    const sums = new Float64Array(height * (width + 1));
    for (let y = 0; y < height; y++) {
      const [from, to] = [y * width, y * (width + 1)];
      for (let x = 0; x < width; x++) sums[to + x + 1] = sums[to + x] + (inside[from + x] === 0 ? 0 : values[from + x]);
    }
    return sums;
  };
  const used = new Set(runs.map(({ channel }) => channel));
  const channels = feature.channels.map((_, channel) =>
    used.has(channel) ? sumsOf(feature.measure(image, channel)) : undefined,
  );
  return { width, height, count: sumsOf(inside), channels };
};

/** The sum and number of selected elements on tissue of the window that begins at (x, y) of the region; beyond it, none. */
const windowSum = ({ width, height, count, channels }: RowSums, runs: readonly Run[], x: number, y: number) => {
  let [sum, elements] = [0, 0];
  for (const { channel, row, from, to } of runs) {
    if (y + row >= height || x + from >= width) continue;
    const start = (y + row) * (width + 1) + x + from;
    const end = (y + row) * (width + 1) + Math.min(width, x + to);
    const sums = channels[channel]!;
    sum += sums[end] - sums[start];
    elements += count[end] - count[start];
  }
  return { sum, count: elements };
};
