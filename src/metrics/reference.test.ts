import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Connectivity } from "./components.ts";
import { confusionAt, imageAuroc, imageRoc } from "./image-measures.ts";
import { perRegionOverlap, pixelAuroc, pixelAveragePrecision, rankPixels, type ScoredMap } from "./pixel-measures.ts";
import { averagePrecision, maximumF1 } from "./precision-recall.ts";

type ImageCase = {
  name: string;
  scores: number[];
  labels: number[];
  auroc: number;
  averagePrecision: number;
  f1: number;
  f1Threshold: number;
  threshold: number;
  confusion: [number, number, number, number];
};
type PixelCase = {
  name: string;
  images: { width: number; height: number; map: number[]; mask?: number[]; ignore?: number[] }[];
  auroc: number;
  averagePrecision: number;
  overlaps: { limit: number; connectivity: Connectivity; regions: number; value: number }[];
};

/** Made by scripts/reference/metrics.py with scikit-learn and a naive per-region overlap. */
const reference: { images: ImageCase[]; pixels: PixelCase[] } = JSON.parse(
  readFileSync(new URL("./fixtures/metrics.json", import.meta.url), "utf8"),
);

describe.each(reference.images)("image measures agree with scikit-learn: $name", (expected) => {
  const scores = Float32Array.from(expected.scores);
  const { labels } = expected;

  test("AUROC, average precision, maximal F1 with its threshold", () => {
    expect(imageAuroc(scores, labels)).toBeCloseTo(expected.auroc, 12);
    expect(averagePrecision(imageRoc(scores, labels))).toBeCloseTo(expected.averagePrecision, 12);
    const { value, threshold } = maximumF1(imageRoc(scores, labels));
    expect(value).toBeCloseTo(expected.f1, 12);
    expect(threshold).toBe(expected.f1Threshold);
  });

  test("confusion counts, at the threshold itself anomalous", () => {
    const counts = confusionAt(scores, labels, expected.threshold);
    const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
    expect([truePositives, falsePositives, trueNegatives, falseNegatives]).toEqual(expected.confusion);
  });
});

describe.each(reference.pixels)("pixel measures agree with the naive reference: $name", (expected) => {
  const images: ScoredMap[] = expected.images.map(({ width, height, map, mask, ignore }) => ({
    width,
    height,
    map: Float32Array.from(map),
    ...(mask && { mask: Uint8Array.from(mask) }),
    ...(ignore && { ignore: Uint8Array.from(ignore) }),
  }));

  test("AUROC and average precision over images of several sizes, ignored pixels left out", () => {
    expect(pixelAuroc(images)).toBeCloseTo(expected.auroc, 12);
    expect(pixelAveragePrecision(images)).toBeCloseTo(expected.averagePrecision, 12);
  });

  test.each(expected.overlaps)("PRO to $limit with connectivity $connectivity", ({ limit, connectivity, regions, value }) => {
    expect(
      rankPixels(images, connectivity)
        .groupSizes.slice(1)
        .filter((size) => size > 0),
    ).toHaveLength(regions);
    expect(perRegionOverlap(images, { limit, connectivity })).toBeCloseTo(value, 12);
  });

  test("the limit is 0.3 and the connectivity 8 unless told otherwise", () => {
    expect(perRegionOverlap(images)).toBe(perRegionOverlap(images, { limit: 0.3, connectivity: 8 }));
  });
});
