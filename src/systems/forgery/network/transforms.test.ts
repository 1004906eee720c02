import { expect, test } from "vitest";
import { add, constant, gradients, input, matmul, mul, sub, sum, type Tensor } from "../../../graph/index.ts";
import { random } from "../../../random/index.ts";
import type { Value } from "../../../runtime/index.ts";
import { blockCosineTransform, cosineMatrix, cosineTransform, lowRank } from "./index.ts";
import { globalSpectrum, localSpectrum } from "./spectra.ts";
import { evaluate } from "./testing/images.ts";

const normal = (name: string, shape: readonly number[]): Value => {
  const rng = random("transforms test", name);
  return { data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()), shape };
};
const floats = ({ data }: Value): number[] => Array.from(data as Float32Array);
const energy = (values: readonly number[]): number => values.reduce((total, x) => total + x * x, 0);
const furthest = (a: Value, b: Value): number => {
  const others = floats(b);
  return Math.max(...floats(a).map((x, i) => Math.abs(x - others[i])));
};
const largest = (x: Value): number => Math.max(...floats(x).map(Math.abs));

/** U diag(values) V^T, with cosines for U and V: a matrix [64, columns] of known singular values. */
const withSingularValues = (values: readonly number[], columns: number): Tensor => {
  const diagonal = new Float32Array(64 * columns);
  for (const [i, value] of values.entries()) diagonal[i * columns + i] = value;
  const left = matmul(cosineMatrix(64), constant(diagonal, [64, columns]), { transposeA: true });
  return matmul(left, cosineMatrix(columns));
};

/** The number of rows that are left when each in turn, the longest first, is taken out of the others. */
const rankOf = (matrix: readonly number[][], tolerance: number): number => {
  const rows = matrix.map((row) => [...row]);
  for (let rank = 0; ; rank++) {
    const pivot = rows.reduce((a, b) => (energy(b) > energy(a) ? b : a));
    const length = energy(pivot);
    if (length < tolerance ** 2) return rank;
    const direction = [...pivot];
    for (const row of rows) {
      const along = row.reduce((total, x, i) => total + x * direction[i], 0) / length;
      for (const i of row.keys()) row[i] -= along * direction[i];
    }
  }
};

test("a projection of low rank is idempotent, has that rank, and its gradient is the projected one", async () => {
  const { once, twice, gradient, along, projected } = await evaluate(
    ({ x, probe }) => {
      const once = lowRank(x, { rank: 5, iterations: 12 });
      const [gradient] = gradients(sum(mul(once, probe)), [x]);
      // The projection of the probe lies in the span of the projected matrix, and leaves nothing along it.
      const along = matmul(once, sub(probe, gradient), { transposeA: true });
      const again = { rank: 5, iterations: 12 };
      return { once, twice: lowRank(once, again), gradient, along, projected: lowRank(gradient, again) };
    },
    { x: normal("x", [2, 2, 64, 40]), probe: normal("probe", [2, 2, 64, 40]) },
  );
  expect(largest(gradient)).toBeGreaterThan(0.1);
  expect(furthest(twice, once)).toBeLessThan(1e-4);
  expect(largest(along)).toBeLessThan(1e-3);
  expect(furthest(projected, gradient)).toBeLessThan(1e-4);
  for (let matrix = 0; matrix < 4; matrix++) {
    const rows = Array.from({ length: 64 }, (_, row) =>
      floats(once)
        .slice((matrix * 64 + row) * 40)
        .slice(0, 40),
    );
    expect(rankOf(rows, 1e-3)).toBe(5);
  }
});

test("without a gap between singular values, the projection still holds nearly what the best one does", async () => {
  const values = Array.from({ length: 32 }, (_, i) => 1 / (i + 1));
  const best = energy(values.slice(0, 8));
  const kept = async (iterations: number): Promise<number> => {
    const { y } = await evaluate(({ x }) => ({ y: lowRank(mul(withSingularValues(values, 32), x), { rank: 8, iterations }) }), {
      x: { data: Float32Array.of(1), shape: [1, 1] },
    });
    return energy(floats(y)) / best;
  };
  expect(await kept(6)).toBeGreaterThan(0.999);
  expect(await kept(6)).toBeLessThanOrEqual(1 + 1e-5);
  expect(await kept(1)).toBeLessThan(0.99);
});

test("a matrix of lower rank stays as it is, zeros included, and so does one of which all ranks are kept", async () => {
  const { three, none, all } = await evaluate(
    ({ x }) => ({
      three: sub(lowRank(mul(withSingularValues([3, 2, 1], 20), x), { rank: 8 }), withSingularValues([3, 2, 1], 20)),
      none: lowRank(mul(withSingularValues([], 20), x), { rank: 8 }),
      all: sub(lowRank(x, { rank: 1 }), x),
    }),
    { x: { data: Float32Array.of(1), shape: [1, 1] } },
  );
  expect(largest(three)).toBeLessThan(1e-5);
  expect(largest(none)).toBe(0);
  expect(largest(all)).toBe(0);
});

test("spectra do not see brightness, and see natural frequencies in one size", async () => {
  // Cosine waves of every frequency with amplitudes 1 / frequency, in random directions: the spectrum of photographs.
  const side = 64;
  const rng = random("natural image");
  const coefficients = Float32Array.from({ length: side * side }, (_, i) => {
    const frequency = Math.hypot(Math.floor(i / side), i % side);
    return frequency === 0 ? side / 2 : (rng.uniform() < 0.5 ? -1 : 1) / frequency;
  });
  const found = await evaluate(
    ({ brighter }) => {
      const c = cosineMatrix(side);
      const image = matmul(matmul(c, constant(coefficients, [1, 1, side, side]), { transposeA: true }), c);
      const apart = (of: (x: Tensor) => Tensor): Tensor => sub(of(add(image, brighter)), of(image));
      return {
        plain: cosineTransform(image),
        seen: globalSpectrum(image),
        apart: apart(globalSpectrum),
        apartLocal: apart((x) => localSpectrum(x, { rank: 64 })),
      };
    },
    { brighter: { data: Float32Array.of(0.2), shape: [1, 1, 1, 1] } },
  );
  expect(largest(found.apart)).toBeLessThan(1e-2);
  expect(largest(found.apartLocal)).toBeLessThan(1e-2);
  const size = (spectrum: Value, from: number, to: number): number => {
    const inBand = floats(spectrum)
      .slice(0, side * side)
      .filter((_, i) => {
        const frequency = Math.hypot(Math.floor(i / side), i % side);
        return frequency >= from && frequency < to;
      });
    return Math.sqrt(energy(inBand) / inBand.length);
  };
  expect(size(found.plain, 1, 4) / size(found.plain, 32, 64)).toBeGreaterThan(10);
  expect(size(found.seen, 1, 4) / size(found.seen, 32, 64)).toBeCloseTo(1, 3);
});

test("mistakes are named", () => {
  const images = (...shape: (number | string)[]) => input("x", shape);
  expect(() => blockCosineTransform(images(1, 3, 20, 24))).toThrow(
    "blockCosineTransform: the height and width of [1, 3, 20, 24] must be multiples of 8; resize or crop the images.",
  );
  expect(() => cosineTransform(images(1, 3, "height", 24))).toThrow("cosineTransform: needs images");
  expect(blockCosineTransform(images("batch", 3, 16, 24)).shape).toEqual(["batch", 3, 64, 6]);
  for (const rank of [0, 65, 1.5]) {
    expect(() => lowRank(images(1, 64, 20), { rank })).toThrow(
      `lowRank: matrices of the shape [1, 64, 20] cannot be brought to rank ${rank}`,
    );
  }
});
