import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { writeFileAtomic } from "../../../files/index.ts";
import { uidFor, writeDicomSeries, writeNifti } from "../../../imaging/volumes/index.ts";
import { type VesselFeature, vesselFeatures } from "../measurement/index.ts";
import { type Protocol, protocols, stageMotion, type VesselPatient, vesselPatient } from "./patient.ts";
import { personalColumns } from "./personal-data.ts";
import { vesselStudy } from "./study.ts";
import { acquisitions, sequences } from "./tissues.ts";
import { vesselTruth } from "./truth.ts";

export const vesselSplits = ["train", "validation", "test"] as const;

export type VesselSplit = (typeof vesselSplits)[number];

/** The first patient of each split. The ranges do not meet, so nobody is in two splits. */
export const firstPatient: Readonly<Record<VesselSplit, number>> = { train: 0, test: 1_000_000, validation: 2_000_000 };

const patientsPerSplit = 1_000_000;

/** Patient `index` of a split. @throws RangeError for one outside the split's range. */
export const patientOfSplit = (
  seed: number,
  split: VesselSplit,
  index: number,
  protocol: Protocol = protocols.small,
): VesselPatient => {
  if (!(Number.isInteger(index) && index >= 0 && index < patientsPerSplit)) {
    throw new RangeError(`A split has the patients 0 to ${patientsPerSplit - 1}; ${split} has no patient ${index}.`);
  }
  return vesselPatient(seed, firstPatient[split] + index, protocol);
};

export interface VesselDatasetOptions {
  /** Number of patients of each split; one left out has none. Default 40 to train, 10 to validate and 20 to test. */
  readonly patients?: Readonly<Partial<Record<VesselSplit, number>>>;
  /** Default 0. */
  readonly seed?: number;
  /** Default `protocols.small`. */
  readonly protocol?: Protocol;
  /** How images are written; labels are NIfTI in either case. Default "nifti". */
  readonly format?: "nifti" | "dicom";
  readonly listener?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

/** A row of `patients.csv`; paths are relative to the data set's folder. */
export type VesselRow = Readonly<Record<string, string | number | null>>;

/**
 * Writes patients with both stages into a folder:
 *
 *     patients.csv                patient, split, stage_1, stage_2 (folders), date_1, date_2, then structured data; empty where missing
 *     truth.csv                   patient, years, and of each feature <name>_1, <name>_2 and <name>_change a year, on common coverage
 *     P000000/stage-1/T1.nii.gz   T2, PD, TOF; of DICOM a folder each: T1/IM0001.dcm ...
 *     P000000/stage-1/labels.nii.gz
 *     P000000/motion.json         rigid transforms: T1 to the other sequences of each stage, T1 of stage 1 to that of stage 2
 *
 * `patients.csv` is written last, so a folder that has one is whole. Gives its rows. Names and dates are made up.
 * @throws RangeError for numbers out of range, and an Error that names the file when one cannot be written.
 */
export const writeVesselDataset = async (folder: string, options: VesselDatasetOptions = {}): Promise<VesselRow[]> => {
  const { patients = { train: 40, validation: 10, test: 20 }, seed = 0, protocol = protocols.small } = options;
  const { format = "nifti", listener, signal } = options;
  const plan = vesselSplits.flatMap((split) => Array.from({ length: countOf(split, patients[split]) }, (_, index) => ({ split, index }))); // biome-ignore format: one line
  const rows: VesselRow[] = [];
  const truths: VesselRow[] = [];
  for (const { split, index } of plan) {
    signal?.throwIfAborted();
    const patient = patientOfSplit(seed, split, index, protocol);
    await writePatient(folder, patient, format);
    rows.push(rowOf(patient, split));
    truths.push(truthRowOf(patient));
    listener?.({ done: rows.length, total: plan.length });
  }
  await writeFileAtomic(join(folder, "truth.csv"), tableOf(truths));
  await writeFileAtomic(join(folder, "patients.csv"), tableOf(rows));
  return rows;
};

const tableOf = (rows: readonly VesselRow[]): string => stringify([...rows], { header: true });

const countOf = (split: VesselSplit, count = 0): number => {
  if (!(Number.isInteger(count) && count >= 0 && count <= patientsPerSplit)) {
    throw new RangeError(`A split has a whole number of patients up to ${patientsPerSplit}; ${split} has ${count}.`);
  }
  return count;
};

const stageFolder = ({ id }: VesselPatient, stage: number): string => `${id}/stage-${stage + 1}`;

const writePatient = async (folder: string, patient: VesselPatient, format: "nifti" | "dicom"): Promise<void> => {
  for (const stage of [0, 1] as const) {
    const study = vesselStudy(patient, stage);
    const to = join(folder, stageFolder(patient, stage));
    for (const [n, sequence] of sequences.entries()) {
      if (format === "nifti") await writeNifti(join(to, `${sequence}.nii.gz`), study.images[sequence]);
      else await writeDicomSeries(join(to, sequence), study.images[sequence], headerOf(patient, stage, n));
    }
    await writeNifti(join(to, "labels.nii.gz"), study.labels);
  }
  const motion = { stages: patient.stages.map((stage) => stage.motion), from_stage_1_to_2: stageMotion(patient) };
  await writeFileAtomic(join(folder, patient.id, "motion.json"), `${JSON.stringify(motion, undefined, 1)}\n`);
};

const headerOf = (patient: VesselPatient, stage: 0 | 1, sequence: number) => {
  const { id, seed, person, stages } = patient;
  const key = `vessel phantom ${seed}`;
  const birthYear = new Date(dayMilliseconds(stages[0].day)).getUTCFullYear() - person.age;
  return {
    ...acquisitions[sequences[sequence]],
    patientName: `Phantom^${id}`,
    patientId: id,
    birthDate: `${birthYear}0101`,
    sex: person.sex === "male" ? ("M" as const) : ("F" as const),
    studyDate: dateOf(stages[stage].day).replaceAll("-", ""),
    study: uidFor(key, id, stage, "study"),
    series: uidFor(key, id, stage, sequences[sequence]),
    frameOfReference: uidFor(key, id, stage, "frame of reference"),
    seriesNumber: sequence + 1,
  };
};

const dayMilliseconds = (day: number): number => day * 86_400_000;

/** "YYYY-MM-DD". */
const dateOf = (day: number): string => new Date(dayMilliseconds(day)).toISOString().slice(0, 10);

const rowOf = (patient: VesselPatient, split: VesselSplit): VesselRow => ({
  ...{ patient: patient.id, split, stage_1: stageFolder(patient, 0), stage_2: stageFolder(patient, 1) },
  ...{ date_1: dateOf(patient.stages[0].day), date_2: dateOf(patient.stages[1].day) },
  ...Object.fromEntries(personalColumns.map((column) => [column, patient.record[column]])),
});

const truthRowOf = (patient: VesselPatient): VesselRow => {
  const { comparison } = vesselTruth(patient);
  const ofFeature = (name: VesselFeature) => [
    [`${name}_1`, comparison.first[name]],
    [`${name}_2`, comparison.second[name]],
    [`${name}_change`, comparison.changes[name].absolute],
  ];
  return {
    patient: patient.id,
    years: patient.years,
    ...Object.fromEntries(vesselFeatures.flatMap(({ name }) => ofFeature(name))),
  };
};
