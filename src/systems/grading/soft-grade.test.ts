import { describe, expect, test } from "vitest";
import { gradients, input, program, slice, sum } from "../../graph/index.ts";
import { random } from "../../random/index.ts";
import { gradientError, openLocalRuntime } from "../../runtime/index.ts";
import { gradeOf, type PatternAreas } from "./grade.ts";
import { type SoftGradeOptions, softGrades } from "./soft-grade.ts";

const limits = { minimumCancer: 0.02, minimumPattern: 0.08 };

/** Probabilities of grades, and their gradient by the areas of the sum of grade 2's. */
const compute = async (patches: readonly PatternAreas[], options: SoftGradeOptions) => {
  const areas = input("areas", [patches.length, 3]);
  const grades = softGrades(areas, options);
  const [slope] = gradients(sum(slice(grades, 1, 2, 3)), [areas]);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [areas], results: { grades, slope } }));
  const found = await loaded.run({ areas: { data: Float32Array.from(patches.flat()), shape: [patches.length, 3] } });
  await runtime.close();
  const rows = patches.map((_, i) => Array.from(found.grades.data.slice(6 * i, 6 * i + 6), Number));
  return { rows, slope: Array.from(found.slope.data, Number) };
};

/** Patches of all kinds: mixtures of patterns, some absent, with little or much cancer. */
const patches = Array.from({ length: 300 }, (_, index): PatternAreas => {
  const source = random("areas", index);
  const cancer = source.choice([1, 3]) === 0 ? source.uniform(0, 0.02) : source.uniform(0.02, 1);
  const odds = Array.from({ length: 3 }, () => source.choice([2, 1]) * -20 + source.normal(0, 1.5)).map(Math.exp);
  const total = odds[0] + odds[1] + odds[2];
  return [(odds[0] / total) * cancer, (odds[1] / total) * cancer, (odds[2] / total) * cancer];
});

describe.each(["second-most", "worst"] as const)("soft grades, secondary %s", (secondary) => {
  const options = { secondary, ...limits };

  test("are probabilities that approach the table as the sharpness grows", async () => {
    const expected = patches.map((areas) => gradeOf(areas, options).isup);
    expect(new Set(expected)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    const distances: number[] = [];
    const agreement: number[] = [];
    for (const sharpness of [1, 4, 16, 64, 1024]) {
      const { rows } = await compute(patches, { ...options, sharpness });
      for (const row of rows) {
        expect(row.reduce((total, p) => total + p, 0)).toBeCloseTo(1, 5);
        for (const p of row) expect(p).toBeGreaterThan(-1e-6);
      }
      distances.push(rows.reduce((total, row, i) => total + (1 - row[expected[i]]) / rows.length, 0));
      agreement.push(rows.filter((row, i) => row.indexOf(Math.max(...row)) === expected[i]).length / rows.length);
    }
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeLessThan(distances[i - 1]);
    expect(distances[4]).toBeLessThan(0.005);
    expect(agreement[1]).toBeGreaterThan(0.85);
    expect(agreement[4]).toBeGreaterThan(0.99);
  });

  test("gradients are those of finite differences", async () => {
    for (const sharpness of [1, 4]) {
      const data = Float32Array.of(0.2, 0.15, 0.1, 0.3, 0.05, 0.03, 0.01, 0.06, 0.4, 0.02, 0.01, 0.008);
      const build = (areas: Parameters<typeof softGrades>[0]) => softGrades(areas, { ...options, sharpness });
      expect(await gradientError(build, [{ shape: [4, 3], data }], { step: 2e-4 })).toBeLessThan(5e-3);
    }
  });
});

test("gradients stay finite where areas vanish, and rise towards the grade where they can", async () => {
  const { slope } = await compute(
    [
      [0, 0, 0],
      [0.3, 0, 0],
      [0.3, 0.02, 0],
    ],
    { ...limits, sharpness: 4 },
  );
  expect(slope.every(Number.isFinite)).toBe(true);
  // 3+3 with a trace of pattern 4: more of it makes 3+4.
  expect(slope[7]).toBeGreaterThan(1);
});

test("refuses limits of 0, another shape and no sharpness", () => {
  const areas = input("areas", [5, 3]);
  expect(() => softGrades(areas, { minimumCancer: 0, minimumPattern: 0.1 })).toThrow(/above 0, not 0, 0.1, 4/);
  expect(() => softGrades(areas, { ...limits, sharpness: 0 })).toThrow(RangeError);
  expect(() => softGrades(input("areas", [5, 4]), limits)).toThrow(/\[patches, 3\], but got the shape \[5, 4\]/);
});
