import type { DicomStack, LabelVolume, SkippedFile, Volume } from "../../imaging/index.ts";
import type { StageComparison, VesselFeatures, VesselMeasurement } from "./measurement/index.ts";
import type { PatientPrediction } from "./prediction/index.ts";
import type { RegisteredSequence } from "./study.ts";

/** What was found in one study. */
export interface StageResult {
  /** "P000012, stage 1". */
  readonly name: string;
  readonly sequences: readonly RegisteredSequence[];
  /** The reference sequence as it was taken. */
  readonly reference: Volume;
  /** The likeliest classes, or given ones, on the reference's grid. */
  readonly labels: LabelVolume;
  /** Whether somebody gave them: the network did not see the study then. */
  readonly isGiven: boolean;
  /** Undefined where the classes are not a vessel's. */
  readonly measured?: { readonly vessel: VesselMeasurement; readonly features: VesselFeatures };
  /** The reference's DICOM series, where it is one. */
  readonly dicom?: DicomStack;
  /** What a user should know of the files, as sentences. */
  readonly notes: readonly string[];
  /** What speaks against the measures, or why there are none. */
  readonly cautions: readonly string[];
}

/** What is said of a patient. */
export interface PatientResult {
  readonly name: string;
  /** Names of the labels 0, 1, ... */
  readonly classes: readonly string[];
  /** Stage 1, and stage 2 where there are images of it. */
  readonly stages: readonly StageResult[];
  /** Between the stages, where that is known. */
  readonly years?: number;
  /** Of both stages, where they can be compared. */
  readonly comparison?: StageComparison;
  /** Change factors predicted from stage 1 and the structured data, where the run has a predictor. */
  readonly prediction?: PatientPrediction;
  /** Stages after the first whose images cannot be used. */
  readonly unusable: readonly SkippedFile[];
  /** What speaks against the results, as sentences, those of the stages among them. */
  readonly warnings: readonly string[];
  /** For the record: model, its digest, versions. */
  readonly origin: Readonly<Record<string, string>>;
}
