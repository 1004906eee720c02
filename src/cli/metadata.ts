import { shown } from "./output.ts";

/** Longest line for people, in characters, which a terminal shows as a few; what is longer is cut. */
const LONGEST = 320;

/** A model's metadata: entries that Lynceus wrote are JSON, unless they are damaged; others are text. */
export const readMetadata = (metadata: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(metadata).map(([key, text]) => [key, key.startsWith("lynceus.") ? parsed(text) : text]));

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Metadata for people: a line for each entry, and one for each group of settings within it. Long lines are cut. */
export const formatMetadata = (entries: Readonly<Record<string, unknown>>): string =>
  Object.entries(entries)
    .flatMap(([key, value]) => {
      const groups = isObject(value) ? Object.entries(value).filter(([, inner]) => isObject(inner)) : [];
      const singles = isObject(value) ? Object.entries(value).filter(([, inner]) => !isObject(inner)) : [];
      const own = isObject(value) ? fields(singles) : brief(value);
      return [
        `  ${key}: ${own}`.trimEnd(),
        ...groups.map(([name, group]) => `    ${name}: ${fields(Object.entries(group as object))}`),
      ];
    })
    .map((line) => cut(shown(line)))
    .join("\n");

/** `size 64, channels 3, area {min 0.1, max 0.2}` */
const fields = (entries: readonly [string, unknown][]): string =>
  entries.map(([name, value]) => `${name} ${brief(value)}`).join(", ");

const brief = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(brief).join(", ")}]`;
  if (isObject(value)) return `{${fields(Object.entries(value))}}`;
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
};

const cut = (line: string): string => (line.length > LONGEST ? `${line.slice(0, LONGEST - 4)} ...` : line);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
