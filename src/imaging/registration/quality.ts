import { determinant3, type Matrix3, symmetricEigen3, type Vector3 } from "../matrix3.ts";
import { type Affine, applyAffine, composeAffine, linearOf } from "../volumes/index.ts";
import { rigidMotion } from "./motion.ts";
import type { MutualInformation, Similarity } from "./mutual-information.ts";
import type { SamplePoints } from "./samples.ts";

/** How well a registration went, judged on sample points that the search did not use. */
export interface RegistrationQuality {
  /** At the start (of a search: as the headers have it) and with the transform found. */
  readonly before: Similarity;
  readonly after: Similarity;
  /**
   * Which part of the normalised mutual information, less 1, goes when the fixed points are moved off by a fifth of their root mean
   * square distance from their centre, the least over twelve shifts and turns: near 1 a sharp peak, 0 or less none.
   */
  readonly prominence: number;
  /**
   * How far, in mm, the registration and one the other way round, found on its own, take the fixed volume's points from where they were:
   * the mean. NaN when it was not asked for.
   */
  readonly inconsistency: number;
  /** Of the transform: by how much it stretches, from most to least, and by how many degrees it turns. */
  readonly stretches: Vector3;
  readonly turn: number;
  /** What speaks against the registration, a sentence each. */
  readonly warnings: readonly string[];
  /** Whether nothing does. */
  readonly trusted: boolean;
}

/** The limits beyond which a registration is not to be trusted without a look. */
export const QUALITY_LIMITS = { overlap: 0.4, prominence: 0.1, inconsistency: 2, stretch: 1.2, turn: 60 } as const;

/** Singular values of the linear part, and the angle of its rotation (polar decomposition A = R S). */
export const shapeOf = (transform: Affine): { readonly stretches: Vector3; readonly turn: number } => {
  const a = linearOf(transform);
  const square = [0, 1, 2].map((i) => [0, 1, 2].map((j) => a[0][i] * a[0][j] + a[1][i] * a[1][j] + a[2][i] * a[2][j]));
  const { values, vectors } = symmetricEigen3(square as unknown as Matrix3);
  const stretches = values.map((value) => Math.sqrt(Math.max(0, value))) as unknown as Vector3;
  // The trace of R = A S^-1, where S has the eigenvectors v of A'A and the stretches: sum v' A v / stretch.
  const trace = vectors.reduce(
    (sum, v, n) =>
      sum + a.reduce((part, row, i) => part + v[i] * (row[0] * v[0] + row[1] * v[1] + row[2] * v[2]), 0) / stretches[n],
    0,
  );
  return { stretches, turn: (Math.acos(Math.min(1, Math.max(-1, (trace - 1) / 2))) * 180) / Math.PI };
};

export interface Judged {
  readonly information: MutualInformation;
  readonly points: SamplePoints;
  readonly start: Affine;
  readonly transform: Affine;
  /** The transform of the registration the other way round. */
  readonly backward?: Affine;
}

export const judgeRegistration = ({ information, points, start, transform, backward }: Judged): RegistrationQuality => {
  const [before, after] = [information.at(start), information.at(transform)];
  const radius = Math.sqrt(points.covariance[0][0] + points.covariance[1][1] + points.covariance[2][2]);
  const motion = rigidMotion(transform, points);
  const displaced = Array.from({ length: 12 }, (_, n) => {
    const parameters = new Float64Array(6);
    parameters[n >> 1] = (n % 2 === 0 ? 1 : -1) * radius * 0.2;
    return information.at(motion.at(parameters)).normalised;
  });
  const prominence = after.normalised > 1 ? 1 - (Math.max(...displaced) - 1) / (after.normalised - 1) : 0;
  const inconsistency = backward ? meanReturn(transform, backward, points) : Number.NaN;
  const { stretches, turn } = shapeOf(transform);
  const warnings = [
    ...(after.normalised > before.normalised || same(start, transform)
      ? []
      : ["The volumes tell no more of each other than before the registration."]),
    ...(after.overlap >= QUALITY_LIMITS.overlap
      ? []
      : [`Only ${percent(after.overlap)} of the fixed volume lies within the moving one.`]),
    ...(prominence >= QUALITY_LIMITS.prominence
      ? []
      : ["Other positions fit nearly as well: the volumes may not show the same thing, or too little of it."]),
    ...(inconsistency > QUALITY_LIMITS.inconsistency
      ? [`The registration the other way round disagrees by ${inconsistency.toFixed(1)} mm.`]
      : []),
    ...(stretches[0] > QUALITY_LIMITS.stretch ||
    stretches[2] < 1 / QUALITY_LIMITS.stretch ||
    determinant3(linearOf(transform)) < 0
      ? [`The transform stretches by ${stretches.map((one) => one.toFixed(2)).join(", ")}: more than one patient changes.`]
      : []),
    ...(turn > QUALITY_LIMITS.turn ? [`The transform turns by ${turn.toFixed(0)} degrees.`] : []),
  ];
  return { before, after, prominence, inconsistency, stretches, turn, warnings, trusted: warnings.length === 0 };
};

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const same = (a: Affine, b: Affine): boolean => a.every((value, n) => Math.abs(value - b[n]) < 1e-9);

const meanReturn = (forward: Affine, backward: Affine, { points, count }: SamplePoints): number => {
  const there = composeAffine(backward, forward);
  let sum = 0;
  for (let at = 0; at < points.length; at += 3) {
    const [x, y, z] = [points[at], points[at + 1], points[at + 2]];
    const [u, v, w] = applyAffine(there, [x, y, z]);
    sum += Math.hypot(u - x, v - y, w - z);
  }
  return sum / count;
};
