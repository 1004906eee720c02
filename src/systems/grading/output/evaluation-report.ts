import type {
  Case,
  CaseGroup,
  Cell,
  Comparison,
  Estimate,
  Failure,
  Nested,
  Notice,
  ReportData,
  Measure as ReportMeasure,
} from "../../../report/index.ts";
import type { SlideResult } from "../result.ts";
import { compositionOf, gleasonScore, RESEARCH_USE } from "./composition.ts";
import { classLegend } from "./slide-report.ts";

/** How many slides a group shows. */
const SHOWN_SLIDES = 6;

/** A slide that was evaluated. */
export interface EvaluatedSlide {
  readonly result: SlideResult;
  /** Its ISUP grade by whoever graded it. */
  readonly reference?: number;
  /** JPEG or PNG of about 600 pixels, see `reportPicture`. */
  readonly overlay: Uint8Array;
  readonly thumbnail: Uint8Array;
}

/** A measure of one grade; NaN where it is undefined. */
type GradeMeasure = number | Estimate;

export interface EvaluationReportInput {
  readonly title: string;
  readonly subtitle?: string;
  readonly measures: readonly ReportMeasure[];
  /** Slides by reference and predicted ISUP grade, [6][6]; empty without references. */
  readonly confusion: readonly (readonly number[])[];
  /** How well the map of each class is predicted; NaN for a class that never occurs. */
  readonly perClass: readonly { readonly name: string; readonly dice: Estimate; readonly iou: Estimate }[];
  /** By ISUP grade, from 0 on. */
  readonly perGrade: readonly { readonly precision: GradeMeasure; readonly recall: GradeMeasure; readonly f1: GradeMeasure }[];
  readonly comparisons?: readonly Comparison[];
  readonly slides: readonly EvaluatedSlide[];
  readonly failures?: readonly Failure[];
  readonly notices?: readonly Notice[];
  readonly settings?: { readonly [key: string]: Nested };
  readonly defaults?: { readonly [key: string]: Nested };
  readonly provenance?: { readonly [key: string]: Nested };
}

/** What the report of many slides shows: measures, which grades are taken for which, classes, comparisons, and the best and worst slides. */
export const evaluationReport = ({
  title,
  subtitle,
  measures,
  confusion,
  perClass,
  perGrade,
  comparisons = [],
  slides,
  failures,
  notices = [],
  settings,
  defaults,
  provenance,
}: EvaluationReportInput): ReportData => ({
  title,
  subtitle,
  system: "grading",
  sectionTitles: { cases: "Slides", comparisons: "Grades, classes and comparisons" },
  notices: [{ text: RESEARCH_USE, tone: "caution" }, ...notices],
  measures,
  caseGroups: slideGroups(slides),
  classConfusions:
    confusion.length === 0
      ? undefined
      : [
          {
            title: "ISUP grades",
            note: "Slides; shaded by the share of the reference grade.",
            classes: gradeNames(confusion.length),
            counts: confusion,
          },
        ],
  comparisons: [...gradeTable(perGrade, confusion), ...classTable(perClass), ...comparisons],
  failures,
  settings,
  defaults,
  provenance,
});

const gradeNames = (count: number): string[] => Array.from({ length: count }, (_, isup) => `ISUP ${isup}`);

const gradeTable = (perGrade: EvaluationReportInput["perGrade"], confusion: EvaluationReportInput["confusion"]): Comparison[] => {
  if (perGrade.length === 0) return [];
  const names = gradeNames(perGrade.length);
  const support = (grade: number): Cell => confusion[grade]?.reduce((sum, count) => sum + count, 0) ?? null;
  return [
    {
      title: "By grade",
      columns: [{ name: "Slides" }, { name: "Precision" }, { name: "Recall" }, { name: "F1" }],
      rows: perGrade.map(({ precision, recall, f1 }, grade) => ({
        name: names[grade],
        cells: [support(grade), ...[precision, recall, f1].map(asEstimate)],
      })),
    },
  ];
};

const classTable = (perClass: EvaluationReportInput["perClass"]): Comparison[] =>
  perClass.length === 0
    ? []
    : [
        {
          title: "By class of tissue",
          note: "Over the pixels of all slides; ranges are 95 % intervals over slides.",
          columns: [{ name: "Dice" }, { name: "Intersection over union" }],
          rows: perClass.map(({ name, dice, iou }) => ({ name, cells: [asEstimate(dice), asEstimate(iou)] })),
        },
      ];

/** As an estimate even where the value is whole, so that a column's numbers look alike. */
const asEstimate = (measure: GradeMeasure): Cell => {
  const estimate = typeof measure === "number" ? { value: measure } : measure;
  return Number.isFinite(estimate.value) ? estimate : null;
};

/** The slides farthest from their reference and those that agree with it, or, without references, the highest grades. */
const slideGroups = (slides: readonly EvaluatedSlide[]): CaseGroup[] => {
  const graded = slides.flatMap((slide) => {
    const { reference, result } = slide;
    if (reference === undefined || result.grade === undefined) return [];
    const { isup, probabilities } = result.grade;
    return [{ slide, isup, reference, off: Math.abs(isup - reference), sure: probabilities?.[isup] ?? 0 }];
  });
  const wrong = graded.filter(({ off }) => off > 0).sort((a, b) => b.off - a.off || b.sure - a.sure);
  const right = graded.filter(({ off }) => off === 0).sort((a, b) => b.sure - a.sure);
  const firstOfGrade = right.filter((one, i) => right.findIndex(({ isup }) => isup === one.isup) === i);
  const varied = [...firstOfGrade, ...right.filter((one) => !firstOfGrade.includes(one))];
  const others = slides
    .filter((slide) => !graded.some((one) => one.slide === slide))
    .sort((a, b) => (b.result.grade?.isup ?? 0) - (a.result.grade?.isup ?? 0));
  const group = (title: string, note: string, members: readonly EvaluatedSlide[]): CaseGroup => ({
    title: members.length > SHOWN_SLIDES ? `${title} (${SHOWN_SLIDES} of ${members.length})` : title,
    note,
    legend: classLegend(members[0]?.result.classes ?? []),
    cases: members.slice(0, SHOWN_SLIDES).map(slideCase),
  });
  const slidesOf = (members: readonly { readonly slide: EvaluatedSlide }[]) => members.map(({ slide }) => slide);
  return [
    group("Farthest from the reference", "What is sure and wrong first.", slidesOf(wrong)),
    group("As the reference", "The surest of each grade first.", slidesOf(varied)),
    group("Without a reference grade", "The highest grades first.", others),
  ].filter(({ cases }) => cases.length > 0);
};

const slideCase = ({ result, reference, overlay, thumbnail }: EvaluatedSlide): Case => {
  const { grade } = result;
  const predicted = grade === undefined ? "not graded" : `ISUP ${grade.isup}`;
  const { tumourShare } = compositionOf(result, 1); // shares do not depend on the scale
  const facts = [
    grade?.rule === "patches" && grade.probabilities && `probability ${(100 * grade.probabilities[grade.isup]).toFixed(0)} %`,
    grade && `Gleason ${gleasonScore(grade.map) ?? "score none"} by the map`,
    tumourShare !== undefined && `tumour ${(100 * tumourShare).toFixed(1)} % of the tissue`,
    grade?.unsure && "unsure",
    ...result.warnings,
  ];
  return {
    name: result.name,
    label: reference === undefined ? predicted : `${predicted}, reference ${reference}`,
    pictures: [
      { caption: "classes", bytes: overlay },
      { caption: "slide", bytes: thumbnail },
    ],
    caption: facts.filter(Boolean).join(" · "),
  };
};
