import type { Vector3 } from "../matrix3.ts";
import { type Affine, affineOf, applyAffine, composeAffine, identityAffine, invertAffine } from "../volumes/index.ts";
import { rotationOf } from "./motion.ts";
import { isInMask, type Looked, type MutualInformation, type Similarity } from "./mutual-information.ts";

/**
 * The centre of mass in patient coordinates, in mm; of a volume, masses are values above the low end of its range, up to the high end.
 * Voxels outside the mask and values that are not finite have none. That of a volume or mask of no mass is NaN.
 */
export const centreOfMass = ({ volume, range, mask }: Looked): Vector3 => {
  const toMask = mask && composeAffine(invertAffine(mask.affine), volume.affine);
  const sums = [0, 0, 0, 0];
  for (let k = 0, at = 0; k < volume.slices; k++) {
    for (let j = 0; j < volume.height; j++) {
      for (let i = 0; i < volume.width; i++, at++) {
        const mass = Math.min(volume.data[at], range.high) - range.low;
        if (!(mass > 0) || (toMask && !isInMask(mask!, toMask, i, j, k))) continue;
        sums[0] += mass * i;
        sums[1] += mass * j;
        sums[2] += mass * k;
        sums[3] += mass;
      }
    }
  }
  return applyAffine(volume.affine, [sums[0] / sums[3], sums[1] / sums[3], sums[2] / sums[3]]);
};

/** Turns tried about each axis, in degrees, and how many of all starts are followed. */
const TURNS = [-30, -15, 15, 30];
const FOLLOWED = 4;

/**
 * Where a registration begins: "headers": both in the same patient coordinates, as they are; "centres": the centres of mass together;
 * "search": the best of both and of turns about them; or a transform from the fixed to the moving volume.
 */
export type RegistrationStart = "search" | "headers" | "centres" | Affine;

/** Below this part of the fixed volume within the moving one they do not overlap. */
const LEAST_OVERLAP = 0.02;

/**
 * The transforms to begin from, best first. A search tries both starts as they are and turned about each axis through the fixed volume's
 * centre of mass, and gives those at which the volumes tell most of each other by normalised mutual information, among those that keep
 * at least half of the best overlap; as Jenkinson and Smith 2001 (FLIRT), in small. @throws RangeError without overlap.
 */
export const bestStarts = (
  information: MutualInformation,
  fixedCentre: Vector3,
  movingCentre: Vector3,
  start: RegistrationStart,
): readonly Affine[] => {
  const centres = shiftOf(movingCentre.map((to, axis) => to - fixedCentre[axis]) as unknown as Vector3);
  const first = start === "centres" ? centres : typeof start === "string" ? identityAffine : start;
  const { overlap } = information.at(first);
  if (!(overlap >= LEAST_OVERLAP)) throw new RangeError(noOverlap(overlap || 0, start));
  if (start !== "search") return [first];
  const starts = [first, centres].flatMap((one) => [one, ...turnsAbout(fixedCentre).map((turn) => composeAffine(one, turn))]);
  const judged = starts.map((one): Similarity & { start: Affine } => ({ start: one, ...information.at(one) }));
  const least = Math.max(...judged.map((one) => one.overlap)) / 2;
  return judged
    .filter((one) => one.overlap >= least)
    .sort((a, b) => b.normalised - a.normalised)
    .slice(0, FOLLOWED)
    .map((one) => one.start);
};

const noOverlap = (overlap: number, start: RegistrationStart): string => {
  const where =
    start === "centres"
      ? "With their centres of mass together"
      : typeof start === "string"
        ? "By their headers"
        : "By the given start";
  const advice =
    start === "centres"
      ? "Are the masks right?"
      : 'If they show the same part of the patient and only their positions do not agree, start with "centres"; else choose other volumes.';
  return `The two volumes do not overlap: ${where.toLowerCase()}, ${(100 * overlap).toFixed(1)} % of the fixed one lies within the moving one. ${advice}`;
};

const shiftOf = (by: Vector3): Affine => affineOf(linearIdentity, by);

const linearIdentity = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
] as const;

const turnsAbout = (centre: Vector3): Affine[] =>
  ([0, 1, 2] as const).flatMap((axis) =>
    TURNS.map((degrees) => {
      const angles = [0, 1, 2].map((other) => (other === axis ? (degrees * Math.PI) / 180 : 0)) as unknown as Vector3;
      const [x, y, z] = applyAffine(affineOf(rotationOf(angles), [0, 0, 0]), centre);
      return affineOf(rotationOf(angles), [centre[0] - x, centre[1] - y, centre[2] - z]);
    }),
  );
