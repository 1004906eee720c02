import { describe, expect, test } from "vitest";
import { isupGrade } from "./isup.ts";

describe("isupGrade", () => {
  test("is the standard table of primary and secondary pattern", () => {
    const table = [
      [[0, 0, 0], 0],
      [[9, 0, 0], 1],
      [[7, 3, 0], 2],
      [[3, 7, 0], 3],
      [[0, 9, 0], 4],
      [[7, 0, 3], 4],
      [[3, 0, 7], 4],
      [[0, 7, 3], 5],
      [[0, 3, 7], 5],
      [[0, 0, 9], 5],
      [[5, 4, 3], 2],
    ] as const;
    for (const [[a, b, c], grade] of table) expect(isupGrade({ 3: a, 4: b, 5: c }), `${a} ${b} ${c}`).toBe(grade);
  });

  test("ignores a second pattern of less than a twentieth", () => {
    expect(isupGrade({ 3: 96, 4: 4, 5: 0 })).toBe(1);
    expect(isupGrade({ 3: 95, 4: 5, 5: 0 })).toBe(2);
  });
});
