import { percentiles } from "../../../imaging/index.ts";
import type { Cells } from "./cells.ts";

/** From the largest stride to the smallest. */
export const frequencies = ["a", "b", "c", "d", "e"] as const;
export type Frequency = (typeof frequencies)[number];

/** A square of the slide that the network is to see, in pixels of full resolution; it may reach beyond a slide smaller than itself. */
export interface Patch {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** The semantic density of its densest quarter, 0 .. 1. */
  readonly density: number;
  /** What that density asks for. */
  readonly frequency: Frequency;
}

/** Four densities A < B < C < D: absolute ones, or quantiles 0 .. 1 of the densities of the slide's tissue. */
export type Thresholds =
  | { readonly kind: "absolute"; readonly values: Four }
  | { readonly kind: "quantiles"; readonly values: Four };
type Four = readonly [number, number, number, number];

/**
 * How sites of the finest grid, half a patch apart, are thinned. Five nested grids, each a part of the next; the share of all sites and
 * the mean stride (half a patch divided by the root of the share), in patches:
 *
 *              a             b             c            d             e
 * covering     1/4,  1       3/8,  0.82    1/2,  0.71   3/4,  0.58    1,  0.5
 * sparse       1/16, 2       1/8,  1.41    1/4,  1      1/2,  0.71    1,  0.5
 *
 * With `covering`, even the sparsest grid covers everything once. With `sparse`, tissue of frequencies a and b is seen in parts only.
 */
export const thinnings = ["covering", "sparse"] as const;
export type Thinning = (typeof thinnings)[number];

export interface AdaptiveOptions {
  readonly thinning?: Thinning;
  readonly thresholds?: Thresholds;
}

export interface Sampling {
  /** Row by row, from left to right. */
  readonly patches: readonly Patch[];
  /** How many patches have each frequency. */
  readonly counts: Readonly<Record<Frequency, number>>;
  /** The thresholds A, B, C, D as densities. */
  readonly thresholds: Four;
  /** How many patches a uniform grid at the finest stride takes. */
  readonly finest: number;
}

/** Half of the tissue is seen at the largest stride, and a tenth at the smallest. */
const usualThresholds: Thresholds = { kind: "quantiles", values: [0.5, 0.7, 0.8, 0.9] };

/**
 * Adaptive sampling, P = sample(I, d). Each cell of tissue asks for a frequency by its density d: a for d <= A, b for A < d <= B, and so on
 * to e for d > D. The sites of the finest grid, one at the corner of every cell, have levels a to e: those up to a level form a grid of
 * this level's stride (see `thinnings`). A site is taken when one of the four cells that its patch covers asks for its level or a higher
 * one. It follows that
 *
 * - the stride follows the density cell by cell, and a higher density never has a larger stride;
 * - around a cell, all patches of the grid that its density asks for are there: with `covering`, each cell of tissue is in at least one
 *   patch, and in 1, 1 to 2, 2, 3, 4 of them for a to e; with `sparse`, this holds for c (1), d (2) and e (4);
 * - higher thresholds only take patches away.
 *
 * Patches at the right and lower rim are moved inside the slide. Throws a RangeError when thresholds are not in order.
 */
export const sample = (cells: Cells, options: AdaptiveOptions = {}): Sampling => {
  const { thinning = "covering", thresholds: given = usualThresholds } = options;
  const thresholds = resolveThresholds(cells, given);
  const { columns, rows, side, isTissue } = cells;
  const levelOf = levels[thinning];
  const patches: Patch[] = [];
  const counts = { a: 0, b: 0, c: 0, d: 0, e: 0 };
  const taken = new Set<string>();
  const finest = new Set<string>();
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const covered = [j, j + 1].some(
        (row) => row < rows && (isTissue[row * columns + i] === 1 || (i + 1 < columns && isTissue[row * columns + i + 1] === 1)),
      );
      if (!covered) continue;
      const { x, y, size } = placePatch(cells, i * side, j * side);
      const place = `${x},${y}`;
      finest.add(place);
      const density = cells.densityOfPatch(i * side, j * side);
      const asked = frequencyOf(density, thresholds);
      if (levelOf(i, j) > asked || taken.has(place)) continue;
      taken.add(place);
      counts[frequencies[asked]]++;
      patches.push({ x, y, size, density, frequency: frequencies[asked] });
    }
  }
  patches.sort((one, other) => one.y - other.y || one.x - other.x); // the last two rows or columns may be moved to the same place
  return { patches, counts, thresholds, finest: finest.size };
};

/** How many of the thresholds the density is above: 0 (a) to 4 (e). */
export const frequencyOf = (density: number, thresholds: Four): number =>
  thresholds.reduce((above, threshold) => above + (density > threshold ? 1 : 0), 0);

/** The thresholds as densities. Throws a RangeError when they are not in order, or quantiles not within 0 .. 1. */
export const resolveThresholds = (cells: Cells, { kind, values }: Thresholds): Four => {
  if (values.some((value, i) => !(i === 0 || value >= values[i - 1]) || Number.isNaN(value))) {
    throw new RangeError(`The four density thresholds must go from low to high, not ${values.join(", ")}.`);
  }
  if (kind === "absolute") return values;
  if (values[0] < 0 || values[3] > 1) throw new RangeError(`Quantiles are between 0 and 1, not ${values.join(", ")}.`);
  const densities = cells.density.filter((_, cell) => cells.isTissue[cell] === 1);
  if (densities.length === 0) return [0, 0, 0, 0];
  const [a, b, c, d] = percentiles(
    densities,
    values.map((value) => 100 * value),
  );
  return [a, b, c, d];
};

/** A patch at (x, y) in whole pixels, moved inside the slide where that is large enough. */
export const placePatch = ({ slide, patch }: Cells, x: number, y: number) => {
  const size = Math.round(patch);
  const place = (at: number, length: number): number => Math.max(0, Math.min(Math.round(at), length - size));
  return { x: place(x, slide.width), y: place(y, slide.height), size };
};

const isEven = (n: number): boolean => n % 2 === 0;

/** The least frequency, 0 (a) to 4 (e), at which the site (i, j) is taken. */
const levels: Readonly<Record<Thinning, (i: number, j: number) => number>> = {
  // Any two rows and columns of sites hold one of each kind: both even, both odd, and one of either.
  covering: (i, j) => {
    if (isEven(i) && isEven(j)) return 0;
    if (!isEven(i) && !isEven(j)) return isEven((i + j) / 2) ? 1 : 2;
    return isEven(j) ? 3 : 4;
  },
  // Squares and quincunxes in turn: every grid has half of the next one's sites.
  sparse: (i, j) => {
    if (i % 4 === 0 && j % 4 === 0) return 0;
    if (i % 4 === 2 && j % 4 === 2) return 1;
    if (isEven(i) && isEven(j)) return 2;
    return isEven(i + j) ? 3 : 4;
  },
};
