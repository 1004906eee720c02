import type { Case, CaseGroup, Picture } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { formatValue } from "./numbers.ts";

const outcomeSigns = { detected: "✓", passed: "✓", missed: "✕", "false alarm": "!" } as const;

/** The groups of cases as cards of pictures; undefined when there are none. A card can be enlarged by following its link. */
export function caseSection(groups: readonly CaseGroup[] | undefined): Markup | undefined {
  const filled = groups?.filter(({ cases }) => cases.length > 0) ?? [];
  if (filled.length === 0) return undefined;
  return html`${filled.map(
    (
      { title, note, cases },
      group,
    ) => html`<section class="group" id="group-${group + 1}"><h3>${title}</h3>${note && html`<p class="note">${note}</p>`}
<div class="cases">${cases.map((shown, index) => caseCard(shown, `group-${group + 1}`, index + 1))}</div></section>`,
  )}`;
}

/** The address that holds a picture within the document. Throws for bytes that are neither JPEG nor PNG. */
export function dataAddress(bytes: Uint8Array): string {
  const type = mediaType(bytes);
  if (type === undefined) throw new Error("a picture of the report is neither JPEG nor PNG");
  return `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}`;
}

function mediaType(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return "image/png";
  return undefined;
}

function caseCard({ name, pictures, score, label, outcome, caption }: Case, group: string, number: number): Markup {
  const id = `${group}-case-${number}`;
  return html`<article class="case panel" id="${id}">
<header><bdi class="name">${name}</bdi><a class="close" href="#${group}">smaller</a></header>
<a class="pictures" data-count="${pictures.length}" href="#${id}" aria-label="Enlarge the pictures of ${name}">${pictures.map((picture) => pictureFigure(picture, name))}</a>
<footer><p class="facts">${score !== undefined && html`<span class="score"><small>score</small> ${formatValue(score)}</span>`}${
    label && html`<span class="label">${label}</span>`
  }${outcome && html`<span class="outcome ${outcome.replace(" ", "-")}">${outcomeSigns[outcome]} ${outcome}</span>`}</p>${
    caption && html`<p class="caption">${caption}</p>`
  }</footer></article>`;
}

function pictureFigure({ caption, bytes, alternative }: Picture, name: string): Markup {
  return html`<figure><img src="${dataAddress(bytes)}" alt="${alternative ?? `${caption} of ${name}`}"><figcaption>${caption}</figcaption></figure>`;
}
