import type { Case, Comparison, LineChart, ReportData, Measure as ReportMeasure } from "../../report/index.ts";
import type { MetricsLine } from "../../training/index.ts";
import type { Evaluation, FeatureError } from "./evaluate.ts";
import { classColours, featureTitle, RESEARCH_USE, targetTitle, withUnit } from "./output/index.ts";

/** How many patients are shown as the worst, and as the best. */
const SHOWN = 3;

/** A patient with pictures of what was found and what was given. */
export interface EvaluatedPatient extends Case {
  /** Mean Dice over the classes that occur; NaN without labels. */
  readonly dice: number;
}

/** What the report of an evaluation shows. */
export const evaluationReport = (
  found: Evaluation,
  patients: readonly EvaluatedPatient[],
  classes: readonly string[],
  metrics: readonly MetricsLine[],
): ReportData => {
  const { segmentation, studies, failures, trainedOn } = found;
  const falling = patients.filter(({ dice }) => !Number.isNaN(dice)).sort((a, b) => a.dice - b.dice);
  const best = falling.slice(SHOWN).toReversed().slice(0, SHOWN);
  const legend = classColours(classes).flatMap((colour, label) => (colour ? [{ name: classes[label], colour }] : []));
  return {
    title: "Progression",
    system: "progression",
    subtitle: `${found.patients.length} patients, ${studies} studies with labels`,
    sectionTitles: { cases: "Patients", comparisons: "Classes, measures and predicted change" },
    notices: [
      { text: RESEARCH_USE, tone: "caution" },
      ...(trainedOn
        ? [
            {
              text: "These are the patients that the model was trained on: give the data set test patients.",
              tone: "caution" as const,
            },
          ]
        : []),
    ],
    measures: summaryOf(found, classes),
    classConfusions: segmentation
      ? [{ title: "Voxels", note: "Which class is taken for which.", classes, counts: segmentation.confusion }]
      : [],
    caseGroups: [
      { title: "Farthest from the labels", note: "A click enlarges.", cases: falling.slice(0, SHOWN), legend },
      { title: "Nearest to the labels", note: "A click enlarges.", cases: best, legend },
    ].filter(({ cases }) => cases.length > 0),
    comparisons: tablesOf(found, classes),
    training: lossOf(metrics),
    failures: failures.map(({ path, reason }) => ({ file: path, reason })),
  };
};

const summaryOf = ({ segmentation, prediction }: Evaluation, classes: readonly string[]): ReportMeasure[] => [
  ...(segmentation
    ? [
        { name: "mean Dice", ...segmentation.meanDice, note: "of all classes but the background" },
        ...segmentation.classes
          .slice(1)
          .flatMap(({ dice }, n) => (Number.isNaN(dice.value) ? [] : [{ name: `Dice, ${classes[n + 1]}`, ...dice }])),
      ]
    : []),
  ...[...prediction].map(([name, { measures }]) => ({
    name: `R², ${targetTitle(name).toLowerCase()}`,
    ...measures.r2,
    note: `on ${measures.patients} patients; 0 or less is no better than their mean`,
  })),
];

const tablesOf = (found: Evaluation, classes: readonly string[]): Comparison[] => [
  ...(found.segmentation
    ? [
        {
          title: "Classes",
          columns: [{ name: "Dice" }, { name: "precision" }, { name: "recall" }, { name: "voxels" }],
          rows: found.segmentation.classes.slice(1).map(({ dice, precision, recall, support }, n) => ({
            name: classes[n + 1],
            cells: [dice, precision, recall, support],
          })),
        },
      ]
    : []),
  ...errorTable("Measures of stage 1", "", found.features),
  ...errorTable("Change a year", "/year", found.changes),
  ...(found.prediction.size === 0
    ? []
    : [
        {
          title: "Predicted change",
          note: "From stage 1 as segmented and the structured data, against the change that labels show. R²: 0 is as good as knowing the mean of these patients.",
          columns: [
            { name: "patients" },
            { name: "R²" },
            { name: "mean error" },
            { name: "intervals that hold it" },
            { name: "AUROC of progression" },
          ],
          rows: [...found.prediction].map(([name, { measures }]) => ({
            name: targetTitle(name),
            cells: [
              measures.patients,
              measures.r2,
              measures.meanAbsoluteError,
              measures.coverage,
              measures.progressionAuroc ?? null,
            ],
          })),
        },
      ]),
];

const errorTable = (title: string, per: string, errors: readonly FeatureError[]): Comparison[] =>
  errors.length === 0
    ? []
    : [
        {
          title,
          note: "Of the segmentation against the labels. The deviation is the patients' own: an error as large says nothing of a single one.",
          columns: [
            { name: "patients" },
            { name: "deviation" },
            { name: "bias" },
            { name: "mean error" },
            { name: "correlation" },
          ],
          rows: errors.map(({ name, unit, patients, deviation, bias, meanAbsoluteError, correlation }) => ({
            name: withUnit(featureTitle(name), `${unit}${per}`),
            cells: [patients, deviation, bias, meanAbsoluteError, Number.isNaN(correlation.value) ? null : correlation],
          })),
        },
      ];

const lossOf = (metrics: readonly MetricsLine[]): LineChart[] => {
  const line = (name: "cross_entropy" | "dice") => ({
    label: name.replace("_", "-"),
    points: metrics.map((own) => [own.step, own[name]] as const),
  });
  return metrics.length === 0
    ? []
    : [{ title: "Loss", horizontal: "step", vertical: "loss", series: [line("cross_entropy"), line("dice")] }];
};
