import { applyAffine, composeAffine, type Grid, invertAffine, voxelsOf } from "../../../imaging/volumes/index.ts";
import {
  CALCIFICATION,
  type ClassFractions,
  compareStages,
  FIBROUS_CAP,
  HAEMORRHAGE,
  LIPID_CORE,
  LUMEN,
  measureVessel,
  type StageComparison,
  type VesselMeasurement,
  vesselClasses,
  WALL,
} from "../measurement/index.ts";
import { LEVEL, LEVELS } from "./anatomy.ts";
import type { VesselPatient, VesselStage } from "./patient.ts";

/** What is true of a patient, by the definitions of the measurement. */
export interface VesselTruth {
  /** All slices of stage 1 and stage 2. */
  readonly stages: readonly [VesselMeasurement, VesselMeasurement];
  /** Features and change factors on what both stages cover from the bifurcation. */
  readonly comparison: StageComparison;
}

/**
 * Measures the shapes themselves, not their images: the analytic cross-sections in the middle planes of T1's slices, on pixels of `pixel` mm
 * whose fractions follow from the distance to the boundaries, and with the bifurcation and the internal carotid as they were drawn.
 */
export const vesselTruth = (patient: VesselPatient, pixel = 0.25): VesselTruth => {
  const [first, second] = patient.stages.map((stage) => {
    const { grid, pose, anatomy } = stage;
    const [, , bifurcation] = applyAffine(composeAffine(invertAffine(grid.affine), pose), anatomy.bifurcation);
    const internal = applyAffine(pose, anatomy.internalAt(HEIGHT_OF_INTERNAL));
    return measureVessel(crossSections(stage, pixel), { bifurcation, internal });
  });
  return { stages: [first, second], comparison: compareStages(first, second, patient.years) };
};

/** Where the two carotids are well apart, in mm from the bifurcation. */
const HEIGHT_OF_INTERNAL = 11;

/** Further than this from the vessel nothing is looked at: blocks of pixels are left out by their middle, in mm. */
const BLOCK = 1.6;

const crossSections = ({ grid, pose, anatomy }: VesselStage, pixel: number): ClassFractions => {
  const fine = finer(grid, pixel);
  const a = composeAffine(invertAffine(pose), fine.affine);
  const fractions = vesselClasses.map(() => new Float32Array(voxelsOf(fine)));
  const levels = new Float64Array(LEVELS);
  const levelsAt = (i: number, j: number, k: number): void =>
    anatomy.levelsAt(
      a[0] * i + a[1] * j + a[2] * k + a[3],
      a[4] * i + a[5] * j + a[6] * k + a[7],
      a[8] * i + a[9] * j + a[10] * k + a[11],
      levels,
    );
  fractions[0].fill(1);
  const block = Math.max(1, Math.floor(BLOCK / pixel));
  for (let k = 0; k < fine.slices; k++) {
    for (let top = 0; top < fine.height; top += block) {
      for (let left = 0; left < fine.width; left += block) {
        levelsAt(left + (block - 1) / 2, top + (block - 1) / 2, k);
        if (levels[LEVEL.vessel] < -BLOCK) continue;
        for (let j = top; j < Math.min(fine.height, top + block); j++) {
          for (let i = left; i < Math.min(fine.width, left + block); i++) {
            levelsAt(i, j, k);
            writeFractions(levels, pixel, fractions, (k * fine.height + j) * fine.width + i);
          }
        }
      }
    }
  }
  return { ...fine, fractions };
};

/** Each class takes what the ones before it have left of a pixel, by the distance of the pixel's centre to the class's boundary. */
const writeFractions = (levels: Float64Array, pixel: number, fractions: readonly Float32Array[], n: number): void => {
  let left = 1;
  const take = (level: number): number => {
    const taken = Math.min(left, Math.max(0, 0.5 + levels[level] / pixel));
    left -= taken;
    return taken;
  };
  fractions[LUMEN][n] = take(LEVEL.lumen);
  const outside = Math.min(left, Math.max(0, 0.5 - levels[LEVEL.vessel] / pixel));
  fractions[0][n] = outside;
  left -= outside;
  fractions[HAEMORRHAGE][n] = take(LEVEL.haemorrhage);
  const core = Math.min(1, Math.max(0, 0.5 + levels[LEVEL.lipidCore] / pixel)) - fractions[HAEMORRHAGE][n];
  fractions[LIPID_CORE][n] = Math.min(left, Math.max(0, core));
  left -= fractions[LIPID_CORE][n];
  fractions[CALCIFICATION][n] = take(LEVEL.calcification);
  fractions[FIBROUS_CAP][n] = take(LEVEL.cap);
  fractions[WALL][n] = left;
};

/** The same slices in pixels of about `pixel` mm. */
const finer = (grid: Grid, pixel: number): Grid => {
  const times = Math.max(1, Math.round(grid.affine[0] / pixel));
  const shift = (1 / times - 1) / 2;
  return {
    width: grid.width * times,
    height: grid.height * times,
    slices: grid.slices,
    affine: composeAffine(grid.affine, [1 / times, 0, 0, shift, 0, 1 / times, 0, shift, 0, 0, 1, 0]),
  };
};
