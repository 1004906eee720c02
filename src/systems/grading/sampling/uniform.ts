import { type Frequency, frequencies, frequencyOf, type Patch, placePatch } from "./adaptive.ts";
import type { Cells } from "./cells.ts";

/**
 * Patches on a uniform grid, `stride` pixels of full resolution apart, as far as they hold tissue by the rule of adaptive sampling. The
 * grid begins `phase` (0 .. 1) of a stride outside the slide; patches at the rim are moved inside. With thresholds, frequencies say
 * what their density would ask for; without, they are a. Throws a RangeError for a stride of less than a pixel.
 */
export const uniform = (
  cells: Cells,
  stride: number,
  options: { readonly phase?: Phase; readonly thresholds?: readonly [number, number, number, number] } = {},
): Patch[] => {
  const { phase = [0, 0], thresholds } = options;
  return places(cells, stride, phase).map(({ x, y, size }): Patch => {
    const density = cells.densityOfPatch(x, y);
    const frequency: Frequency = thresholds === undefined ? "a" : frequencies[frequencyOf(density, thresholds)];
    return { x, y, size, density, frequency };
  });
};

type Phase = readonly [across: number, down: number];

/** A grid that misses the number by no more than this share of it is good enough. */
const CLOSE = 0.002;
/** One that misses it by this share will do when no phase at the stride found by bisection is better. */
const ENOUGH = 0.02;
/** Strides this much larger and smaller than the best by bisection are tried, and with each the phases. */
const NEARBY = Array.from({ length: 21 }, (_, k) => 1 + (k % 2 === 0 ? -1 : 1) * Math.ceil(k / 2) * 0.006);
const EIGHTHS = Array.from({ length: 8 }, (_, k) => k / 8);
const PHASES = EIGHTHS.flatMap((down) => EIGHTHS.map((across): Phase => [across, down]));

/**
 * The uniform grid that takes `count` patches, within 3 % (or one patch, when there are few), as nearly as any grid tried: its stride is found by bisection, then those nearby and
 * other phases are tried. To compare adaptive sampling with a uniform grid of equal cost. Throws a RangeError unless `count` is a
 * positive whole number.
 */
export const uniformOfCount = (
  cells: Cells,
  count: number,
  options: { readonly thresholds?: readonly [number, number, number, number] } = {},
): { readonly stride: number; readonly patches: Patch[] } => {
  if (!(Number.isInteger(count) && count > 0))
    throw new RangeError(`A uniform grid has a positive whole number of patches, not ${count}.`);
  const countAt = (stride: number, phase: Phase = [0, 0]): number => places(cells, stride, phase).length;
  let [small, large] = [1, Math.max(cells.slide.width, cells.slide.height, 2)];
  // The stride at which all of the slide would give the number is a lower limit.
  small = Math.max(small, 0.5 * Math.sqrt((tissueArea(cells) + 1) / count));
  for (let step = 0; step < 40 && large - small > 1e-3 * small; step++) {
    const middle = Math.sqrt(small * large);
    if (countAt(middle) >= count) small = middle;
    else large = middle;
  }
  let best: { stride: number; phase: Phase; miss: number } = { stride: small, phase: [0, 0], miss: Number.POSITIVE_INFINITY };
  for (const factor of NEARBY) {
    for (const phase of PHASES) {
      const stride = Math.max(1, small * factor);
      const miss = Math.abs(countAt(stride, phase) - count);
      if (miss < best.miss) best = { stride, phase, miss };
      if (miss <= CLOSE * count) break;
    }
    if (best.miss <= (factor === 1 ? CLOSE : ENOUGH) * count) break;
  }
  return { stride: best.stride, patches: uniform(cells, best.stride, { ...options, phase: best.phase }) };
};

const tissueArea = ({ isTissue, side }: Cells): number => isTissue.reduce((sum, value) => sum + value, 0) * side * side;

/** Where the patches of a grid are, each place once, row by row. */
const places = (cells: Cells, stride: number, [across, down]: Phase) => {
  if (!(stride >= 1)) throw new RangeError(`The stride of a grid is at least 1 pixel, not ${stride}.`);
  const along = (length: number, phase: number): number[] => {
    const starts = Array.from({ length: Math.ceil(length / stride + phase) }, (_, k) => (k - phase) * stride);
    return starts.filter((start) => start + cells.patch > 0);
  };
  const [columns, rows] = [along(cells.slide.width, across), along(cells.slide.height, down)];
  const found: { x: number; y: number; size: number }[] = [];
  const seen = new Set<number>();
  for (const top of rows) {
    for (const left of columns) {
      const place = placePatch(cells, left, top);
      const key = place.y * cells.slide.width + place.x;
      if (seen.has(key) || !cells.isTaken(place.x, place.y)) continue;
      seen.add(key);
      found.push(place);
    }
  }
  return found;
};
