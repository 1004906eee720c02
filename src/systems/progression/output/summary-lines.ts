import type { PatientResult } from "../result.ts";
import { NOT_DEFINED, shownNumber, shownUnit, targetTitle } from "./wording.ts";

/** What is said of a patient in a terminal: stages, on common coverage where they are compared, changes, predictions, warnings. */
export const summaryLines = ({ name, stages, comparison, prediction, warnings }: PatientResult): string[] => {
  const compared = comparison && [comparison.first, comparison.second];
  const measured = stages.map((stage, n) => {
    const features = compared?.[n] ?? stage.measured?.features;
    const said = features && [
      `normalised wall index ${shownNumber(features.normalised_wall_index)}`,
      `stenosis ${withUnit(features.stenosis_area, "%")} by area, ${withUnit(features.stenosis_diameter, "%")} by diameter`,
      `wall up to ${withUnit(features.wall_thickness_maximum, "mm")}`,
    ];
    return `  stage ${n + 1}: ${said?.join(", ") ?? "segmented, not measured"}`;
  });
  const changes = comparison
    ? [`  mean wall thickness changed by ${withUnit(comparison.changes.wall_thickness_mean.absolute, "mm/year")}`]
    : [];
  return [
    name,
    ...measured,
    ...changes,
    ...(prediction ? predictedLines(prediction) : []),
    ...warnings.map((warning) => `  ${warning}`),
    ...stages.flatMap((stage) => stage.notes.map((note) => `  ${stage.name}: ${note}`)),
  ];
};

const predictedLines = ({ targets, missing }: NonNullable<PatientResult["prediction"]>): string[] => [
  ...Object.entries(targets).map(([target, { value, low, high, unit, call, model }]) => {
    const interval = `[${shownNumber(low)}, ${shownNumber(high)}]`;
    const said = `${shownNumber(value)} ${interval} ${shownUnit(unit)}, ${call}`;
    return `  predicted change, ${targetTitle(target).toLowerCase()}: ${said}${model === "mean" ? " (the training patients' mean: no model told more)" : ""}`;
  }),
  ...(missing.length > 0
    ? [`  missing, and replaced by what is usual: ${missing.map((name) => name.replaceAll("_", " ")).join(", ")}`]
    : []),
];

const withUnit = (value: number | null | undefined, unit: string): string => {
  const shown = shownNumber(value);
  return shown === NOT_DEFINED ? shown : `${shown} ${shownUnit(unit)}`;
};
