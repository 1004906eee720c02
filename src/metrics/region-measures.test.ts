import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { random } from "../random/index.ts";
import type { ScoredMap } from "./pixel-measures.ts";
import { pixelAveragePrecision } from "./pixel-measures.ts";
import { regionMeasures } from "./region-measures.ts";

type Case = {
  name: string;
  threshold: number;
  images: { width: number; height: number; map: number[]; mask: number[]; ignore?: number[] }[];
  intersectionOverUnion: number;
  averagePrecision: number;
};

/** Made by scripts/reference/detection-measures.py with scikit-learn. */
const reference: { regions: Case[] } = JSON.parse(
  readFileSync(new URL("./fixtures/detection-measures.json", import.meta.url), "utf8"),
);

test.each(reference.regions)("agrees with scikit-learn: $name", ({ images, threshold, ...expected }) => {
  const maps = images.map(({ width, height, map, mask, ignore }) => ({
    width,
    height,
    map: Float32Array.from(map),
    mask: Uint8Array.from(mask),
    ...(ignore ? { ignore: Uint8Array.from(ignore) } : {}),
  }));
  const measures = regionMeasures(maps, { threshold, replicates: 20 });
  expect(measures.intersectionOverUnion.value).toBeCloseTo(expected.intersectionOverUnion, 12);
  expect(measures.averagePrecision.value).toBeCloseTo(expected.averagePrecision, 12);
});

/** Maps that find their region well or badly. */
const scored = (index: number): ScoredMap => {
  const source = random("region", index);
  const mask = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 3 ? 1 : 0));
  const skill = index % 2;
  return { width: 8, height: 8, mask, map: Float32Array.from(mask, (inside) => source.normal(inside * (0.5 + skill), 0.6)) };
};

test("intervals hold the value, and are wider where images come in groups", () => {
  const pairs = Array.from({ length: 16 }, (_, index) => index);
  const images = [...pairs, ...pairs, ...pairs, ...pairs].map(scored);
  const groups = images.map((_, i) => `video ${i % 16}`);
  const alone = regionMeasures(images, { threshold: 0.5, replicates: 150 });
  const together = regionMeasures(images, { threshold: 0.5, groups, replicates: 150 });
  expect(alone.averagePrecision.value).toBe(pixelAveragePrecision(images));
  for (const name of ["intersectionOverUnion", "averagePrecision"] as const) {
    const { value, low, high } = alone[name];
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect((together[name].high - together[name].low) / (high - low), name).toBeGreaterThan(1.5);
  }
});

test("every image counts alike in the overlap, however large its region", () => {
  const image = (marked: number, found: number): ScoredMap => ({
    width: 10,
    height: 1,
    mask: Uint8Array.from({ length: 10 }, (_, i) => (i < marked ? 255 : 0)),
    map: Float32Array.from({ length: 10 }, (_, i) => (i < found ? 1 : 0)),
  });
  const { intersectionOverUnion } = regionMeasures([image(8, 4), image(1, 1)], { threshold: 1, replicates: 5 });
  expect(intersectionOverUnion.value).toBe(0.75);
});

test("an image without a region is refused by its number", () => {
  const empty = { width: 2, height: 1, map: Float32Array.of(0, 1), mask: Uint8Array.of(0, 0) };
  expect(() => regionMeasures([scored(0), empty], { threshold: 0.5 })).toThrow(/image 1 marks no pixel/);
  const unseen = { ...empty, mask: Uint8Array.of(1, 0), ignore: Uint8Array.of(1, 0) };
  expect(() => regionMeasures([unseen], { threshold: 0.5 })).toThrow(/image 0 marks no pixel that counts/);
  expect(() => regionMeasures([], { threshold: 0.5 })).toThrow(RangeError);
});
