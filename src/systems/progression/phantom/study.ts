import {
  type Affine,
  composeAffine,
  createVolume,
  invertAffine,
  type LabelVolume,
  resampleVolume,
  type Volume,
  voxelsOf,
} from "../../../imaging/volumes/index.ts";
import { random } from "../../../random/index.ts";
import { LUMEN, vesselClasses } from "../measurement/index.ts";
import { classOf, LEVEL, LEVELS } from "./anatomy.ts";
import type { VesselPatient, VesselStage } from "./patient.ts";
import { surroundings, waves } from "./surroundings.ts";
import { type Sequence, sequences, signalsOf } from "./tissues.ts";

/** The images of one examination, on one grid; between sequences the patient has moved. */
export interface VesselStudy {
  /** Whole numbers, 0 to some thousands. */
  readonly images: Readonly<Record<Sequence, Volume>>;
  /** The class that most of each voxel is of, as T1 was taken: `vesselClasses`. */
  readonly labels: LabelVolume;
}

/** Points of a voxel that are looked at: across, in both directions, and along the slice's thickness. */
const ACROSS = 3;
const ALONG = 2;
const SAMPLES = ACROSS * ACROSS * ALONG;

/**
 * The images of a stage: signals of the tissues mixed in each voxel by their partial volumes, slow blood bright at the rim of the bulb's
 * lumen, texture, the field of a surface coil, a gain of each sequence's own, and the Rician noise of magnitude images.
 * @param stage 0 or 1.
 */
export const vesselStudy = (patient: VesselPatient, stage: 0 | 1): VesselStudy => {
  const { seed, patient: number, stages } = patient;
  const signals = signalsOf(seed, number);
  const look = random("vessel study", seed, number, stage);
  const field = coilField(stages[stage], look);
  const slowFlow = Math.max(0, random("vessel flow", seed, number).normal(0.4, 0.4));
  const noise = look.uniform(4, 6.5);
  const labels = new Uint8Array(voxelsOf(stages[stage].grid));
  const images = sequences.map((sequence, n) => {
    const gain = look.uniform(4, 8);
    const grain = random("vessel noise", seed, number, stage, sequence);
    const clean = paint(patient, stages[stage], sequence, signals[n], sequence === "TOF" ? 0 : 40 * slowFlow, labels);
    const data = clean.map((signal, voxel) => {
      const received = signal * field(voxel);
      return Math.round(gain * Math.hypot(received + grain.normal(0, noise), grain.normal(0, noise)));
    });
    return [sequence, createVolume(stages[stage].grid, data)];
  });
  return {
    images: Object.fromEntries(images) as Record<Sequence, Volume>,
    labels: createVolume(stages[stage].grid, labels),
  };
};

/** The images of a study brought to where T1 was taken, by the true motion: what a registration without error would give. */
export const registeredImages = (study: VesselStudy, { motion, grid }: VesselStage): Readonly<Record<Sequence, Volume>> => {
  const registered = sequences.map((sequence) => [
    sequence,
    sequence === "T1" ? study.images.T1 : resampleVolume(study.images[sequence], grid, { transform: motion[sequence] }),
  ]);
  return Object.fromEntries(registered) as Record<Sequence, Volume>;
};

/** The signal of a sequence without noise, [slices, height, width]; where it is T1, `labels` are written, too. */
const paint = (
  { seed, patient }: VesselPatient,
  { grid, pose, motion, anatomy }: VesselStage,
  sequence: Sequence,
  signals: Float64Array,
  slowFlow: number,
  labels: Uint8Array,
): Float32Array => {
  const around = surroundings(anatomy, seed, patient);
  const texture = waves(1.1, seed, patient, "texture");
  // From voxel indices to the anatomy.
  const a: Affine = composeAffine(invertAffine(composeAffine(motion[sequence], pose)), grid.affine);
  const levels = new Float64Array(LEVELS);
  const counts = new Int32Array(vesselClasses.length);
  const painted = new Float32Array(voxelsOf(grid));
  for (let k = 0, voxel = 0; k < grid.slices; k++) {
    for (let j = 0; j < grid.height; j++) {
      for (let i = 0; i < grid.width; i++, voxel++) {
        const x = a[0] * i + a[1] * j + a[2] * k + a[3];
        const y = a[4] * i + a[5] * j + a[6] * k + a[7];
        const z = a[8] * i + a[9] * j + a[10] * k + a[11];
        const surrounding = around(x, y, z, signals);
        anatomy.levelsAt(x, y, z, levels);
        let signal = surrounding;
        if (levels[LEVEL.vessel] > -REACH) {
          counts.fill(0);
          counts[classOf(levels)]++; // the middle, which decides where two classes have equal parts
          signal = 0;
          for (let sample = 0; sample < SAMPLES; sample++) {
            const u = ((sample % ACROSS) + 0.5) / ACROSS - 0.5;
            const v = ((Math.floor(sample / ACROSS) % ACROSS) + 0.5) / ACROSS - 0.5;
            const w = (Math.floor(sample / (ACROSS * ACROSS)) + 0.5) / ALONG - 0.5;
            anatomy.levelsAt(
              x + a[0] * u + a[1] * v + a[2] * w,
              y + a[4] * u + a[5] * v + a[6] * w,
              z + a[8] * u + a[9] * v + a[10] * w,
              levels,
            );
            const tissue = classOf(levels);
            counts[tissue]++;
            signal += tissue === 0 ? surrounding : signals[tissue];
            if (tissue === LUMEN && slowFlow > 0) {
              signal += slowFlow * Math.exp(-levels[LEVEL.lumen] / 0.5 - ((z - 1.5) / 4) ** 2);
            }
          }
          signal /= SAMPLES;
          if (sequence === "T1") labels[voxel] = counts.indexOf(Math.max(...counts));
        }
        painted[voxel] = signal * (1 + 0.05 * texture(x, y, z));
      }
    }
  }
  return painted;
};

/** From a voxel's centre to its farthest sample and a bit, in mm: the vessel leans little. */
const REACH = 0.8;

/** Sensitivity of a surface coil over the grid: stronger on one side, weaker in the depth. */
const coilField = ({ grid }: VesselStage, look: ReturnType<typeof random>): ((voxel: number) => number) => {
  const [u, v, w] = [look.normal(0, 0.2), look.normal(0, 0.2), look.normal(0, 0.1)];
  const [uu, vv, uv] = [look.normal(0, 0.1), look.normal(0, 0.1), look.normal(0, 0.1)];
  const { width, height, slices } = grid;
  return (voxel) => {
    const x = (2 * (voxel % width)) / width - 1;
    const y = (2 * (Math.floor(voxel / width) % height)) / height - 1;
    const z = (2 * Math.floor(voxel / (width * height))) / slices - 1;
    return Math.exp(u * x + v * y + w * z + uu * x * x + vv * y * y + uv * x * y);
  };
};
