import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axisScale, type Chart, domainOf, drawChart, drawLegend, scaleFor, thinOut } from "./charts.ts";
import type { Point } from "./data.ts";

const unit = { label: "", domain: [0, 1] as Point };

function pathOf(points: readonly Point[], chart: Partial<Chart> = {}): string {
  const marks = [{ kind: "line", points, series: 0 }] as const;
  const drawing = drawChart({ description: "", horizontal: unit, vertical: unit, marks, ...chart }).markup;
  return /<path class="line[^>]* d="([^"]*)"/.exec(drawing)![1]!;
}

const verticesOf = (path: string) =>
  [...path.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
const labelsOf = (domain: Point, scale?: "linear" | "log") =>
  axisScale({ label: "score", domain, scale }, [0, 100]).ticks.map(({ label }) => label);

describe("axisScale", () => {
  it("sets ticks at round values", () => {
    expect(labelsOf([0, 1])).toEqual(["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    expect(labelsOf([0, 0.3])).toEqual(["0.00", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30"]);
    expect(labelsOf([0, 6000])).toEqual(["0", "1,000", "2,000", "3,000", "4,000", "5,000", "6,000"]);
    expect(labelsOf([0, 400000])).toEqual(["0k", "100k", "200k", "300k", "400k"]);
  });

  it("names the power of ten that very small values share", () => {
    const axis = axisScale({ label: "learning rate", domain: [0, 3e-4] }, [0, 100]);
    expect(axis.name).toBe("learning rate (×10⁻⁴)");
    expect(axis.ticks.map(({ label }) => label)).toEqual(["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]);
  });

  it("sets logarithmic ticks at 1, 2, 5 over few decades and at powers of ten over many", () => {
    expect(labelsOf([0.012, 0.6], "log")).toEqual(["0.02", "0.05", "0.1", "0.2", "0.5"]);
    expect(labelsOf([0.01, 100], "log")).toEqual(["0.01", "0.1", "1", "10", "100"]);
    expect(labelsOf([1e-12, 1e6], "log").length).toBeLessThanOrEqual(7);
  });

  it("has distinct labels and ticks inside the range for any domain", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
        (low, width) => {
          fc.pre(width > 1e-6 * Math.abs(low));
          const { ticks } = axisScale({ label: "", domain: [low, low + width] }, [0, 100]);
          expect(ticks.length).toBeGreaterThanOrEqual(2);
          expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length);
          for (const { at } of ticks) expect(at >= -1e-6 && at <= 100 + 1e-6).toBe(true);
        },
      ),
    );
  });

  it.each(["linear", "log"] as const)("keeps the order of values on a %s axis", (scale) => {
    const { position } = axisScale({ label: "", domain: [0.001, 10], scale }, [0, 100]);
    const value = fc.double({ min: 0.001, max: 10, noNaN: true });
    fc.assert(
      fc.property(value, value, (first, second) => {
        if (first < second) expect(position(first)).toBeLessThanOrEqual(position(second));
      }),
    );
    expect(position(0.001)).toBeCloseTo(0);
    expect(position(10)).toBeCloseTo(100);
  });
});

describe("drawChart", () => {
  it("draws a rising curve as a path that runs right and up", () => {
    const vertices = verticesOf(pathOf(Array.from({ length: 50 }, (_, index) => [index / 49, (index / 49) ** 2])));
    expect(vertices).toHaveLength(50);
    for (let index = 1; index < vertices.length; index++) {
      expect(vertices[index]![0]).toBeGreaterThanOrEqual(vertices[index - 1]![0]);
      expect(vertices[index]![1]).toBeLessThanOrEqual(vertices[index - 1]![1]);
    }
  });

  it("leaves a gap where points are not finite and shows a single point", () => {
    const broken = pathOf([
      [0, 0],
      [0.2, 0.2],
      [0.4, Number.NaN],
      [0.6, 0.6],
      [Number.POSITIVE_INFINITY, 1],
    ]);
    expect(broken.match(/M/g)).toHaveLength(2);
    expect(verticesOf(broken)).toHaveLength(3);
    expect(broken).not.toMatch(/NaN|Infinity/);
    expect(pathOf([])).toBe("");
    const alone = drawChart({
      description: "",
      horizontal: unit,
      vertical: unit,
      marks: [{ kind: "line", points: [[0.5, 0.5]], series: 0 }],
    }).markup;
    expect(alone).toContain("<circle");
  });

  it("leaves out what a logarithmic axis cannot show", () => {
    const vertical = { label: "", domain: [0.1, 1] as Point, scale: "log" as const };
    const path = pathOf([[0, 0.5], [0.5, 0], [1, 0.2]], { vertical }); // biome-ignore format: one point each
    expect(path).not.toMatch(/NaN|Infinity/);
    expect(verticesOf(path)).toHaveLength(2);
  });

  it("gives no two of the first twenty series the same colour and dashes", () => {
    const legend = drawLegend(Array.from({ length: 20 }, (_, series) => ({ series, text: "" }))).markup;
    const samples = [...legend.matchAll(/class="line (series-\d)" stroke-dasharray="([^"]*)"/g)].map(
      ([, colour, dash]) => `${colour} ${dash}`,
    );
    expect(new Set(samples).size).toBe(20);
  });

  it("turns the label of a threshold inward near the right edge", () => {
    const drawn = (at: number) =>
      drawChart({ description: "", horizontal: unit, vertical: unit, marks: [{ kind: "threshold", at, label: "here" }] }).markup;
    expect(drawn(0.1)).toContain('text-anchor="start">here');
    expect(drawn(0.9)).toContain('text-anchor="end">here');
    expect(drawn(Number.NaN)).not.toContain("here");
  });
});

describe("domainOf", () => {
  it("holds the finite values and is never empty", () => {
    expect(domainOf([3, Number.NaN, -1, Number.POSITIVE_INFINITY])).toEqual([-1, 3]);
    expect(domainOf([])).toEqual([0, 1]);
    expect(domainOf([2, 2])).toEqual([1, 3]);
    expect(domainOf([0])).toEqual([-0.5, 0.5]);
    expect(domainOf([-1, 0, 5], "log")).toEqual([2.5, 10]);
  });
});

describe("scaleFor", () => {
  it("is logarithmic only for positive values spread over more than a decade and a half", () => {
    expect(scaleFor([0.001, 0.01, 0.1, 1])).toBe("log");
    expect(scaleFor([0.2, 0.5, 1])).toBe("linear");
    expect(scaleFor([0, 0.001, 1])).toBe("linear");
    expect(scaleFor([Number.NaN])).toBe("linear");
    expect(scaleFor([...new Array<number>(200).fill(1), 1000])).toBe("linear");
  });
});

describe("thinOut", () => {
  it("keeps the ends, the order and every spike", () => {
    const points = Array.from(
      { length: 10_000 },
      (_, index): Point => [index, index === 4321 ? 100 : index === 7000 ? Number.NaN : 1],
    );
    const thinned = thinOut(points, 200);
    expect(thinned.length).toBeLessThanOrEqual(200);
    expect(thinned[0]).toEqual([0, 1]);
    expect(thinned.at(-1)).toEqual([9999, 1]);
    expect(thinned).toContainEqual([4321, 100]);
    expect(thinned.every(([at], index) => index === 0 || at > thinned[index - 1]![0])).toBe(true);
    expect(thinned.every(([, value]) => Number.isFinite(value))).toBe(true);
  });
});
