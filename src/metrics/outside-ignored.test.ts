import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maximumOutside, meanOfTopOutside } from "./outside-ignored.ts";

type OutsideCase = { name: string; map: number[]; ignore: number[]; share: number; maximum: number; top: number };

/** Made by scripts/reference/operating-points.py with numpy. */
const reference: { outside: OutsideCase[] } = JSON.parse(
  readFileSync(new URL("./fixtures/operating-points.json", import.meta.url), "utf8"),
);

describe("image scores outside ignored pixels", () => {
  test.each(reference.outside)("agree with numpy: $name", ({ map, ignore, share, maximum, top }) => {
    const values = Float32Array.from(map);
    expect(maximumOutside(values, Uint8Array.from(ignore))).toBe(maximum);
    expect(meanOfTopOutside(values, Uint8Array.from(ignore), share)).toBeCloseTo(top, 12);
  });

  test("agree with sorting for any values and shares, and without a mask count every pixel", () => {
    const values = fc.array(
      fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), fc.constantFrom(0, -0, 1, 1)),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(values, fc.double({ min: 1e-3, max: 1, noNaN: true }), fc.nat(3), (given, share, every) => {
        const map = Float32Array.from(given);
        const ignore = Uint8Array.from(map, (_, i) => (every > 1 && i % every === 1 ? 1 : 0));
        const falling = [...map.filter((_, i) => ignore[i] === 0)].sort((a, b) => b - a);
        const top = falling.slice(0, Math.max(1, Math.round(share * falling.length)));
        expect(maximumOutside(map, ignore)).toBeCloseTo(falling[0], 12);
        expect(meanOfTopOutside(map, ignore, share)).toBeCloseTo(top.reduce((sum, value) => sum + value, 0) / top.length, 9);
        if (!ignore.includes(1)) {
          expect(maximumOutside(map)).toBe(maximumOutside(map, ignore));
          expect(meanOfTopOutside(map, undefined, share)).toBe(meanOfTopOutside(map, ignore, share));
        }
      }),
    );
  });

  test("an ignored pixel counts nowhere, whatever its value", () => {
    const ignore = Uint8Array.of(0, 255, 1, 0);
    const map = Float32Array.of(-3, NaN, Infinity, -2);
    expect(maximumOutside(map, ignore)).toBe(-2);
    expect(meanOfTopOutside(map, ignore, 1)).toBe(-2.5);
    expect(meanOfTopOutside(map, ignore, 0.01)).toBe(-2);
    expect([...map]).toEqual([-3, NaN, Infinity, -2]);
  });

  test("nothing left is undefined, and what is wrong is told", () => {
    const map = Float32Array.of(1, 2);
    expect(maximumOutside(map, Uint8Array.of(1, 1))).toBeUndefined();
    expect(meanOfTopOutside(map, Uint8Array.of(1, 1), 0.5)).toBeUndefined();
    expect(() => maximumOutside(map, new Uint8Array(3))).toThrow(/map has 2 pixels, but the ignore mask 3/);
    expect(() => maximumOutside(Float32Array.of(1, NaN), new Uint8Array(2))).toThrow(/index 1 is NaN/);
    expect(() => meanOfTopOutside(map, new Uint8Array(2), 0)).toThrow(/share is 0/);
  });
});
