import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import type { Measure } from "./bootstrap.ts";
import { meanOverCategories, meanOverSeeds } from "./means.ts";

const around = (value: number, deviation: number): Measure => ({
  value,
  low: value - 1.96 * deviation,
  high: value + 1.96 * deviation,
});

const covers = ({ low, high }: Measure, truth: number): boolean => low <= truth && truth <= high;

describe("mean over seeds", () => {
  test("by hand: means of values and bounds, and the extremes", () => {
    const mean = meanOverSeeds([
      { value: 0.5, low: 0.25, high: 0.625 },
      { value: 0.75, low: 0.5, high: 0.875 },
    ]);
    expect(mean).toEqual({ value: 0.625, low: 0.375, high: 0.75, spread: { lowest: 0.5, highest: 0.75 } });
    expect(() => meanOverSeeds([])).toThrow(/no seeds/);
  });

  test("covers the truth as often as one seed does when the seeds share the error of their test set", () => {
    const source = random("seeds");
    const rounds = 2000;
    let covered = 0;
    let asIfIndependent = 0;
    for (let round = 0; round < rounds; round++) {
      const shared = source.normal(0, 0.02);
      const seeds = Array.from({ length: 5 }, () => around(0.9 + shared + source.normal(0, 0.002), 0.02));
      if (covers(meanOverSeeds(seeds), 0.9)) covered++;
      if (covers(meanOverCategories(seeds), 0.9)) asIfIndependent++;
    }
    expect(Math.abs(covered / rounds - 0.95)).toBeLessThan(0.015);
    expect(asIfIndependent / rounds).toBeLessThan(0.7);
  });
});

describe("mean over categories", () => {
  test("by hand: half-widths 3 and 4 make 5 / 2, below and above by themselves", () => {
    const mean = meanOverCategories([
      { value: 10, low: 7, high: 11 },
      { value: 20, low: 16, high: 20 },
    ]);
    expect(mean).toEqual({ value: 15, low: 12.5, high: 15.5 });
    const single = { value: 0.75, low: 0.5, high: 0.875 };
    expect(meanOverCategories([single])).toEqual(single);
    expect(() => meanOverCategories([])).toThrow(/no categories/);
  });

  test("covers the true mean in 95 of 100 rounds when the test sets are independent", () => {
    const source = random("categories");
    const truths = [0.99, 0.7, 0.85, 0.93, 0.6];
    const deviations = [0.002, 0.04, 0.02, 0.01, 0.03];
    const truth = truths.reduce((sum, value) => sum + value, 0) / truths.length;
    const rounds = 4000;
    let covered = 0;
    let asIfShared = 0;
    for (let round = 0; round < rounds; round++) {
      const measures = truths.map((value, i) => around(value + source.normal(0, deviations[i]), deviations[i]));
      if (covers(meanOverCategories(measures), truth)) covered++;
      if (covers(meanOverSeeds(measures), truth)) asIfShared++;
    }
    expect(Math.abs(covered / rounds - 0.95)).toBeLessThan(0.012);
    expect(asIfShared / rounds).toBeGreaterThan(0.985);
  });
});
