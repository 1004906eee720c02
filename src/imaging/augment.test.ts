import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { type AugmentationOptions, augment, augmentationSchema } from "./index.ts";

const size = 6;
const off = augmentationSchema.parse(undefined);
const everything: AugmentationOptions = {
  flipHorizontal: true,
  flipVertical: true,
  quarterTurns: true,
  shift: 0.4,
  brightness: 0.2,
  contrast: 0.3,
};
/** Two channels whose pixels are all different, around the middle of the range. */
const image = Float32Array.from({ length: 2 * size * size }, (_, i) => 0.3 + (0.4 * ((i * 29) % 72)) / 72);
const seeds = Array.from({ length: 40 }, (_, seed) => seed);
const augmented = (options: Partial<AugmentationOptions>, seed: number, source: Float32Array = image) =>
  augment(source, size, { ...off, ...options }, random("augment", seed));

type Place = (x: number, y: number) => [number, number];
/** The image read at another place for every pixel. */
const readAt = (place: Place): number[] =>
  Array.from(image, (_, i) => {
    const [x, y] = place(i % size, Math.floor(i / size) % size);
    return image[Math.floor(i / size ** 2) * size * size + y * size + x];
  });
const last = size - 1;
const same: Place = (x, y) => [x, y];

/** Which of the candidates each seed gave, counted; every result must be one of them. */
const outcomes = (options: Partial<AugmentationOptions>, candidates: Record<string, Place>): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const seed of seeds) {
    const result = Array.from(augmented(options, seed));
    const name = Object.keys(candidates).find((candidate) => readAt(candidates[candidate]).join() === result.join());
    counts[name ?? "none of them"] = (counts[name ?? "none of them"] ?? 0) + 1;
  }
  return counts;
};

describe("augmentation", () => {
  test("does nothing by default", () => {
    for (const seed of seeds) {
      const result = augmented({}, seed);
      expect(result).toEqual(image);
      expect(result).not.toBe(image);
    }
  });

  test("never changes the image it is given", () => {
    const before = image.slice();
    for (const seed of seeds) augmented(everything, seed);
    for (const seed of seeds) augmented({}, seed).fill(0);
    expect(image).toEqual(before);
  });

  test("is a function of the random stream alone", () => {
    for (const seed of seeds) expect(augmented(everything, seed)).toEqual(augmented(everything, seed));
    expect(new Set(seeds.map((seed) => augmented(everything, seed).join())).size).toBe(seeds.length);
  });

  test("flips mirror one axis, about half of the time", () => {
    const across = outcomes({ flipHorizontal: true }, { same, mirrored: (x, y) => [last - x, y] });
    const down = outcomes({ flipVertical: true }, { same, mirrored: (x, y) => [x, last - y] });
    for (const counts of [across, down]) {
      expect(Object.keys(counts).sort()).toEqual(["mirrored", "same"]);
      expect(counts.mirrored).toBeGreaterThan(10);
      expect(counts.same).toBeGreaterThan(10);
    }
  });

  test("quarter turns turn by each of the four angles, and permute pixels within their channel", () => {
    const counts = outcomes(
      { quarterTurns: true },
      { same, left: (x, y) => [last - y, x], half: (x, y) => [last - x, last - y], right: (x, y) => [y, last - x] },
    );
    expect(Object.keys(counts).sort()).toEqual(["half", "left", "right", "same"]);
    for (const seed of seeds) {
      const result = augmented({ quarterTurns: true, flipHorizontal: true, flipVertical: true }, seed);
      for (const channel of [0, 1]) {
        const part = (values: Float32Array) => [...values.subarray(channel * size * size, (channel + 1) * size * size)].sort();
        expect(part(result)).toEqual(part(image));
      }
    }
  });

  test("a shift moves by whole pixels within its limit and mirrors the border", () => {
    const mirrored = (position: number) => (position < 0 ? -1 - position : position > last ? 2 * last + 1 - position : position);
    const candidates: Record<string, Place> = {};
    for (let dx = -2; dx <= 2; dx++) {
      for (let dy = -2; dy <= 2; dy++) candidates[`${dx},${dy}`] = (x, y) => [mirrored(x + dx), mirrored(y + dy)];
    }
    const found = Object.keys(outcomes({ shift: 2 / size }, candidates));
    expect(found).not.toContain("none of them");
    expect(found.length).toBeGreaterThan(10);
    const reached = (axis: number) => new Set(found.map((name) => name.split(",")[axis]));
    for (const axis of [0, 1]) expect([...reached(axis)].map(Number).sort()).toEqual([-1, -2, 0, 1, 2].sort());
  });

  test("brightness adds one number to the whole image", () => {
    const added = seeds.map((seed) => {
      const differences = augmented({ brightness: 0.25 }, seed).map((value, i) => value - image[i]);
      expect(Math.max(...differences) - Math.min(...differences)).toBeLessThan(1e-6);
      return differences[0];
    });
    expect(Math.max(...added)).toBeGreaterThan(0.15);
    expect(Math.min(...added)).toBeLessThan(-0.15);
    expect(Math.max(...added.map(Math.abs))).toBeLessThanOrEqual(0.25 + 1e-6);
  });

  test("contrast stretches around the mean", () => {
    const mean = (values: Float32Array) => values.reduce((total, value) => total + value, 0) / values.length;
    const factors = seeds.map((seed) => {
      const result = augmented({ contrast: 0.5 }, seed);
      expect(Math.abs(mean(result) - mean(image))).toBeLessThan(1e-5);
      const factor = (result[0] - mean(image)) / (image[0] - mean(image));
      for (const [i, value] of result.entries())
        expect(Math.abs(value - (mean(image) + factor * (image[i] - mean(image))))).toBeLessThan(1e-5);
      return factor;
    });
    expect(Math.max(...factors)).toBeGreaterThan(1.3);
    expect(Math.min(...factors)).toBeLessThan(0.7);
    expect(Math.max(...factors.map((factor) => Math.abs(factor - 1)))).toBeLessThanOrEqual(0.5 + 1e-5);
  });

  test("values stay in [0, 1]", () => {
    const extreme = image.map((_, i) => i % 2);
    for (const seed of seeds) {
      const result = augmented({ brightness: 1, contrast: 1 }, seed, extreme);
      expect(Math.min(...result)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...result)).toBeLessThanOrEqual(1);
    }
  });

  test("switching one change off leaves the others as they were", () => {
    for (const seed of seeds) {
      // With everything else on, the brightness of the image is what brightness alone adds: no draw depends on the options.
      const { brightness, ...others } = everything;
      const with_ = augmented({ ...others, contrast: 0, brightness }, seed);
      const without = augmented({ ...others, contrast: 0 }, seed);
      const alone = augmented({ brightness }, seed)[0] - image[0];
      for (const [i, value] of with_.entries()) expect(Math.abs(value - without[i] - alone)).toBeLessThan(1e-6);
      // Nor does the contrast depend on the brightness before it.
      const contrast = augmented({ contrast: 0.3 }, seed);
      for (const [i, value] of augmented({ contrast: 0.3, brightness }, seed).entries()) {
        expect(Math.abs(value - contrast[i] - alone)).toBeLessThan(1e-6);
      }
      // A turn is the same with and without a flip before it.
      const turned = augmented({ quarterTurns: true }, seed);
      const flipped = augmented({ flipHorizontal: true }, seed);
      expect(augmented({ quarterTurns: true, flipHorizontal: true }, seed)).toEqual(
        augmented({ quarterTurns: true }, seed, flipped),
      );
      expect(turned).toEqual(augmented({ quarterTurns: true, shift: 0 }, seed));
    }
  });
});
