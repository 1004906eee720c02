import type { Vector3 } from "../../../imaging/matrix3.ts";
import { random } from "../../../random/index.ts";
import { CALCIFICATION, FIBROUS_CAP, HAEMORRHAGE, LIPID_CORE, LUMEN, WALL } from "../measurement/index.ts";
import type { Plaque } from "./growth.ts";

/** Numbers of the levels that an anatomy computes. */
export const LEVEL = { lumen: 0, vessel: 1, calcification: 2, lipidCore: 3, haemorrhage: 4, cap: 5 } as const;
export const LEVELS = 6;

/**
 * A carotid bifurcation in coordinates of its own, in mm: x to the left, y to the back, z to the head, and at z = 0 the lumens of the
 * healthy vessel part.
 */
export interface VesselAnatomy {
  /**
   * Writes the levels at a point: how far, in mm and near the boundary, it lies inside (positive) or outside of the lumen, the vessel, a
   * calcification, the core with its haemorrhage, the haemorrhage, and the cap.
   */
  readonly levelsAt: (x: number, y: number, z: number, levels: Float64Array) => void;
  /** Where the two lumens part. */
  readonly bifurcation: Vector3;
  /** Middle of the internal carotid at a height. */
  readonly internalAt: (z: number) => Vector3;
  /** Middle of the whole vessel at a height. */
  readonly middleAt: (z: number) => Vector3;
}

/** The class of `vesselClasses` by the levels. */
export const classOf = (levels: Float64Array): number => {
  if (levels[LEVEL.lumen] > 0) return LUMEN;
  if (levels[LEVEL.vessel] <= 0) return 0;
  if (levels[LEVEL.haemorrhage] > 0) return HAEMORRHAGE;
  if (levels[LEVEL.lipidCore] > 0) return LIPID_CORE;
  if (levels[LEVEL.calcification] > 0) return CALCIFICATION;
  return levels[LEVEL.cap] > 0 ? FIBROUS_CAP : WALL;
};

/** What of the vessel does not change from stage to stage. Radii and lengths in mm, angles in radians. */
const shapeOf = (seed: number, patient: number) => {
  const stream = random("vessel shape", seed, patient);
  const side = stream.uniform() < 0.5 ? 1 : -1; // left or right carotid
  const branching = stream.uniform(0.3, 1.1); // the internal carotid runs to the back and outwards
  return {
    common: stream.uniform(2.75, 3.4),
    internal: stream.uniform(2.2, 2.65),
    external: stream.uniform(1.6, 2.05),
    externalWall: stream.uniform(0.6, 0.8),
    bulb: stream.uniform(0.4, 1),
    spread: stream.uniform(10.5, 12),
    apart: [side * Math.cos(branching), Math.sin(branching)] as const,
    lean: [stream.normal(0, 0.05), stream.normal(0, 0.05)] as const,
    bend: [stream.normal(0, 0.5), stream.normal(0, 0.5)] as const,
    plaqueHeight: stream.uniform(-1.5, 4),
    plaqueLength: stream.uniform(3, 4.8),
    plaqueTurn: stream.normal(0, 0.5), // from the wall opposite the flow divider
    plaqueFocus: stream.uniform(0.5, 1.5),
    /** The part of the plaque that narrows the lumen; the rest bulges outwards (Glagov et al. 1987). */
    inward: stream.uniform(0.4, 0.8),
    calciumSide: stream.uniform() < 0.5 ? 1 : -1,
    calciumShift: stream.normal(0, 1),
  };
};

const step = (z: number): number => 1 / (1 + Math.exp(-z));
const bump = (z: number): number => Math.exp(-0.5 * z * z);

const LEAST_RADIUS = 0.9;
/** Of the media and adventitia behind a core. */
const BEHIND_CORE = 0.3;
const LEAST_CORE = 0.1;
/** Half of its depth, as a part of the wall. */
const CALCIUM = 0.3;
const NOWHERE = -9;

/**
 * The vessel with its plaque: two tubes, the common carotid with the internal one and with the external one, that run in each other below
 * the bifurcation. The plaque is eccentric, in the bulb; its core is a flattened ellipsoid in (angle, depth, height), the haemorrhage
 * lies in it, the cap between it and the lumen, calcification deep in its shoulder.
 */
export const vesselAnatomy = (plaque: Plaque, seed: number, patient: number): VesselAnatomy => {
  const shape = shapeOf(seed, patient);
  const [ux, uy] = shape.apart;
  const internalRadius = (z: number): number =>
    shape.common + (shape.internal - shape.common) * step(z / 2.5) + shape.bulb * bump((z - 1.5) / 2.8);
  // Below the bifurcation the external tube hides in the common one, where a plaque leaves it room.
  const externalRadius = (z: number): number => 0.75 * shape.common + (shape.external - 0.75 * shape.common) * step((z + 2) / 2);
  const parting = 3 * Math.log(shape.spread / (internalRadius(0) + externalRadius(0)) - 1);
  const separation = (z: number): number => shape.spread * step((z - parting) / 3);
  const middleX = (z: number): number => shape.lean[0] * z + shape.bend[0] * Math.sin(z / 9);
  const middleY = (z: number): number => shape.lean[1] * z + shape.bend[1] * Math.sin(z / 9);

  const angle = Math.atan2(uy, ux) + shape.plaqueTurn;
  const [px, py] = [Math.cos(angle), Math.sin(angle)];
  const thickening = (z: number, cosine: number): number =>
    plaque.thickness * bump((z - shape.plaqueHeight) / shape.plaqueLength) * Math.exp(shape.plaqueFocus * (cosine - 1));
  const lumenRadius = (z: number, cosine: number): number =>
    Math.max(LEAST_RADIUS, internalRadius(z) - shape.inward * thickening(z, cosine));

  const coreAngle = 0.4 + 0.9 * plaque.lipidCore;
  const coreLength = 2 + 5 * plaque.lipidCore;
  const bleeding = 0.45 + 0.5 * plaque.haemorrhage;
  const calciumAngle = 0.35 + 0.45 * plaque.calcification;
  const calciumLength = 2 + 3 * plaque.calcification;

  const levelsAt = (x: number, y: number, z: number, levels: Float64Array): void => {
    const [halfX, halfY] = [(separation(z) / 2) * ux, (separation(z) / 2) * uy];
    const [dx, dy] = [x - middleX(z) - halfX, y - middleY(z) - halfY];
    const radius = Math.hypot(dx, dy);
    const [cosine, sine] = radius === 0 ? [1, 0] : [(dx * px + dy * py) / radius, (dy * px - dx * py) / radius];
    const inner = lumenRadius(z, cosine);
    const wall = plaque.wall + thickening(z, cosine);
    const depth = radius - inner;
    const other = Math.hypot(x - middleX(z) + halfX, y - middleY(z) + halfY);
    const lumen = Math.max(-depth, externalRadius(z) - other);
    levels[LEVEL.lumen] = lumen;
    levels[LEVEL.vessel] = Math.max(wall - depth, externalRadius(z) + shape.externalWall - other);
    for (let n = LEVEL.calcification; n < LEVELS; n++) levels[n] = NOWHERE;
    if (levels[LEVEL.vessel] < -1) return;

    const turn = Math.atan2(sine, cosine);
    const height = z - shape.plaqueHeight;
    if (plaque.lipidCore > 0) {
      const room = wall - plaque.cap - BEHIND_CORE;
      const half = Math.max(room, LEAST_CORE) / 2;
      const across = (depth - plaque.cap) / half - 1;
      const along = Math.hypot(turn / coreAngle, height / coreLength);
      const tight = Math.max(0, LEAST_CORE - room);
      const core = Math.min((1 - Math.hypot(across, along)) * half - tight, -lumen);
      levels[LEVEL.lipidCore] = core;
      if (plaque.haemorrhage > 0) {
        levels[LEVEL.haemorrhage] = Math.min((1 - Math.hypot(across, along) / bleeding) * half * bleeding - tight, core);
      }
      const surface = plaque.cap + half * (1 - Math.sqrt(Math.max(0, 1 - along * along)));
      const rim = (0.85 - along) * Math.min(coreAngle * inner, coreLength);
      levels[LEVEL.cap] = Math.min(surface - depth - tight, rim, -lumen);
    }
    if (plaque.calcification > 0) {
      const across = (depth / wall - 0.6) / CALCIUM;
      const shoulder = turn - shape.calciumSide * (coreAngle + 0.4);
      const along = Math.hypot(shoulder / calciumAngle, (height - shape.calciumShift) / calciumLength);
      const calcium = (1 - Math.hypot(across, along)) * CALCIUM * wall;
      levels[LEVEL.calcification] = Math.min(calcium, -lumen, -levels[LEVEL.lipidCore]);
    }
  };

  const centreAt = (z: number, part: number): Vector3 => [
    middleX(z) + part * separation(z) * ux,
    middleY(z) + part * separation(z) * uy,
    z,
  ];
  // Towards the external carotid the internal one's wall is turned by pi from the plaque's usual place.
  const towards = -(px * ux + py * uy);
  const gap = (z: number): number => separation(z) - lumenRadius(z, towards) - externalRadius(z);
  let [low, high] = [-6, 6];
  for (let halving = 0; halving < 50; halving++) {
    const between = (low + high) / 2;
    if (gap(between) < 0) low = between;
    else high = between;
  }
  const share = lumenRadius(low, towards) / separation(low);
  return {
    levelsAt,
    bifurcation: centreAt(low, 0.5 - share),
    internalAt: (z) => centreAt(z, 0.5),
    middleAt: (z) => centreAt(z, 0),
  };
};
