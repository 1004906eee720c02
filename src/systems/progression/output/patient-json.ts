import { type RegistrationQuality, spacingOf } from "../../../imaging/index.ts";
import { distanceAlong, type SliceMeasurement, type VesselMeasurement, vesselFeatures } from "../measurement/index.ts";
import type { PatientPrediction } from "../prediction/index.ts";
import type { PatientResult, StageResult } from "../result.ts";
import { classVolumes, RESEARCH_USE, volumeChanges } from "./volumes.ts";

/** Changes when a reader of the file would have to. */
export const PATIENT_SCHEMA = 1;

/**
 * What is said of a patient, for machines: plain values, which JSON keeps; what is undefined, or not a finite number, is null. Slices are
 * counted from 0; with contours all would be too long, they follow from the label files.
 */
export const patientJson = (result: PatientResult) => {
  const { name, classes, stages, comparison, prediction, warnings, origin } = result;
  return {
    schemaVersion: PATIENT_SCHEMA,
    notice: RESEARCH_USE,
    patient: name,
    classes: classes.map((own, label) => ({ label, name: own })),
    stages: stages.map((stage, n) => stageJson(stage, n + 1, classes)),
    comparison:
      comparison === undefined
        ? null
        : {
            years: comparison.years,
            millimetresFromBifurcation: comparison.coverage,
            features: Object.fromEntries(
              vesselFeatures.map(({ name: feature, unit }) => {
                const { absolute, relative } = comparison.changes[feature];
                const change = {
                  absolute: finite(absolute),
                  unit: `${unit}/year`,
                  relative: finite(relative),
                  relativeUnit: "1/year",
                };
                return [
                  feature,
                  { unit, stage1: finite(comparison.first[feature]), stage2: finite(comparison.second[feature]), change },
                ];
              }),
            ),
          },
    volumeChanges: volumeChanges(result).map(({ name: own, first, second, change }) => ({
      ...{ name: own, stage1: first, stage2: second, unit: "ml" },
      change: change === undefined ? null : { ...change, unit: "ml/year", relativeUnit: "1/year" },
    })),
    prediction: prediction === undefined ? null : predictionJson(prediction),
    warnings,
    origin,
  };
};

/** What is in the file. */
export type PatientJson = ReturnType<typeof patientJson>;

const finite = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isFinite(value) ? value : null;

const stageJson = (stage: StageResult, number: number, classes: readonly string[]) => {
  const { name, sequences, reference, isGiven, measured, notes } = stage;
  const [across, down, along] = spacingOf(reference);
  return {
    stage: number,
    name,
    grid: {
      columns: reference.width,
      rows: reference.height,
      slices: reference.slices,
      millimetres: { betweenColumns: across, betweenRows: down, betweenSlices: along },
    },
    sequences: sequences.map((own) => ({ name: own.name, registration: own.quality ? qualityJson(own.quality) : null })),
    labels: isGiven ? "given" : "network",
    volumes: measured === undefined ? classVolumes(stage, classes) : null,
    measurements:
      measured === undefined
        ? null
        : {
            features: Object.fromEntries(
              vesselFeatures.map(({ name: feature, unit }) => [feature, { value: finite(measured.features[feature]), unit }]),
            ),
            ...vesselJson(measured.vessel),
          },
    notes,
  };
};

const qualityJson = ({ before, after, prominence, inconsistency, stretches, turn, warnings, trusted }: RegistrationQuality) => ({
  normalisedMutualInformation: { before: finite(before.normalised), after: finite(after.normalised) },
  overlap: finite(after.overlap),
  prominence: finite(prominence),
  inconsistencyMillimetres: finite(inconsistency),
  stretches: stretches.map(finite),
  turnDegrees: finite(turn),
  trusted,
  warnings,
});

const vesselJson = (vessel: VesselMeasurement) => ({
  distal: vessel.flow > 0 ? "last slice" : "first slice",
  bifurcationSlice: vessel.bifurcation,
  betweenSlicesMillimetres: vessel.sliceSpacing,
  sliceUnits: SLICE_UNITS,
  slices: vessel.slices.map((slice, k) => ({
    slice: k,
    millimetresFromBifurcation: vessel.bifurcation === null ? null : distanceAlong(vessel, k),
    ...(Object.fromEntries(
      Object.keys(SLICE_UNITS).map((quantity) => [quantity, finite(slice[quantity as SliceQuantity])]),
    ) as Record<SliceQuantity, number | null>),
    lumens: slice.lumens.map((lumen) => ({
      area: lumen.area,
      diameter: lumen.diameter,
      centre: lumen.centre,
      isInternalCarotid: lumen === vessel.internalCarotid[k],
    })),
  })),
});

/** Lengths and places of lumens are in mm, their areas in mm2. */
const SLICE_UNITS = {
  lumenArea: "mm2",
  wallArea: "mm2",
  calcificationArea: "mm2",
  lipidCoreArea: "mm2",
  haemorrhageArea: "mm2",
  fibrousCapArea: "mm2",
  normalisedWallIndex: "1",
  wallThicknessMean: "mm",
  wallThicknessMaximum: "mm",
  capThicknessMinimum: "mm",
} as const satisfies { readonly [Quantity in Exclude<keyof SliceMeasurement, "lumens">]: string };

type SliceQuantity = keyof typeof SLICE_UNITS;

const predictionJson = ({ targets, missing, warnings }: PatientPrediction) => ({
  targets: Object.fromEntries(
    Object.entries(targets).map(([name, { value, low, high, unit, coverage, call, model, r2 }]) => [
      name,
      { value: finite(value), interval: { low: finite(low), high: finite(high), coverage }, unit, call, model, r2: finite(r2) },
    ]),
  ),
  missing,
  warnings,
});
