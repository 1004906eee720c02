import type { ClassConfusion } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { scrollingTable } from "./layout.ts";
import { absent, formatCount, formatShare } from "./numbers.ts";

/** Which classes are taken for which, each row shaded by its shares; undefined when there is nothing to show. */
export function classConfusionTables(confusions: readonly ClassConfusion[] | undefined): Markup | undefined {
  return confusions && confusions.length > 0 ? html`${confusions.map(confusionTable)}` : undefined;
}

function confusionTable({ title, note, classes, counts }: ClassConfusion): Markup {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const rows = classes.map((name, reference) => {
    const row = counts[reference] ?? [];
    const total = sum(row);
    const cells = classes.map((_, predicted) => {
      const count = row[predicted] ?? 0;
      const strength = total > 0 ? Math.round((100 * count) / total) : 0;
      return html`<td class="${predicted === reference ? "right" : "wrong"}" style="--strength:${strength}%">${formatCount(count)}</td>`;
    });
    return html`<tr><th scope="row">${name}</th>${cells}<td class="total">${formatCount(total)}</td><td class="total">${
      total > 0 ? formatShare((row[reference] ?? 0) / total) : absent
    }</td></tr>`;
  });
  const predicted = classes.map((_, column) => sum(counts.map((row) => row[column] ?? 0)));
  const table = html`<table class="confusion classes"><thead><tr><td class="corner">reference ↓ predicted →</td>${classes.map((name) => html`<th scope="col">${name}</th>`)}<th scope="col">all</th><th scope="col">right</th></tr></thead>
<tbody>${rows}<tr><th scope="row">all</th>${predicted.map((count) => html`<td class="total">${formatCount(count)}</td>`)}<td class="total">${formatCount(sum(predicted))}</td><td></td></tr></tbody></table>`;
  return html`<section class="group"><h3>${title}</h3>${scrollingTable(title, table)}${note && html`<p class="note">${note}</p>`}</section>`;
}
