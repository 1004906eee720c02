import { type Matrix3, symmetricEigen3, type Vector3 } from "../matrix3.ts";
import { type Affine, affineOf, applyAffine, composeAffine, linearOf } from "../volumes/index.ts";
import type { SamplePoints } from "./samples.ts";

/**
 * Transforms near a given one, by parameters that are all in millimetres: at 0 the given one; a parameter of 1 moves the sample points by
 * about 1 mm in the root mean square. So one length of step suits them all.
 */
export interface Motion {
  readonly parameters: number;
  readonly at: (parameters: Float64Array) => Affine;
  /** The derivatives of the transform's twelve numbers, one list per parameter. */
  readonly derivatives: (parameters: Float64Array) => readonly (readonly number[])[];
}

/** x -> Rz Ry Rx (base(x) - base(c)) + base(c) + t about the points' centre c: three angles, three shifts. A rigid base stays rigid. */
export const rigidMotion = (base: Affine, { centre, covariance }: SamplePoints): Motion => {
  const pivot = applyAffine(base, centre);
  const trace = covariance[0][0] + covariance[1][1] + covariance[2][2];
  const radius = [0, 1, 2].map((axis) => Math.sqrt(trace - covariance[axis][axis]));
  const turned = (rotation: Matrix3, [x, y, z]: Vector3): Affine => {
    const [rx, ry, rz] = applyAffine(affineOf(rotation, [0, 0, 0]), pivot);
    return composeAffine(affineOf(rotation, [x - rx, y - ry, z - rz]), base);
  };
  const angles = (p: Float64Array): Vector3 => [p[0] / radius[0], p[1] / radius[1], p[2] / radius[2]];
  return {
    parameters: 6,
    at: (p) => turned(rotationOf(angles(p)), [pivot[0] + p[3], pivot[1] + p[4], pivot[2] + p[5]]),
    derivatives: (p) => [
      ...([0, 1, 2] as const).map((axis) => turned(rotationOf(angles(p), axis), [0, 0, 0]).map((value) => value / radius[axis])),
      ...[0, 1, 2].map((axis) => unit(4 * axis + 3)),
    ],
  };
};

/** x -> base(x) + D S^-1 (x - c) + t with any 3 x 3 matrix D, where S^2 is the covariance of the points and c their centre. */
export const affineMotion = (base: Affine, { centre, covariance }: SamplePoints): Motion => {
  const { values, vectors } = symmetricEigen3(covariance);
  const entry = (i: number, j: number): number =>
    vectors.reduce((sum, vector, n) => sum + (vector[i] * vector[j]) / Math.sqrt(values[n]), 0);
  const constants = [0, 1, 2].flatMap((row) => [
    ...[0, 1, 2].map((column) => {
      const derivative = unit(0).fill(0);
      for (let j = 0; j < 3; j++) {
        derivative[4 * row + j] = entry(column, j);
        derivative[4 * row + 3] -= entry(column, j) * centre[j];
      }
      return derivative;
    }),
    unit(4 * row + 3),
  ]);
  return {
    parameters: 12,
    at: (p) =>
      base.map((value, n) => constants.reduce((sum, constant, k) => sum + constant[n] * p[k], value)) as unknown as Affine,
    derivatives: () => constants,
  };
};

/** Rz Ry Rx of angles in radians about x, y and z, or its derivative by one of them. */
export const rotationOf = (angles: Vector3, derivative?: 0 | 1 | 2): Matrix3 => {
  const turn = (axis: 0 | 1 | 2): Affine => {
    const by = axis === derivative;
    const [c, s] = by ? [-Math.sin(angles[axis]), Math.cos(angles[axis])] : [Math.cos(angles[axis]), Math.sin(angles[axis])];
    const one = by ? 0 : 1;
    if (axis === 0) return [one, 0, 0, 0, 0, c, -s, 0, 0, s, c, 0];
    if (axis === 1) return [c, 0, s, 0, 0, one, 0, 0, -s, 0, c, 0];
    return [c, -s, 0, 0, s, c, 0, 0, 0, 0, one, 0];
  };
  return linearOf(composeAffine(turn(2), composeAffine(turn(1), turn(0))));
};

const unit = (at: number): number[] => Array.from({ length: 12 }, (_, n) => (n === at ? 1 : 0));
