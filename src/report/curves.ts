import { type Axis, domainOf, drawChart, drawLegend, rounded, scaleFor } from "./charts.ts";
import type { Curve, LineChart, Point, ReportData } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid, drawingPanel } from "./layout.ts";
import { estimate, formatValue } from "./numbers.ts";

type CurveChart = {
  readonly title: string;
  readonly areaName: string;
  readonly horizontal: Axis;
  readonly vertical: Axis;
  readonly chance?: boolean;
  readonly steps?: boolean;
};

/** The ROC, PRO and precision-recall charts for which there are curves; undefined when there are none. */
export function qualityCurves({ roc, pro, proLimit = 0.3, precisionRecall }: ReportData): Markup | undefined {
  const whole: Point = [0, 1];
  const limited: Point = [0, proLimit > 0 && proLimit <= 1 ? proLimit : 1];
  const charts = [
    curveChart(roc, {
      title: "Receiver operating characteristic",
      areaName: "AUROC",
      horizontal: { label: "false positive rate", domain: whole },
      vertical: { label: "true positive rate", domain: whole },
      chance: true,
    }),
    curveChart(
      pro?.map((curve) => ({ ...curve, points: cutAt(curve.points, limited[1]) })),
      {
        title: "Per-region overlap",
        areaName: "AUPRO",
        horizontal: { label: "false positive rate of pixels", domain: limited },
        vertical: { label: "per-region overlap", domain: whole },
      },
    ),
    curveChart(precisionRecall, {
      title: "Precision and recall",
      areaName: "AP",
      horizontal: { label: "recall", domain: whole },
      vertical: { label: "precision", domain: whole },
      steps: true,
    }),
  ].filter((chart) => chart !== undefined);
  return charts.length > 0 ? chartGrid(charts) : undefined;
}

/** The charts of training; undefined when there are none. */
export function lineCharts(charts: readonly LineChart[] | undefined): Markup | undefined {
  if (!charts || charts.length === 0) return undefined;
  return chartGrid(charts.map(lineChart));
}

/** The points up to a horizontal limit, with the point on the limit itself interpolated. */
export function cutAt(points: readonly Point[], limit: number): readonly Point[] {
  const beyond = points.findIndex(([horizontal]) => horizontal > limit);
  if (beyond < 0) return points;
  const kept = points.slice(0, beyond);
  const last = kept.at(-1);
  if (last === undefined) return [];
  const [nextHorizontal, nextVertical] = points[beyond]!;
  const share = (limit - last[0]) / (nextHorizontal - last[0]);
  return [...kept, [limit, last[1] + share * (nextVertical - last[1])]];
}

function curveChart(curves: readonly Curve[] | undefined, chart: CurveChart): Markup | undefined {
  if (!curves || curves.length === 0) return undefined;
  const areas = curves.map(({ label, area }) => `${label}${area ? ` ${chart.areaName} ${formatValue(area.value)}` : ""}`);
  const drawing = drawChart({
    description: `${chart.title}: ${areas.join("; ")}`,
    horizontal: chart.horizontal,
    vertical: chart.vertical,
    tall: true,
    marks: [
      ...(chart.chance ? [{ kind: "chance" } as const] : []),
      ...curves.map(({ points }, series) => ({ kind: "line", points, series, steps: chart.steps }) as const),
      ...curves.flatMap(({ operatingPoint }, series) =>
        operatingPoint ? [{ kind: "dot", at: operatingPoint, series } as const] : [],
      ),
    ],
  });
  const legend = drawLegend(
    curves.map(({ label, area }, series) => ({
      series,
      text: html`${label}${area && html` · ${chart.areaName} ${estimate(area)}`}`,
    })),
  );
  const dotted = curves.some(({ operatingPoint }) => operatingPoint !== undefined);
  return drawingPanel(chart.title, drawing, [legend, dotted && html`<p class="note">● the chosen threshold</p>`]);
}

function lineChart({ title, horizontal, vertical, series }: LineChart): Markup {
  const heights = series.flatMap(({ points }) => points.map((point) => point[1]));
  const scale = scaleFor(heights);
  const [low, high] = domainOf(heights, scale);
  const bottom = scale === "linear" && low >= 0 && low < 0.6 * high ? 0 : low;
  const drawing = drawChart({
    description: `${title}: ${vertical} over ${horizontal} for ${series.map(({ label }) => label).join(", ")}`,
    horizontal: { label: horizontal, domain: domainOf(series.flatMap(({ points }) => points.map((point) => point[0]))) },
    vertical: { label: vertical, domain: scale === "log" ? [low, high] : rounded([bottom, high]), scale },
    marks: series.map(({ points }, number) => ({ kind: "line", points, series: number })),
  });
  const named = series.length > 1 || series[0]?.label !== vertical;
  return drawingPanel(title, drawing, named && drawLegend(series.map(({ label }, number) => ({ series: number, text: label }))));
}

function chartGrid(charts: readonly Markup[]): Markup {
  return html`<div class="charts balanced" ${balancedGrid(charts.length, 3, 2, 1)}>${charts}</div>`;
}
