import { type Canvas, pixelsAround } from "./canvas.ts";
import { distanceAt } from "./distance-grid.ts";
import type { Gland } from "./glands.ts";
import type { Content } from "./growth.ts";
import { smoothStep, unit } from "./noise.ts";
import { cellTexture, fractalTexture, grainTexture, sampleTexture, texelAt } from "./textures.ts";

/** Paints a gland over the stroma: cytoplasm, lumen and what is in it, a cleft around it; not its nuclei. */
export const paintGland = (canvas: Canvas, gland: Gland): void => {
  const { pixel, width, haematoxylin, eosin } = canvas;
  const { x: middleX, y: middleY, key, look, outer, lumen } = gland;
  const { firstColumn, lastColumn, firstRow, lastRow } = pixelsAround(canvas, middleX, middleY, gland.reach);
  if (firstColumn > lastColumn || firstRow > lastRow) return;
  const grain = grainTexture();
  const cells = cellTexture();
  const fill = contents[look.content];
  const offsetX = (key & 511) - middleX;
  const offsetY = ((key >> 9) & 511) - middleY;
  const cleft = 2 * Math.PI * unit(key, 0, 0, 1);
  const [cleftX, cleftY] = [Math.cos(cleft), Math.sin(cleft)];
  const ink: Ink = { haematoxylin: 0, eosin: 0 };
  for (let row = firstRow; row <= lastRow; row++) {
    const y = (canvas.y + row + 0.5) * pixel;
    for (let column = firstColumn; column <= lastColumn; column++) {
      const x = (canvas.x + column + 0.5) * pixel;
      const depth = distanceAt(outer, x, y);
      const index = row * width + column;
      if (depth < -0.5 * pixel) {
        if (look.retraction > 0 && depth > -look.retraction - 1) {
          const away = ((x - middleX) * cleftX + (y - middleY) * cleftY) / Math.hypot(x - middleX, y - middleY);
          const open = smoothStep(0, 0.6, away) * Math.min(1, look.retraction + 1 + depth);
          haematoxylin[index] *= 1 - 0.95 * open;
          eosin[index] *= 1 - 0.95 * open;
        }
        continue;
      }
      const alpha = Math.min(1, depth / pixel + 0.5);
      const texelX = x + offsetX;
      const texelY = y + offsetY;
      const foam = look.foam * texelAt(grain, texelX * 1.6, texelY * 1.6);
      const wall = look.walls * Math.max(0, 1 - texelAt(cells, texelX * 1.6, texelY * 1.6) / 2.2);
      let blue = look.haematoxylin * (1 + 0.2 * foam) + 0.12 * wall;
      let pink = look.eosin * (1 + 0.25 * foam) + 0.22 * wall;
      if (lumen !== undefined) {
        const open = distanceAt(lumen, x, y);
        const pale = 1 - look.apicalPallor * smoothStep(-9, -1, open);
        blue *= pale;
        pink *= pale;
        if (open > -0.5 * pixel) {
          const inLumen = Math.min(1, open / pixel + 0.5);
          fill(ink, texelX, texelY, open);
          blue += inLumen * (ink.haematoxylin - blue);
          pink += inLumen * (ink.eosin - pink);
        }
      }
      if (depth < 1.2) pink += 0.12;
      haematoxylin[index] += alpha * (blue - haematoxylin[index]);
      eosin[index] += alpha * (pink - eosin[index]);
    }
  }
  if (look.corpora !== undefined) paintCorpora(canvas, gland);
};

interface Ink {
  haematoxylin: number;
  eosin: number;
}

const wisps = (x: number, y: number, stretch: number): number => sampleTexture(fractalTexture(), x * stretch, y * stretch);

/** What a lumen shows at a place that is `open` um inside it. */
const contents: Readonly<Record<Content, (ink: Ink, x: number, y: number, open: number) => void>> = {
  empty: (ink) => {
    ink.haematoxylin = 0.015;
    ink.eosin = 0.02;
  },
  secretion: (ink, x, y, open) => {
    const held = Math.max(0, 0.25 + 0.22 * wisps(x, y, 1.1)) * smoothStep(1, 5, open);
    ink.haematoxylin = 0.02 + 0.1 * held;
    ink.eosin = 0.02 + 1.15 * held;
  },
  mucin: (ink, x, y, open) => {
    const held = Math.max(0, 0.16 + 0.18 * wisps(x, y, 0.9)) * smoothStep(0, 4, open);
    ink.haematoxylin = 0.02 + 0.8 * held;
    ink.eosin = 0.02 + 0.2 * held;
  },
  necrosis: (ink, x, y) => {
    const debris = wisps(x, y, 2.1);
    ink.haematoxylin = 0.18 + (debris > 1.1 ? 0.9 : 0);
    ink.eosin = 0.75 + 0.25 * wisps(x + 100, y, 1.7);
  },
  blood: (ink, x, y) => {
    const cell = texelAt(cellTexture(), x * 2.6, y * 2.6);
    const held = Math.min(1, Math.max(0, (cell - 1.5) / 2));
    ink.haematoxylin = 0.02;
    ink.eosin = 0.05 + 0.95 * held;
  },
};

/** Concentric rings of pink, only where the lumen is. */
const paintCorpora = (canvas: Canvas, { x, y, lumen, look }: Gland): void => {
  if (lumen === undefined) return;
  for (const corpus of look.corpora ?? []) {
    const [middleX, middleY] = [x + corpus.x, y + corpus.y];
    const { firstColumn, lastColumn, firstRow, lastRow } = pixelsAround(canvas, middleX, middleY, corpus.radius + 1);
    if (distanceAt(lumen, middleX, middleY) < corpus.radius * 0.6) continue;
    for (let row = firstRow; row <= lastRow; row++) {
      const atY = (canvas.y + row + 0.5) * canvas.pixel;
      for (let column = firstColumn; column <= lastColumn; column++) {
        const atX = (canvas.x + column + 0.5) * canvas.pixel;
        const inside = Math.min(corpus.radius - Math.hypot(atX - middleX, atY - middleY), distanceAt(lumen, atX, atY) + 1);
        if (inside <= 0) continue;
        const index = row * canvas.width + column;
        const alpha = Math.min(1, inside);
        const ring = 0.85 + 0.2 * Math.cos(inside * 1.6);
        canvas.eosin[index] += alpha * (ring - canvas.eosin[index]);
        canvas.haematoxylin[index] += alpha * (0.1 - canvas.haematoxylin[index]);
      }
    }
  }
};
