import type { Vector3 } from "../../../imaging/matrix3.ts";
import {
  type Affine,
  applyAffine,
  composeAffine,
  type Grid,
  identityAffine,
  invertAffine,
} from "../../../imaging/volumes/index.ts";
import { type Random, random } from "../../../random/index.ts";
import { type VesselAnatomy, vesselAnatomy } from "./anatomy.ts";
import { firstPlaque, laterPlaque, type Plaque } from "./growth.ts";
import { type PersonalData, personOf, type RecordedData, recordOf } from "./personal-data.ts";
import { rigid } from "./pose.ts";
import { type Sequence, sequences } from "./tissues.ts";

/** How images are taken. */
export interface Protocol {
  /** Pixels along each side of a slice. */
  readonly side: number;
  readonly slices: number;
  /** In mm. */
  readonly pixel: number;
  /** Between slices, which is also their thickness, in mm. */
  readonly sliceSpacing: number;
}

export const protocols = {
  small: { side: 64, slices: 14, pixel: 0.5, sliceSpacing: 2 },
  base: { side: 112, slices: 16, pixel: 0.375, sliceSpacing: 2 },
} as const satisfies Record<string, Protocol>;

/** One examination. */
export interface VesselStage {
  readonly plaque: Plaque;
  readonly anatomy: VesselAnatomy;
  /** Days since 1970-01-01. */
  readonly day: number;
  /** Of all its images. */
  readonly grid: Grid;
  /** From the anatomy's coordinates to the scanner's, LPS mm, as T1 was taken. */
  readonly pose: Affine;
  /** How the patient had moved when a sequence was taken: where what lies at a point of T1 lies in it, both in LPS mm. Rigid. */
  readonly motion: Readonly<Record<Sequence, Affine>>;
}

export interface VesselPatient {
  readonly seed: number;
  readonly patient: number;
  /** Such as "P000012". */
  readonly id: string;
  readonly person: PersonalData;
  /** What of `person` is known: the growth laws see all of it. */
  readonly record: RecordedData;
  readonly years: number;
  /** Stage 1 and stage 2. */
  readonly stages: readonly [VesselStage, VesselStage];
}

const DAYS_OF_A_YEAR = 365.25;

/**
 * A made-up patient with a carotid plaque in two examinations: a pure function of its arguments.
 * @throws RangeError for a patient who is no whole number from 0, or a protocol whose images do not hold the vessel.
 */
export const vesselPatient = (seed: number, patient: number, protocol: Protocol = protocols.small): VesselPatient => {
  if (!Number.isSafeInteger(patient) || patient < 0) {
    throw new RangeError(`A patient is a whole number from 0, not ${patient}.`);
  }
  requireProtocol(protocol);
  const person = personOf(seed, patient);
  const stream = random("vessel dates", seed, patient);
  const firstDay = 16_000 + stream.integer(0, 2500);
  const days = stream.integer(450, 1300);
  const years = days / DAYS_OF_A_YEAR;
  const first = firstPlaque(person, seed, patient);
  const plaques = [first, laterPlaque(first, person, years, seed, patient)] as const;
  const stages = plaques.map((plaque, stage): VesselStage => {
    const anatomy = vesselAnatomy(plaque, seed, patient);
    const day = firstDay + stage * days;
    return { plaque, anatomy, day, ...positionOf(anatomy, protocol, random("vessel position", seed, patient, stage)) };
  }) as unknown as readonly [VesselStage, VesselStage];
  const id = `P${String(patient).padStart(6, "0")}`;
  return { seed, patient, id, person, record: recordOf(person, seed, patient), years, stages };
};

/** Where in the anatomy the middle of the slices is meant to be, in mm from the bifurcation. */
const MIDDLE = 3;
const DEGREE = Math.PI / 180;

/** Normal, but never beyond two and a half deviations. */
const deviation = (stream: Random, spread: number): number => Math.min(2.5, Math.max(-2.5, stream.normal())) * spread;

const positionOf = (
  anatomy: VesselAnatomy,
  { side, slices, pixel, sliceSpacing }: Protocol,
  stream: Random,
): Pick<VesselStage, "grid" | "pose" | "motion"> => {
  const vector = (inPlane: number, along: number): Vector3 => [
    deviation(stream, inPlane),
    deviation(stream, inPlane),
    deviation(stream, along),
  ];
  const place: Vector3 = [stream.normal(25, 3), stream.normal(5, 3), stream.normal(-40, 5)];
  const pose = rigid(vector(2 * DEGREE, 4 * DEGREE), [0, 0, 0], place);
  const middle = applyAffine(pose, anatomy.middleAt(MIDDLE));
  const aimed = vector(0.7, 1);
  const centre = middle.map((mm, axis) => mm + aimed[axis]) as unknown as Vector3;
  const [across, along] = [(pixel * (side - 1)) / 2, (sliceSpacing * (slices - 1)) / 2];
  const corner = [centre[0] - across, centre[1] - across, centre[2] - along];
  const affine: Affine = [pixel, 0, 0, corner[0], 0, pixel, 0, corner[1], 0, 0, sliceSpacing, corner[2]];
  const moved = sequences.map((sequence) => [
    sequence,
    sequence === "T1" ? identityAffine : rigid(vector(DEGREE, DEGREE), centre, vector(0.5, 0.4)),
  ]);
  return {
    grid: { width: side, height: side, slices, affine },
    pose,
    motion: Object.fromEntries(moved) as Record<Sequence, Affine>,
  };
};

/** From stage 1 to stage 2: where what lies at a point of the first T1 lies in the second, LPS mm, but for growth. Rigid. */
export const stageMotion = ({ stages: [first, second] }: VesselPatient): Affine =>
  composeAffine(second.pose, invertAffine(first.pose));

const requireProtocol = ({ side, slices, pixel, sliceSpacing }: Protocol): void => {
  const isWhole = [side, slices].every((n) => Number.isInteger(n) && n > 0);
  if (!isWhole || !(pixel > 0 && sliceSpacing > 0) || side * pixel < 30 || slices * sliceSpacing < 24 || side * slices > 1e5) {
    throw new RangeError(
      `A protocol of ${slices} slices of ${side} pixels of ${pixel} mm, ${sliceSpacing} mm apart, does not hold the vessel: it needs 30 mm across and 24 mm along.`,
    );
  }
};
