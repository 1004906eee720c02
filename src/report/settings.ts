import type { Nested, ReportData } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { scrollingTable } from "./layout.ts";
import { absent, formatCount } from "./numbers.ts";

type Values = { readonly [key: string]: Nested };
type Entry = readonly [name: string, value: Nested];

/**
 * The settings of a run; undefined when there are none. With the defaults beside them, those that differ come first
 * and all of them follow folded away.
 */
export function settingsSection({ settings, defaults }: ReportData): Markup | undefined {
  const all = nestedTable(settings);
  if (!all || !settings || !defaults) return all;
  const changed = changedSettings(settings, defaults);
  const rows = changed.map(
    ({ name, value, before }) =>
      html`<tr><th scope="row">${name}</th><td class="set"><bdi>${plainText(value)}</bdi></td><td><bdi>${before === undefined ? absent : plainText(before)}</bdi></td></tr>`,
  );
  const first =
    changed.length > 0
      ? scrollingTable(
          "Settings that differ from the defaults",
          html`<table><thead><tr><th scope="col">Differs from the default</th><th scope="col">Value</th><th scope="col">Default</th></tr></thead><tbody>${rows}</tbody></table>`,
        )
      : html`<p>All settings are the defaults.</p>`;
  const marked = nestedTable(settings, new Set(changed.map(({ name }) => name)));
  return html`${first}<details class="fold"><summary>All ${formatCount(leaves(settings, "").length)} settings</summary>${marked}</details>`;
}

/** Nested values as a list of names and values, grouped by their outermost name; undefined when there are none. */
export function nestedTable(values: Values | undefined, marked?: ReadonlySet<string>): Markup | undefined {
  if (!values || Object.keys(values).length === 0) return undefined;
  const single = Object.entries(values).filter(([, value]) => !isGroup(value));
  const groups = Object.entries(values).filter(([, value]) => isGroup(value));
  return html`<div class="settings">${single.length > 0 && entryList(undefined, single, marked)}${groups.map(([name, value]) =>
    entryList(name, leaves(value, ""), marked),
  )}</div>`;
}

/** The settings whose value is not the default one, in their order, with the default where there is one. */
export function changedSettings(settings: Values, defaults: Values) {
  const before = new Map(leaves(defaults, ""));
  return leaves(settings, "")
    .filter(([name, value]) => JSON.stringify(before.get(name)) !== JSON.stringify(value))
    .map(([name, value]) => ({ name, value, before: before.get(name) }));
}

function entryList(group: string | undefined, entries: readonly Entry[], marked: ReadonlySet<string> | undefined): Markup {
  const rows = entries.map(([name, value]) => {
    const differs = marked?.has(group === undefined ? name : joined(group, name));
    return html`<div${differs && html` class="differs"`}><dt>${name}</dt><dd>${differs && html`<span class="mark">set</span> `}<bdi>${plainText(value)}</bdi></dd></div>`;
  });
  return html`<section class="panel">${group !== undefined && html`<h3>${group}</h3>`}<dl>${rows}</dl></section>`;
}

function isGroup(value: Nested): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function leaves(value: Nested, prefix: string): readonly Entry[] {
  if (!isGroup(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, prefix === "" ? key : joined(prefix, key)));
}

function plainText(value: Nested): string {
  if (value === null || value === undefined || value === "") return absent;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length === 0 ? absent : value.map(plainText).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const joined = (outer: string, inner: string) => `${outer} › ${inner}`;
