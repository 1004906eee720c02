import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradientError, openLocalRuntime, type Values } from "../runtime/index.ts";
import {
  constant,
  filterMatrix,
  gaussianKernel,
  halvingMatrix,
  input,
  program,
  type ResizeSide,
  resizeMatrix,
  type Span,
  separable,
  type Tensor,
} from "./index.ts";

type Reference = {
  filters: { kernel: number[]; x: number[]; y: number[] }[];
  gaussians: { sigma: number; radius: number; weights: number[] }[];
  resizes: { from: [number, number]; to: [number, number]; x: number[]; y: number[] }[];
};
/** Made by scripts/reference/separable.py with scipy.ndimage and PyTorch's antialiased interpolation. */
const reference: Reference = JSON.parse(readFileSync(new URL("../nn/fixtures/separable.json", import.meta.url), "utf8"));

const run = async (y: Tensor, feeds: readonly Tensor[] = [], values: Values = {}): Promise<number[]> => {
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds, results: { y } }));
  const results = await loaded.run(values);
  await runtime.close();
  return Array.from(results.y.data, Number);
};

const line = (size: number): Tensor => constant(new Float32Array(size), [size]);
const along = (size: number, span?: Span): ResizeSide => ({ of: line(size), axis: 0, span });
const column = (values: readonly number[]): Tensor => constant(Float32Array.from(values), [values.length, 1]);
/** A line through a matrix. */
const through = (matrix: Tensor, values: readonly number[]): Promise<number[]> =>
  run(separable(column(values), matrix, constant(Float32Array.of(1), [1, 1])));
const largestDifference = (found: readonly number[], expected: readonly number[]): number => {
  expect(found).toHaveLength(expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(value - found[i])));
};

describe("filters", () => {
  test.each(reference.filters)("correlation with $kernel, ends mirrored, agrees with scipy", async ({ kernel, x, y }) => {
    expect(largestDifference(await through(filterMatrix(x.length, kernel), x), y)).toBeLessThan(1e-5);
  });

  test.each(reference.gaussians)("Gaussian of sigma $sigma agrees with scipy", ({ sigma, radius, weights }) => {
    const kernel = gaussianKernel(sigma, radius);
    expect(largestDifference(kernel, weights)).toBeLessThan(1e-12);
    expect(kernel.reduce((total, weight) => total + weight)).toBeCloseTo(1, 12);
  });

  test("the default Gaussian holds 4 sigma", () => {
    expect([0.5, 1, 1.3, 4].map((sigma) => gaussianKernel(sigma).length)).toEqual([5, 9, 13, 33]);
  });

  test("halving averages pairs and drops an odd last one", async () => {
    expect(await through(halvingMatrix(7), [1, 3, 5, 9, -2, 2, 100])).toEqual([2, 7, 0]);
    expect(() => halvingMatrix(1)).toThrow(/a line of 1 cannot be halved/);
  });
});

describe("resizing", () => {
  test.each(reference.resizes)("$from to $to agrees with PyTorch's antialiased interpolation", async ({ from, to, x, y }) => {
    const image = constant(Float32Array.from(x), from);
    const [rows, columns] = [0, 1].map((axis) => resizeMatrix({ of: image, axis }, along(to[axis])));
    expect(largestDifference(await run(separable(image, rows, columns)), y)).toBeLessThan(2e-6);
  });

  test.each(reference.resizes)(
    "$from to $to is the same when both sizes are known only at run time",
    async ({ from, to, x, y }) => {
      const image = input("image", ["height", "width"]);
      const like = input("like", ["new height", "new width"]);
      const [rows, columns] = [0, 1].map((axis) => resizeMatrix({ of: image, axis }, { of: like, axis }));
      const resized = separable(image, rows, columns);
      expect(resized.shape).toEqual(["new height", "new width"]);
      const values = {
        image: { data: Float32Array.from(x), shape: from },
        like: { data: new Float32Array(to[0] * to[1]), shape: to },
      };
      expect(largestDifference(await run(resized, [image, like], values), y)).toBeLessThan(2e-6);
    },
  );

  test("a part enlarged onto a part: a ramp shows where each output looks, ends repeated", async () => {
    const ramp = Array.from({ length: 9 }, (_, i) => i);
    const [source, target] = [
      { start: 3, length: 4 },
      { start: 1.5, length: 8 },
    ] as const;
    const expected = Array.from({ length: 14 }, (_, i) => Math.min(Math.max((i + 0.5 - 1.5) * 0.5 + 3 - 0.5, 0), 8));
    expect(expected[0]).toBe(2); // beyond the part its surroundings follow,
    expect(expected[13]).toBe(8); // and beyond the line its end
    expect(largestDifference(await through(resizeMatrix(along(9, source), along(14, target)), ramp), expected)).toBeLessThan(
      1e-5,
    );
  });

  test("a part reduced onto a part is that part reduced, away from its ends", async () => {
    const x = Array.from({ length: 20 }, (_, i) => Math.sin(i * i));
    const whole = await through(resizeMatrix(along(12), along(6)), x.slice(5, 17));
    const part = resizeMatrix(along(20, { start: 5, length: 12 }), along(9, { start: 2, length: 6 }));
    expect(largestDifference((await through(part, x)).slice(3, 7), whole.slice(1, 5))).toBeLessThan(1e-6);
  });

  test("a span of the whole line is the default, and spans may be computed by the graph", async () => {
    const x = [3, 1, 4, 1, 5, 9, 2];
    const length = input("length", []);
    const image = column(x);
    const matrix = resizeMatrix({ of: image, axis: 0, span: { start: 0, length } }, along(4));
    const found = await run(separable(image, matrix, constant(Float32Array.of(1), [1, 1])), [length], {
      length: { data: Float32Array.of(7), shape: [] },
    });
    expect(largestDifference(found, await through(resizeMatrix(along(7), along(4)), x))).toBeLessThan(1e-6);
  });

  test("every output is an average: its weights are not negative and sum to 1", async () => {
    for (const [from, to] of [
      [1, 5],
      [5, 1],
      [31, 7],
      [7, 31],
    ]) {
      const weights = await run(resizeMatrix(along(from, { start: -1, length: from + 3 }), along(to)));
      expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
      for (let row = 0; row < to; row++) {
        const total = weights.slice(row * from, (row + 1) * from).reduce((sum, weight) => sum + weight);
        expect(total).toBeCloseTo(1, 5);
      }
    }
  });
});

test.each([
  ["a blur", (x: Tensor) => separable(x, filterMatrix(7, gaussianKernel(1)), filterMatrix(5, gaussianKernel(1)))],
  ["halving", (x: Tensor) => separable(x, halvingMatrix(7), halvingMatrix(5))],
  ["reducing", (x: Tensor) => separable(x, resizeMatrix(along(7), along(3)), resizeMatrix(along(5), along(2)))],
  ["enlarging", (x: Tensor) => separable(x, resizeMatrix(along(7), along(9)), resizeMatrix(along(5), along(13)))],
])("the gradient of %s passes back through the transposed matrices", async (_, build) => {
  for (const seed of [1, 2]) expect(await gradientError(build, [{ shape: [2, 3, 7, 5] }], { seed })).toBeLessThan(5e-3);
});
