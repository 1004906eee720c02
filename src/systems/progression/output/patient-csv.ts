import { stringify } from "csv-stringify/sync";
import { vesselFeatures } from "../measurement/index.ts";
import type { PatientResult } from "../result.ts";
import { classVolumes, volumeChanges } from "./volumes.ts";
import { featureOfTarget } from "./wording.ts";

const COLUMNS = ["patient", "kind", "stage", "feature", "unit", "value", "low", "high", "coverage", "call"] as const;

type Row = Partial<Readonly<Record<(typeof COLUMNS)[number], string | number | null>>>;

/**
 * A long table, a row for each number; what is undefined is an empty cell. By `kind`:
 *
 *     volume                        of a class, by counting voxels, where the classes are not a vessel's
 *     measured                      of all that a stage covers
 *     measured_on_common_coverage   of the part that both stages cover
 *     change, relative_change       from stage 1 to stage 2 on that part, or of a class's volume, a year
 *     predicted_change              from stage 1 on, a year; low and high are its interval's, which holds the truth with the probability `coverage`
 */
export const patientCsv = (result: PatientResult): string => patientsCsv([cellsOf(result)]);

/** The same of many patients in one table, by the cells of each. */
export const patientsCsv = (patients: readonly ReturnType<typeof cellsOf>[]): string =>
  stringify([[...COLUMNS], ...patients.flat()]);

/** The rows of a patient. */
export const cellsOf = (result: PatientResult) =>
  rowsOf(result).map((row) => COLUMNS.map((column) => cell({ patient: result.name, ...row }[column])));

const cell = (value: string | number | null | undefined): string | number =>
  value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value)) ? "" : value;

const rowsOf = (result: PatientResult): readonly Row[] => [
  ...rowsOfStages(result),
  ...volumeChanges(result).flatMap(({ name, change }): Row[] =>
    change === undefined
      ? []
      : [
          { kind: "change", feature: name, unit: "ml/year", value: change.absolute },
          { kind: "relative_change", feature: name, unit: "1/year", value: change.relative },
        ],
  ),
];

const rowsOfStages = ({ classes, stages, comparison, prediction }: PatientResult): readonly Row[] => [
  ...stages.flatMap((stage, n): Row[] => {
    const { measured } = stage;
    if (measured === undefined) {
      return classVolumes(stage, classes).map(({ name, millilitres }) => ({
        ...{ kind: "volume", stage: n + 1, feature: name, unit: "ml", value: millilitres },
      }));
    }
    return vesselFeatures.map(({ name, unit }) => ({
      ...{ kind: "measured", stage: n + 1, feature: name, unit, value: measured.features[name] },
    }));
  }),
  ...(comparison === undefined
    ? []
    : [
        ...[comparison.first, comparison.second].flatMap((features, n) =>
          vesselFeatures.map(({ name, unit }) => ({
            ...{ kind: "measured_on_common_coverage", stage: n + 1, feature: name, unit, value: features[name] },
          })),
        ),
        ...vesselFeatures.flatMap(({ name, unit }) => {
          const { absolute, relative } = comparison.changes[name];
          return [
            { kind: "change", feature: name, unit: `${unit}/year`, value: absolute },
            { kind: "relative_change", feature: name, unit: "1/year", value: relative },
          ];
        }),
      ]),
  ...Object.entries(prediction?.targets ?? {}).map(([name, { value, low, high, unit, coverage, call }]) => ({
    ...{ kind: "predicted_change", feature: featureOfTarget(name) ?? name, unit, value, low, high, coverage, call },
  })),
];
