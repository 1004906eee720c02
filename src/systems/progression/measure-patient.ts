import { randomBytes } from "node:crypto";
import { type LabelVolume, readNiftiLabels } from "../../imaging/index.ts";
import type { PatientSource, StudySource } from "./data.ts";
import { isDicomLabels, readGivenLabels } from "./given-labels.ts";
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
export const predictorTargets: readonly Target[] = namedChanges.map(({ name, feature }) => ({
  name,
  unit: `${vesselFeatures.find((own) => own.name === feature)?.unit}/year`,
  progression: name === "cap_thickness_change" ? "decreases" : "increases",
}));

/** A vessel and what it sums up to. */
export interface MeasuredStage {
  readonly vessel: VesselMeasurement;
  readonly features: VesselFeatures;
}

export const measureStage = (
  vessel: LabelVolume | ClassFractions,
  { bifurcation }: Pick<StudySource, "bifurcation"> = {},
): MeasuredStage => {
  const measured = measureVessel(vessel, { bifurcation });
  return { vessel: measured, features: featuresOf(measured) };
};

/** Measures given labels without its images. @throws ImageError, RangeError that says what is wrong with the file. */
export const measureLabels = async (source: StudySource, reference: string): Promise<MeasuredStage> => {
  const path = source.labels as string;
  if (!isDicomLabels(path)) return measureStage(await readNiftiLabels(path), source);
  const { grid } = await referenceOf(source, reference);
  const { labels } = await readGivenLabels(
    path,
    grid,
    vesselClasses.map(({ name }) => name),
  );
  return measureStage(labels, source);
};

/** Years between the stages: the table's, or those between the images' days; undefined where neither is known. */
export const yearsOf = async ({ years, stages }: PatientSource, reference: string): Promise<number | undefined> => {
  if (years !== undefined || stages.length < 2) return years;
  const identity = { key: randomBytes(32) }; // one for both, or their days could not be compared
  const [first, second] = [await referenceOf(stages[0], reference, identity), await referenceOf(stages[1], reference, identity)];
  return first.day === undefined || second.day === undefined ? undefined : yearsBetween(first.day, second.day);
};

/** Both stages compared, or the sentence why they cannot be. */
export const compared = (
  stages: readonly MeasuredStage[],
  years: number | undefined,
): { readonly comparison?: StageComparison; readonly reason?: string } => {
  if (stages.length < 2) return {};
  if (years === undefined) return { reason: "It is not known how many years lie between the stages: give date_1 and date_2." };
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
