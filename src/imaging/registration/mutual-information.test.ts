import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Affine, createVolume, type Volume } from "../volumes/index.ts";
import { bfgs, type Minimum } from "./bfgs.ts";
import { affineMotion, rigidMotion } from "./motion.ts";
import { type Looked, mutualInformation } from "./mutual-information.ts";
import { pyramidSpacings, reducedVolume } from "./pyramid.ts";
import { type SamplePoints, stratifiedPoints } from "./samples.ts";

interface Side {
  readonly size: readonly [number, number, number];
  readonly affine: Affine;
  readonly range: readonly [number, number];
  readonly data: readonly number[];
}

/** Made by scripts/reference/registration.py. */
const reference: {
  readonly fixed: Side;
  readonly moving: Side;
  readonly points: readonly number[];
  readonly transform: Affine;
  readonly expected: { readonly mutualInformation: number; readonly normalised: number; readonly overlap: number };
  readonly gradient: readonly number[];
} = JSON.parse(readFileSync(new URL("fixtures/mutual-information.json", import.meta.url), "utf8"));

const looked = ({ size: [width, height, slices], affine, range: [low, high], data }: Side): Looked => ({
  volume: createVolume({ width, height, slices, affine }, Float32Array.from(data)),
  range: { low, high },
});

const [fixed, moving] = [looked(reference.fixed), looked(reference.moving)];
const points: SamplePoints = {
  ...stratifiedPoints(fixed.volume, reference.points.length / 3, []),
  points: Float64Array.from(reference.points),
};

describe("mutual information", () => {
  const information = mutualInformation(points, fixed, moving);

  test("is what numpy and scipy compute", () => {
    const { mutualInformation: value, normalised, overlap } = information.at(reference.transform);
    expect(value).toBeCloseTo(reference.expected.mutualInformation, 6);
    expect(normalised).toBeCloseTo(reference.expected.normalised, 6);
    expect(overlap).toBeCloseTo(reference.expected.overlap, 9);
  });

  test("has the gradient of their finite differences", () => {
    const gradient = new Float64Array(12);
    information.withGradient(reference.transform, gradient);
    for (const [n, value] of gradient.entries()) expect(value).toBeCloseTo(reference.gradient[n], 4);
  });

  test("does not count samples whose values are not finite", () => {
    const holed = { ...moving, volume: { ...moving.volume, data: moving.volume.data.map((v, n) => (n % 50 === 7 ? NaN : v)) } };
    const gradient = new Float64Array(12);
    const { mutualInformation: value, overlap } = mutualInformation(points, fixed, holed).withGradient(
      reference.transform,
      gradient,
    );
    expect(overlap).toBeLessThan(reference.expected.overlap);
    expect([value, ...gradient].every(Number.isFinite)).toBe(true);
  });
});

describe.each([
  ["rigid", rigidMotion],
  ["affine", affineMotion],
])("a %s motion", (_, motionFrom) => {
  const motion = motionFrom(reference.transform, points);
  const parameters = Float64Array.from({ length: motion.parameters }, (__, n) => Math.sin(n + 1));

  test("has the derivatives of its finite differences", () => {
    for (const [k, derivative] of motion.derivatives(parameters).entries()) {
      const shifted = (by: number): Affine => motion.at(parameters.map((value, n) => (n === k ? value + by : value)));
      const [up, down] = [shifted(1e-4), shifted(-1e-4)];
      for (const [n, value] of derivative.entries()) expect(value).toBeCloseTo((up[n] - down[n]) / 2e-4, 7);
    }
  });

  test("begins at its base, and a parameter of 0.1 moves the points by about 0.1 mm", () => {
    const own = stratifiedPoints(fixed.volume, 500, [1]);
    const { parameters: count, at } = motionFrom(reference.transform, own);
    const apart = (p: Float64Array): number => {
      const transform = at(p);
      let sum = 0;
      for (let n = 0; n < own.points.length; n += 3) {
        for (let row = 0; row < 12; row += 4) {
          const change = [0, 1, 2, 3].map((c) => transform[row + c] - reference.transform[row + c]);
          sum += (change[0] * own.points[n] + change[1] * own.points[n + 1] + change[2] * own.points[n + 2] + change[3]) ** 2;
        }
      }
      return Math.sqrt(sum / own.count);
    };
    expect(apart(new Float64Array(count))).toBeCloseTo(0, 9);
    for (let k = 0; k < count; k++) {
      const length = apart(new Float64Array(count).fill(0.1, k, k + 1));
      expect(length).toBeGreaterThan(0.08);
      expect(length).toBeLessThan(0.12);
    }
  });
});

describe("the minimiser", () => {
  const options = { firstStep: 0.1, longestStep: 1, shortestStep: 1e-9, iterations: 200 };
  const last = (steps: Iterable<Minimum>): Minimum => [...steps].at(-1)!;

  test("finds the bottom of Rosenbrock's valley, and never goes up", () => {
    const valley = (p: Float64Array, gradient: Float64Array): number => {
      const [x, y] = p;
      gradient[0] = -400 * x * (y - x * x) - 2 * (1 - x);
      gradient[1] = 200 * (y - x * x);
      return 100 * (y - x * x) ** 2 + (1 - x) ** 2;
    };
    const steps = [...bfgs(valley, Float64Array.of(-1.2, 1), options)];
    expect(steps.length).toBeLessThan(80);
    expect(steps.at(-1)!.point[0]).toBeCloseTo(1, 6);
    expect(steps.at(-1)!.point[1]).toBeCloseTo(1, 6);
    for (let n = 1; n < steps.length; n++) expect(steps[n].value).toBeLessThanOrEqual(steps[n - 1].value);
  });

  test("keeps to where the objective allows it", () => {
    const fenced = (p: Float64Array, gradient: Float64Array): number => {
      gradient[0] = 2 * (p[0] - 3);
      return p[0] > 2 ? Infinity : (p[0] - 3) ** 2;
    };
    const { point } = last(bfgs(fenced, Float64Array.of(0), options));
    expect(point[0]).toBeLessThanOrEqual(2);
    expect(point[0]).toBeGreaterThan(1.99);
  });
});

describe("the pyramid", () => {
  const grid = { width: 40, height: 32, slices: 12, affine: [1, 0, 0, -20, 0, 1, 0, -16, 0, 0, 4, -24] as Affine };
  const filled = (value: (i: number, j: number, k: number) => number): Volume =>
    createVolume(
      grid,
      Float32Array.from({ length: 40 * 32 * 12 }, (_, n) => value(n % 40, Math.floor(n / 40) % 32, Math.floor(n / 1280))),
    );

  test("keeps slopes in their places and coarse axes as they are", () => {
    const low = reducedVolume(
      filled((i, j, k) => 2 * i - j + 10 * k),
      4,
    );
    expect([low.width, low.height, low.slices]).toEqual([10, 8, 12]);
    expect(low.data[(5 * 8 + 4) * 10 + 5]).toBeCloseTo(2 * (5 * 4 + 1.5) - (4 * 4 + 1.5) + 50, 3);
    expect(low.affine[3]).toBeCloseTo(-20 + 1.5, 9);
  });

  test("lets nothing through that is finer than its voxels", () => {
    const low = reducedVolume(
      filled((i, j) => ((i + j) % 2) * 2 - 1),
      4,
    );
    expect(Math.max(...low.data.map(Math.abs))).toBeLessThan(0.05);
  });

  test("goes from the finest spacing of both to some twenty voxels", () => {
    const brain = { width: 182, height: 218, slices: 182, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] as Affine };
    expect(pyramidSpacings(brain, brain)).toEqual([8, 4, 2, 1]);
    expect(pyramidSpacings(brain, brain, 1.5)).toEqual([6, 3, 1.5]);
    expect(pyramidSpacings(grid, grid)).toEqual([2, 1]);
  });
});

test("sample points lie within the mask, one in each stratum, as their keys say", () => {
  const { volume } = fixed;
  const mask = createVolume(
    volume,
    Uint8Array.from(volume.data, (_, n) => (n % 8 > 3 ? 1 : 0)),
  );
  const first = stratifiedPoints(volume, 500, [1], mask);
  expect(stratifiedPoints(volume, 500, [1], mask)).toEqual(first);
  expect(stratifiedPoints(volume, 500, [2], mask)).not.toEqual(first);
  const inside = mutualInformation(first, fixed, { ...fixed, mask }).at([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]).overlap;
  const all = mutualInformation(first, fixed, fixed).at([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]).overlap;
  expect(inside).toBe(all);
});
