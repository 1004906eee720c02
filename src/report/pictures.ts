import type { Picture } from "./data.ts";
import { html, type Markup } from "./html.ts";

/** The address that holds a picture within the document. Throws for bytes that are neither JPEG nor PNG. */
export function dataAddress(bytes: Uint8Array): string {
  const type = mediaType(bytes);
  if (type === undefined) throw new Error("a picture of the report is neither JPEG nor PNG");
  return `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}`;
}

/** A picture with its caption. The alternative text names the caption and what it is of, unless the picture brings its own. */
export function pictureFigure({ caption, bytes, alternative }: Picture, name: string): Markup {
  return html`<figure><img src="${dataAddress(bytes)}" alt="${alternative ?? `${caption} of ${name}`}"><figcaption>${caption}</figcaption></figure>`;
}

/** A name on one line that loses its middle, not its end, where it is too long; the whole name on hovering. */
export function shortenedName(name: string, whole: string): Markup {
  const characters = [...name];
  const [start, end] = [characters.slice(0, -9), characters.slice(-9)].map((part) => part.join(""));
  return html`<bdi class="shortened" title="${whole}"><span>${start}</span><span>${end}</span></bdi>`;
}

function mediaType(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return "image/png";
  return undefined;
}
