import { describe, expect, it } from "vitest";
import { cutAt } from "./curves.ts";
import { binned, scoreSection } from "./scores.ts";

describe("binned", () => {
  it("gives shares that sum to one, the edges included", () => {
    const bins = binned([0, 0.1, 0.5, 0.99, 1], [0, 1], 10, "linear");
    expect(bins.map(({ height }) => height)).toEqual([0.2, 0.2, 0, 0, 0, 0.2, 0, 0, 0, 0.4]);
    expect(bins[0]!.from).toBe(0);
    expect(bins.at(-1)!.to).toBe(1);
  });

  it("makes equal ratios equally wide on a logarithmic scale", () => {
    const bins = binned([1, 10, 100, 1000], [1, 1000], 3, "log");
    for (const { from, to } of bins) expect(to / from).toBeCloseTo(10);
    expect(bins.reduce((sum, { height }) => sum + height, 0)).toBeCloseTo(1);
  });

  it("ignores what is not finite", () => {
    expect(binned([Number.NaN, 0.5], [0, 1], 2, "linear").map(({ height }) => height)).toEqual([0, 1]);
    expect(binned([], [0, 1], 2, "linear").map(({ height }) => height)).toEqual([0, 0]);
  });
});

describe("scoreSection", () => {
  it("chooses the axis by the spread of the scores", () => {
    const section = (anomalous: readonly number[]) =>
      scoreSection({ title: "", system: "", scores: { normal: [0.01, 0.02, 0.03], anomalous } })!.markup;
    expect(section([0.5, 2, 4])).toContain("score (logarithmic)");
    expect(section([0.04, 0.05])).not.toContain("(logarithmic)");
  });

  it("states sensitivity and specificity, and a dash where there are no images", () => {
    const confusion = { truePositive: 9, falseNegative: 1, falsePositive: 0, trueNegative: 0 };
    const { markup } = scoreSection({ title: "", system: "", confusion })!;
    expect(markup).toContain("Sensitivity 90.0 %");
    expect(markup).toContain("specificity –");
  });
});

describe("cutAt", () => {
  it("ends a curve on the limit", () => {
    expect(cutAt([[0, 0], [0.2, 0.4], [0.4, 0.8]], 0.3)).toEqual([[0, 0], [0.2, 0.4], [0.3, expect.closeTo(0.6)]]); // biome-ignore format: one point each
    expect(cutAt([[0, 0], [0.2, 0.4]], 0.3)).toHaveLength(2); // biome-ignore format: one point each
    expect(cutAt([], 0.3)).toEqual([]);
  });
});
