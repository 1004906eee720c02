import type { Vector3 } from "../../../imaging/matrix3.ts";
import { type Affine, affineOfColumns } from "../../../imaging/volumes/index.ts";

/** Turns about x, y and z through a point, in radians, then moves, in mm: p goes to R (p - about) + about + by. */
export const rigid = ([ax, ay, az]: Vector3, about: Vector3, by: Vector3): Affine => {
  const [cx, sx, cy, sy, cz, sz] = [ax, ay, az].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
  const i: Vector3 = [cz * cy, sz * cy, -sy];
  const j: Vector3 = [cz * sy * sx - sz * cx, sz * sy * sx + cz * cx, cy * sx];
  const k: Vector3 = [cz * sy * cx + sz * sx, sz * sy * cx - cz * sx, cy * cx];
  const origin = ([0, 1, 2] as const).map(
    (axis) => about[axis] + by[axis] - (i[axis] * about[0] + j[axis] * about[1] + k[axis] * about[2]),
  );
  return affineOfColumns(i, j, k, origin as unknown as Vector3);
};
