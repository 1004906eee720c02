import { applyAffine, type Grid, type LabelVolume } from "../../imaging/index.ts";
import type { PatientSource, StudySource } from "./data.ts";
import { readGivenLabels } from "./given-labels.ts";
import {
  type ClassFractions,
  compareStages,
  featuresOf,
  measureVessel,
  namedChanges,
  type StageComparison,
  type VesselFeatures,
  type VesselMeasurement,
  vesselClasses,
  vesselFeatures,
  yearsBetween,
} from "./measurement/index.ts";
import { type Input, PERSONAL_INPUTS, STAGE_1_INPUTS, type TableRow, type Target } from "./prediction/index.ts";
import { referenceOf } from "./study.ts";

/** Whether labels are those that `measurement/` knows. */
export const areVesselClasses = (classes: readonly string[]): boolean =>
  classes.length === vesselClasses.length && vesselClasses.every(({ name }, label) => name === classes[label]);

/** What a predictor is told: structured data, and what stage 1 measures. */
export const predictorInputs: readonly Input[] = [...PERSONAL_INPUTS, ...STAGE_1_INPUTS];

/** The named change factors, absolute, a year. */
export const predictorTargets = namedChanges.map(({ name, feature }) => ({
  name,
  unit: `${vesselFeatures.find((own) => own.name === feature)?.unit}/year`,
  progression: name === "cap_thickness_change" ? "decreases" : "increases",
})) satisfies readonly Target[];

export const haveLabels = (stages: readonly StudySource[]): boolean => stages.every(({ labels }) => labels !== undefined);

/** A vessel and what it sums up to. */
export interface MeasuredStage {
  readonly vessel: VesselMeasurement;
  readonly features: VesselFeatures;
}

/**
 * Measures a vessel on the reference's slices. `byHand` is what was found by hand in `reference`.
 * @throws RangeError as `measureVessel`.
 */
export const measureStage = (
  vessel: LabelVolume | ClassFractions,
  reference: Grid,
  { bifurcation, internal }: StudySource["byHand"] = {},
): MeasuredStage => {
  const measured = measureVessel(vessel, { bifurcation, internal: internal && applyAffine(reference.affine, internal) });
  return { vessel: measured, features: featuresOf(measured) };
};

/** Measures given labels without registering their images. @throws ImageError, RangeError that says what is wrong with the file. */
export const measureLabels = async (source: StudySource, sequence: string): Promise<MeasuredStage> => {
  const identity = { keepIdentity: true }; // nothing of it leaves here
  const reference = await referenceOf(source, sequence, identity);
  const classes = vesselClasses.map(({ name }) => name);
  const { labels } = await readGivenLabels(source.labels as string, { ...reference, identity }, classes);
  return measureStage(labels, reference.grid, source.byHand);
};

/** How many years lie between two stages, or the sentence why that is not known. */
export interface Elapsed {
  readonly years?: number;
  readonly reason?: string;
}

/** Years between the stages: the table's, or those between the days of the images. */
export const elapsedOf = async ({ years, stages }: PatientSource, reference: string): Promise<Elapsed> => {
  if (years !== undefined || stages.length < 2) return { years };
  // The days do not leave here. De-identified ones would be shifted by patient ID, which anonymised studies have one of each.
  const identity = { keepIdentity: true };
  const [first, second] = [await referenceOf(stages[0], reference, identity), await referenceOf(stages[1], reference, identity)];
  if (first.day === undefined || second.day === undefined) {
    return { reason: "It is not known how many years lie between the stages: give date_1 and date_2." };
  }
  if (second.day > first.day) return { years: yearsBetween(first.day, second.day) };
  return {
    reason: "By the dates of its images stage 2 is not later than stage 1. Exchange the stages, or give date_1 and date_2.",
  };
};

/** Both stages compared, or the sentence why they cannot be. */
export const compared = (
  stages: readonly MeasuredStage[],
  { years, reason }: Elapsed,
): { readonly comparison?: StageComparison; readonly reason?: string } => {
  if (stages.length < 2) return {};
  if (years === undefined) return { reason };
  try {
    return { comparison: compareStages(stages[0].vessel, stages[1].vessel, years) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { reason: error.message };
  }
};

/** What a predictor is told of a patient. */
export const inputsOf = ({ record }: Pick<PatientSource, "record">, features: VesselFeatures): TableRow["inputs"] => ({
  ...record,
  ...features,
});

/** A row to learn from, or to judge by. */
export const tableRow = (patient: PatientSource, first: MeasuredStage, comparison: StageComparison): TableRow => ({
  patient: patient.name,
  inputs: inputsOf(patient, first.features),
  targets: Object.fromEntries(namedChanges.map(({ name, feature }) => [name, comparison.changes[feature].absolute])),
});
