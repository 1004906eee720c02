import { describe, expect, test } from "vitest";
import { random } from "./index.ts";

const draws = (count: number, draw: () => number): { mean: number; variance: number } => {
  const values = Array.from({ length: count }, draw);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count };
};

describe("random", () => {
  test("is a function of its keys alone", () => {
    const first = random(7, 3, 11);
    const other = random(7, 3, 12);
    const again = random(7, 3, 11);
    const sequence = [first.uniform(), first.normal(), first.integer(0, 99)];
    other.uniform();
    expect([again.uniform(), again.normal(), again.integer(0, 99)]).toEqual(sequence);
    expect(other.uniform()).not.toBe(sequence[0]);
  });

  test("neighbouring keys give uncorrelated first numbers", () => {
    const values = Array.from({ length: 4000 }, (_, index) => random(1, 0, index).uniform() - 0.5);
    const correlation = values.slice(1).reduce((sum, value, index) => sum + value * values[index], 0) / (4000 / 12);
    expect(Math.abs(correlation)).toBeLessThan(0.06);
    expect(
      Math.abs(
        draws(
          4000,
          (() => {
            let i = 0;
            return () => values[i++];
          })(),
        ).mean,
      ),
    ).toBeLessThan(0.02);
  });

  test("each distribution has its mean and variance", () => {
    const source = random("moments");
    const uniform = draws(40000, () => source.uniform(2, 4));
    expect(uniform.mean).toBeCloseTo(3, 1);
    expect(uniform.variance).toBeCloseTo(4 / 12, 1);
    const normal = draws(40000, () => source.normal(1, 2));
    expect(normal.mean).toBeCloseTo(1, 1);
    expect(Math.abs(normal.variance - 4)).toBeLessThan(0.15);
    const laplace = draws(40000, () => source.laplace(-1, 0.5));
    expect(laplace.mean).toBeCloseTo(-1, 1);
    expect(Math.abs(laplace.variance - 0.5)).toBeLessThan(0.05);
    for (const rate of [0.3, 12, 75]) {
      const poisson = draws(20000, () => source.poisson(rate));
      expect(Math.abs(poisson.mean - rate)).toBeLessThan(0.03 * rate + 0.02);
      expect(Math.abs(poisson.variance - rate)).toBeLessThan(0.06 * rate + 0.02);
    }
  });

  test("integer covers both ends evenly, choice follows its weights, permutation is one", () => {
    const source = random("whole");
    const counts = [0, 0, 0];
    for (let i = 0; i < 9000; i++) counts[source.integer(0, 2)]++;
    for (const count of counts) expect(Math.abs(count - 3000)).toBeLessThan(200);
    const chosen = [0, 0, 0];
    for (let i = 0; i < 9000; i++) chosen[source.choice([1, 0, 2])]++;
    expect(chosen[1]).toBe(0);
    expect(Math.abs(chosen[0] - 3000)).toBeLessThan(200);
    expect(() => source.choice([0, 0])).toThrow(/positive weight/);
    const order = source.permutation(50);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect([...order]).not.toEqual([...Array(50).keys()]);
  });
});
