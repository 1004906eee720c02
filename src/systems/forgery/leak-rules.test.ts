import { describe, expect, test } from "vitest";
import { nameRule, rangeRule } from "./leak-rules.ts";

const forged = (count: number): 1[] => Array<1>(count).fill(1);
const real = (count: number): 0[] => Array<0>(count).fill(0);

describe("a range", () => {
  test("is the one whose shares differ most, inside the values too, and ends half way to the next", () => {
    // Of the forged, 5 of 6 lie in 70 .. 82; of the real, 1 of 6.
    const rule = rangeRule([70, 72, 75, 80, 82, 99, 50, 60, 76, 90, 95, 96], [...forged(6), ...real(6)]);
    expect(rule).toMatchObject({ label: 1, text: "70 to 82" });
    expect([64.9, 65.1, 80, 85.9, 86.1].map(rule.holds)).toEqual([false, true, true, true, false]);
    const mirrored = rangeRule([70, 72, 75, 80, 82, 99, 50, 60, 76, 90, 95, 96], [...real(6), ...forged(6)]);
    expect(mirrored).toMatchObject({ label: 0, text: "70 to 82" });
  });

  test("is that of the forged images where it has one end, at a single value too", () => {
    for (const values of [
      [3, 4, 5, 1, 2, 2],
      [5, 4, 4, 7, 8, 9],
    ]) {
      const rule = rangeRule(values, [...forged(3), ...real(3)]);
      expect(rule).toMatchObject({ label: 1, text: values[0] === 3 ? "3 to 5" : "4 to 5" });
      expect([...values, -1e9, 1e9].map(rule.holds)).toEqual([
        true,
        true,
        true,
        false,
        false,
        false,
        values[0] === 5,
        values[0] === 3,
      ]);
    }
    const single = rangeRule([256, 256, 256, 100, 300, 400], [...forged(3), ...real(3)]);
    expect(single).toMatchObject({ label: 1, text: "256" });
  });

  test("of a single value is everything", () => {
    const rule = rangeRule([8, 8, 8], [1, 0, 0]);
    expect([rule.text, rule.holds(8)]).toEqual(["8", true]);
  });
});

test("a name is the one whose shares differ most, whichever class has it", () => {
  expect(nameRule(["png", "png", "jpeg", "jpeg"], [1, 1, 0, 0])).toMatchObject({ label: 1, text: "png" });
  const values = ["none", "none", "none", "GIMP", "none", "camera", "camera", "camera"];
  const rule = nameRule(values, [...forged(4), ...real(4)]);
  expect([rule.label, rule.text, rule.holds("camera"), rule.holds("GIMP")]).toEqual([0, "camera", true, false]);
});
