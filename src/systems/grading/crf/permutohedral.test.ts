import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { permutohedralLattice } from "./permutohedral.ts";

const uniform = (length: number, range: number, ...keys: (string | number)[]): Float32Array => {
  const source = random("lattice", ...keys);
  return Float32Array.from({ length }, () => source.uniform(0, range));
};

/** sum_j exp(-|f_i - f_j|^2 / 2) v_j, pair by pair. */
const gaussianSums = (features: Float32Array, dimensions: number, values: Float32Array): Float64Array => {
  const count = features.length / dimensions;
  return Float64Array.from({ length: count }, (_, i) => {
    let total = 0;
    for (let j = 0; j < count; j++) {
      let distance = 0;
      for (let axis = 0; axis < dimensions; axis++) {
        distance += (features[i * dimensions + axis] - features[j * dimensions + axis]) ** 2;
      }
      total += Math.exp(-distance / 2) * values[j];
    }
    return total;
  });
};

describe("permutohedral lattice", () => {
  test.each([
    [1, 400, 6, 0.02],
    [2, 2000, 6, 0.02],
    [3, 3000, 4, 0.03],
    [5, 3000, 4, 0.05],
  ])("in %i dimensions it is near the sums of Gaussians, without any factor", (dimensions, count, range, tolerance) => {
    const features = uniform(count * dimensions, range, dimensions);
    const values = uniform(count, 1, "values");
    const expected = gaussianSums(features, dimensions, values);
    const found = permutohedralLattice(features, dimensions).filter(values, 1);
    const error = expected.reduce((total, value, i) => total + Math.abs(found[i] - value), 0);
    expect(error / expected.reduce((total, value) => total + value, 0)).toBeLessThan(tolerance);
  });

  test("single values spread as a Gaussian of deviation 1, alike in every direction", () => {
    const size = 41;
    const middle = (size * size - 1) / 2;
    const values = new Float32Array(size * size);
    values[middle] = 1;
    const source = random("where in the lattice");
    const moments = [0, 0, 0, 0];
    // How a value spreads depends a little on where in a simplex it lies, so the mean over many places is looked at.
    for (let place = 0; place < 60; place++) {
      const start = [source.uniform(0, 9), source.uniform(0, 9)];
      const offsets = Array.from({ length: size * size }, (_, i) => [(i % size) / 4 - 5, Math.floor(i / size) / 4 - 5]);
      const features = Float32Array.from(offsets.flatMap(([x, y]) => [start[0] + x, start[1] + y]));
      const spread = permutohedralLattice(features, 2).filter(values, 1);
      for (const [i, [x, y]] of offsets.entries()) {
        for (const [k, moment] of [1, x * x, y * y, x * y].entries())
          moments[k] += (spread[i] * moment) / (2 * Math.PI * 16 * 60);
      }
    }
    for (const [k, expected] of [1, 1, 1, 0].entries()) expect(Math.abs(moments[k] - expected)).toBeLessThan(0.02);
  });

  test("a constant over the filter's own sums is a constant, channel by channel", () => {
    const features = uniform(600 * 5, 5, "constants");
    const { filter } = permutohedralLattice(features, 5);
    const sums = filter(new Float32Array(600).fill(1), 1);
    const both = filter(
      Float32Array.from({ length: 1200 }, (_, k) => (k % 2 ? -7 : 0.5)),
      2,
    );
    for (let i = 0; i < 600; i++) {
      expect(both[2 * i] / sums[i]).toBeCloseTo(0.5, 5);
      expect(both[2 * i + 1] / sums[i]).toBeCloseTo(-7, 4);
    }
  });

  test("normalised symmetrically it has the square roots of the sums as an eigenvector of eigenvalue 1", () => {
    const features = uniform(500 * 3, 3, "symmetric");
    const roots = permutohedralLattice(features, 3).filter(new Float32Array(500).fill(1), 1).map(Math.sqrt);
    const kept = permutohedralLattice(features, 3, { normalised: true }).filter(roots, 1);
    for (let i = 0; i < 500; i++) expect(kept[i] / roots[i]).toBeCloseTo(1, 4);
  });

  test("adds a weighted result to a sum, and gives the same bits every time", () => {
    const features = uniform(300 * 5, 4, "bits");
    const values = uniform(900, 1, "bits");
    const lattice = permutohedralLattice(features, 5);
    const once = lattice.filter(values, 3);
    expect(permutohedralLattice(features, 5).filter(values, 3)).toEqual(once);
    const sum = new Float32Array(900).fill(2);
    expect(lattice.filter(values, 3, sum, 10)).toBe(sum);
    for (let k = 0; k < 900; k++) expect(sum[k]).toBeCloseTo(2 + 10 * once[k], 3);
  });

  test("keeps distant positions apart, however far out and whatever the sign", () => {
    const { filter } = permutohedralLattice(Float32Array.of(-1e6, 0, -1e6, 0.1, 1e6, 3e6), 2);
    const [near, beside, far] = filter(Float32Array.of(1, 0, 0), 1);
    expect(near).toBeGreaterThan(0.7);
    expect(beside / near).toBeCloseTo(1, 1);
    expect(far).toBe(0);
  });

  test("refuses what is no position, and values that do not fit", () => {
    expect(() => permutohedralLattice(new Float32Array(7), 2)).toThrow(/7 features are not positions of 2 dimensions/);
    expect(() => permutohedralLattice(Float32Array.of(0, Number.NaN), 2)).toThrow(/not a number/);
    expect(() => permutohedralLattice(Float32Array.of(0, 1e12), 2)).toThrow(/too many deviations/);
    expect(() => permutohedralLattice(new Float32Array(6), 2).filter(new Float32Array(5), 2)).toThrow(/take 6 values, not 5/);
  });
});
