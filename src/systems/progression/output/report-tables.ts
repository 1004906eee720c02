import type { RegistrationQuality } from "../../../imaging/index.ts";
import type { Cell, Comparison } from "../../../report/index.ts";
import { type Coverage, vesselFeatures } from "../measurement/index.ts";
import type { PatientPrediction, Prediction } from "../prediction/index.ts";
import type { PatientResult } from "../result.ts";
import { volumeChanges } from "./volumes.ts";
import { featureOfTarget, featureTitle, NOT_DEFINED, shownNumber, targetTitle, withUnit } from "./wording.ts";

/**
 * Repeat examinations of 61 people: Wasserman, Astor, Sharrett, Swingen and Catellier, "MRI measurements of carotid plaque in the
 * atherosclerosis risk in communities (ARIC) study", Journal of Magnetic Resonance Imaging 31, 2010.
 */
const RELIABILITY =
  "Measuring twice does not give the same twice: between repeated examinations in the ARIC study (Wasserman et al. 2010) the reliability was 0.94 for the area of the common carotid's lumen, 0.89 for its maximum wall thickness, 0.30 for the volume of the lipid core and 0.38 for the mean cap thickness (1 would be perfect).";

const STENOSIS =
  "A stenosis below 0 says that the distal internal carotid, which it is measured against, is itself the narrowest part.";

const cellOf = (value: number | null | undefined): Cell =>
  value === null || value === undefined || !Number.isFinite(value) ? NOT_DEFINED : value;

/** All features of a vessel at both stages, with their changes where stages are compared. */
export const measurementTable = ({ stages, comparison }: PatientResult): Comparison | undefined => {
  if (comparison) {
    const { first, second, changes, coverage, years } = comparison;
    return {
      title: "Measurements and change",
      note: `Of the part that both studies cover, ${reach(coverage)}. Stage 2 is ${shownNumber(years)} years after stage 1. A change as a part of stage 1 is not defined where stage 1 is 0 or less. ${STENOSIS} ${RELIABILITY}`,
      columns: [{ name: "Stage 1" }, { name: "Stage 2" }, { name: "Change per year" }, { name: "Change per year, % of stage 1" }],
      rows: vesselFeatures.map(({ name, unit }) => {
        const { absolute, relative } = changes[name];
        const percent = relative === null ? null : 100 * relative;
        return {
          name: withUnit(featureTitle(name), unit),
          cells: [cellOf(first[name]), cellOf(second[name]), cellOf(absolute), cellOf(percent)],
        };
      }),
    };
  }
  if (stages.every(({ measured }) => measured === undefined)) return undefined;
  return {
    title: "Measurements",
    note: `Of all that ${stages.length > 1 ? "each study covers; the stages are not compared" : "the study covers"}. ${STENOSIS} ${RELIABILITY}`,
    columns: stages.map((_, n) => ({ name: `Stage ${n + 1}` })),
    rows: vesselFeatures.map(({ name, unit }) => ({
      name: withUnit(featureTitle(name), unit),
      cells: stages.map(({ measured }) => cellOf(measured?.features[name])),
    })),
  };
};

const reach = ({ low, high }: Coverage): string => {
  const from = low < 0 ? `${shownNumber(-low)} mm before` : `${shownNumber(low)} mm beyond`;
  return `from ${from} the bifurcation to ${high < 0 ? `${shownNumber(-high)} mm before` : `${shownNumber(high)} mm beyond`} it`;
};

/** Of classes that are not a vessel's, at two stages. */
export const volumeTable = (result: PatientResult): Comparison | undefined => {
  const changes = volumeChanges(result);
  if (changes.length === 0) return undefined;
  const isTimed = result.years !== undefined;
  const percent = (relative: number | null | undefined) => (relative === null || relative === undefined ? null : 100 * relative);
  return {
    title: "Volumes",
    note: isTimed
      ? `Stage 2 is ${shownNumber(result.years)} years after stage 1.`
      : "It is not known how long after stage 1 stage 2 is.",
    columns: ["Stage 1, ml", "Stage 2, ml", ...(isTimed ? ["Change per year, ml", "% of stage 1"] : ["Difference, ml"])].map(
      (name) => ({ name }),
    ),
    rows: changes.map(({ name, first, second, change }) => ({
      name,
      cells: [first, second, ...(change ? [cellOf(change.absolute), cellOf(percent(change.relative))] : [second - first])],
    })),
  };
};

/** Predicted changes with interval and call, beside the measured ones where there are such. */
export const predictionTable = ({ prediction, comparison }: PatientResult): Comparison | undefined => {
  if (prediction === undefined) return undefined;
  const { targets, missing } = prediction;
  return {
    title: "Change predicted from stage 1",
    note: [
      "An interval is made so that it holds the true change of the stated share of patients like those that the predictor learnt from (conformal prediction); of patients unlike them it promises nothing.",
      "R² is that of patients left out: 1 would be perfect, 0 and less is no better than their mean.",
      "The call is progression or regression where the interval leaves out 0, stable where all of it lies within the settings' prediction.deadBands, else uncertain.",
      missing.length === 0
        ? "No input was missing."
        : `Missing, and replaced by what is usual: ${missing.map((name) => name.replaceAll("_", " ")).join(", ")}.`,
    ].join(" "),
    columns: [
      { name: "Predicted, with interval" },
      { name: "Interval holds" },
      { name: "Call" },
      ...(comparison ? [{ name: "Measured" }] : []),
      { name: "Model, R²" },
    ],
    rows: Object.entries(targets).map(([name, target]) => {
      const feature = featureOfTarget(name);
      const measured = feature && comparison?.changes[feature].absolute;
      return {
        name: withUnit(targetTitle(name), target.unit),
        cells: [
          predicted(target),
          `${Math.round(1000 * target.coverage) / 10} %`,
          target.call,
          ...(comparison ? [cellOf(measured)] : []),
          modelText(target),
        ],
        emphasis: target.call === "progression" || target.call === "regression",
      };
    }),
  };
};

/** "ridge, 0.31"; of the mean that nothing told more. */
const modelText = ({ model, r2 }: PatientPrediction["targets"][string]): string =>
  model === "mean" ? "the training patients' mean: no model told more" : `${model}, ${shownNumber(r2)}`;

const predicted = ({ value, low, high }: Prediction): Cell => {
  if (!Number.isFinite(value)) return NOT_DEFINED;
  if (Number.isFinite(low) && Number.isFinite(high)) return { value, low, high };
  return `${shownNumber(value)}, not bounded`;
};

/** How each sequence was brought to the reference, and whether that can be trusted. */
export const registrationTable = ({ stages }: PatientResult): Comparison | undefined => {
  const rows = stages.flatMap(({ sequences }, stage) =>
    sequences.map(({ name, quality }, n) => ({
      name: stages.length > 1 ? `Stage ${stage + 1}, ${name}` : name,
      cells: quality
        ? qualityCells(quality)
        : [...Array.from({ length: 4 }, () => null), n === 0 ? "the reference" : "as its header says"],
    })),
  );
  if (rows.every(({ cells }) => cells[0] === null)) return undefined;
  return {
    title: "Registration of the sequences",
    note: "Normalised mutual information is 1 where two images tell nothing of each other and 2 where they tell all; it should rise. Sharpness is the part of it, less 1, that goes when the image is moved off: near 0 other places fit as well.",
    columns: [
      { name: "Mutual information before" },
      { name: "after" },
      { name: "Overlap, %" },
      { name: "Sharpness" },
      { name: "Judgement" },
    ],
    rows,
  };
};

const qualityCells = ({ before, after, prominence, warnings, trusted }: RegistrationQuality): Cell[] => [
  cellOf(before.normalised),
  cellOf(after.normalised),
  cellOf(100 * after.overlap),
  cellOf(prominence),
  trusted ? "trusted" : `look at it: ${warnings.join(" ")}`,
];
