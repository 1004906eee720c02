import type { Estimate, Measure, ReportData } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid } from "./layout.ts";
import { formatCount, formatInterval, formatValue } from "./numbers.ts";

/** What must be known before everything else: the notices, and how many files could not be read; undefined without either. */
export function noticeList({ notices = [], failures = [] }: ReportData): Markup | undefined {
  if (notices.length + failures.length === 0) return undefined;
  const missing = failures.length === 1 ? "One file" : `${formatCount(failures.length)} files`;
  const failed =
    failures.length > 0 &&
    html`<p class="notice caution" role="note"><b>${missing} could not be read</b>; everything below is without ${failures.length === 1 ? "it" : "them"}. <a href="#failures">Which and why</a></p>`;
  return html`<div class="notices">${failed}${notices.map(
    ({ text, tone = "information" }) => html`<p class="notice ${tone}" role="note">${text}</p>`,
  )}</div>`;
}

/** One card for each measure of the run; undefined when there are none. */
export function measureCards(measures: readonly Measure[] | undefined): Markup | undefined {
  if (!measures || measures.length === 0) return undefined;
  const bounded = measures.some((measure) => formatInterval(measure) !== undefined);
  return html`<div class="measures balanced" ${balancedGrid(measures.length, 6, 4, 2)}>${measures.map(measureCard)}</div>${bounded && html`<p class="note">Ranges are 95 % intervals.</p>`}`;
}

/** A small scale from `start` to `end` with the interval as a bar and the value as a dot on it. */
export function intervalStrip({ value, low, high }: Estimate, start: number, end: number): Markup {
  const at = (position: number) => Math.round(1000 * Math.min(1, Math.max(0, (position - start) / (end - start)))) / 10;
  const bounded = low !== undefined && high !== undefined && Number.isFinite(low) && Number.isFinite(high);
  return html`<span class="strip" aria-hidden="true">${
    bounded && html`<i style="left:${at(low)}%;right:${Math.round(1000 - 10 * at(high)) / 10}%"></i>`
  }${Number.isFinite(value) && html`<b style="left:${at(value)}%"></b>`}</span>`;
}

/** Where a scale of shares that ends at 1 starts: at 0.5, the level of chance, unless something lies below. */
export function stripStart(estimates: readonly Estimate[]): number {
  return estimates.every(({ value, low }) => !(value < 0.5) && !((low ?? 1) < 0.5)) ? 0.5 : 0;
}

function measureCard(measure: Measure): Markup {
  const interval = formatInterval(measure);
  const share = interval !== undefined && measure.unit === undefined && measure.low! >= 0 && measure.high! <= 1;
  return html`<div class="measure panel"><h3>${measure.name}</h3>
<p class="figure">${measure.text ?? (measure.count ? formatCount(measure.value) : formatValue(measure.value))}</p>
<p class="interval">${[measure.unit, interval].filter((part) => part !== undefined).join(" · ")}</p>${
    share &&
    html`${intervalStrip(measure, stripStart([measure]), 1)}<p class="ends"><span>${stripStart([measure])}</span><span>1</span></p>`
  }${measure.note && html`<p class="note">${measure.note}</p>`}</div>`;
}
