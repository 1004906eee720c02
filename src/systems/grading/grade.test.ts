import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradeOf, type PatternAreas, patternAreas } from "./grade.ts";

const score = (areas: PatternAreas, options = {}): string => {
  const { primary, secondary, isup } = gradeOf(areas, options);
  return `${primary}+${secondary}->${isup}`;
};

describe("ISUP grade of pattern areas", () => {
  test.each<[PatternAreas, string]>([
    [[0, 0, 0], "0+0->0"],
    [[9, 0, 0], "3+3->1"],
    [[9, 4, 0], "3+4->2"],
    [[4, 9, 0], "4+3->3"],
    [[0, 9, 0], "4+4->4"],
    [[9, 0, 4], "3+5->4"],
    [[4, 0, 9], "5+3->4"],
    [[0, 9, 4], "4+5->5"],
    [[0, 4, 9], "5+4->5"],
    [[0, 0, 9], "5+5->5"],
  ])("every line of the table: %j", (areas, expected) => {
    expect(score(areas)).toBe(expected);
    expect(score(areas, { secondary: "worst" })).toBe(expected);
  });

  test("the secondary pattern is the second most frequent, or the worst of the rest", () => {
    expect(score([90, 9, 1])).toBe("3+4->2");
    expect(score([90, 9, 1], { secondary: "worst" })).toBe("3+5->4");
    expect(score([9, 90, 1])).toBe("4+3->3");
    expect(score([9, 90, 1], { secondary: "worst" })).toBe("4+5->5");
    expect(score([9, 1, 90], { secondary: "worst" })).toBe("5+4->5");
    expect(score([9, 1, 90])).toBe("5+3->4");
  });

  test("of equal areas the higher pattern counts as the more frequent", () => {
    expect(score([5, 5, 0])).toBe("4+3->3");
    expect(score([5, 5, 5])).toBe("5+4->5");
    expect(score([9, 2, 2])).toBe("3+5->4");
  });

  test("too little cancer is none, and too little of a pattern is not secondary", () => {
    expect(score([6, 3, 0], { minimumCancer: 9 })).toBe("3+4->2");
    expect(score([6, 2.9, 0], { minimumCancer: 9 })).toBe("0+0->0");
    expect(score([95, 5, 0], { minimumPattern: 0.05 })).toBe("3+4->2");
    expect(score([96, 4, 0], { minimumPattern: 0.05 })).toBe("3+3->1");
    expect(score([90, 6, 4], { minimumPattern: 0.05, secondary: "worst" })).toBe("3+4->2");
  });

  test("without limits only the proportions matter, and the worst of the rest never grades lower than the second most", () => {
    const area = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(area, area, area, fc.constantFrom("worst", "second-most"), (a, b, c, secondary) => {
        const grade = gradeOf([a, b, c], { secondary: secondary as "worst" });
        expect(gradeOf([a * 1024, b * 1024, c * 1024], { secondary: secondary as "worst" })).toEqual(grade);
        if (grade.primary > 0) expect(Math.max(a, b, c)).toBe([a, b, c][grade.primary - 3]);
        expect(gradeOf([a, b, c], { secondary: "worst" }).isup).toBeGreaterThanOrEqual(gradeOf([a, b, c]).isup);
      }),
    );
  });

  test("pixels are counted by the pattern of their class", () => {
    expect(patternAreas(Uint8Array.of(0, 1, 1, 2, 3, 3, 3))).toEqual([2, 1, 3]);
    // Radboud's labels: background, stroma, benign, then Gleason 3, 4, 5.
    expect(patternAreas(Uint8Array.of(0, 1, 2, 3, 5, 5), [0, 0, 0, 3, 4, 5])).toEqual([1, 0, 2]);
  });

  test("refuses areas and limits that make no sense", () => {
    expect(() => gradeOf([1, -1, 0])).toThrow(/three numbers of at least 0, not 1, -1, 0/);
    expect(() => gradeOf([1, Number.NaN, 0])).toThrow(RangeError);
    expect(() => gradeOf([1, 0, 0], { minimumPattern: 0.7 })).toThrow(/share of a pattern is 0.7/);
    expect(() => gradeOf([1, 0, 0], { minimumCancer: -1 })).toThrow(/area of cancer is -1/);
  });
});
