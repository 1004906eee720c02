import type { IdentityOptions } from "../../imaging/index.ts";
import type { PatientSource, StudySource } from "./data.ts";
import { areVesselClasses, compared, inputsOf, measureStage, yearsOf } from "./measure-patient.ts";
import { type Predictor, predictPatient as predictChange } from "./prediction/index.ts";
import type { PatientResult, StageResult } from "./result.ts";
import { likeliestClasses, segmentStudy } from "./segment-study.ts";
import type { Segmenter } from "./segmenter.ts";
import { openStudy, type Study } from "./study.ts";

export interface PredictPatientOptions {
  readonly predictor?: Predictor;
  readonly identity?: IdentityOptions;
  readonly origin?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Measures the labels that lie beside a study's images, where there are such, and not what the segmenter sees. */
  readonly givenLabels?: boolean;
  /** Sees each stage while its channels are there. */
  readonly onStage?: (study: Study, result: StageResult) => void;
}

/**
 * From images to what is said of a patient: sequences are registered and segmented, both stages measured and compared, and the change after
 * stage 1 predicted from what it measures and from the structured data.
 * @throws ImageError that names file or folder where images cannot be used; what `signal` gives when it is aborted.
 */
export const predictPatient = async (
  segmenter: Segmenter,
  patient: PatientSource,
  { predictor, identity, origin = {}, signal, givenLabels, onStage }: PredictPatientOptions = {},
): Promise<PatientResult> => {
  const { config } = segmenter;
  const stages: StageResult[] = [];
  for (const source of patient.stages) {
    const { study, result } = await predictStage(segmenter, source, { identity, signal, givenLabels });
    stages.push(result);
    onStage?.(study, result);
  }
  const measured = stages.map((stage) => stage.measured).filter((own) => own !== undefined);
  const { comparison, reason } = compared(measured, await yearsOf(patient, config.sequences[0]));
  const prediction = predictor && measured[0] && predictChange(predictor, inputsOf(patient, measured[0].features));
  return {
    name: patient.name,
    classes: config.classes,
    stages,
    comparison,
    prediction,
    warnings: [
      ...stages.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
      ...(reason === undefined ? [] : [reason]),
      ...(prediction?.warnings ?? []),
    ],
    origin,
  };
};

const GIVEN = "Its classes are the labels given beside its images; the network was not asked.";
const NOT_GIVEN = "No labels are given beside its images: its classes are the network's.";

/** A study, and what is found in it. Errors: as `predictPatient`. */
export const predictStage = async (
  segmenter: Segmenter,
  source: StudySource,
  { identity, signal, givenLabels = false }: Pick<PredictPatientOptions, "identity" | "signal" | "givenLabels">,
): Promise<{ readonly study: Study; readonly result: StageResult }> => {
  const { config } = segmenter;
  const study = await openStudy(source, { ...config, identity, signal });
  const { name, sequences, reference, dicom, notes } = study;
  const given = givenLabels ? study.givenLabels : undefined;
  const seen = given ?? (await segmentStudy(segmenter, study.channels, { signal }));
  const labels = "fractions" in seen ? likeliestClasses(seen, reference) : seen;
  const measured = areVesselClasses(config.classes) ? measureStage(seen, source) : undefined;
  return {
    study,
    result: {
      ...{ name, sequences, reference, labels, isGiven: given !== undefined, measured, dicom },
      notes: givenLabels ? [...notes, given ? GIVEN : NOT_GIVEN] : notes,
    },
  };
};
