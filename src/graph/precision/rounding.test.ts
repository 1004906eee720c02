import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { halfBits, roundToEven } from "./rounding.ts";

/** By scripts/reference/half.py. */
const reference = JSON.parse(readFileSync(new URL("fixtures/half.json", import.meta.url), "utf8")) as Record<string, number[]>;

describe("halves", () => {
  test("have the bits of numpy's float16: ties, borders, subnormal and infinite ones among them", () => {
    const numbers = new Float32Array(Uint32Array.from(reference.float32).buffer);
    expect([...halfBits(numbers)]).toEqual(reference.float16);
    // Of all this the fixture really holds some.
    const [kinds, magnitudes] = [new Set<string>(), reference.float16.map((bits) => bits & 0x7fff)];
    for (const bits of magnitudes)
      kinds.add(bits === 0x7c00 ? "infinite" : bits === 0 ? "zero" : bits < 0x400 ? "subnormal" : "normal");
    expect(kinds.size).toBe(4);
  });

  test("are no number where a number is none", () => {
    for (const bits of halfBits(Float32Array.of(Number.NaN))) expect(bits & 0x7fff).toBeGreaterThan(0x7c00);
  });

  test("are read from where the numbers lie in their buffer", () => {
    expect([...halfBits(Float32Array.of(9, 1, -2).subarray(1))]).toEqual([0x3c00, 0xc000]);
  });
});

test("numbers halfway go to the even whole number", () => {
  expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.500001, -2.4].map(roundToEven).map((value) => value + 0)).toEqual([
    -2, -2, 0, 0, 2, 2, 3, -2,
  ]);
});
