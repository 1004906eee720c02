/** Text that is already safe to stand in a document. Only `html` and `trusted` make it. */
export type Markup = { readonly markup: string };

/** What may stand in an `html` template: text is escaped, markup is kept, absent values vanish. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * Escapes text for element content and quoted attributes. Control characters and lone
 * surrogates, which no document may hold, become the replacement character.
 */
export function escapeHtml(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]|\p{Cs}/gu, "\uFFFD").replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Declares text as markup. For constants of this room only, never for data. */
export function trusted(markup: string): Markup {
  return { markup };
}

/** A template tag whose values are escaped unless they are markup themselves. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  const parts = strings.map((text, index) => text + (index < values.length ? contentOf(values[index]) : ""));
  return { markup: parts.join("") };
}

function contentOf(value: Content): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  if ("markup" in value) return value.markup;
  return value.map(contentOf).join("");
}
