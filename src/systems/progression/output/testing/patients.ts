import { createVolume, type LabelVolume, type RegistrationQuality, type Volume } from "../../../../imaging/index.ts";
import { compareStages, featuresOf, LUMEN, measureVessel, vesselClasses, WALL } from "../../measurement/index.ts";
import { vesselPatient, vesselStudy } from "../../phantom/index.ts";
import type { PatientPrediction } from "../../prediction/index.ts";
import type { PatientResult, StageResult } from "../../result.ts";

export const goodRegistration: RegistrationQuality = {
  before: { mutualInformation: 0.31, normalised: 1.061, overlap: 0.97 },
  after: { mutualInformation: 0.52, normalised: 1.118, overlap: 0.96 },
  ...{ prominence: 0.62, inconsistency: Number.NaN, stretches: [1, 1, 1], turn: 1.4, warnings: [], trusted: true },
};

const doubtfulRegistration: RegistrationQuality = {
  ...goodRegistration,
  prominence: 0.04,
  warnings: ["Other positions fit nearly as well: the volumes may not show the same thing, or too little of it."],
  trusted: false,
};

export const prediction: PatientPrediction = {
  targets: {
    wall_thickening: {
      value: 0.061,
      low: 0.012,
      high: 0.11,
      call: "progression",
      unit: "mm/year",
      coverage: 0.9,
      model: "ridge",
      r2: 0.3,
    },
    stenosis_change: {
      value: 1.2,
      low: -2.1,
      high: 4.5,
      call: "uncertain",
      unit: "%/year",
      coverage: 0.9,
      model: "ridge",
      r2: 0.3,
    },
    lipid_core_growth: {
      value: 3.4,
      low: -4.2,
      high: Number.POSITIVE_INFINITY,
      call: "uncertain",
      unit: "mm3/year",
      coverage: 0.9,
      model: "mean",
    },
    cap_thickness_change: {
      value: -0.04,
      low: -0.07,
      high: -0.01,
      call: "progression",
      unit: "mm/year",
      coverage: 0.9,
      model: "ridge",
      r2: 0.3,
    },
  },
  missing: ["glucose", "heart_rate"],
  warnings: ["weight: 143 kg is beyond the training patients' 49 to 121."],
};

/** A made-up vessel's stage, as if the network had found the true classes. */
export const phantomStage = (patient: number, stage: 0 | 1): StageResult => {
  const study = vesselStudy(vesselPatient(3, patient), stage);
  const vessel = measureVessel(study.labels);
  return {
    name: `P00000${patient}, stage ${stage + 1}`,
    sequences: [
      { name: "T1" },
      { name: "T2", quality: goodRegistration },
      { name: "TOF", quality: stage === 0 ? goodRegistration : doubtfulRegistration },
    ],
    reference: study.images.T1,
    labels: study.labels,
    isGiven: false,
    cautions: [],
    measured: { vessel, features: featuresOf(vessel) },
    notes: stage === 0 ? [] : doubtfulRegistration.warnings.map((warning) => `TOF, registered to T1: ${warning}`),
  };
};

/** Two stages of a vessel with all that can be said of them. */
export const vesselResult = (name: string, stages: readonly [StageResult, StageResult], years: number): PatientResult => {
  const [first, second] = stages.map(({ measured }) => measured!.vessel);
  return {
    name,
    classes: vesselClasses.map((own) => own.name),
    stages,
    comparison: compareStages(first, second, years),
    prediction,
    unusable: [],
    warnings: ["The model learnt from fewer than 50 patients."],
    origin: { lynceus: "1.2.3", model: "a".repeat(64) },
  };
};

/**
 * Six axial slices of a tube, 1 mm pixels, whose lumen becomes two in the fourth; blood flows to the last slice, which is nearest to the head.
 * It has no plaque, so that its cap's thickness is undefined.
 * @param radius of the outer wall, in mm.
 */
export const tubeStage = (radius: number, name: string): StageResult => {
  const [width, height, slices] = [48, 40, 6];
  const grid = { width, height, slices, affine: [1, 0, 0, -24, 0, 1, 0, -20, 0, 0, 2, 0] as const };
  const labels = new Uint8Array(width * height * slices);
  for (let k = 0, voxel = 0; k < slices; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, voxel++) {
        const centres = k < 3 ? [24] : [26 - 2 * k, 22 + 2 * k];
        const away = Math.min(...centres.map((centre) => Math.hypot(i - centre, j - 20)));
        labels[voxel] = away <= 3 ? LUMEN : away <= radius ? WALL : 0;
      }
    }
  }
  const found = createVolume(grid, labels);
  const reference = createVolume(
    grid,
    new Float32Array(labels.length).map((_, n) => (labels[n] === LUMEN ? 0 : 100 + (n % 7))),
  );
  const vessel = measureVessel(found);
  const measured = { vessel, features: featuresOf(vessel) };
  return { name, sequences: [{ name: "T1" }], reference, labels: found, isGiven: false, cautions: [], measured, notes: [] };
};

/** Axial slices, columns to the right and rows to the front (NIfTI's usual RAS), with a bright block labelled 1. */
export const lesionStage = (size: number, name: string): StageResult => {
  const [width, height, slices] = [40, 36, 5];
  const grid = { width, height, slices, affine: [-1, 0, 0, 20, 0, -1, 0, 18, 0, 0, 3, -6] as const };
  const data = new Float32Array(width * height * slices).map((_, n) => 100 + 20 * Math.sin(n / 7));
  const labels = new Uint8Array(data.length);
  for (let k = 2; k < 4; k++) {
    for (let j = 8; j < 8 + size; j++) {
      for (let i = 5; i < 5 + size; i++) labels[(k * height + j) * width + i] = 1;
    }
  }
  const reference: Volume = createVolume(grid, data);
  const found: LabelVolume = createVolume(grid, labels);
  return { name, sequences: [{ name: "FLAIR" }], reference, labels: found, isGiven: false, cautions: [], notes: [] };
};
