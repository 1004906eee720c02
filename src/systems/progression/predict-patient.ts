import type { IdentityOptions, LabelVolume, SkippedFile, Volume } from "../../imaging/index.ts";
import { alignedStages } from "./align-stages.ts";
import type { PatientSource, StudySource } from "./data.ts";
import {
  areVesselClasses,
  compared,
  elapsedOf,
  haveLabels,
  inputsOf,
  type MeasuredStage,
  measureStage,
} from "./measure-patient.ts";
import type { ClassFractions, VesselMeasurement } from "./measurement/index.ts";
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
  /** Measures the labels that lie beside the images, where all stages have such, and not what the segmenter sees. */
  readonly givenLabels?: boolean;
  /** Reads the labels that lie beside the images, so that `onStage` sees them. */
  readonly readLabels?: boolean;
  /** Sees each stage while its channels are there. */
  readonly onStage?: (study: Study, result: StageResult) => void;
}

/**
 * From images to what is said of a patient: sequences are registered and segmented, both stages measured and compared, and the change after
 * stage 1 predicted from what it measures and from the structured data.
 * @throws ImageError that names file or folder where images of stage 1 cannot be used; what `signal` gives when it is aborted.
 */
export const predictPatient = async (
  segmenter: Segmenter,
  patient: PatientSource,
  { predictor, identity, origin = {}, signal, givenLabels, readLabels, onStage }: PredictPatientOptions = {},
): Promise<PatientResult> => {
  const { config } = segmenter;
  const stages: StageResult[] = [];
  const areGiven = givenLabels && haveLabels(patient.stages);
  const unusable: SkippedFile[] = [];
  for (const source of patient.stages) {
    try {
      const { study, result } = await predictStage(segmenter, source, { identity, signal, givenLabels: areGiven, readLabels });
      stages.push(result);
      onStage?.(study, result);
    } catch (error) {
      signal?.throwIfAborted();
      if (stages.length === 0) throw error; // without stage 1 there is nothing to say
      unusable.push({ path: source.folder, reason: (error as Error).message });
    }
  }
  const aligned = await alignedStages(stages, signal);
  const measured = aligned.stages.map((stage) => stage.measured);
  const elapsed = stages.length < 2 ? {} : await elapsedOf(patient, config.sequences[0]);
  const { comparison, reason } = measured.every((own) => own !== undefined) ? compared(measured, elapsed) : {};
  const [first] = measured;
  const prediction = predictor && first && predictChange(predictor, inputsOf(patient, first.features));
  return {
    name: patient.name,
    classes: config.classes,
    stages: aligned.stages,
    years: elapsed.years,
    comparison,
    prediction,
    unusable,
    warnings: [
      ...unusable.map(({ reason }) => `Stage 2 cannot be used: ${reason}`),
      ...stages.flatMap(({ name, cautions }) => cautions.map((caution) => `${name}: ${caution}`)),
      ...aligned.notes,
      ...(reason === undefined ? [] : [reason]),
      ...(givenLabels && !areGiven ? [NOT_GIVEN] : []),
      ...(prediction?.warnings ?? []),
    ],
    origin,
  };
};

const GIVEN = "Its classes are the labels given beside its images; the network was not asked.";
const NOT_GIVEN = "Not all stages have labels beside their images: the classes are the network's.";

/** A study, and what is found in it. Errors: as `predictPatient`. */
export const predictStage = async (
  segmenter: Segmenter,
  source: StudySource,
  { identity, signal, givenLabels = false, readLabels = false }: Omit<PredictPatientOptions, "predictor" | "origin" | "onStage">,
): Promise<{ readonly study: Study; readonly result: StageResult }> => {
  const { config } = segmenter;
  const study = await openStudy(source, { ...config, identity, signal, labels: readLabels || givenLabels });
  const { name, sequences, reference, dicom, notes } = study;
  const given = givenLabels ? study.givenLabels : undefined;
  const seen = given ?? (await segmentStudy(segmenter, study.channels, { signal }));
  const labels = "fractions" in seen ? likeliestClasses(seen, reference) : seen;
  const { measured, cautions } = measuredOf(seen, reference, source, config);
  return {
    study,
    result: {
      ...{ name, sequences, reference, labels, isGiven: given !== undefined, measured, dicom, cautions },
      notes: given ? [...notes, GIVEN] : notes,
    },
  };
};

/** What a stage measures. @throws Error with its cautions where it was not measured. */
export const requireMeasured = ({ name, measured, cautions }: StageResult): MeasuredStage => {
  if (measured) return measured;
  throw new Error(`${name}: ${cautions.join(" ")}`);
};

/** A vessel's measures, and what speaks against them; no measures where they cannot be. */
const measuredOf = (
  vessel: LabelVolume | ClassFractions,
  reference: Volume,
  { byHand }: StudySource,
  { classes }: Segmenter["config"],
): { readonly measured?: MeasuredStage; readonly cautions: readonly string[] } => {
  if (!areVesselClasses(classes)) return { cautions: [] };
  try {
    const measured = measureStage(vessel, reference, byHand);
    return { measured, cautions: cautionsOf(measured.vessel) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { cautions: [`It is not measured: ${error.message}`] };
  }
};

const cautionsOf = ({ slices, internalCarotid, bifurcation }: VesselMeasurement): string[] => {
  const closed = internalCarotid.flatMap((lumen, slice) => (lumen === "closed" ? [slice] : []));
  const open = slices.filter(({ lumens }) => lumens.length > 0);
  const isDouble = open.length > 0 && open.filter(({ lumens }) => lumens.length > 1).length > open.length / 2;
  return [
    ...(closed.length > 0
      ? [
          `No lumen of the internal carotid was found in the slices ${closed.join(", ")} (from 0) between others, though another branch may be open there: they count as closed, a stenosis of 100 %. Look at them.`,
        ]
      : []),
    ...(bifurcation === null && isDouble
      ? [
          "Most slices have several lumens, and none before them one: all are measured as one vessel. Images of both carotids are to be cut in two.",
        ]
      : []),
  ];
};
