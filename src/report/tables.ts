import type { Cell, Comparison, Estimate, Failure, ReportData } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { scrollingTable, spoken } from "./layout.ts";
import { absent, estimate, formatCount, formatShare, formatValue } from "./numbers.ts";
import { CLASS_NAMES } from "./scores.ts";
import { intervalStrip, stripStart } from "./summary.ts";

/** How many failures are listed before the others are folded away. */
const openFailures = 20;

/** How well each kind of anomaly is found; undefined when there are none. Measures that no kind has get no column. */
export function kindTable({ kinds, classNames = CLASS_NAMES, sectionTitles }: ReportData): Markup | undefined {
  if (!kinds || kinds.length === 0) return undefined;
  const start = stripStart(kinds.flatMap(({ auroc }) => auroc ?? []));
  const has = (measure: "auroc" | "pixelAuroc" | "pro" | "detected") => kinds.some((kind) => kind[measure] !== undefined);
  const number = (value: Estimate | undefined) => html`<td class="number">${value ? estimate(value) : absent}</td>`;
  const rows = kinds.map(({ kind, images, auroc, pixelAuroc, pro, detected }) => {
    const share = detected === undefined ? Number.NaN : detected / images;
    return html`<tr><th scope="row">${kind}</th><td class="number">${formatCount(images)}</td>${
      has("auroc") && html`${number(auroc)}<td class="wide">${auroc && intervalStrip(auroc, start, 1)}</td>`
    }${has("pixelAuroc") && number(pixelAuroc)}${has("pro") && number(pro)}${
      has("detected") &&
      html`<td class="number">${detected === undefined ? absent : html`${formatCount(detected)} <span class="interval">${formatShare(share)}</span>`}</td>`
    }</tr>`;
  });
  const head = (name: string) => html`<th scope="col" class="number">${name}</th>`;
  return scrollingTable(
    sectionTitles?.kinds ?? "Kinds of anomaly",
    html`<table><thead><tr><th scope="col">Kind</th>${head("Images")}${
      has("auroc") && html`${head("AUROC")}<td class="wide ends" aria-hidden="true"><span>${start}</span><span>1</span></td>`
    }${has("pixelAuroc") && head("Pixel AUROC")}${has("pro") && head("PRO")}${has("detected") && head(`Called ${classNames.anomalous}`)}</tr></thead>
<tbody>${rows}</tbody></table>`,
  );
}

/** The tables of ablations, baselines and benchmarks; undefined when there are none. */
export function comparisonTables(comparisons: readonly Comparison[] | undefined): Markup | undefined {
  if (!comparisons || comparisons.length === 0) return undefined;
  return html`${comparisons.map(comparisonTable)}`;
}

/** The files that could not be read, with the reason; undefined when there are none. */
export function failureTable(failures: readonly Failure[] | undefined): Markup | undefined {
  if (!failures || failures.length === 0) return undefined;
  const table = (shown: readonly Failure[]) => {
    const rows = shown.map(
      ({ file, reason }) => html`<tr><th scope="row"><bdi>${file}</bdi></th><td><bdi>${reason}</bdi></td></tr>`,
    );
    return scrollingTable(
      "Files not read",
      html`<table class="failures"><thead><tr><th scope="col">File</th><th scope="col">Reason</th></tr></thead><tbody>${rows}</tbody></table>`,
    );
  };
  const folded = failures.slice(openFailures);
  return html`${table(failures.slice(0, openFailures))}${
    folded.length > 0 &&
    html`<details class="fold"><summary>${formatCount(folded.length)} more</summary>${table(folded)}</details>`
  }`;
}

function comparisonTable({ title, note, better, columns, rows }: Comparison): Markup {
  const competing = rows.filter(({ summary }) => !summary);
  const best = columns.map((column, index) =>
    bestOf(
      competing.map(({ cells }) => cellNumber(cells[index])),
      column.better,
    ),
  );
  const numeric = columns.map((_, column) => rows.some(({ cells }) => typeof (cells[column] ?? "") !== "string"));
  const whole = columns.map((_, column) => rows.every(({ cells }) => isWhole(cells[column])));
  const body = rows.map(({ name, cells, emphasis, summary }) => {
    const bestOfRow = bestOf(cells.slice(0, columns.length).map(cellNumber), better);
    const drawn = columns.map((_, column) => {
      const cell = cells[column] ?? null;
      const value = cellNumber(cell);
      const winning = (bestOfRow !== undefined && value === bestOfRow) || (!summary && best[column] === value);
      return html`<td class="${numeric[column] ? "number" : ""}${winning ? " best" : ""}">${cellContent(cell, whole[column]!)}${winning && spoken(" (best)")}</td>`;
    });
    return html`<tr class="${emphasis ? "emphasis" : ""}${summary ? " total" : ""}"><th scope="row">${name}</th>${drawn}</tr>`;
  });
  const direction = (sense: "higher" | "lower" | undefined) =>
    sense && html` <span class="interval" title="${sense} is better">${sense === "higher" ? "↑" : "↓"}</span>`;
  const heads = columns.map(
    (column, index) =>
      html`<th scope="col" class="${numeric[index] ? "number" : ""}">${column.name}${direction(better ? undefined : column.better)}</th>`,
  );
  return html`<section class="group"><h3>${title}</h3>${scrollingTable(
    title,
    html`<table><thead><tr><td>${better && html`<span class="interval">${better} is better</span>`}</td>${heads}</tr></thead><tbody>${body}</tbody></table>`,
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
