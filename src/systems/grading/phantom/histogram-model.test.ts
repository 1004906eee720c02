import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { colourHistogram, fitHistogramModel } from "./histogram-model.ts";

describe("colourHistogram", () => {
  test("counts the colours of tissue alone", () => {
    const image = Uint8Array.of(255, 255, 255, 200, 100, 40, 200, 100, 40, 0, 0, 0);
    const histogram = colourHistogram(image, Uint8Array.of(0, 1, 2, 3));
    expect(histogram[(6 * 8 + 3) * 8 + 1]).toBeCloseTo(Math.sqrt(2 / 3), 12);
    expect(histogram[0]).toBeCloseTo(Math.sqrt(1 / 3), 12);
    expect(histogram.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 12);
    expect(colourHistogram(image, new Uint8Array(4)).every((value) => value === 0)).toBe(true);
  });
});

describe("fitHistogramModel", () => {
  /** Histograms in which a grade moves colour from one bin to another, not in proportion. */
  const slide = (index: number): { histogram: Float64Array; grade: number } => {
    const grade = index % 6;
    const source = random("histogram", index);
    const histogram = Float64Array.from({ length: 64 }, () => 0.02 * source.uniform());
    histogram[5] = 0.2 + 0.12 * Math.sqrt(grade) + source.normal(0, 0.01);
    histogram[9] = 0.6 - 0.1 * Math.sqrt(grade) + source.normal(0, 0.01);
    return { histogram, grade };
  };

  test("grades unseen slides where colour tells the grade, and only there", () => {
    const known = Array.from({ length: 60 }, (_, index) => slide(index));
    const unseen = Array.from({ length: 60 }, (_, index) => slide(1000 + index));
    const errorOf = (grades: readonly number[]): number => {
      const model = fitHistogramModel(known.map(({ histogram }) => histogram), grades); // biome-ignore format: a line
      return unseen.reduce((sum, { histogram, grade }) => sum + (model.predict(histogram) - grade) ** 2, 0) / unseen.length;
    };
    expect(errorOf(known.map(({ grade }) => grade))).toBeLessThan(0.6);
    const shuffled = [...random("shuffled").permutation(60)].map((index) => known[index].grade);
    expect(errorOf(shuffled)).toBeGreaterThan(2);
  });

  test("keeps the grades' frequencies in what it predicts", () => {
    const known = Array.from({ length: 60 }, (_, index) => slide(index));
    const model = fitHistogramModel(known.map(({ histogram }) => histogram), known.map(({ grade }) => grade)); // biome-ignore format: a line
    const counts = [0, 0, 0, 0, 0, 0];
    for (const { histogram } of known) counts[model.predict(histogram)]++;
    for (const count of counts) expect(Math.abs(count - 10)).toBeLessThanOrEqual(4);
  });

  test("needs slides", () => {
    expect(() => fitHistogramModel([], [])).toThrow(/two slides or more/);
  });
});
