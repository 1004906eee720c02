import { random } from "../../../random/index.ts";
import type { Vector3 } from "../../matrix3.ts";
import {
  type Affine,
  applyAffine,
  createVolume,
  type Grid,
  identityAffine,
  invertAffine,
  type Volume,
  voxelsOf,
} from "../../volumes/index.ts";

/** Ellipsoids, each over those before: centre and half axes in mm, and which tissue it is (0 is air). */
const ellipsoids: readonly { readonly centre: Vector3; readonly half: Vector3; readonly tissue: number }[] = [
  { centre: [0, 0, 0], half: [62, 78, 60], tissue: 1 },
  { centre: [0, 2, 3], half: [54, 69, 52], tissue: 2 },
  { centre: [-3, 4, 6], half: [43, 55, 40], tissue: 3 },
  { centre: [-13, -6, 10], half: [9, 24, 12], tissue: 4 },
  { centre: [12, -3, 9], half: [8, 20, 15], tissue: 4 },
  { centre: [24, 26, -14], half: [13, 11, 17], tissue: 2 },
  { centre: [-28, 30, -10], half: [8, 15, 9], tissue: 5 },
  { centre: [6, -34, 22], half: [14, 7, 8], tissue: 5 },
  { centre: [-20, -40, -22], half: [11, 9, 12], tissue: 2 },
];

/** How bright air and the tissues are: as T1 weighting has them, and in another order. */
export const T1 = [0, 90, 45, 75, 20, 60];
export const T2 = [0, 30, 70, 40, 100, 10];

/** The tissues' brightness at a point, edges 3 mm wide. */
const brightnessAt = ([x, y, z]: Vector3, brightness: readonly number[]): number =>
  ellipsoids.reduce((value, { centre, half, tissue }) => {
    const radius = Math.hypot((x - centre[0]) / half[0], (y - centre[1]) / half[1], (z - centre[2]) / half[2]);
    const inside = Math.min(1, Math.max(0, ((1 - radius) * Math.min(...half)) / 3 + 0.5));
    return value + inside * (brightness[tissue] - value);
  }, 0);

/**
 * A head of ellipsoids as a scanner sees it, with a smooth bias and noise of 3, where the patient's points x lie at `position` (x): a
 * registration of a head at the identity to it finds `position`. Air and noise only when `brightness` is all 0.
 */
export const head = (grid: Grid, brightness: readonly number[], position: Affine = identityAffine, noise = 3): Volume => {
  const source = random("registration phantom", ...brightness, grid.width);
  const back = invertAffine(position);
  const data = new Float32Array(voxelsOf(grid));
  for (let n = 0; n < data.length; n++) {
    const index: Vector3 = [n % grid.width, Math.floor(n / grid.width) % grid.height, Math.floor(n / (grid.width * grid.height))];
    const point = applyAffine(grid.affine, index);
    const bias = brightness[1] > 50 ? 1 + 0.001 * point[0] : 1 - 0.001 * point[2];
    data[n] = bias * brightnessAt(applyAffine(back, point), brightness) + source.normal(0, noise);
  }
  return createVolume(grid, data);
};
