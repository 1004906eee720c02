import { domainOf, drawChart, rounded, scaleFor } from "./charts.ts";
import type { CostCurve, CostRow, Point, ReportData } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid, drawingPanel, scrollingTable } from "./layout.ts";
import { estimate, formatValue } from "./numbers.ts";

/** What decisions cost over the threshold, with the thresholds worth comparing; undefined when there is neither curve nor row. */
export function costSection({ costs, scores }: ReportData): Markup | undefined {
  if (!costs || costs.points.length + costs.rows.length === 0) return undefined;
  return html`${costs.points.length > 0 && costChart(costs, scores?.threshold)}${costs.rows.length > 0 && costTable(costs.rows)}${
    costs.note && html`<p class="note">${costs.note}</p>`
  }`;
}

/** The point of least cost, the first of equals; undefined without finite points. */
export function lowestPoint(points: readonly Point[]): Point | undefined {
  let lowest: Point | undefined;
  for (const point of points) {
    const [threshold, cost] = point;
    if (Number.isFinite(threshold) && Number.isFinite(cost) && !(cost >= (lowest?.[1] ?? Number.POSITIVE_INFINITY)))
      lowest = point;
  }
  return lowest;
}

function costChart({ title = "Expected cost", points, rows }: CostCurve, chosen: number | undefined): Markup {
  const lowest = lowestPoint(points);
  const pinned = lowest && rows.some(({ threshold, cost }) => threshold === lowest[0] && Math.abs(cost.value - lowest[1]) < 1e-6);
  const ring = pinned ? undefined : lowest;
  const named = rows.some(({ threshold }) => threshold === chosen);
  const thresholds = [...points.map(([threshold]) => threshold), ...rows.map(({ threshold }) => threshold), chosen ?? Number.NaN];
  const scale = scaleFor(thresholds);
  const marked = rows.flatMap(({ cost }) => [cost.value, cost.low ?? Number.NaN, cost.high ?? Number.NaN]);
  const [low, high] = domainOf([...points.map(([, cost]) => cost), ...marked]);
  const roomForPins = 0.1 * (high - Math.min(0, low));
  const drawing = drawChart({
    description: `${title} over the threshold${lowest ? `, lowest ${formatValue(lowest[1])} at threshold ${formatValue(lowest[0])}` : ""}`,
    horizontal: { label: "threshold", domain: domainOf(thresholds, scale), scale },
    vertical: { label: "expected cost per image", domain: rounded([Math.min(0, low), high + roomForPins]) },
    marks: [
      { kind: "line", points, series: 0 },
      ...(chosen === undefined
        ? []
        : [{ kind: "threshold", at: chosen, label: named ? "" : `threshold ${formatValue(chosen)}` } as const]),
      ...(ring ? [{ kind: "ring", at: ring, series: 0 } as const] : []),
      ...rows.map(({ threshold, cost: { value, low = value, high = value } }, row) => {
        return { kind: "pin", at: [threshold, value], interval: [low, high], text: String(row + 1) } as const;
      }),
    ],
  });
  const entry = (sign: Markup, name: string, cost: number, threshold: number) =>
    html`<li>${sign}<span>${name}<br><b>${formatValue(cost)}</b> <span class="interval">at threshold ${thresholdText(threshold)}</span></span></li>`;
  const reading = html`<ul class="pins">${rows.map(({ name, threshold, cost }, row) => entry(pin(row), name, cost.value, threshold))}${
    ring && entry(html`<span class="ring" aria-hidden="true"></span>`, "lowest of the curve", ring[1], ring[0])
  }</ul>`;
  return html`<div class="charts balanced" ${balancedGrid(1, 1, 1, 1)}>${drawingPanel(title, drawing, reading)}</div>`;
}

function costTable(rows: readonly CostRow[]): Markup {
  const body = rows.map(
    ({ name, threshold, missRate, falseAlarmRate, cost }, row) =>
      html`<tr><th scope="row">${pin(row)} ${name}</th><td class="number">${thresholdText(threshold)}</td><td class="number">${estimate(missRate)}</td>
<td class="number">${estimate(falseAlarmRate)}</td><td class="number">${estimate(cost)}</td></tr>`,
  );
  return scrollingTable(
    "Cost of thresholds",
    html`<table><thead><tr><td></td><th scope="col" class="number">Threshold</th><th scope="col" class="number">Miss rate</th>
<th scope="col" class="number">False-alarm rate</th><th scope="col" class="number">Cost per image</th></tr></thead><tbody>${body}</tbody></table>`,
  );
}

/** An infinite threshold is a decision too: nothing, or everything, is called anomalous. */
function thresholdText(threshold: number): string {
  if (threshold === Number.POSITIVE_INFINITY) return "above all";
  return threshold === Number.NEGATIVE_INFINITY ? "below all" : formatValue(threshold);
}

const pin = (row: number) => html`<span class="pin">${row + 1}</span>`;
