import {
  areaUnderRoc,
  type Confusion,
  confusionAt,
  imageMeasure,
  imageRoc,
  type Measure,
  pixelMeasuresByKind,
  precisionRecallCurve,
  rankPixels,
  regionRoc,
  rocCurve,
  type ScoredMap,
  type Summary,
} from "../metrics/index.ts";
import type {
  Comparison,
  CostCurve,
  Curve,
  KindResult,
  LineChart,
  Nested,
  Notice,
  ReportData,
  Measure as ReportMeasure,
} from "../report/index.ts";
import type { MetricsLine } from "../training/index.ts";
import { caseGroups, DEFECTS, type Words } from "./case-groups.ts";
import type { Detector } from "./detector.ts";
import type { Evaluation } from "./evaluate.ts";

/** Names of the measures in `evaluation.json`, in `--json` output and in tables. */
const measureNames = {
  imageAuroc: ["image_auroc", "image AUROC"],
  imageAveragePrecision: ["image_average_precision", "image average precision"],
  imageF1: ["image_f1_max", "image F1-max"],
  pixelAuroc: ["pixel_auroc", "pixel AUROC"],
  pixelAveragePrecision: ["pixel_average_precision", "pixel average precision"],
  perRegionOverlap: ["pro", "PRO (FPR ≤ 0.3)"],
} as const satisfies Record<keyof Summary, readonly [string, string]>;

/** `{ image_auroc: { value, low, high }, ... }`: the measures that the data define. */
export const measuresForMachines = (summary: Summary): Record<string, Measure> =>
  Object.fromEntries(
    Object.entries(summary).map(([key, { value, low, high }]) => [measureNames[key as keyof Summary][0], { value, low, high }]),
  );

/** The same for people. */
export const measuresForPeople = (summary: Summary): ReportMeasure[] =>
  Object.entries(summary).map(([key, { value, low, high }]) => ({
    name: measureNames[key as keyof Summary][1],
    value,
    low,
    high,
  }));

export interface ReportInput {
  readonly title: string;
  readonly subtitle?: string;
  readonly detector: Detector;
  readonly evaluation: Evaluation;
  /** Lines of the run's `metrics.jsonl`. */
  readonly metrics?: readonly MetricsLine[];
  readonly kinds: readonly KindResult[];
  readonly comparisons?: readonly Comparison[];
  readonly costs?: CostCurve;
  readonly defaults?: unknown;
  readonly notices?: readonly Notice[];
  /** What images are called, see `Words`. */
  readonly words?: Words;
}

/** What the report of an image detector shows: measures, curves, kinds, and the cases worth looking at, with pictures. */
export const reportData = async ({
  title,
  subtitle,
  detector,
  evaluation,
  metrics = [],
  kinds,
  comparisons,
  costs,
  defaults,
  notices,
  words = DEFECTS,
}: ReportInput): Promise<ReportData> => {
  const { samples, maps, measures, failures } = evaluation;
  const { description } = detector;
  const threshold = description.threshold?.value;
  const scores = Float32Array.from(samples, ({ score }) => score);
  const labels = samples.map(({ sample }) => sample.label);
  const scoresOf = (label: 0 | 1): number[] => samples.filter(({ sample }) => sample.label === label).map(({ score }) => score);
  const confusion = threshold === undefined || !labels.includes(1) ? undefined : confusionAt(scores, labels, threshold);
  return {
    title,
    subtitle,
    system: description.system,
    notices,
    measures: measuresForPeople(measures),
    classNames: words.classNames,
    caseGroups: await caseGroups(detector, evaluation, words),
    scores: { normal: scoresOf(0), anomalous: scoresOf(1), threshold },
    confusion: confusion && {
      truePositive: confusion.truePositives,
      falseNegative: confusion.falseNegatives,
      falsePositive: confusion.falsePositives,
      trueNegative: confusion.trueNegatives,
    },
    ...curves(
      scores,
      labels,
      maps.filter((map) => map !== undefined),
      measures,
      confusion,
    ),
    kinds: labels.includes(1) ? kinds : undefined,
    costs,
    comparisons,
    training: trainingCharts(metrics),
    failures: failures.map(({ path, reason }) => ({ file: path, reason })),
    settings: description.config as Record<string, Nested>,
    defaults: settledDefaults(defaults, description.config) as Record<string, Nested> | undefined,
    provenance: {
      ...(description.provenance as Record<string, Nested>),
      threshold: description.threshold as unknown as Nested,
      "median milliseconds per image": Math.round(evaluation.secondsPerImage * 1000),
    },
  };
};

/** The defaults with what the images decided in the place of `auto`, since nobody set that. */
const settledDefaults = (defaults: unknown, config: unknown): unknown => {
  const image = (of: unknown) => (of as { readonly image?: Readonly<Record<string, unknown>> } | undefined)?.image;
  const [before, now] = [image(defaults), image(config)];
  if (before === undefined || now === undefined) return defaults;
  const found = Object.entries(before).map(([name, value]) => [name, value === "auto" ? now[name] : value]);
  return { ...(defaults as object), image: Object.fromEntries(found) };
};

/** Where the threshold lies on the ROC curve: false and true positive rate. */
const operatingPoint = ({ truePositives, falseNegatives, falsePositives, trueNegatives }: Confusion) =>
  [falsePositives / (falsePositives + trueNegatives), truePositives / (truePositives + falseNegatives)] as const;

const points = (horizontal: ArrayLike<number>, vertical: ArrayLike<number>) =>
  Array.from({ length: horizontal.length }, (_, i) => [horizontal[i], vertical[i]] as const);

const curves = (
  scores: Float32Array,
  labels: readonly number[],
  maps: readonly ScoredMap[],
  measures: Summary,
  at?: Confusion,
) => {
  const result: { roc?: Curve[]; pro?: Curve[]; precisionRecall?: Curve[] } = {};
  if (measures.imageAuroc) {
    const roc = imageRoc(scores, labels);
    const image = rocCurve(roc, 1e-3);
    const precisionRecall = precisionRecallCurve(roc, 1e-3);
    result.roc = [
      {
        label: "images",
        points: points(image.falsePositiveRates, image.truePositiveRates),
        area: measures.imageAuroc,
        operatingPoint: at && operatingPoint(at),
      },
    ];
    result.precisionRecall = [
      {
        label: "images",
        points: points(precisionRecall.recalls, precisionRecall.precisions),
        area: measures.imageAveragePrecision,
      },
    ];
  }
  if (measures.perRegionOverlap) {
    const pro = rocCurve(regionRoc(rankPixels(maps)), 1e-3);
    result.pro = [
      { label: "regions", points: points(pro.falsePositiveRates, pro.truePositiveRates), area: measures.perRegionOverlap },
    ];
  }
  return result;
};

/** How well each kind of defect is told from the normal images, and found in them. */
export const kinds = ({ samples, maps }: Evaluation): KindResult[] => {
  const normal = samples.filter(({ sample }) => sample.label === 0);
  const names = [...new Set(samples.map(({ sample }) => sample.kind))];
  const scored = maps.flatMap((map, index) => (map === undefined ? [] : [{ ...map, kind: samples[index].sample.kind }]));
  const pixels = pixelMeasuresByKind(scored);
  return names.map((kind) => {
    const own = samples.filter(({ sample }) => sample.kind === kind);
    const both = [...normal, ...own];
    const measurable = own[0].sample.label === 1 && normal.length > 0;
    const auroc = measurable
      ? imageMeasure(
          areaUnderRoc,
          Float32Array.from(both, ({ score }) => score),
          both.map(({ sample }) => sample.label),
        )
      : undefined;
    const detected = own.filter(({ anomalous }) => anomalous).length;
    return {
      kind,
      images: own.length,
      auroc,
      pixelAuroc: pixels.get(kind)?.pixelAuroc,
      pro: pixels.get(kind)?.perRegionOverlap,
      detected: own[0].anomalous === undefined ? undefined : detected,
    };
  });
};

const trainingCharts = (lines: readonly MetricsLine[]): LineChart[] => {
  const chart = (title: string, vertical: string, measure: string): LineChart => ({
    title,
    horizontal: "step",
    vertical,
    series: [{ label: vertical, points: lines.map((line) => [line.step, line[measure]] as const) }],
  });
  return lines.length < 2 ? [] : [chart("Loss", "loss", "loss"), chart("Learning rate", "learning rate", "learning_rate")];
};
