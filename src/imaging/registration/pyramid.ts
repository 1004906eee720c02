import { createVolume, type Grid, respacedGrid, spacingOf, type Volume } from "../volumes/index.ts";

/** Distances of voxels below which a coarse level would have fewer than this many along the volume's longest side. */
const COARSEST_VOXELS = 20;

/**
 * The spacings of a multi-resolution registration in mm, from coarse to fine: doubled from the finest spacing of the two volumes, along
 * any axis, while their longest side still has some 20 voxels. The last is `finest` where that is given and coarser.
 */
export const pyramidSpacings = (fixed: Grid, moving: Grid, finest = 0): number[] => {
  const longest = (grid: Grid): number => {
    const [x, y, z] = spacingOf(grid);
    return Math.max(x * grid.width, y * grid.height, z * grid.slices);
  };
  const limit = Math.min(longest(fixed), longest(moving)) / COARSEST_VOXELS;
  const spacings = [Math.max(finest, Math.min(...spacingOf(fixed), ...spacingOf(moving)))];
  while (spacings[0] * 2 <= limit) spacings.unshift(spacings[0] * 2);
  return spacings;
};

/**
 * The volume smoothed and thinned to voxels of about `spacing` mm; axes that are as coarse already stay as they are. Each new voxel is a
 * mean weighted by a Gaussian whose standard deviation s has s^2 = (spacing^2 - now^2) / 4, along each axis in turn, so that what is
 * finer than the new grid does not alias (Burt and Adelson 1983). The new grid covers the same box.
 */
export const reducedVolume = (volume: Volume, spacing: number): Volume => {
  const now = spacingOf(volume);
  if (now.every((mm) => mm * 1.2 >= spacing)) return volume;
  const [x, y, z] = now.map((mm) => (mm * 1.2 >= spacing ? mm : spacing));
  const grid = respacedGrid(volume, [x, y, z]);
  const { width, height, slices } = volume;
  const taps = (from: number, to: number, axis: 0 | 1 | 2): Taps => gaussianTaps(from, to, deviation(now[axis], [x, y, z][axis]));
  const thin = along(volume.data, 1, taps(width, grid.width, 0), width);
  const low = along(thin, grid.width, taps(height, grid.height, 1), height);
  return createVolume(grid, along(low, grid.width * grid.height, taps(slices, grid.slices, 2), slices));
};

/** Of the Gaussian, in old voxels. */
const deviation = (now: number, then: number): number => Math.sqrt(Math.max(0, then ** 2 - now ** 2)) / 2 / now;

/** Of each new voxel: the first old one it takes from, and its weights. */
type Taps = readonly { readonly first: number; readonly weights: Float64Array }[];

const gaussianTaps = (from: number, to: number, sigma: number): Taps =>
  Array.from({ length: to }, (_, n) => {
    if (from === to) return { first: n, weights: Float64Array.of(1) };
    const centre = ((n + 0.5) * from) / to - 0.5;
    const first = Math.max(0, Math.ceil(centre - 3 * sigma));
    const last = Math.min(from - 1, Math.floor(centre + 3 * sigma));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, k) =>
      Math.exp(-(((first + k - centre) / sigma) ** 2) / 2),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });

/** Applies the taps along the middle axis of `[outer, from, inner]`. */
const along = (data: Float32Array, inner: number, taps: Taps, from: number): Float32Array => {
  if (taps.every(({ weights }) => weights.length === 1)) return data;
  const outer = data.length / inner / from;
  const result = new Float32Array(outer * taps.length * inner);
  for (let o = 0, to = 0; o < outer; o++) {
    for (const { first, weights } of taps) {
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k];
        const at = (o * from + first + k) * inner;
        for (let i = 0; i < inner; i++) result[to + i] += weight * data[at + i];
      }
      to += inner;
    }
  }
  return result;
};
