import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradients, input, program, sum, type Tensor } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import { type Residual, type ResidualName, residuals, weightedMean, weightedResidual } from "./residuals.ts";

type Pair = { name: string; shape: number[]; x: number[]; y: number[]; maps: Partial<Record<ResidualName, number[]>> };
/** Made by scripts/reference/residuals.py with scikit-image and scipy. */
const pairs: Pair[] = JSON.parse(readFileSync(new URL("./fixtures/residuals.json", import.meta.url), "utf8"));
const names = Object.keys(residuals) as ResidualName[];

interface Image {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Runs a graph on two images. */
const run = async <Name extends string>(x: Image, y: Image, build: (x: Tensor, y: Tensor) => Record<Name, Tensor>) => {
  const feeds = [input("x", x.shape), input("y", y.shape)] as const;
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds, results: build(...feeds) }));
  const results = await loaded.run({ x, y });
  await runtime.close();
  return results as Record<Name, { data: Float32Array; shape: readonly number[] }>;
};

const map = async (residual: Residual, x: Image, y: Image) => (await run(x, y, (a, b) => ({ map: residual(a, b) }))).map;

const filled = (value: number, ...shape: number[]): Image => ({
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value),
});
const noise = (seed: number, ...shape: number[]): Image => {
  const rng = random("residuals", seed);
  const { data } = filled(0, ...shape);
  return { shape, data: data.map(() => rng.uniform()) };
};

describe.each(pairs)("agreement with scikit-image and scipy: $name", ({ shape, x, y, maps }) => {
  const [original, restored] = [x, y].map((data) => ({ shape: [1, ...shape], data: Float32Array.from(data) }));

  test.each(Object.entries(maps) as [ResidualName, number[]][])("%s", async (name, expected) => {
    const found = await map(residuals[name], original, restored);
    expect(found.shape).toEqual([1, 1, ...shape.slice(1)]);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - found.data[i])));
    expect(worst).toBeLessThan(name === "ssim" ? 2e-5 : 1e-6 * Math.max(1, ...expected));
  });
});

describe.each(names)("%s", (name) => {
  const residual = residuals[name];

  test("is 0 where the images agree, and positive where they do not", async () => {
    const x = noise(1, 1, 3, 13, 40);
    const patch = (i: number) => i % 40 < 3;
    const y = { ...x, data: x.data.map((value, i) => (patch(i) ? 1 - value : value)) };
    const { data } = await map(residual, x, y);
    // Beyond 24 columns neither an 11 x 11 window nor the coarsest scale sees the patch.
    expect(Math.max(...data.filter((_, i) => i % 40 > 24).map(Math.abs))).toBeLessThan(1e-5);
    expect(data.filter((_, i) => i % 40 < 3).reduce((total, value) => total + value) / 39).toBeGreaterThan(0.02);
  });

  test("treats each image of a batch alone", async () => {
    const [x, y] = [noise(2, 2, 1, 9, 11), noise(3, 2, 1, 9, 11)];
    const second = ({ data }: Image): Image => ({ shape: [1, 1, 9, 11], data: data.slice(99) });
    const together = await map(residual, x, y);
    const alone = await map(residual, second(x), second(y));
    expect(Math.max(...alone.data.map((value, i) => Math.abs(value - together.data[99 + i])))).toBeLessThan(1e-6);
  });

  test.each([
    [3, 13, 9],
    [1, 16, 16],
    [2, 5, 7],
  ])("gradient against finite differences, %i channels, %ix%i", async (...shape) => {
    const x = noise(4, 2, ...shape);
    const y = noise(5, 2, ...shape);
    // One restored image is brighter, one darker, by so much that no finite step crosses the kink of |x - y|.
    const sign = (i: number) => (i < x.data.length / 2 ? 1 : -1);
    const apart = { ...y, data: y.data.map((value, i) => x.data[i] + sign(i) * (0.1 + value)) };
    expect(await gradientError(residual, [x, apart], { step: 1e-3 })).toBeLessThan(5e-3);
  });

  test.each([
    ["equal", 0.5, 0.5],
    ["black", 0, 0],
    ["different", 0.2, 0.9],
  ])("gradient on constant images is finite: %s", async (_, a, b) => {
    const [x, y] = [filled(a, 1, 2, 13, 9), filled(b, 1, 2, 13, 9)];
    const found = await run(x, y, (original, restored) => {
      const loss = sum(residual(original, restored));
      const [dx, dy] = gradients(loss, [original, restored]);
      return { loss, dx, dy };
    });
    for (const { data } of Object.values(found)) expect(data.every(Number.isFinite)).toBe(true);
    if (a === b) for (const { data } of Object.values(found)) expect(Math.max(...data.map(Math.abs))).toBeLessThan(1e-3);
  });
});

test("the structural residuals stay within their bounds", async () => {
  const x = noise(6, 1, 1, 17, 14);
  const inverse = { ...x, data: x.data.map((value) => 1 - value) };
  const { ssim, msgms } = await run(x, inverse, (a, b) => ({ ssim: residuals.ssim(a, b), msgms: residuals.msgms(a, b) }));
  expect(Math.max(...ssim.data)).toBeGreaterThan(1); // negative correlation
  expect(Math.max(...ssim.data)).toBeLessThanOrEqual(2);
  const flat = await map(residuals.msgms, x, filled(0.5, 1, 1, 17, 14));
  expect(Math.min(...msgms.data, ...flat.data)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...msgms.data, ...flat.data)).toBeLessThan(1);
});

test("msgms is blind to a change of brightness, which l1 sees", async () => {
  const x = noise(7, 1, 1, 16, 16);
  const brighter = { ...x, data: x.data.map((value) => value + 0.1) };
  const found = await map(residuals.msgms, x, brighter);
  expect(Math.max(...found.data)).toBeLessThan(1e-5);
  expect(Math.min(...(await map(residuals.l1, x, brighter)).data)).toBeCloseTo(0.1, 5);
});

test("a weighted residual is the weighted sum of its terms and leaves out those of weight 0", async () => {
  const [x, y] = [noise(8, 1, 3, 8, 8), noise(9, 1, 3, 8, 8)];
  const { sum, l2, msgms } = await run(x, y, (a, b) => ({
    sum: weightedResidual({ l2: 2, msgms: 0.5, ssim: 0 })(a, b),
    l2: residuals.l2(a, b),
    msgms: residuals.msgms(a, b),
  }));
  for (const [i, value] of sum.data.entries()) expect(value).toBeCloseTo(2 * l2.data[i] + 0.5 * msgms.data[i], 6);

  const plain = (weights: Parameters<typeof weightedResidual>[0]) => {
    const images = [input("x", x.shape), input("y", y.shape)] as const;
    return program({ feeds: images, results: { map: weightedResidual(weights)(...images) } }).model.length;
  };
  expect(plain({ l2: 1, ssim: 0 })).toBe(plain({ l2: 1 }));
  expect(() => weightedResidual({ l2: 0, ssim: 0 })(input("x", x.shape), input("y", y.shape))).toThrow(RangeError);
});

test("a weighted mean counts positions by their weights", async () => {
  const values = { shape: [1, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4) };
  const weights = { shape: [1, 1, 2, 2], data: Float32Array.of(0, 1, 0, 3) };
  const found = await run(values, weights, (m, w) => ({ plain: weightedMean(m), weighted: weightedMean(m, w) }));
  expect(found.plain.data[0]).toBeCloseTo(2.5, 6);
  expect(found.weighted.data[0]).toBeCloseTo(14 / 4, 6);
});
