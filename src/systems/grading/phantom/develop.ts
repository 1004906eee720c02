import { type Artefacts, blurPlane, blurReach, cameraNoise, noiseBits, paintPen } from "./artefacts.ts";
import type { Canvas } from "./canvas.ts";
import { type Staining, stain } from "./staining.ts";

/**
 * From concentrations to 8-bit colours: stain, pen, blur, noise. Returns the canvas without its margin of `blurReach` pixels on each
 * side, `[height, width, 3]`.
 */
export const develop = (canvas: Canvas, look: Staining, flaws: Artefacts, seed: number): Uint8ClampedArray => {
  const { width, height } = canvas;
  const planes = exposed(canvas, look, flaws);
  const [red, green, blue] = planes ?? look.white;
  const at = (plane: Float32Array | number, index: number): number => (typeof plane === "number" ? plane : plane[index]);
  const pixels = new Uint8ClampedArray((width - 2 * blurReach) * (height - 2 * blurReach) * 3);
  let to = 0;
  for (let row = blurReach; row < height - blurReach; row++) {
    for (let column = blurReach; column < width - blurReach; column++) {
      const index = row * width + column;
      const bits = noiseBits(seed, canvas.x + column, canvas.y + row);
      pixels[to++] = at(red, index) + flaws.grain * cameraNoise(bits, 0);
      pixels[to++] = at(green, index) + flaws.grain * cameraNoise(bits, 1);
      pixels[to++] = at(blue, index) + flaws.grain * cameraNoise(bits, 2);
    }
  }
  return pixels;
};

/** Red, green and blue planes as the optics show them, before the camera's noise; undefined where there is nothing but glass. */
const exposed = (canvas: Canvas, look: Staining, flaws: Artefacts): Float32Array[] | undefined => {
  const { width, height, pixel } = canvas;
  const count = width * height;
  const isStained = canvas.haematoxylin.some((value) => value > 0) || canvas.eosin.some((value) => value > 0);
  if (!isStained && flaws.pen === undefined) return undefined;
  const colours = new Float32Array(3 * count);
  stain(look, canvas.haematoxylin, canvas.eosin, colours);
  paintPen(canvas, flaws.pen, colours);
  const sigma = flaws.blur / pixel;
  const away = flaws.outOfFocus && focusPlane(canvas, flaws.outOfFocus);
  return [0, 1, 2].map((channel) => {
    const plane = colours.subarray(channel * count, (channel + 1) * count);
    const sharp = blurPlane(plane, width, height, sigma);
    if (away === undefined) return sharp;
    const soft = blurPlane(plane, width, height, Math.min(blurReach / 2.2, sigma * 2.8));
    return sharp.map((value, index) => value + away[index] * (soft[index] - value));
  });
};

/** How far out of focus each pixel is; undefined where all are in focus. */
const focusPlane = (
  { x, y, width, height, pixel }: Canvas,
  outOfFocus: (x: number, y: number) => number,
): Float32Array | undefined => {
  const plane = new Float32Array(width * height);
  let worst = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const away = outOfFocus((x + column) * pixel, (y + row) * pixel);
      plane[row * width + column] = away;
      worst = Math.max(worst, away);
    }
  }
  return worst > 0 ? plane : undefined;
};
