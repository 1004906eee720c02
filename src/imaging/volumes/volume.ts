import { cross3, determinant3, dot3, type Vector3 } from "../matrix3.ts";
import { type Affine, applyAffine, columnOf, composeAffine, linearOf } from "./affine.ts";

/**
 * Where the voxels of a volume lie. The index (i, j, k) counts columns, rows and slices from 0; `affine` maps it to the patient
 * coordinates of the voxel's centre in millimetres, LPS+ (x to the patient's left, y to the back, z to the head), as DICOM has them.
 */
export interface Grid {
  /** Voxels along i: columns of a slice. */
  readonly width: number;
  /** Voxels along j: rows of a slice. */
  readonly height: number;
  /** Voxels along k. */
  readonly slices: number;
  readonly affine: Affine;
}

export type VoxelData = Float32Array | Uint8Array | Int16Array;

/** Values on a grid; `data` is `[slices, height, width]`: the voxel (i, j, k) lies at (k height + j) width + i. */
export interface VolumeOf<Data extends VoxelData> extends Grid {
  readonly data: Data;
}

/** Measured values. */
export type Volume = VolumeOf<Float32Array>;

/** Classes: 0 is the background. */
export type LabelVolume = VolumeOf<Uint8Array | Int16Array>;

/** The most voxels that a volume may have: 1 GiB of 32-bit numbers. */
export const MAX_VOXELS = 2 ** 28;

/** @throws RangeError when the size is not made of positive whole numbers or too large, or the affine does not span space. */
export const checkGrid = ({ width, height, slices, affine }: Grid): void => {
  if (![width, height, slices].every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new RangeError(
      `A volume has a positive whole number of columns, rows and slices, not ${width} x ${height} x ${slices}.`,
    );
  }
  if (width * height * slices > MAX_VOXELS) {
    throw new RangeError(
      `A volume of ${width} x ${height} x ${slices} voxels is more than the limit of ${MAX_VOXELS}. Cut it or resample it.`,
    );
  }
  if (affine.length !== 12 || !affine.every(Number.isFinite) || !(Math.abs(determinant3(linearOf(affine))) > 1e-12)) {
    throw new RangeError(`The affine [${affine.join(", ")}] of a volume does not span space.`);
  }
};

/** @throws RangeError when the grid cannot be or does not fit the data. */
export const createVolume = <Data extends VoxelData>({ width, height, slices, affine }: Grid, data: Data): VolumeOf<Data> => {
  const grid = { width, height, slices, affine };
  checkGrid(grid);
  if (data.length !== voxelsOf(grid)) {
    throw new RangeError(`A volume of ${width} x ${height} x ${slices} voxels has ${voxelsOf(grid)} values, not ${data.length}.`);
  }
  return { ...grid, data };
};

export const voxelsOf = ({ width, height, slices }: Grid): number => width * height * slices;

/** How many millimetres lie between neighbours along i, j and k. */
export const spacingOf = ({ affine }: Grid): Vector3 => [
  Math.hypot(...columnOf(affine, 0)),
  Math.hypot(...columnOf(affine, 1)),
  Math.hypot(...columnOf(affine, 2)),
];

/** Cubic millimetres of a voxel. */
export const voxelVolumeOf = ({ affine }: Grid): number => Math.abs(determinant3(linearOf(affine)));

/** Square millimetres of a voxel within its slice. */
export const pixelAreaOf = ({ affine }: Grid): number => Math.hypot(...cross3(columnOf(affine, 0), columnOf(affine, 1)));

/** Patient coordinates, in mm, of the middle of all voxels. */
export const centreOf = ({ width, height, slices, affine }: Grid): Vector3 =>
  applyAffine(affine, [(width - 1) / 2, (height - 1) / 2, (slices - 1) / 2]);

/** Whether both have the same size and no voxel lies further apart than `tolerance` mm. */
export const isSameGrid = (a: Grid, b: Grid, tolerance = 1e-3): boolean =>
  a.width === b.width &&
  a.height === b.height &&
  a.slices === b.slices &&
  corners(a).every((corner) => {
    const [p, q] = [applyAffine(a.affine, corner), applyAffine(b.affine, corner)];
    return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) <= tolerance;
  });

const corners = ({ width, height, slices }: Grid): Vector3[] =>
  [0, width - 1].flatMap((i) => [0, height - 1].flatMap((j) => [0, slices - 1].map((k): Vector3 => [i, j, k])));

/** Whether the axes stand on each other at right angles, to `tolerance` of the cosine. */
export const isOrthogonal = (grid: Grid, tolerance = 1e-4): boolean => {
  const spacing = spacingOf(grid);
  return (
    [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const
  ).every(([p, q]) => Math.abs(dot3(columnOf(grid.affine, p), columnOf(grid.affine, q))) <= tolerance * spacing[p] * spacing[q]);
};

/**
 * A grid of about `spacing` mm (along i, j, k) that covers the same box: sizes are rounded, then the spacing follows from the box, whose
 * faces stay where they are. @throws RangeError when the spacing is not positive or the volume would be too large.
 */
export const respacedGrid = (grid: Grid, spacing: Vector3): Grid => {
  if (!spacing.every((mm) => mm > 0))
    throw new RangeError(`A spacing is made of positive millimetres, not ${spacing.join(", ")}.`);
  const now = spacingOf(grid);
  const sizes = [grid.width, grid.height, grid.slices];
  const [width, height, slices] = sizes.map((size, axis) => Math.max(1, Math.round((size * now[axis]) / spacing[axis])));
  const [x, y, z] = [grid.width / width, grid.height / height, grid.slices / slices];
  const scale: Affine = [x, 0, 0, (x - 1) / 2, 0, y, 0, (y - 1) / 2, 0, 0, z, (z - 1) / 2];
  const respaced = { width, height, slices, affine: composeAffine(grid.affine, scale) };
  checkGrid(respaced);
  return respaced;
};

/** The part of a volume from an index on, as a volume of its own: patient coordinates stay. @throws RangeError when it reaches outside. */
export const croppedVolume = <Data extends VoxelData>(
  volume: VolumeOf<Data>,
  [i0, j0, k0]: Vector3,
  { width, height, slices }: Pick<Grid, "width" | "height" | "slices">,
): VolumeOf<Data> => {
  const inside = (from: number, size: number, all: number): boolean => Number.isInteger(from) && from >= 0 && from + size <= all;
  if (!inside(i0, width, volume.width) || !inside(j0, height, volume.height) || !inside(k0, slices, volume.slices)) {
    throw new RangeError(
      `A part of ${width} x ${height} x ${slices} at ${i0}, ${j0}, ${k0} is not inside ${volume.width} x ${volume.height} x ${volume.slices}.`,
    );
  }
  const [x, y, z] = applyAffine(volume.affine, [i0, j0, k0]);
  const [a, b, c] = linearOf(volume.affine);
  const data = new (volume.data.constructor as new (length: number) => Data)(width * height * slices);
  for (let k = 0; k < slices; k++) {
    for (let j = 0; j < height; j++) {
      const from = ((k + k0) * volume.height + j + j0) * volume.width + i0;
      data.set(volume.data.subarray(from, from + width), (k * height + j) * width);
    }
  }
  return createVolume({ width, height, slices, affine: [...a, x, ...b, y, ...c, z] }, data);
};

/**
 * The values as classes: bytes where they fit, else 16-bit integers. `name` is what the error calls it.
 * @throws RangeError that says which value is no class.
 */
export const labelsOf = (volume: Volume, name = "The volume"): LabelVolume => {
  let [low, high] = [0, 0];
  for (let at = 0; at < volume.data.length; at++) {
    const value = volume.data[at];
    if (!Number.isInteger(value) || value < -32768 || value > 32767) {
      const [i, j] = [at % volume.width, Math.floor(at / volume.width) % volume.height];
      const k = Math.floor(at / (volume.width * volume.height));
      throw new RangeError(
        `${name} is no label volume: its value ${value} at column ${i}, row ${j}, slice ${k} is no whole number from -32768 to 32767.`,
      );
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const data = low >= 0 && high <= 255 ? new Uint8Array(volume.data) : new Int16Array(volume.data);
  return createVolume(volume, data);
};
