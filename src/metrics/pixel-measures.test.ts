import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { binEdges, binnedMeasures, histogramOf, pixelMeasures } from "./pixel-bootstrap.ts";
import {
  labelledPixels,
  perRegionOverlap,
  pixelAuroc,
  pixelAveragePrecision,
  rankPixels,
  type ScoredMap,
} from "./pixel-measures.ts";
import { areaUnderRoc, rocOf } from "./roc.ts";

/** Square images with defects of the given sizes, two pixels apart in a row each; every score is noise, defects are raised. */
const images = (seed: number, sizes: readonly number[][], raise: number): ScoredMap[] =>
  sizes.map((defects, index) => {
    const side = 60;
    const source = random("pixels", seed, index);
    const map = Float32Array.from({ length: side * side }, () => source.normal());
    if (defects.length === 0) return { map, width: side, height: side };
    const mask = new Uint8Array(side * side);
    let left = 1;
    for (const size of defects) {
      for (let y = 10; y < 10 + size; y++) for (let x = left; x < left + size; x++) mask[y * side + x] = 255;
      left += size + 2;
    }
    const level = raise * source.uniform(0.3, 1.7);
    return { map: map.map((score, i) => (mask[i] ? score + level : score)), mask, width: side, height: side };
  });

describe("per-region overlap", () => {
  test("equals the pixel AUROC at limit 1 exactly when all regions have one size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 6 }), (seed, size) => {
        const data = images(seed, [[size, size, size], [], [size]], 1);
        expect(perRegionOverlap(data, { limit: 1 })).toBeCloseTo(pixelAuroc(data), 11);
      }),
      { numRuns: 15 },
    );
  });

  test("lets a small missed region weigh as much as a large found one", () => {
    const data = images(1, [[2, 20], []], 0);
    for (const [i, inside] of data[0].mask!.entries()) {
      const isSmallRegion = i % 60 < 3;
      if (inside) data[0].map[i] = isSmallRegion ? -100 : 100;
    }
    expect(perRegionOverlap(data)).toBeCloseTo(0.5, 12);
    expect(pixelAuroc(data)).toBeCloseTo(400 / 404, 12);
  });

  test("leaves out wholly ignored regions and counts the rest of partly ignored ones", () => {
    const data = images(2, [[4, 6], []], 1);
    const ignore = data[0].mask!.map((inside, i) => (inside && (i % 60 < 5 || i % 60 > 10) ? 1 : 0));
    const ignoring = [{ ...data[0], ignore }, data[1]];
    const sizes = rankPixels(ignoring).groupSizes;
    expect([...sizes]).toEqual([2 * 3600 - 52, 0, 24]);
    expect(perRegionOverlap(ignoring, { limit: 1 })).toBeCloseTo(areaUnderRoc(rocOf(rankPixels(ignoring))), 11);
  });

  test("names the image whose arrays do not fit", () => {
    const [good] = images(3, [[]], 0);
    const bad = { ...good, mask: new Uint8Array(7) };
    expect(() => pixelAuroc([good, bad])).toThrow(/mask of image 1 has 7 values.*60 x 60 = 3600/);
    const broken = { ...good, map: good.map.with(5, Number.NaN) };
    expect(() => pixelAuroc([good, broken])).toThrow(/index 5 of image 1 is NaN/);
    expect(() => pixelAuroc([good])).toThrow(/no anomalous sample/);
  });
});

describe("intervals of pixel measures", () => {
  const sizes = [[3, 12], [5], [8, 8, 2], [], [15], [], [], [1, 1, 1], [10, 4]];

  test.each([0.5, 1.5, 4])("binned measures of the data as they are lie within 1e-3 of the exact ones (raise %d)", (raise) => {
    const data = images(4, sizes, raise);
    const ranking = rankPixels(data);
    const edges = binEdges(ranking);
    const histograms = Array.from(labelledPixels(data), (image) => histogramOf(image, edges, ranking.groupSizes));
    const exact = [pixelAuroc(data), pixelAveragePrecision(data), perRegionOverlap(data)];
    const binned = binnedMeasures(histograms, Uint32Array.from(data.keys()), edges, 0.3);
    for (const [i, value] of exact.entries()) expect(Math.abs(binned[i] - value)).toBeLessThan(1e-3);
  });

  test("binned measures of a resample lie within 2e-3 of measuring the repeated images", () => {
    const data = images(5, sizes, 1.5);
    const drawn = Uint32Array.of(0, 0, 2, 4, 8, 8, 3, 5, 5);
    const repeated = Array.from(drawn, (position) => data[position]);
    const ranking = rankPixels(data);
    const edges = binEdges(ranking);
    const histograms = Array.from(labelledPixels(data), (image) => histogramOf(image, edges, ranking.groupSizes));
    const exact = [pixelAuroc(repeated), pixelAveragePrecision(repeated), perRegionOverlap(repeated)];
    const binned = binnedMeasures(histograms, drawn, edges, 0.3);
    for (const [i, value] of exact.entries()) expect(Math.abs(binned[i] - value)).toBeLessThan(2e-3);
  });

  test("values are the exact ones, inside their intervals, the same for the same seed", () => {
    const data = images(6, sizes, 1.5);
    const measures = pixelMeasures(data, { replicates: 200, seed: 3 });
    expect(measures.pixelAuroc.value).toBe(pixelAuroc(data));
    expect(measures.pixelAveragePrecision.value).toBe(pixelAveragePrecision(data));
    expect(measures.perRegionOverlap.value).toBe(perRegionOverlap(data));
    for (const { value, low, high } of Object.values(measures)) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
    expect(pixelMeasures(data, { replicates: 200, seed: 3 })).toEqual(measures);
    expect(pixelMeasures(data, { replicates: 200, seed: 4 })).not.toEqual(measures);
  });

  test("whole images are resampled: copies of one defective image leave no spread", () => {
    const [defective, normal] = images(7, [[5, 9], []], 1);
    const { pixelAuroc: measure } = pixelMeasures([defective, defective, defective, normal, normal], { replicates: 50 });
    expect(measure.high - measure.low).toBeLessThan(1e-9);
  });

  test("integrate per-region overlap to the same limit as its value", () => {
    const [defective, normal] = images(8, [[5, 9], []], 1);
    const copies = [defective, defective, normal, normal];
    for (const limit of [0.05, 1]) {
      const { value, low, high } = pixelMeasures(copies, { replicates: 5, limit }).perRegionOverlap;
      expect(Math.max(Math.abs(low - value), Math.abs(high - value))).toBeLessThan(5e-3);
    }
    expect(perRegionOverlap(copies, { limit: 1 }) - perRegionOverlap(copies, { limit: 0.05 })).toBeGreaterThan(0.1);
  });
});
