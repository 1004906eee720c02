import { type Affine, composeAffine, identityAffine, invertAffine } from "./affine.ts";
import {
  checkGrid,
  createVolume,
  type Grid,
  type LabelVolume,
  type Volume,
  type VolumeOf,
  type VoxelData,
  voxelsOf,
} from "./volume.ts";

export interface ResampleOptions {
  /** Where the patient coordinates of the new grid lie in those of the volume, as a registration finds it. Default: they are the same. */
  readonly transform?: Affine;
  /** What voxels get whose centre lies outside all voxels of the volume. Default 0. */
  readonly outside?: number;
}

/**
 * The volume on another grid: each new voxel has the value at its centre's patient coordinates, trilinear between the eight voxels
 * around. Up to half a voxel beyond the outermost centres, where voxels end, it is that of the nearest; `outside` further on. It does not
 * smooth: for a grid much coarser than the volume, reduce the volume before. @throws RangeError when the grid cannot be.
 */
export const resampleVolume = (volume: Volume, grid: Grid, options: ResampleOptions = {}): Volume => {
  const { data, width, height, slices } = volume;
  const row = width;
  const slice = width * height;
  return onGrid(volume, grid, new Float32Array(sizeOf(grid)), options, (x, y, z) => {
    const i = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
    const j = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
    const k = z < 0 ? 0 : z > slices - 1 ? slices - 1 : z;
    const i0 = Math.floor(i);
    const j0 = Math.floor(j);
    const k0 = Math.floor(k);
    const u = i - i0;
    const v = j - j0;
    const w = k - k0;
    const di = u > 0 ? 1 : 0;
    const a = k0 * slice + j0 * row + i0;
    const b = v > 0 ? a + row : a;
    const c = w > 0 ? a + slice : a;
    const d = v > 0 ? c + row : c;
    const near = (1 - v) * ((1 - u) * data[a] + u * data[a + di]) + v * ((1 - u) * data[b] + u * data[b + di]);
    const far = (1 - v) * ((1 - u) * data[c] + u * data[c + di]) + v * ((1 - u) * data[d] + u * data[d + di]);
    return (1 - w) * near + w * far;
  });
};

/** Classes on another grid: each new voxel has the class of the voxel that its centre lies in; `outside` beyond. Errors as `resampleVolume`. */
export const resampleLabels = (labels: LabelVolume, grid: Grid, options: ResampleOptions = {}): LabelVolume => {
  const { width, height, slices } = labels;
  const empty = new (labels.data.constructor as new (length: number) => LabelVolume["data"])(sizeOf(grid));
  const nearest = (x: number, size: number): number => Math.min(Math.max(Math.floor(x + 0.5), 0), size - 1);
  return onGrid(
    labels,
    grid,
    empty,
    options,
    (x, y, z) => labels.data[(nearest(z, slices) * height + nearest(y, height)) * width + nearest(x, width)],
  );
};

const sizeOf = (grid: Grid): number => {
  checkGrid(grid);
  return voxelsOf(grid);
};

/** Coordinates are products of rounded numbers: a face that both grids share must not be lost to the last bit. */
const EDGE = 0.5 + 1e-6;

const onGrid = <Data extends VoxelData>(
  { width, height, slices, affine }: Grid,
  grid: Grid,
  data: Data,
  { transform = identityAffine, outside = 0 }: ResampleOptions,
  valueAt: (x: number, y: number, z: number) => number,
): VolumeOf<Data> => {
  const a = composeAffine(invertAffine(affine), composeAffine(transform, grid.affine));
  const inside = (x: number, size: number): boolean => x >= -EDGE && x <= size - 1 + EDGE;
  for (let k = 0, to = 0; k < grid.slices; k++) {
    for (let j = 0; j < grid.height; j++) {
      for (let i = 0; i < grid.width; i++, to++) {
        const x = a[0] * i + a[1] * j + a[2] * k + a[3];
        const y = a[4] * i + a[5] * j + a[6] * k + a[7];
        const z = a[8] * i + a[9] * j + a[10] * k + a[11];
        data[to] = inside(x, width) && inside(y, height) && inside(z, slices) ? valueAt(x, y, z) : outside;
      }
    }
  }
  return createVolume(grid, data);
};
