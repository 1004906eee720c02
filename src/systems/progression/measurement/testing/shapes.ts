import { createVolume, type Grid, type LabelVolume, voxelsOf } from "../../../../imaging/volumes/index.ts";
import { type ClassFractions, vesselClasses } from "../index.ts";

/** Axial slices, rows to the left and columns to the back, with that spacing in mm; the middle of the first slice lies at (0, 0, 0). */
export const axialGrid = (side: number, slices: number, pixel: number, spacing: number): Grid => {
  const corner = (-pixel * (side - 1)) / 2;
  return { width: side, height: side, slices, affine: [pixel, 0, 0, corner, 0, pixel, 0, corner, 0, 0, spacing, 0] };
};

/** The class at a point in mm. */
export type ClassAt = (x: number, y: number, z: number) => number;

/** The class of each voxel's centre. */
export const labelled = (grid: Grid, classAt: ClassAt): LabelVolume =>
  createVolume(
    grid,
    Uint8Array.from({ length: voxelsOf(grid) }, (_, n) => classAt(...pointOf(grid, n, 0.5, 0.5))),
  );

/** How much of each voxel's middle plane is of each class, by 16 x 16 points where its corners differ from its middle. */
export const partialVolumes = (grid: Grid, classAt: ClassAt): ClassFractions => {
  const across = 16;
  const fractions = vesselClasses.map(() => new Float32Array(voxelsOf(grid)));
  for (let n = 0; n < voxelsOf(grid); n++) {
    const at = (u: number, v: number): number => classAt(...pointOf(grid, n, u, v));
    const middle = at(0.5, 0.5);
    if ([at(0, 0), at(0, 1), at(1, 0), at(1, 1)].every((corner) => corner === middle)) {
      fractions[middle][n] = 1;
      continue;
    }
    for (let sample = 0; sample < across ** 2; sample++) {
      fractions[at(((sample % across) + 0.5) / across, (Math.floor(sample / across) + 0.5) / across)][n] += across ** -2;
    }
  }
  return { ...grid, fractions };
};

const pointOf = ({ width, height, affine }: Grid, n: number, u: number, v: number): [number, number, number] => [
  affine[3] + affine[0] * ((n % width) + u - 0.5),
  affine[7] + affine[5] * ((Math.floor(n / width) % height) + v - 0.5),
  affine[11] + affine[10] * Math.floor(n / (width * height)),
];
