import { describe, expect, it } from "vitest";
import { costSection, lowestPoint } from "./costs.ts";
import type { CostCurve, CostRow, Point } from "./data.ts";

const rate = { value: 0.1, low: 0.05, high: 0.2 };
const points: readonly Point[] = [[0, 1], [0.2, 0.4], [0.4, 0.6], [0.6, 0.4], [1, 2]]; // biome-ignore format: one point each
const row = (name: string, threshold: number, cost: number): CostRow => ({
  name,
  threshold,
  missRate: rate,
  falseAlarmRate: rate,
  cost: { value: cost },
});
const section = (costs: CostCurve, threshold?: number) =>
  costSection({ title: "t", system: "s", costs, scores: { normal: [], anomalous: [], threshold } });

describe("lowestPoint", () => {
  it("is the first of the lowest finite points", () => {
    expect(lowestPoint(points)).toEqual([0.2, 0.4]);
    expect(lowestPoint([[Number.NEGATIVE_INFINITY, 0], [0.1, Number.NaN], [0.3, 5]])).toEqual([0.3, 5]); // biome-ignore format: one point each
    expect(lowestPoint([])).toBeUndefined();
  });
});

describe("costSection", () => {
  it("marks the chosen threshold and the lowest point of the curve", () => {
    const { markup } = section({ points, rows: [] }, 0.4)!;
    expect(markup).toContain("threshold 0.400");
    expect(markup).toContain('class="ring series-0"');
    expect(markup).toContain("lowest of the curve");
    expect(markup).toContain("lowest 0.400 at threshold 0.200");
  });

  it("numbers each row in the drawing, in the legend and in the table", () => {
    const { markup } = section({ points, rows: [row("chosen", 0.4, 0.6), row("least", 0.2, 0.4)] }, 0.4)!;
    expect(markup.match(/<g class="pin">/g)).toHaveLength(2);
    expect(markup.match(/<span class="pin">2<\/span>/g)).toHaveLength(2);
    expect(markup).not.toContain('class="ring');
    expect(markup).not.toContain(">threshold 0.400<");
  });

  it("shows the lowest point beside a row of its threshold whose cost was measured elsewhere", () => {
    expect(section({ points, rows: [row("least", 0.2, 0.5)] })!.markup).toContain('class="ring');
  });

  it("writes an infinite threshold as the decision that it is, and draws no mark for it", () => {
    const { markup } = section({ points, rows: [row("pass everything", Number.POSITIVE_INFINITY, 0.5)] })!;
    expect(markup).toContain("above all");
    expect(markup).not.toContain('<g class="pin">');
    expect(markup).not.toMatch(/NaN|Infinity/);
  });

  it("is left out without curve and rows, and escapes names", () => {
    expect(section({ points: [], rows: [] })).toBeUndefined();
    expect(section({ points: [], rows: [row("<script>", 0.1, 1)] })!.markup).not.toContain("<script");
  });
});
