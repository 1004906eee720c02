import { type Canvas, pixelsAround } from "./canvas.ts";
import { type Nuclei, nucleusFields } from "./nuclei.ts";
import { grainTexture, texelAt } from "./textures.ts";

/** Paints nuclei: ellipses with soft edges, chromatin grain, a darker rim where they are vesicular, and a nucleolus. */
export const paintNuclei = (canvas: Canvas, nuclei: Nuclei): void => {
  for (let at = 0; at < nuclei.length; at += nucleusFields) paintNucleus(canvas, nuclei, at);
};

const paintNucleus = (canvas: Canvas, nuclei: Nuclei, at: number): void => {
  const x = nuclei[at];
  const y = nuclei[at + 1];
  const halfLength = nuclei[at + 2];
  const halfWidth = nuclei[at + 3];
  const cosine = nuclei[at + 4];
  const sine = nuclei[at + 5];
  const darkness = nuclei[at + 6];
  const vesicular = nuclei[at + 7];
  const nucleolus = nuclei[at + 8];
  const { pixel, haematoxylin, eosin, width } = canvas;
  const { firstColumn, lastColumn, firstRow, lastRow } = pixelsAround(canvas, x, y, halfLength + pixel);
  const grain = grainTexture();
  const softness = 0.5 * pixel + 0.3;
  const nucleolusX = 0.25 * halfLength * cosine;
  const nucleolusY = 0.25 * halfLength * sine;
  for (let row = firstRow; row <= lastRow; row++) {
    const dy = (canvas.y + row + 0.5) * pixel - y;
    for (let column = firstColumn; column <= lastColumn; column++) {
      const dx = (canvas.x + column + 0.5) * pixel - x;
      const u = (cosine * dx + sine * dy) / halfLength;
      const v = (cosine * dy - sine * dx) / halfWidth;
      const distance = Math.sqrt(u * u + v * v);
      const inside = (1 - distance) * halfWidth;
      if (inside < -softness) continue;
      const alpha = Math.min(1, (inside + softness) / (2 * softness));
      const chromatin = 1 + 0.14 * texelAt(grain, (x + dx) * 2, (y + dy) * 2);
      let blue = darkness * chromatin * (1 - vesicular * Math.max(0, 1 - distance * distance * 1.3));
      let pink = 0.32;
      if (nucleolus > 0) {
        const off = Math.hypot(dx - nucleolusX, dy - nucleolusY);
        const spot = Math.min(1, Math.max(0, nucleolus + 0.5 - off));
        blue += spot * (darkness * 1.15 - blue);
        pink += 0.5 * spot;
      }
      const index = row * width + column;
      haematoxylin[index] += alpha * (blue - haematoxylin[index]);
      eosin[index] += alpha * (pink - eosin[index]);
    }
  }
};
