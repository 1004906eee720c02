import { type Content, html, type Markup } from "./html.ts";

/** The largest number of columns, `most` or fewer, with which at most one place of the last row stays empty, and how many do. */
export function balanced(count: number, most: number): { readonly columns: number; readonly empty: number } {
  for (let columns = Math.min(most, count); columns > 1; columns--) {
    const empty = (columns - (count % columns)) % columns;
    if (empty <= 1) return { columns, empty };
  }
  return { columns: 1, empty: 0 };
}

/**
 * The style variables with which a grid of `count` panels fills its rows on wide, medium and narrow pages: the number of columns,
 * and how many of them the panel spans that takes the empty place.
 */
export function balancedGrid(count: number, wide: number, medium: number, narrow: number): Markup {
  const variables = Object.entries({ wide, medium, narrow }).map(([page, most]) => {
    const { columns, empty } = balanced(count, most);
    return `--${page}:${columns};--${page}-span:${empty + 1}`;
  });
  return html`style="${variables.join(";")}"`;
}

/** A panel with a drawing and what is to be read beside it: below the drawing, or to its right where there is room. */
export function drawingPanel(title: string, drawing: Markup, reading: Content): Markup {
  return html`<figure class="panel"><figcaption>${title}</figcaption><div class="plot">${drawing}<div class="reading">${reading}</div></div></figure>`;
}

/** A table that scrolls sideways within its panel where it is too wide. */
export function scrollingTable(name: string, table: Markup): Markup {
  return html`<div class="scrolling panel" role="region" aria-label="${name}" tabindex="0">${table}</div>`;
}

/** Text for those who hear the page and do not see it. */
export function spoken(text: string): Markup {
  return html`<span class="spoken">${text}</span>`;
}
