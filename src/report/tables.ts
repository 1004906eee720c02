import type { Cell, Comparison, Failure, KindResult, Nested } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { absent, estimate, formatCount, formatShare, formatValue } from "./numbers.ts";
import { intervalStrip, stripStart } from "./summary.ts";

/** How well each kind of anomaly is found; undefined when there are none. */
export function kindTable(kinds: readonly KindResult[] | undefined): Markup | undefined {
  if (!kinds || kinds.length === 0) return undefined;
  const start = stripStart(kinds.flatMap(({ auroc }) => auroc ?? []));
  const rows = kinds.map(({ kind, images, auroc, detected }) => {
    const share = detected === undefined ? Number.NaN : detected / images;
    return html`<tr><th scope="row">${kind}</th><td class="number">${formatCount(images)}</td>
<td class="number">${auroc ? estimate(auroc) : absent}</td><td class="wide">${auroc && intervalStrip(auroc, start, 1)}</td>
<td class="number">${detected === undefined ? absent : html`${formatCount(detected)} <span class="interval">${formatShare(share)}</span>`}</td></tr>`;
  });
  return scrolling(
    "Kinds of anomaly",
    html`<table><thead><tr><th scope="col">Kind</th><th scope="col" class="number">Images</th>
<th scope="col" class="number">AUROC</th><th scope="col" class="wide ends"><span>${start}</span><span>1</span></th>
<th scope="col" class="number">Detected</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
}

/** The tables of ablations and baselines; undefined when there are none. */
export function comparisonTables(comparisons: readonly Comparison[] | undefined): Markup | undefined {
  if (!comparisons || comparisons.length === 0) return undefined;
  return html`${comparisons.map(comparisonTable)}`;
}

/** The files that could not be read, with the reason; undefined when there are none. */
export function failureTable(failures: readonly Failure[] | undefined): Markup | undefined {
  if (!failures || failures.length === 0) return undefined;
  const rows = failures.map(
    ({ file, reason }) => html`<tr><th scope="row"><bdi>${file}</bdi></th><td><bdi>${reason}</bdi></td></tr>`,
  );
  return scrolling(
    "Files not read",
    html`<table><thead><tr><th scope="col">File</th><th scope="col">Reason</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
}

/** Nested values as a list of names and values, grouped by their outermost name; undefined when there are none. */
export function nestedTable(values: { readonly [key: string]: Nested } | undefined): Markup | undefined {
  if (!values || Object.keys(values).length === 0) return undefined;
  const single = Object.entries(values).filter(([, value]) => !isGroup(value));
  const groups = Object.entries(values).filter(([, value]) => isGroup(value));
  return html`<div class="settings">${single.length > 0 && entryList(undefined, single)}${groups.map(([name, value]) =>
    entryList(name, flattened(value, "")),
  )}</div>`;
}

function comparisonTable({ title, note, columns, rows }: Comparison): Markup {
  const best = columns.map(({ better }, column) =>
    bestOf(
      rows.map(({ cells }) => cellNumber(cells[column])),
      better,
    ),
  );
  const numeric = columns.map((_, column) => rows.some(({ cells }) => typeof (cells[column] ?? "") !== "string"));
  const whole = columns.map((_, column) => rows.every(({ cells }) => isWhole(cells[column])));
  const body = rows.map(({ name, cells, emphasis }) => {
    const drawn = columns.map((_, column) => {
      const cell = cells[column] ?? null;
      const winning = best[column] !== undefined && cellNumber(cell) === best[column];
      return html`<td class="${numeric[column] ? "number" : ""}${winning ? " best" : ""}">${cellContent(cell, whole[column]!)}</td>`;
    });
    return html`<tr class="${emphasis ? "emphasis" : ""}"><th scope="row">${name}</th>${drawn}</tr>`;
  });
  const heads = columns.map(({ name, better }, column) => {
    return html`<th scope="col" class="${numeric[column] ? "number" : ""}">${name}${better && html` <span class="interval">${better === "higher" ? "↑" : "↓"}</span>`}</th>`;
  });
  return html`<section class="group"><h3>${title}</h3>${scrolling(
    title,
    html`<table><thead><tr><td></td>${heads}</tr></thead><tbody>${body}</tbody></table>`,
  )}${note && html`<p class="note">${note}</p>`}</section>`;
}

function bestOf(values: readonly number[], better: "higher" | "lower" | undefined): number | undefined {
  const finite = values.filter(Number.isFinite);
  if (better === undefined || finite.length < 2) return undefined;
  return better === "higher" ? Math.max(...finite) : Math.min(...finite);
}

function cellNumber(cell: Cell | undefined): number {
  if (typeof cell === "number") return cell;
  return cell !== null && typeof cell === "object" ? cell.value : Number.NaN;
}

function isWhole(cell: Cell | undefined): boolean {
  const number = cellNumber(cell);
  return Number.isNaN(number) || Number.isInteger(number);
}

function cellContent(cell: Cell, whole: boolean): Markup | string {
  if (cell === null) return absent;
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return whole ? formatCount(cell) : formatValue(cell);
  return estimate(cell);
}

function entryList(name: string | undefined, entries: readonly (readonly [string, Nested])[]): Markup {
  const rows = entries.map(([key, value]) => html`<div><dt>${key}</dt><dd><bdi>${plainText(value)}</bdi></dd></div>`);
  return html`<section class="panel">${name !== undefined && html`<h3>${name}</h3>`}<dl>${rows}</dl></section>`;
}

function isGroup(value: Nested): value is { readonly [key: string]: Nested } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function flattened(value: Nested, prefix: string): readonly (readonly [string, Nested])[] {
  if (!isGroup(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([key, inner]) => flattened(inner, prefix === "" ? key : `${prefix} › ${key}`));
}

function plainText(value: Nested): string {
  if (value === null || value === undefined || value === "") return absent;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length === 0 ? absent : value.map(plainText).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function scrolling(name: string, table: Markup): Markup {
  return html`<div class="scrolling panel" role="region" aria-label="${name}" tabindex="0">${table}</div>`;
}
