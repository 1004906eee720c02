import { describe, expect, test } from "vitest";
import { imageAuroc } from "./image-measures.ts";
import { perRegionOverlap, type ScoredMap } from "./pixel-measures.ts";
import { summarise } from "./summary.ts";

const scores = Float32Array.of(0.1, 0.4, 0.35, 0.8);
const maps: ScoredMap[] = Array.from(scores, (score, index) => ({
  map: Float32Array.of(0, score, 0.2, index / 8),
  width: 2,
  height: 2,
  ...(index > 1 && { mask: Uint8Array.of(0, 1, 0, 1) }),
}));

describe("summary", () => {
  test("holds every measure that the data define", () => {
    const summary = summarise({ scores, labels: [0, 0, 1, 1], maps }, { replicates: 20 });
    expect(summary.imageAuroc?.value).toBe(imageAuroc(scores, [0, 0, 1, 1]));
    expect(summary.perRegionOverlap?.value).toBe(perRegionOverlap(maps));
    expect(summary.imageF1).toMatchObject({ value: 0.8, threshold: Math.fround(0.35) });
    expect(Object.keys(summary)).toHaveLength(6);
  });

  test("omits what lacks a class and leaves real mistakes to be seen", () => {
    expect(summarise({ scores, labels: [0, 0, 0, 0] })).toEqual({});
    const normalMaps = maps.slice(0, 2);
    expect(Object.keys(summarise({ scores, labels: [0, 0, 1, 1], maps: normalMaps }, { replicates: 20 }))).toHaveLength(3);
    expect(() => summarise({ scores: Float32Array.of(1, Number.NaN), labels: [0, 1] })).toThrow(/NaN/);
  });
});
