import type { Pair, PairGroup, Sheet, Thumbnail, Tone } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid, spoken } from "./layout.ts";
import { formatCount } from "./numbers.ts";
import { dataAddress, pictureFigure, shortenedName } from "./pictures.ts";

/** A sign beside the colour, so that a tone is seen without it. */
const toneSigns: Readonly<Record<Tone, string>> = { normal: "", anomalous: "▲", caution: "!" };

/** Contact sheets of a data set's images; undefined when there are none. */
export function sheetSection(sheets: readonly Sheet[] | undefined): Markup | undefined {
  const filled = sheets?.filter(({ thumbnails }) => thumbnails.length > 0) ?? [];
  return filled.length > 0 ? html`${filled.map(contactSheet)}` : undefined;
}

/** Near-duplicates side by side; undefined when there are none. */
export function pairSection(groups: readonly PairGroup[] | undefined): Markup | undefined {
  const filled = groups?.filter(({ pairs }) => pairs.length > 0) ?? [];
  if (filled.length === 0) return undefined;
  return html`${filled.map(
    ({ title, note, pairs }) => html`<section class="group"><h3>${title}</h3>${note && html`<p class="note">${note}</p>`}
<div class="pairs balanced" ${balancedGrid(pairs.length, 3, 2, 1)}>${pairs.map(pairPanel)}</div></section>`,
  )}`;
}

function contactSheet({ title, note, thumbnails, more = 0 }: Sheet): Markup {
  const tally = (["anomalous", "caution"] as const).map((tone) => {
    const count = thumbnails.filter((thumbnail) => thumbnail.tone === tone).length;
    return (
      count > 0 &&
      html` <span class="tally ${tone}"><i aria-hidden="true">${toneSigns[tone]}</i> ${formatCount(count)} ${tone}</span>`
    );
  });
  const shown =
    more > 0
      ? `${formatCount(thumbnails.length)} of ${formatCount(thumbnails.length + more)} images`
      : `${formatCount(thumbnails.length)} images`;
  const folder = commonFolder(thumbnails.map(({ name }) => name));
  return html`<section class="group"><h3>${title} <span class="tally">${shown}</span>${tally}</h3>${note && html`<p class="note">${note}</p>`}
<ul class="sheet">${thumbnails.map((thumbnail) => thumbnailItem(thumbnail, folder))}${more > 0 && html`<li class="more"><span>${formatCount(more)} more</span></li>`}</ul></section>`;
}

function thumbnailItem({ name, bytes, caption, tone = "normal" }: Thumbnail, folder: string): Markup {
  const sign = toneSigns[tone];
  return html`<li class="${tone}"><img src="${dataAddress(bytes)}" alt="" title="${caption ? `${name}: ${caption}` : name}" decoding="async">${
    sign && html`<i aria-hidden="true">${sign}</i>${spoken(`${tone}: `)}`
  }${shortenedName(name.slice(folder.length), name)}${caption && html`<small>${caption}</small>`}</li>`;
}

/** The folders at the start of all names, which the pictures of a sheet need not repeat. */
export function commonFolder(names: readonly string[]): string {
  const parts = names[0]?.split("/").slice(0, -1) ?? [];
  let common = "";
  for (const part of parts) {
    const longer = `${common}${part}/`;
    if (!names.every((name) => name.startsWith(longer))) break;
    common = longer;
  }
  return common;
}

function pairPanel({ first, second, caption }: Pair): Markup {
  return html`<figure class="pair panel"><div class="pictures"><div class="mosaic" data-count="2">${[first, second].map((picture) => pictureFigure(picture, caption))}</div></div><figcaption>${caption}</figcaption></figure>`;
}
