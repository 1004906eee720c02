import { scaleLinear, scaleLog } from "d3-scale";
import { curveLinear, curveStepBefore, line } from "d3-shape";
import type { Point } from "./data.ts";
import { type Content, html, type Markup } from "./html.ts";
import { formatTick } from "./numbers.ts";

/** The range of one axis and how values lie along it. */
export type Axis = {
  readonly label: string;
  readonly domain: Point;
  readonly scale?: "linear" | "log";
  readonly percent?: boolean;
};

/** A bar of a histogram, standing on the horizontal axis. */
export type Bin = { readonly from: number; readonly to: number; readonly height: number };

/** Something drawn between the axes. The series number chooses colour and dashes. */
export type Mark =
  | { readonly kind: "line"; readonly points: readonly Point[]; readonly series: number; readonly steps?: boolean }
  | { readonly kind: "histogram"; readonly bins: readonly Bin[]; readonly series: number }
  | { readonly kind: "threshold"; readonly at: number; readonly label: string }
  | { readonly kind: "dot"; readonly at: Point; readonly series: number }
  | { readonly kind: "ring"; readonly at: Point; readonly series: number }
  | { readonly kind: "pin"; readonly at: Point; readonly interval?: Point; readonly text: string }
  | { readonly kind: "chance" };

/** A chart: what it shows in words for those who cannot see it, its axes, and its marks from back to front. */
export type Chart = {
  readonly description: string;
  readonly horizontal: Axis;
  readonly vertical: Axis;
  readonly marks: readonly Mark[];
  readonly tall?: boolean;
};

const width = 400;
const left = 54;
const right = width - 14;
const top = 34;
const axisHeight = 46;
const seriesCount = 5;
const dashes = ["none", "6 3", "2 2.5", "9 3 2 3", "12 4"];
const mostPoints = 800;

/** Draws a chart as an SVG element that takes its colours from the style sheet. */
export function drawChart({ description, horizontal, vertical, marks, tall }: Chart): Markup {
  const height = tall ? 360 : 280;
  const bottom = height - axisHeight;
  const x = axisScale(horizontal, [left, right]);
  const y = axisScale(vertical, [bottom, top]);
  const verticalTicks = y.ticks.map(
    ({ at, label }) => html`<text x="${left - 7}" y="${round(at)}" dy="0.35em" text-anchor="end">${label}</text>`,
  );
  const horizontalTicks = x.ticks.map(
    ({ at, label }) =>
      html`<path d="M${round(at)},${bottom}v4"/><text x="${round(at)}" y="${bottom + 19}" text-anchor="middle">${label}</text>`,
  );
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
<g class="grid">${y.ticks.map(({ at }) => html`<path d="M${left},${round(at)}H${right}"/>`)}</g>
<g class="axis"><path d="M${left},${bottom}H${right}"/>${horizontalTicks}${verticalTicks}
<text x="0" y="14">${y.name}</text><text x="${right}" y="${height - 4}" text-anchor="end">${x.name}</text></g>
${marks.map((mark) => drawMark(mark, x.position, y.position, bottom))}
</svg>`;
}

/** The entries that tell the series of a chart apart, each with a sample of its line. */
export function drawLegend(entries: readonly { readonly series: number; readonly text: Content }[]): Markup {
  return html`<ul class="legend">${entries.map(
    ({ series, text }) =>
      html`<li><svg viewBox="0 0 28 10" aria-hidden="true"><path class="line ${seriesClass(series)}" stroke-dasharray="${dashesOf(series)}" d="M1,5H27"/></svg><span>${text}</span></li>`,
  )}</ul>`;
}

/** The smallest range that holds all finite values; widened when they are all equal, 0 to 1 when there are none. */
export function domainOf(values: Iterable<number>, scale: "linear" | "log" = "linear"): Point {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value) || (scale === "log" && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return scale === "log" ? [0.1, 1] : [0, 1];
  if (low < high) return [low, high];
  if (scale === "log") return [low / 2, high * 2];
  const margin = Math.abs(low) / 2 || 0.5;
  return [low - margin, high + margin];
}

/** A range that ends at round values, as a tick would have. */
export function rounded([low, high]: Point): Point {
  const [start, end] = scaleLinear([low, high], [0, 1]).nice(5).domain();
  return [start!, end!];
}

/** A logarithmic axis suits positive values that spread over more than a decade and a half; a linear one all others. */
export function scaleFor(values: readonly number[]): "linear" | "log" {
  const finite = values.filter(Number.isFinite).sort((first, second) => first - second);
  if (finite.length === 0 || finite[0]! <= 0) return "linear";
  const usualLow = finite[Math.floor(0.02 * (finite.length - 1))]!;
  const usualHigh = finite[Math.ceil(0.98 * (finite.length - 1))]!;
  return usualHigh / usualLow > 30 ? "log" : "linear";
}

/** Maps values of an axis to positions in the drawing, with ticks at round values and a name that tells their power of ten. */
export function axisScale(axis: Axis, range: Point) {
  const [start, end] = axis.domain;
  if (axis.scale === "log") {
    const scale = scaleLog([start, end], range).clamp(true);
    const mantissas = end / start > 300 ? ["1"] : ["1", "2", "5"];
    const candidates = scale.ticks(5);
    const preferred = candidates.filter((value) => mantissas.includes(value.toExponential(0)[0]!));
    const values = preferred.length >= 2 ? preferred : candidates;
    return {
      position: (value: number) => (Number.isFinite(value) && value > 0 ? scale(value) : Number.NaN),
      ticks: values.map((value) => ({ at: scale(value), label: formatTick(value) })),
      name: `${axis.label} (logarithmic)`,
    };
  }
  const scale = scaleLinear([start, end], range).clamp(true);
  const values = scale.ticks(5);
  const largest = Math.max(Math.abs(start), Math.abs(end));
  const power = largest > 0 && (largest < 0.01 || largest >= 1e9) ? Math.floor(Math.log10(largest)) : 0;
  const tick = scaleLinear([start / 10 ** power, end / 10 ** power], range).tickFormat(
    5,
    axis.percent ? "~%" : largest >= 1e4 && power === 0 ? "~s" : undefined,
  );
  return {
    position: (value: number) => (Number.isFinite(value) ? scale(value) : Number.NaN),
    ticks: values.map((value) => ({ at: scale(value), label: tick(value / 10 ** power) })),
    name: power === 0 ? axis.label : `${axis.label} (×${formatTick(10 ** power)})`,
  };
}

/** At most `most` points: of each stretch the lowest and the highest, in their order, so that no spike is lost. */
export function thinOut(points: readonly Point[], most: number = mostPoints): readonly Point[] {
  if (points.length <= most) return points;
  const stretches = Math.floor(most / 2) - 1;
  const thinned: Point[] = [points[0]!];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = 1 + Math.floor((stretch * (points.length - 2)) / stretches);
    const to = 1 + Math.floor(((stretch + 1) * (points.length - 2)) / stretches);
    let lowest = from;
    let highest = from;
    for (let index = from; index < to; index++) {
      const value = points[index]![1];
      if (value < points[lowest]![1] || Number.isNaN(points[lowest]![1])) lowest = index;
      if (value > points[highest]![1] || Number.isNaN(points[highest]![1])) highest = index;
    }
    thinned.push(points[Math.min(lowest, highest)]!);
    if (lowest !== highest) thinned.push(points[Math.max(lowest, highest)]!);
  }
  thinned.push(points.at(-1)!);
  return thinned;
}

type Position = (value: number) => number;

function drawMark(mark: Mark, x: Position, y: Position, bottom: number): Markup {
  if (mark.kind === "line") return drawLine(mark.points, mark.series, mark.steps ?? false, x, y);
  if (mark.kind === "histogram") return drawHistogram(mark.bins, mark.series, x, y, bottom);
  if (mark.kind === "chance") return html`<path class="chance" d="M${left},${bottom}L${right},${top}"/>`;
  if (mark.kind === "dot") return drawDot(mark.at, mark.series, x, y);
  if (mark.kind === "ring") return drawRing(mark.at, mark.series, x, y);
  if (mark.kind === "pin") return drawPin(mark.at, mark.interval, mark.text, x, y);
  const at = x(mark.at);
  if (!Number.isFinite(at)) return html``;
  const beyondMiddle = at > (left + right) / 2;
  return html`<g class="threshold"><path d="M${round(at)},${top - 8}V${bottom}"/><text x="${round(at + (beyondMiddle ? -5 : 5))}" y="${top - 1}" text-anchor="${beyondMiddle ? "end" : "start"}">${mark.label}</text></g>`;
}

function drawLine(points: readonly Point[], series: number, steps: boolean, x: Position, y: Position): Markup {
  const isDrawn = ([horizontal, vertical]: Point) => Number.isFinite(x(horizontal)) && Number.isFinite(y(vertical));
  const drawn = points.filter(isDrawn);
  if (drawn.length === 1) return drawDot(drawn[0]!, series, x, y);
  const path = line<Point>()
    .x(([horizontal]) => round(x(horizontal)))
    .y(([, vertical]) => round(y(vertical)))
    .defined(isDrawn)
    .curve(steps ? curveStepBefore : curveLinear);
  return html`<path class="line ${seriesClass(series)}" stroke-dasharray="${dashesOf(series)}" d="${path(thinOut(points)) ?? ""}"/>`;
}

function drawDot([horizontal, vertical]: Point, series: number, x: Position, y: Position): Markup {
  const [across, down] = [x(horizontal), y(vertical)];
  if (!Number.isFinite(across) || !Number.isFinite(down)) return html``;
  return html`<circle class="dot ${seriesClass(series)}" cx="${round(across)}" cy="${round(down)}" r="4.5"/>`;
}

function drawRing([horizontal, vertical]: Point, series: number, x: Position, y: Position): Markup {
  const [across, down] = [x(horizontal), y(vertical)];
  if (!Number.isFinite(across) || !Number.isFinite(down)) return html``;
  return html`<circle class="ring ${seriesClass(series)}" cx="${round(across)}" cy="${round(down)}" r="5"/>`;
}

/** A numbered marker that stands above its point, with a line from the lower to the upper end of its interval. */
function drawPin([horizontal, vertical]: Point, interval: Point | undefined, text: string, x: Position, y: Position): Markup {
  const [across, down] = [x(horizontal), y(vertical)];
  if (!Number.isFinite(across) || !Number.isFinite(down)) return html``;
  const [from, to] = (interval ?? [vertical, vertical]).map(y) as [number, number];
  const whisker = Number.isFinite(from - to) && html`<path class="whisker" d="M${round(across)},${round(from)}V${round(to)}"/>`;
  return html`<g class="pin">${whisker}<path d="M${round(across)},${round(down)}l-5,-9h10z"/><circle cx="${round(across)}" cy="${round(down - 15)}" r="8.5"/><text x="${round(across)}" y="${round(down - 15)}" dy="0.36em" text-anchor="middle">${text}</text></g>`;
}

function drawHistogram(bins: readonly Bin[], series: number, x: Position, y: Position, bottom: number): Markup {
  if (bins.length === 0) return html``;
  const start = round(x(bins[0]!.from));
  const steps = bins.map(({ to, height }) => `V${round(y(height))}H${round(x(to))}`).join("");
  return html`<path class="area ${seriesClass(series)}" stroke-dasharray="${dashesOf(series)}" d="M${start},${bottom}${steps}V${bottom}"/>`;
}

const seriesClass = (series: number) => `series-${series % seriesCount}`;
const dashesOf = (series: number) => dashes[(series + Math.floor(series / seriesCount)) % dashes.length]!;
const round = (value: number) => Math.round(value * 10) / 10;
