import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { applyNoise, drawNoises, type NoiseName, withGaussianNoise } from "./noise.ts";
import { corruptionSchema, type Noises, type OcclusionOptions } from "./options.ts";

const occlusionDefaults = corruptionSchema.parse({ kind: "occlusion" }) as OcclusionOptions;

const noises: Noises = {
  gaussian: { probability: 1, mean: 0.1, sigma: 0.2 },
  saltAndPepper: { probability: 2, density: 0.3, salt: 0.25 },
  poisson: { probability: 3, peak: 4 },
  laplace: { probability: 4, scale: 0.15 },
};
const number = 60000;

const moments = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number) => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const deviation = Math.sqrt(central(2));
  return { mean, deviation, skewness: central(3) / deviation ** 3, kurtosis: central(4) / deviation ** 4 };
};
const apply = (name: NoiseName, base = 0.5, channels = 1) => {
  const values = new Float32Array(number).fill(base);
  applyNoise(name, noises, values, channels, random("apply", name));
  return values;
};

describe("each noise has its distribution", () => {
  test("Gaussian", () => {
    const { mean, deviation, skewness, kurtosis } = moments(apply("gaussian"));
    expect(mean).toBeCloseTo(0.6, 2);
    expect(deviation).toBeCloseTo(0.2, 2);
    expect(Math.abs(skewness)).toBeLessThan(0.05);
    expect(kurtosis).toBeGreaterThan(2.9);
    expect(kurtosis).toBeLessThan(3.1);
  });

  test("Laplace, with its heavier tails", () => {
    const { mean, deviation, kurtosis } = moments(apply("laplace"));
    expect(mean).toBeCloseTo(0.5, 2);
    expect(deviation).toBeCloseTo(Math.SQRT2 * 0.15, 2);
    expect(kurtosis).toBeGreaterThan(5.3);
  });

  test.each([0, 0.5, 1])("Poisson: whole photon numbers, centred, on base %s", (base) => {
    const values = apply("poisson", base);
    const { mean, deviation, skewness } = moments(values);
    expect(mean).toBeCloseTo(base, 1);
    expect(deviation).toBeCloseTo(1 / Math.sqrt(4), 1);
    expect(skewness).toBeCloseTo(1 / Math.sqrt(4), 1);
    expect(values.every((value) => Math.abs((value - base) * 4 - Math.round((value - base) * 4)) < 1e-5)).toBe(true);
    const none = values.filter((value) => Math.abs(value - base + 1) < 1e-5).length / number;
    expect(none).toBeCloseTo(Math.exp(-4), 2);
  });

  test("salt-and-pepper: density, share of salt, and the same pixels in all channels", () => {
    const values = apply("saltAndPepper", 0.4, 3);
    const share = (wanted: number) => values.filter((value) => value === Math.fround(wanted)).length / number;
    expect(share(1)).toBeCloseTo(0.3 * 0.25, 2);
    expect(share(0)).toBeCloseTo(0.3 * 0.75, 2);
    expect(share(0.4)).toBeCloseTo(0.7, 2);
    expect(values.slice(0, number / 3)).toEqual(values.slice(number / 3, (2 * number) / 3));
    expect(values.slice(0, number / 3)).toEqual(values.slice((2 * number) / 3));
  });
});

test("one noise is drawn by the preset probabilities", () => {
  const counts: Record<string, number> = {};
  for (let seed = 0; seed < 5000; seed++) {
    const drawn = drawNoises(noises, { min: 1, max: 1 }, random("one", seed));
    expect(drawn).toHaveLength(1);
    counts[drawn[0]] = (counts[drawn[0]] ?? 0) + 1;
  }
  for (const [name, { probability }] of Object.entries(noises)) expect(counts[name] / 5000).toBeCloseTo(probability / 10, 1);
});

test("superimposed noises are distinct, as many as drawn, in random order, and never one without probability", () => {
  const without: Noises = { ...occlusionDefaults.noises, poisson: { probability: 0, peak: 16 } };
  const numbers = new Map<number, number>();
  const first = new Set<string>();
  for (let seed = 0; seed < 2000; seed++) {
    const drawn = drawNoises(without, { min: 2, max: 3 }, random("several", seed));
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(drawn).not.toContain("poisson");
    numbers.set(drawn.length, (numbers.get(drawn.length) ?? 0) + 1);
    first.add(drawn[0]);
  }
  expect([...numbers.keys()].sort()).toEqual([2, 3]);
  expect(numbers.get(2)! / 2000).toBeCloseTo(0.5, 1);
  expect(first.size).toBe(3);
});

test("Gaussian noise over an image has its deviation, stays in [0, 1] and leaves its input alone", () => {
  const grey = new Float32Array(number).fill(0.5);
  const { mean, deviation } = moments(withGaussianNoise(grey, 0.1, random(1)));
  expect(mean).toBeCloseTo(0.5, 2);
  expect(deviation).toBeCloseTo(0.1, 2);
  expect(grey.every((value) => value === 0.5)).toBe(true);
  expect(withGaussianNoise(grey, 2, random(1)).every((value) => value >= 0 && value <= 1)).toBe(true);
});
