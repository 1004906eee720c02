import { expect, test } from "vitest";
import { createMask, type Mask } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";
import {
  type AdaptiveOptions,
  type Cells,
  type DensityMap,
  divideInCells,
  frequencies,
  frequencyOf,
  sample,
  type Thinning,
  thinnings,
  uniform,
  uniformOfCount,
} from "./index.ts";

const SIDE = 50;

/** A slide of cells of 50 pixels, patches of 100, whose tissue and densities are given cell by cell. */
const cellsOf = (columns: number, rows: number, densityAt: (column: number, row: number) => number | undefined): Cells => {
  const given = Array.from({ length: columns * rows }, (_, cell) => densityAt(cell % columns, Math.floor(cell / columns)));
  const mask = createMask(
    columns,
    rows,
    Uint8Array.from(given, (density) => (density === undefined ? 0 : 1)),
  );
  const map: DensityMap = {
    columns,
    rows,
    step: 5,
    window: { width: 5, height: 5 },
    width: 5 * columns,
    height: 5 * rows,
    values: Float32Array.from(given, (density) => density ?? 0),
    tissue: Float32Array.from(mask.data),
  };
  return divideInCells({ width: columns * SIDE, height: rows * SIDE }, mask, map, { pixels: 25, downsample: 4 }, 0.25);
};

/** Smooth blobs of density with holes of glass. */
const randomCells = (columns: number, rows: number, seed: number): Cells => {
  const numbers = random(seed, "cells");
  const waves = Array.from({ length: 4 }, () => [numbers.uniform(-0.5, 0.5), numbers.uniform(-0.5, 0.5), numbers.uniform(0, 6)]);
  return cellsOf(columns, rows, (x, y) => {
    const value = waves.reduce((sum, [across, down, phase]) => sum + Math.sin(across * x + down * y + phase) / 8, 0.5);
    return value < 0.35 ? undefined : value + numbers.uniform(0, 0.1);
  });
};

const thresholds = { kind: "absolute", values: [0.2, 0.4, 0.6, 0.8] } as const;
const at = (options: AdaptiveOptions = {}): AdaptiveOptions => ({ thresholds, ...options });

/** How many patches cover each cell, [rows, columns]. */
const coverage = ({ columns, rows }: Cells, patches: readonly { x: number; y: number; size: number }[]): Uint8Array => {
  const covered = new Uint8Array(columns * rows);
  for (const { x, y, size } of patches) {
    for (let row = Math.ceil(y / SIDE); (row + 1) * SIDE <= y + size && row < rows; row++) {
      for (let column = Math.ceil(x / SIDE); (column + 1) * SIDE <= x + size && column < columns; column++)
        covered[row * columns + column]++;
    }
  }
  return covered;
};

test.each([
  ["covering", [1 / 4, 3 / 8, 1 / 2, 3 / 4, 1]],
  ["sparse", [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]],
] as [Thinning, number[]][])("%s: each frequency takes its share of the finest grid's patches", (thinning, shares) => {
  frequencies.forEach((frequency, level) => {
    const cells = cellsOf(80, 80, () => 0.1 + 0.2 * level);
    const { patches, counts, finest } = sample(cells, at({ thinning }));
    expect(finest).toBe(79 * 79);
    expect(patches.length / finest).toBeCloseTo(shares[level], 1);
    expect(counts[frequency]).toBe(patches.length);
  });
});

test("bins are half-open: a density at a threshold belongs below it", () => {
  expect([0, 0.2, 0.21, 0.4, 0.6, 0.61, 0.8, 0.81].map((density) => frequencyOf(density, thresholds.values))).toEqual([
    0, 0, 1, 1, 2, 3, 3, 4,
  ]);
});

test("covering: each cell of tissue is in as many patches as its density asks for", () => {
  for (let seed = 0; seed < 8; seed++) {
    const cells = randomCells(31, 27, seed);
    const covered = coverage(cells, sample(cells, at()).patches);
    const least = [1, 1, 2, 3, 4];
    for (let cell = 0; cell < covered.length; cell++) {
      if (cells.isTissue[cell] === 0) continue;
      const isAtRim = cell < 31 || cell % 31 === 0 || cell >= 31 * 26 || cell % 31 === 30;
      const asked = least[frequencyOf(cells.density[cell], thresholds.values)];
      expect(covered[cell]).toBeGreaterThanOrEqual(isAtRim ? 1 : asked);
    }
  }
});

test("sparse: cells from C upwards are covered, and patches are fewer than with covering", () => {
  for (let seed = 0; seed < 8; seed++) {
    const cells = randomCells(32, 24, seed);
    const sparse = sample(cells, at({ thinning: "sparse" }));
    const covered = coverage(cells, sparse.patches);
    cells.isTissue.forEach((isTissue, cell) => {
      if (isTissue === 1 && cells.density[cell] > thresholds.values[1]) expect(covered[cell]).toBeGreaterThanOrEqual(1);
    });
    expect(sparse.patches.length).toBeLessThan(sample(cells, at()).patches.length);
  }
});

const placesOf = (patches: readonly { x: number; y: number }[]): string[] => patches.map(({ x, y }) => `${x},${y}`);

test.each(thinnings)("%s: higher thresholds take patches away and add none; more density does the opposite", (thinning) => {
  for (let seed = 0; seed < 5; seed++) {
    const cells = randomCells(30, 25, seed);
    const before = placesOf(sample(cells, at({ thinning })).patches);
    const higher = { kind: "absolute", values: [0.3, 0.45, 0.65, 0.9] } as const;
    const after = placesOf(sample(cells, { thinning, thresholds: higher }).patches);
    expect(after.length).toBeLessThan(before.length);
    expect(before).toEqual(expect.arrayContaining(after));
    const denser = {
      ...cellsOf(30, 25, (x, y) => (cells.isTissue[y * 30 + x] ? Math.min(1, cells.density[y * 30 + x] + 0.1) : undefined)),
    };
    expect(placesOf(sample(denser, at({ thinning })).patches)).toEqual(expect.arrayContaining(before));
  }
});

test("a patch's frequency is what its density asks for, and where the density is higher, patches are never further apart", () => {
  const cells = cellsOf(60, 20, (x) => x / 60);
  const { patches } = sample(cells, at());
  for (const { density, frequency } of patches) expect(frequencies[frequencyOf(density, thresholds.values)]).toBe(frequency);
  const perFifth = [0, 1, 2, 3, 4].map((fifth) => patches.filter(({ x }) => Math.floor(x / (12 * SIDE)) === fifth).length);
  expect(perFifth).toEqual([...perFifth].sort((a, b) => a - b));
  expect(perFifth[4]).toBeGreaterThan(3 * perFifth[0]);
});

test.each(thinnings)(
  "%s: patches are in scan order, each place once, inside the slide and on tissue, the same every time",
  (thinning) => {
    const { width, height } = { width: 1730, height: 1310 }; // no whole number of cells
    const cells = randomCells(35, 27, 3);
    const odd = { ...cells, slide: { width, height } };
    const { patches, finest, counts } = sample(odd, at({ thinning }));
    const order = patches.map(({ x, y }) => y * width + x);
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
    for (const { x, y, size } of patches) {
      expect(size).toBe(100);
      expect(x >= 0 && y >= 0 && x + size <= width && y + size <= height).toBe(true);
      expect(cells.isTaken(x, y)).toBe(true);
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(patches.length);
    expect(patches.length).toBeLessThan(finest);
    expect(sample(odd, at({ thinning })).patches).toEqual(patches);
  },
);

test("quantiles are those of the tissue's cells; by default at most half of the finest grid's patches remain on a slide with few dense spots", () => {
  const cells = cellsOf(40, 40, (x, y) => (x < 10 ? undefined : Math.hypot(x - 25, y - 20) < 6 ? 0.9 : 0.1 + (x + y) / 1000));
  const { thresholds: found, patches, finest } = sample(cells);
  const densities = [...cells.density].filter((_, cell) => cells.isTissue[cell] === 1).sort((a, b) => a - b);
  expect(found[0]).toBeCloseTo(densities[Math.floor(densities.length / 2)], 3);
  expect(patches.length).toBeLessThan(0.55 * finest);
  expect(sample(cells, { thinning: "sparse" }).patches.length).toBeLessThan(0.4 * finest);
});

test("a slide without tissue gives no patch, one smaller than a patch gives one", () => {
  expect(sample(cellsOf(9, 9, () => undefined))).toMatchObject({ patches: [], finest: 0, thresholds: [0, 0, 0, 0] });
  expect(
    sample(
      cellsOf(1, 1, () => 0.5),
      at(),
    ).patches,
  ).toEqual([{ x: 0, y: 0, size: 100, density: 0.5, frequency: "c" }]);
});

test("thresholds out of order are refused", () => {
  const cells = cellsOf(4, 4, () => 0.5);
  const given = (kind: "absolute" | "quantiles", values: [number, number, number, number]) => () =>
    sample(cells, { thresholds: { kind, values } });
  expect(given("absolute", [0.4, 0.3, 0.5, 0.6])).toThrow("from low to high, not 0.4, 0.3, 0.5, 0.6");
  expect(given("quantiles", [0.4, 0.5, 0.6, 1.5])).toThrow("between 0 and 1");
});

test("the uniform grid at the finest stride is what adaptive sampling says it is", () => {
  for (let seed = 0; seed < 5; seed++) {
    const cells = randomCells(30, 24, seed);
    expect(uniform(cells, SIDE)).toHaveLength(sample(cells).finest);
  }
});

test("a uniform grid of equal count has it within 3 %, or one patch", () => {
  for (let seed = 0; seed < 4; seed++) {
    const cells = randomCells(30, 24, seed);
    for (const count of [1, 7, 40, 133, 300, 900]) {
      const { patches, stride } = uniformOfCount(cells, count);
      expect(Math.abs(patches.length - count)).toBeLessThanOrEqual(Math.max(1, 0.03 * count));
      const columns = [...new Set(patches.map(({ x }) => x))].sort((a, b) => a - b);
      for (let i = 2; i < columns.length - 1; i++)
        expect(((columns[i] - columns[i - 1] + stride / 2) % stride) - stride / 2).toBeCloseTo(0, -1);
    }
  }
});

test("cells read foreground and density at any resolution", () => {
  const foreground: Mask = createMask(
    6,
    4,
    Uint8Array.from({ length: 24 }, (_, pixel) => (pixel % 6 < 3 ? 1 : 0)),
  );
  const density: DensityMap = {
    columns: 2,
    rows: 1,
    step: 30,
    window: { width: 20, height: 40 },
    width: 60,
    height: 40,
    values: Float32Array.of(0.3, 0.7),
    tissue: Float32Array.of(1, 1),
  };
  const cells = divideInCells({ width: 600, height: 400 }, foreground, density, { pixels: 200, downsample: 2 }, 0.25);
  expect([cells.columns, cells.rows, cells.side]).toEqual([3, 2, 200]);
  expect([...cells.isTissue]).toEqual([1, 1, 0, 1, 1, 0]);
  expect(cells.density[0]).toBeCloseTo(0.3);
  expect(cells.density[1]).toBeCloseTo(0.7); // no window's centre lies in it: that of the nearest
  expect(() => divideInCells({ width: 9, height: 9 }, foreground, density, { pixels: 1, downsample: 1 }, 0.5)).toThrow(
    "at least 2 pixels",
  );
});
