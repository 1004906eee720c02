import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldsOf } from "./folds.ts";

const sizesOf = (foldOf: Uint32Array, folds: number): number[] =>
  Array.from({ length: folds }, (_, fold) => foldOf.filter((other) => other === fold).length);

describe("folds", () => {
  test("differ by at most one sample without groups", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 2, max: 9 }), fc.integer(), (count, folds, seed) => {
        const sizes = sizesOf(foldsOf(count, folds, seed), folds);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(count);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("never divide a group, and differ by at most the largest group", () => {
    const groups = fc.array(fc.option(fc.constantFrom("a", "b", "c", "d", "e", "0"), { nil: undefined }), { maxLength: 50 });
    fc.assert(
      fc.property(groups, fc.integer({ min: 2, max: 5 }), fc.integer(), (names, folds, seed) => {
        const foldOf = foldsOf(names, folds, seed);
        const largest = Math.max(1, ...names.map((name) => names.filter((other) => name !== undefined && other === name).length));
        for (const [i, name] of names.entries()) {
          if (name !== undefined) expect(foldOf[i]).toBe(foldOf[names.indexOf(name)]);
        }
        const sizes = sizesOf(foldOf, folds);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(names.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(largest);
      }),
    );
  });

  test("take the largest groups first, which shares them out evenly", () => {
    const names = [..."aaaaaabbbbbccccddde"]; // 6, 5 + 1 and 4 + 3
    for (let seed = 0; seed < 20; seed++) expect(Math.max(...sizesOf(foldsOf(names, 3, seed), 3))).toBe(7);
  });

  test("are a function of the keys, and any two samples meet as often as chance has it", () => {
    expect(foldsOf(30, 5, "run", 7)).toEqual(foldsOf(30, 5, "run", 7));
    expect(foldsOf(30, 5, "run", 7)).not.toEqual(foldsOf(30, 5, "run", 8));
    const rounds = 3000;
    let [neighbours, distant] = [0, 0];
    for (let seed = 0; seed < rounds; seed++) {
      const foldOf = foldsOf(10, 5, seed);
      if (foldOf[0] === foldOf[1]) neighbours++;
      if (foldOf[0] === foldOf[5]) distant++;
    }
    for (const meetings of [neighbours, distant]) expect(Math.abs(meetings / rounds - 1 / 9)).toBeLessThan(0.02);
  });

  test("may stay empty where groups are few, and are at least two", () => {
    expect(sizesOf(foldsOf(["x", "x", "y"], 4), 4)).toEqual([2, 1, 0, 0]);
    expect(() => foldsOf(10, 1)).toThrow(/number of folds is 1/);
    expect(() => foldsOf(10, 2.5)).toThrow(/number of folds is 2.5/);
  });
});
