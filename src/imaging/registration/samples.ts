import { random } from "../../random/index.ts";
import type { Matrix3, Vector3 } from "../matrix3.ts";
import { percentiles } from "../percentile.ts";
import { applyAffine, type Grid, type LabelVolume, type Volume, voxelsOf } from "../volumes/index.ts";

/** Points of the fixed volume, where the two volumes are compared. */
export interface SamplePoints {
  /** Patient coordinates in mm, x, y, z in turn. */
  readonly points: Float64Array;
  readonly count: number;
  readonly centre: Vector3;
  /** Of the coordinates, in mm^2. */
  readonly covariance: Matrix3;
}

/**
 * `count` points within the voxels of a grid, or of the mask on it: one in each of `count` equal strata of the voxels in their order,
 * anywhere within its voxel. Off the voxels' centres, because mutual information at centres rises where the grids of the two volumes
 * fall together (Pluim et al. 2000; Thevenaz et al. 2008). A pure function of the keys. @throws RangeError when the mask is empty.
 */
export const stratifiedPoints = (
  grid: Grid,
  count: number,
  keys: readonly (number | string)[],
  mask?: LabelVolume,
): SamplePoints => {
  let voxels = mask ? 0 : voxelsOf(grid);
  if (mask) for (const label of mask.data) if (label !== 0) voxels++;
  if (voxels === 0)
    throw new RangeError("The mask of the fixed volume is empty: there is nothing to register. Draw it, or leave it out.");
  const source = random("registration points", ...keys);
  const points = new Float64Array(3 * count);
  const row = grid.width;
  const slice = grid.width * grid.height;
  // `at` is the voxel, `ordinal` its number among those that count.
  for (let n = 0, at = -1, ordinal = -1; n < count; n++) {
    const wanted = Math.min(voxels - 1, Math.floor(((n + source.uniform()) * voxels) / count));
    if (mask) while (ordinal < wanted) if (mask.data[++at] !== 0) ordinal++;
    if (!mask) at = wanted;
    const index: Vector3 = [at % row, Math.floor((at % slice) / row), Math.floor(at / slice)];
    const jitter = (): number => source.uniform(-0.5, 0.5);
    points.set(applyAffine(grid.affine, [index[0] + jitter(), index[1] + jitter(), index[2] + jitter()]), 3 * n);
  }
  return { points, count, ...momentsOf(points) };
};

const momentsOf = (points: Float64Array): { readonly centre: Vector3; readonly covariance: Matrix3 } => {
  const count = points.length / 3;
  const mean = (value: (at: number) => number): number => {
    let sum = 0;
    for (let at = 0; at < points.length; at += 3) sum += value(at);
    return sum / count;
  };
  const axis = [0, 1, 2] as const;
  const centre = axis.map((i) => mean((at) => points[at + i])) as unknown as Vector3;
  const covariance = axis.map((i) => axis.map((j) => mean((at) => (points[at + i] - centre[i]) * (points[at + j] - centre[j]))));
  return { centre, covariance: covariance as unknown as Matrix3 };
};

/** The values between which a volume's histogram is made; those beyond count as the nearest. */
export interface ValueRange {
  readonly low: number;
  readonly high: number;
}

/**
 * The 0.1th and 99.9th percentile of a volume, so that a few bright voxels do not leave all others in one bin; its extremes when these
 * are one. @throws RangeError, with `name` of the volume, when it has one value everywhere.
 */
export const valueRange = (volume: Volume, name: string): ValueRange => {
  const stride = Math.max(1, Math.floor(volume.data.length / 200_000));
  const values = [];
  let [least, most] = [Infinity, -Infinity];
  for (let at = 0; at < volume.data.length; at++) {
    const value = volume.data[at];
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
    if (at % stride === 0) values.push(value);
  }
  if (!(most > least)) {
    throw new RangeError(`The ${name} volume has the same value everywhere: there is nothing to register. Is it the right file?`);
  }
  const [low, high] = percentiles(values.length > 0 ? values : [least], [0.1, 99.9]);
  return high > low ? { low, high } : { low: least, high: most };
};
