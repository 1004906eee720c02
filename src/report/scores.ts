import { type Bin, domainOf, drawChart, drawLegend, rounded, scaleFor } from "./charts.ts";
import type { Confusion, Point, ReportData, Scores } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid, drawingPanel } from "./layout.ts";
import { formatCount, formatShare, formatValue } from "./numbers.ts";

type ClassNames = NonNullable<ReportData["classNames"]>;

/** What images of either class are called unless a report says otherwise. */
export const CLASS_NAMES: ClassNames = { normal: "normal", anomalous: "anomalous" };

/** How the scores of normal and anomalous images lie, and what the threshold makes of them. */
export function scoreSection({ scores, confusion, classNames = CLASS_NAMES }: ReportData): Markup | undefined {
  const distribution =
    scores && scores.normal.length + scores.anomalous.length > 0 ? scoreHistogram(scores, classNames) : undefined;
  const counts = confusion && confusionTable(confusion, classNames);
  const panels = [distribution, counts].filter((panel) => panel !== undefined);
  return panels.length > 0
    ? html`<div class="charts balanced" ${balancedGrid(panels.length, 2, 2, 1)}>${panels}</div>`
    : undefined;
}

/** The share of the values in each of `count` equally wide bins; on a logarithmic scale equal ratios are equally wide. */
export function binned(values: readonly number[], [low, high]: Point, count: number, scale: "linear" | "log"): readonly Bin[] {
  const along = scale === "log" ? Math.log : (value: number) => value;
  const back = scale === "log" ? Math.exp : (value: number) => value;
  const [start, end] = [along(low), along(high)];
  const inside = values.filter((value) => value >= low && value <= high);
  const counts = new Array<number>(count).fill(0);
  for (const value of inside) counts[Math.min(count - 1, Math.floor(((along(value) - start) / (end - start)) * count))]! += 1;
  const edge = (index: number) => (index === 0 ? low : index === count ? high : back(start + ((end - start) * index) / count));
  return counts.map((found, index) => ({ from: edge(index), to: edge(index + 1), height: found / Math.max(1, inside.length) }));
}

function scoreHistogram({ normal, anomalous, threshold }: Scores, names: ClassNames): Markup {
  const drawn = threshold !== undefined && Number.isFinite(threshold);
  const all = [...normal, ...anomalous, ...(drawn ? [threshold] : [])];
  const scale = scaleFor(all);
  const domain = domainOf(all, scale);
  const count = Math.min(40, Math.max(12, Math.ceil(2 * Math.sqrt(normal.length + anomalous.length))));
  const groups = [
    { name: names.normal, values: normal },
    { name: names.anomalous, values: anomalous },
  ].map(({ name, values }, series) => ({ name, values, series, bins: binned(values, domain, count, scale) }));
  const shown = groups.filter(({ values }) => values.length > 0);
  const highest = Math.max(...groups.flatMap(({ bins }) => bins.map((bin) => bin.height)));
  const drawing = drawChart({
    description: `Histogram of the scores of ${normal.length} ${names.normal} and ${anomalous.length} ${names.anomalous} images`,
    horizontal: { label: "score", domain, scale },
    vertical: { label: "share of images", domain: rounded([0, highest > 0 ? highest : 1]), percent: true },
    marks: [
      ...shown.map(({ bins, series }) => ({ kind: "histogram", bins, series }) as const),
      ...(drawn ? [{ kind: "threshold", at: threshold, label: `threshold ${formatValue(threshold)}` } as const] : []),
    ],
  });
  const legend = drawLegend(
    shown.map(({ name, values, series }) => ({ series, text: `${name} · ${formatCount(values.length)} images` })),
  );
  const lost = [...normal, ...anomalous].filter((score) => !Number.isFinite(score)).length;
  return drawingPanel("Scores", drawing, [
    legend,
    lost > 0 && html`<p class="note">Not finite, so not drawn: ${formatCount(lost)}.</p>`,
  ]);
}

function confusionTable({ truePositive, falseNegative, falsePositive, trueNegative }: Confusion, names: ClassNames): Markup {
  const anomalous = truePositive + falseNegative;
  const normal = falsePositive + trueNegative;
  const cell = (count: number, total: number, name: string, right: boolean) => {
    const share = total > 0 ? count / total : Number.NaN;
    const strength = Number.isFinite(share) ? Math.round(Math.min(1, Math.max(0, share)) * 100) : 0;
    return html`<td class="${right ? "right" : "wrong"}" style="--strength:${strength}%"><b>${formatCount(count)}</b><span>${name}</span><span>${formatShare(share)}</span></td>`;
  };
  return html`<figure class="panel"><figcaption>Decisions at the threshold</figcaption>
<table class="confusion"><thead><tr><td></td><th scope="col">called ${names.normal}</th><th scope="col">called ${names.anomalous}</th></tr></thead><tbody>
<tr><th scope="row">${names.normal}<span>${formatCount(normal)}</span></th>${cell(trueNegative, normal, "passed", true)}${cell(falsePositive, normal, "false alarm", false)}</tr>
<tr><th scope="row">${names.anomalous}<span>${formatCount(anomalous)}</span></th>${cell(falseNegative, anomalous, "missed", false)}${cell(truePositive, anomalous, "detected", true)}</tr>
</tbody></table>
<p class="note">Sensitivity ${formatShare(truePositive / anomalous)} · specificity ${formatShare(trueNegative / normal)} · precision ${formatShare(
    truePositive / (truePositive + falsePositive),
  )}</p></figure>`;
}
