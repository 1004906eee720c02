import { determinant3, inverse3, type Matrix3, type Vector3 } from "../matrix3.ts";

/**
 * An affine map of space, the first three rows of a 4 x 4 matrix, by rows: [a b c t] x 3. A point (x, y, z) goes to
 * (a0 x + b0 y + c0 z + t0, ...). Of a grid it maps the voxel index (i, j, k) to patient coordinates in millimetres.
 */
export type Affine = readonly [number, number, number, number, number, number, number, number, number, number, number, number];

export const identityAffine: Affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

/** The map with that linear part, by rows, and that image of the origin. */
export const affineOf = ([a, b, c]: Matrix3, [x, y, z]: Vector3): Affine => [...a, x, ...b, y, ...c, z];

/** The map that takes the unit vectors to these columns and the origin to `origin`. */
export const affineOfColumns = (i: Vector3, j: Vector3, k: Vector3, origin: Vector3): Affine =>
  affineOf(
    [
      [i[0], j[0], k[0]],
      [i[1], j[1], k[1]],
      [i[2], j[2], k[2]],
    ],
    origin,
  );

/** Its linear part, by rows. */
export const linearOf = (a: Affine): Matrix3 => [
  [a[0], a[1], a[2]],
  [a[4], a[5], a[6]],
  [a[8], a[9], a[10]],
];

/** Where it takes a unit vector (0, 1 or 2), less where it takes the origin: of a grid, the step of an index, in mm. */
export const columnOf = (a: Affine, axis: 0 | 1 | 2): Vector3 => [a[axis], a[4 + axis], a[8 + axis]];

/** Where it takes the origin. */
export const originOf = (a: Affine): Vector3 => [a[3], a[7], a[11]];

/** The image of a point. */
export const applyAffine = (a: Affine, [x, y, z]: Vector3): Vector3 => [
  a[0] * x + a[1] * y + a[2] * z + a[3],
  a[4] * x + a[5] * y + a[6] * z + a[7],
  a[8] * x + a[9] * y + a[10] * z + a[11],
];

/** The map that applies `second` to what `first` gives: the matrix product second first. */
export const composeAffine = (second: Affine, first: Affine): Affine => {
  const linear = (axis: 0 | 1 | 2): Vector3 => {
    const [x, y, z] = columnOf(first, axis);
    return [
      second[0] * x + second[1] * y + second[2] * z,
      second[4] * x + second[5] * y + second[6] * z,
      second[8] * x + second[9] * y + second[10] * z,
    ];
  };
  return affineOfColumns(linear(0), linear(1), linear(2), applyAffine(second, originOf(first)));
};

/** @throws RangeError when the map is singular or not finite. */
export const invertAffine = (a: Affine): Affine => {
  const linear = linearOf(a);
  const determinant = determinant3(linear);
  if (!a.every(Number.isFinite) || determinant === 0 || !Number.isFinite(1 / determinant)) {
    throw new RangeError(`The affine [${a.join(", ")}] cannot be inverted: its axes do not span space.`);
  }
  const inverse = inverse3(linear);
  const [x, y, z] = applyAffine(affineOf(inverse, [0, 0, 0]), originOf(a));
  return affineOf(inverse, [-x, -y, -z]);
};

/**
 * A map to RAS+ millimetres (right, anterior, superior: NIfTI) as one to LPS+ millimetres (left, posterior, superior: DICOM, ITK), which
 * is the convention of this program: x and y change their sign.
 */
export const lpsFromRas = (a: Affine): Affine => {
  const minus = (value: number): number => 0 - value; // no -0
  return [
    ...[minus(a[0]), minus(a[1]), minus(a[2]), minus(a[3])],
    ...[minus(a[4]), minus(a[5]), minus(a[6]), minus(a[7])],
    ...[a[8], a[9], a[10], a[11]],
  ] as unknown as Affine;
};

/** The way back, which is the same arithmetic. */
export const rasFromLps = lpsFromRas;
