import type { LegendEntry, Rgb, ShareChart } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid } from "./layout.ts";
import { formatShare } from "./numbers.ts";

/** Shares as bars, one panel for each whole; undefined when there are none. */
export function shareSection(charts: readonly ShareChart[] | undefined): Markup | undefined {
  const filled = charts?.filter(({ rows }) => rows.length > 0) ?? [];
  if (filled.length === 0) return undefined;
  return html`<div class="shares balanced" ${balancedGrid(filled.length, 2, 2, 1)}>${filled.map(sharePanel)}</div>`;
}

/** What the colours of pictures stand for. */
export function colourLegend(entries: readonly LegendEntry[]): Markup {
  return html`<ul class="legend colours">${entries.map(({ name, colour }) => html`<li>${swatch(colour)}<span>${name}</span></li>`)}</ul>`;
}

function sharePanel({ title, note, rows }: ShareChart): Markup {
  const coloured = rows.some(({ colour }) => colour !== undefined);
  const explained = rows.some(({ text }) => text !== undefined);
  const body = rows.map(({ name, share, text, colour, emphasis }) => {
    const width = Math.round(1000 * Math.min(1, Math.max(0, share || 0))) / 10;
    return html`<tr class="${emphasis && "chosen"}"><th scope="row">${coloured && swatch(colour)}${name}</th>
<td class="track" aria-hidden="true"><i style="width:${width}%"></i></td><td class="number">${formatShare(share)}</td>${
      explained && html`<td class="number text">${text}</td>`
    }</tr>`;
  });
  return html`<figure class="panel"><figcaption>${title}</figcaption><table><tbody>${body}</tbody></table>${note && html`<p class="note">${note}</p>`}</figure>`;
}

function swatch(colour: Rgb | undefined): Markup {
  const parts = colour?.map((part) => Math.min(255, Math.max(0, Math.round(part) || 0)));
  return html`<i class="swatch" style="background:${parts ? `rgb(${parts.join(" ")})` : "none"}"></i>`;
}
