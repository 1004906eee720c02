import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Vector3 } from "../../matrix3.ts";
import { type Affine, applyAffine, createVolume, type Grid, type Volume, voxelsOf } from "../index.ts";

const folder = mkdtempSync(join(tmpdir(), "lynceus-volumes-"));

/** A path for a file or folder of a test. */
export const pathOf = (...names: string[]): string => join(folder, ...names);

/** Writes a file of a test; gives its path. */
export const fileOf = async (name: string, bytes: Uint8Array): Promise<string> => {
  await writeFile(pathOf(name), bytes);
  return pathOf(name);
};

/** A value at patient coordinates that tells all directions apart, linear within the volume: trilinear interpolation keeps it. */
export const linearField = ([x, y, z]: Vector3): number => 500 + 7 * x - 3 * y + 2 * z;

/** A grid filled with a function of patient coordinates. */
export const filled = (grid: Grid, value: (point: Vector3) => number): Volume => {
  const data = new Float32Array(voxelsOf(grid));
  for (let n = 0; n < data.length; n++) {
    const index: Vector3 = [n % grid.width, Math.floor(n / grid.width) % grid.height, Math.floor(n / (grid.width * grid.height))];
    data[n] = value(applyAffine(grid.affine, index));
  }
  return createVolume(grid, data);
};

/** Axes turned by angles in radians about x, y and z, with that spacing in mm along i, j and k. */
export const turnedAffine = ([ax, ay, az]: Vector3, [di, dj, dk]: Vector3, [x, y, z]: Vector3): Affine => {
  const [cx, sx, cy, sy, cz, sz] = [ax, ay, az].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
  return [
    ...[cz * cy * di, (cz * sy * sx - sz * cx) * dj, (cz * sy * cx + sz * sx) * dk, x],
    ...[sz * cy * di, (sz * sy * sx + cz * cx) * dj, (sz * sy * cx - cz * sx) * dk, y],
    ...[-sy * di, cy * sx * dj, cy * cx * dk, z],
  ] as unknown as Affine;
};
