import { describe, expect, it } from "vitest";
import { estimate, formatCount, formatInterval, formatShare, formatTick, formatValue } from "./numbers.ts";

describe("numbers", () => {
  it.each([
    [0.94613, "0.946"],
    [1, "1.000"],
    [0, "0.000"],
    [-0.25, "−0.250"],
    [41.234, "41.23"],
    [456.78, "456.8"],
    [12345.6, "12,346"],
    [0.000123, "1.2×10⁻⁴"],
    [-3e9, "−3×10⁹"],
    [Number.NaN, "–"],
    [Number.NEGATIVE_INFINITY, "–"],
  ])("writes the value %d as %s", (value, text) => expect(formatValue(value)).toBe(text));

  it.each([
    [0, "0"],
    [0.05, "0.05"],
    [0.1 + 0.2, "0.3"],
    [2000, "2,000"],
    [1e-4, "10⁻⁴"],
    [5e6, "5×10⁶"],
    [Number.POSITIVE_INFINITY, ""],
  ])("writes the tick %d as %s", (value, text) => expect(formatTick(value)).toBe(text));

  it("writes counts and shares", () => {
    expect(formatCount(1234567)).toBe("1,234,567");
    expect(formatShare(0.975)).toBe("97.5 %");
    expect(formatShare(0 / 0)).toBe("–");
  });

  it("shows an interval only when both bounds are known", () => {
    expect(formatInterval({ value: 0.9, low: 0.85, high: 0.95 })).toBe("0.850 – 0.950");
    expect(formatInterval({ value: 0.9, low: 0.85 })).toBeUndefined();
    expect(formatInterval({ value: 0.9, low: Number.NaN, high: 1 })).toBeUndefined();
    expect(estimate({ value: 0.9 }).markup).not.toContain("interval");
  });
});
