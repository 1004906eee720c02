import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { constantRate, oneCycle, type Schedule, warmupCosine, warmupLinear } from "./schedules.ts";

/** Made by scripts/reference/optimisers.py with torch.optim.lr_scheduler.OneCycleLR. */
const { oneCycle: cycles }: { oneCycle: { peak: number; total: number; rise: number; rates: number[] }[] } = JSON.parse(
  readFileSync(new URL("./fixtures/optimisers.json", import.meta.url), "utf8"),
);

const ratesOf = (schedule: Schedule, total: number): number[] => Array.from({ length: total }, (_, i) => schedule(i + 1, total));
const rises = (rates: number[]): boolean => rates.every((rate, i) => i === 0 || rate > rates[i - 1]);
const falls = (rates: number[]): boolean => rises(rates.toReversed());

test.each(cycles)(
  "one cycle of $total steps, rising for $rise, agrees with PyTorch at every step",
  ({ peak, total, rise, rates }) => {
    const found = ratesOf(oneCycle(peak, rise), total);
    expect(Math.max(...rates.map((rate, i) => Math.abs(found[i] / rate - 1)))).toBeLessThan(1e-9);
  },
);

describe("warm-up and cosine", () => {
  const rates = ratesOf(warmupCosine(0.4, 20, 0.01), 121);

  test("a linear rise to the rate at the last warm-up step", () => {
    for (const [i, rate] of rates.slice(0, 20).entries()) expect(rate).toBeCloseTo((0.4 * (i + 1)) / 20, 12);
  });

  test("half a cosine to the floor at the last step, half way at its middle", () => {
    expect(falls(rates.slice(19))).toBe(true);
    expect(rates[120]).toBeCloseTo(0.01, 12);
    expect(ratesOf(warmupCosine(0.4, 20, 0.01), 120)[69]).toBeCloseTo((0.4 + 0.01) / 2, 12);
  });

  test("never above the rate, below 0 or undefined, however short the training", () => {
    for (const total of [1, 2, 5, 20, 21]) {
      for (const rate of ratesOf(warmupCosine(0.4, 20), total)) {
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThanOrEqual(0.4);
      }
    }
  });
});

describe("warm-up and linear decay", () => {
  const rates = ratesOf(warmupLinear(0.4, 20, 0.1), 120);

  test("a linear rise to the rate, then a straight line to the floor at the last step", () => {
    for (const [i, rate] of rates.slice(0, 20).entries()) expect(rate).toBeCloseTo((0.4 * (i + 1)) / 20, 12);
    for (const [i, rate] of rates.slice(20).entries()) expect(rate).toBeCloseTo(0.4 - (0.3 * (i + 1)) / 100, 12);
    expect(rates[119]).toBeCloseTo(0.1, 12);
    expect(ratesOf(warmupLinear(0.4, 20), 120)[119]).toBe(0);
  });

  test("without warm-up it falls from the first step; a training shorter than the warm-up only rises", () => {
    expect(ratesOf(warmupLinear(1, 0), 4)).toEqual([0.75, 0.5, 0.25, 0]);
    expect(ratesOf(warmupLinear(1, 4), 3)).toEqual([0.25, 0.5, 0.75]);
    expect(ratesOf(warmupLinear(1, 4), 4)).toEqual([0.25, 0.5, 0.75, 1]);
  });
});

test("one cycle of a few steps stays finite, positive and within its peak", () => {
  for (const total of [1, 2, 3, 5]) {
    for (const rate of ratesOf(oneCycle(0.1), total)) {
      expect(rate).toBeGreaterThan(0);
      expect(rate).toBeLessThanOrEqual(0.1);
    }
  }
});

test("a constant rate", () => {
  expect(ratesOf(constantRate(0.3), 3)).toEqual([0.3, 0.3, 0.3]);
});
