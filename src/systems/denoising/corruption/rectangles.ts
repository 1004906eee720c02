import type { OcclusionOptions } from "./options.ts";
import type { Quantities } from "./quantities.ts";

export type Size = { readonly height: number; readonly width: number };

/** [width, height] in whole pixels. */
type Sides = readonly [number, number];

/** Whole pixels: columns left .. left + width - 1, rows top .. top + height - 1. */
export type Rectangle = { readonly left: number; readonly top: number; readonly width: number; readonly height: number };

/**
 * Lays rectangles of the drawn shares, aspect ratios and positions on the pixel grid, so that their total area is `ratio`
 * of the image area. Placement `inside` meets it within 2 % of the image (of 32 x 32 pixels or more); `clip` cuts the
 * rectangles at the image border, so the area may be smaller. There are never more rectangles than pixels to occlude.
 *
 * With measure `sum` the areas add up to the total; with `union` the pixels that are covered make the total.
 * Source: description (28)-(31).
 */
export const layRectangles = (
  size: Size,
  { ratio, shares: drawnShares, aspects, positions }: Quantities,
  { measure, placement }: Pick<OcclusionOptions, "measure" | "placement">,
): Rectangle[] => {
  const total = Math.max(1, ratio * size.width * size.height);
  const shares = atMost(Math.floor(total), drawnShares);
  const sidesAt = (scale: number) => splitSides(total * scale, shares, aspects, size);
  if (placement === "clip") return sidesAt(1).map((sides, index) => placeClipped(sides, positions[index], size));
  const place = (sides: readonly Sides[]) => sides.map((pair, index) => placeInside(pair, positions[index], size));
  if (measure === "sum" || shares.length === 1) return place(sidesAt(1));

  const mask = new Uint8Array(size.width * size.height);
  const covered = (sides: readonly Sides[]) => paint(place(sides), size, mask.fill(0));
  return place(scaleToCover(total, 1 / Math.max(...shares), sidesAt, covered, size));
};

/**
 * Sides of rectangles that cover `total` pixels. All are scaled together: a rectangle that grows at a fixed fraction of its
 * free room contains the smaller one, so the covered area grows with the scale and bisection finds it without touching the
 * drawn positions. At scale `high` the largest rectangle alone makes the total. What whole pixels leave missing is then made
 * up by changing single sides by one pixel.
 */
const scaleToCover = (
  total: number,
  high: number,
  sidesAt: (scale: number) => Sides[],
  covered: (sides: readonly Sides[]) => number,
  size: Size,
): readonly Sides[] => {
  const tolerance = 0.005 * size.width * size.height;
  let best: readonly Sides[] = [];
  let smallestError = Number.POSITIVE_INFINITY;
  /** Keeps the sides if they come closer to the total; returns by how much they exceed it. */
  const consider = (sides: readonly Sides[]): number => {
    const surplus = covered(sides) - total;
    if (Math.abs(surplus) < smallestError) {
      smallestError = Math.abs(surplus);
      best = sides;
    }
    return surplus;
  };

  consider(sidesAt(1));
  for (let low = 1, step = 0; step < 12 && smallestError > tolerance; step++) {
    const scale = (low + high) / 2;
    if (consider(sidesAt(scale)) < 0) low = scale;
    else high = scale;
  }
  for (let before = Number.POSITIVE_INFINITY; smallestError > tolerance && smallestError < before; ) {
    before = smallestError;
    for (let index = 0; index < best.length; index++) {
      for (const [wider, taller] of [
        [1, 0],
        [0, 1],
        [-1, 0],
        [0, -1],
      ]) {
        const width = best[index][0] + wider;
        const height = best[index][1] + taller;
        if (width < 1 || height < 1 || width > size.width || height > size.height) continue;
        consider(best.with(index, [width, height]));
      }
    }
  }
  return best;
};

/** Sets the pixels of the rectangles to 1 in `mask` [height, width] and returns the number of pixels that were 0 before. */
export const paint = (rectangles: readonly Rectangle[], size: Size, mask: Uint8Array): number => {
  let fresh = 0;
  for (const { left, top, width, height } of rectangles) {
    for (let row = top; row < top + height; row++) {
      const start = row * size.width + left;
      for (let pixel = start; pixel < start + width; pixel++) {
        fresh += 1 - mask[pixel];
        mask[pixel] = 1;
      }
    }
  }
  return fresh;
};

/** Indices row * imageWidth + column of the pixels of a rectangle. */
export const pixelsOf = ({ left, top, width, height }: Rectangle, imageWidth: number): Uint32Array => {
  const pixels = new Uint32Array(width * height);
  let next = 0;
  for (let row = top; row < top + height; row++) {
    for (let column = left; column < left + width; column++) pixels[next++] = row * imageWidth + column;
  }
  return pixels;
};

/** The first `number` shares, scaled to add up to 1 again. */
const atMost = (number: number, shares: readonly number[]): readonly number[] => {
  if (shares.length <= number) return shares;
  const kept = shares.slice(0, number);
  const sum = kept.reduce((total, share) => total + share, 0);
  return kept.map((share) => share / sum);
};

/**
 * Whole sides of all rectangles, whose areas add up to `total`. The smallest comes first and hands what rounding left over
 * to the next, so only the error of the largest remains.
 */
const splitSides = (total: number, shares: readonly number[], aspects: readonly number[], size: Size): Sides[] => {
  const order = shares.map((_, index) => index).sort((a, b) => shares[a] - shares[b]);
  const sides: Sides[] = shares.map(() => [1, 1]);
  let leftOver = 0;
  for (const index of order) {
    const area = total * shares[index] + leftOver;
    sides[index] = wholeSides(Math.max(1, area), aspects[index], size);
    leftOver = area - sides[index][0] * sides[index][1];
  }
  return sides;
};

/**
 * Whole [width, height] with width / height near `aspect` and width * height near `area`. Where that rectangle is longer
 * than the image or thinner than a pixel, the aspect ratio gives way and the area stays. Nearest sides win if their area is right to 0.5 % of
 * the image, otherwise the neighbouring pair with the best area.
 */
const wholeSides = (area: number, aspect: number, size: Size): Sides => {
  const within = (side: number, limit: number) => Math.min(limit, Math.max(1, Math.round(side)));
  const fitting = Math.min(size.width, area, Math.max(Math.sqrt(area * aspect), area / size.height, 1));
  const width = within(fitting, size.width);
  const height = within(area / fitting, size.height);

  let best: Sides = [width, height];
  let smallestError = Math.abs(width * height - area);
  for (const change of [0, -1, 1, -2, 2]) {
    if (smallestError <= 0.005 * size.width * size.height) break;
    const otherWidth = within(width + change, size.width);
    const otherHeight = within(height + change, size.height);
    for (const candidate of [
      [otherWidth, within(area / otherWidth, size.height)],
      [within(area / otherHeight, size.width), otherHeight],
    ] as Sides[]) {
      const error = Math.abs(candidate[0] * candidate[1] - area);
      if (error < smallestError) {
        smallestError = error;
        best = candidate;
      }
    }
  }
  return best;
};

const placeInside = ([width, height]: Sides, [x, y]: readonly [number, number], size: Size): Rectangle => ({
  left: Math.min(size.width - width, Math.floor(x * (size.width - width + 1))),
  top: Math.min(size.height - height, Math.floor(y * (size.height - height + 1))),
  width,
  height,
});

const placeClipped = ([width, height]: Sides, [x, y]: readonly [number, number], size: Size): Rectangle => {
  const left = Math.min(size.width - 1, Math.floor(x * size.width));
  const top = Math.min(size.height - 1, Math.floor(y * size.height));
  return { left, top, width: Math.min(width, size.width - left), height: Math.min(height, size.height - top) };
};
