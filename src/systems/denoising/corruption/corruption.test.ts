import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { corrupt, corruptionSchema, type OcclusionOptions, occlude, railwayCorruption } from "./index.ts";

type Given = Record<string, unknown>;
const options = (given: Given = {}) => corruptionSchema.parse({ kind: "occlusion", ...given }) as OcclusionOptions;
const only = (...names: string[]) =>
  Object.fromEntries(
    ["gaussian", "saltAndPepper", "poisson", "laplace"].map((name) => [name, { probability: names.includes(name) ? 1 : 0 }]),
  );
const seeds = (number: number) => Array.from({ length: number }, (_, seed) => seed);

const shape = { channels: 1, height: 48, width: 60 };
const colour = { channels: 3, height: 31, width: 45 };
const picture = ({ channels, height, width }: typeof shape, key: string) => {
  const rng = random("picture", key);
  return Float32Array.from({ length: channels * height * width }, () => rng.uniform(0.2, 0.8));
};
const image = picture(shape, "image");
const other = picture(shape, "other");
const inside = ({ mask, corrupted }: { mask: Uint8Array; corrupted: Float32Array }) =>
  corrupted.filter((_, index) => mask[index % mask.length] === 1);
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
const shapes = ["rectangles", "blobs", "perlin"] as const;

describe.each(shapes)("occlusion with %s", (regions) => {
  test("changes the masked pixels, leaves the others bit for bit, and never its input", () => {
    const original = picture(colour, "colour");
    const kept = original.slice();
    for (const seed of seeds(20)) {
      const { corrupted, target, mask } = occlude(original, colour, options({ shape: regions }), random(seed));
      expect(original).toEqual(kept);
      expect(target).toBe(original);
      const changed = corrupted.map((value, index) => (Object.is(value, original[index]) ? 0 : 1));
      expect(changed.every((value, index) => value <= mask[index % mask.length])).toBe(true);
      expect(sum(changed)).toBeGreaterThan(0.95 * 3 * sum(mask));
      expect(corrupted.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
  });

  test("reports the ratios of what it did", () => {
    for (const measure of ["sum", "union"]) {
      for (const seed of seeds(40)) {
        const result = occlude(image, shape, options({ shape: regions, measure }), random(seed));
        expect(result.drawnRatio).toBeGreaterThanOrEqual(0.1);
        expect(result.drawnRatio).toBeLessThanOrEqual(0.2);
        expect(result.coveredRatio).toBeCloseTo(sum(result.mask) / result.mask.length, 9);
        expect(result.coveredRatio).toBeLessThanOrEqual(result.reachedRatio);
        const measured = measure === "sum" ? result.reachedRatio : result.coveredRatio;
        expect(Math.abs(measured - result.drawnRatio)).toBeLessThanOrEqual(0.02);
      }
    }
  });

  test("is a function of the keys of its random numbers", () => {
    const given = options({ shape: regions, superimpose: { min: 1, max: 4 }, base: "random" });
    expect(occlude(image, shape, given, random(1, 2))).toEqual(occlude(image, shape, given, random(1, 2)));
    expect(occlude(image, shape, given, random(1, 2)).corrupted).not.toEqual(
      occlude(image, shape, given, random(1, 3)).corrupted,
    );
  });
});

test("the reported sum counts overlaps twice", () => {
  const { reachedRatio, coveredRatio } = occlude(image, shape, options({ fixed: { count: 3, position: [0, 0] } }), random(1));
  expect(reachedRatio).toBeGreaterThan(coveredRatio + 0.01);
});

describe("fill", () => {
  const plain = { superimpose: { min: 0, max: 0 } };

  test.each([
    ["black", 0],
    ["white", 1],
    ["grey", 0.5],
  ])("the base can be %s", (base, level) => {
    const filled = inside(occlude(image, shape, options({ base, ...plain }), random(1)));
    expect(new Set(filled)).toEqual(new Set([level]));
  });

  test("the base can be random for each region, or kept from the image", () => {
    const given = options({ base: "random", ...plain, fixed: { count: 6 } });
    const levels = seeds(20).map((seed) => new Set(inside(occlude(image, shape, given, random(seed)))));
    expect(new Set(levels.flatMap((set) => [...set]))).toEqual(new Set([0, 0.5, 1]));
    expect(Math.max(...levels.map((set) => set.size))).toBe(3);
    expect(occlude(image, shape, options({ base: "keep", ...plain }), random(1)).corrupted).toEqual(image);
  });

  test("noise lies over the base: over the original pixels it keeps them recognisable, over grey it does not", () => {
    const differences = (base: string) => {
      const { corrupted, mask } = occlude(
        image,
        shape,
        options({ base, noises: { ...only("gaussian"), gaussian: { sigma: 0.01 } } }),
        random(1),
      );
      return sum(corrupted.map((value, index) => Math.abs(value - image[index]))) / sum(mask);
    };
    expect(differences("keep")).toBeLessThan(0.02);
    expect(differences("grey")).toBeGreaterThan(0.1);
  });

  test("superimposing applies both noises", () => {
    const both = options({
      superimpose: { min: 2, max: 2 },
      noises: { ...only("gaussian", "saltAndPepper"), gaussian: { sigma: 0.05 }, saltAndPepper: { density: 0.4 } },
    });
    const values = seeds(20).flatMap((seed) => [...inside(occlude(image, shape, both, random(seed)))]);
    const middle = values.filter((value) => value > 0.25 && value < 0.75);
    expect(middle.length / values.length).toBeCloseTo(0.6, 1);
    expect(values.filter((value) => value > 0.75).length / values.length).toBeCloseTo(0.2, 1);
    expect(values.filter((value) => value < 0.25).length / values.length).toBeCloseTo(0.2, 1);
    expect(Math.sqrt(sum(middle.map((value) => (value - 0.5) ** 2)) / middle.length)).toBeCloseTo(0.05, 2);
  });

  test("noises are drawn for each rectangle or once per image", () => {
    // Salt only or a Gaussian that never reaches white: a white pixel tells which of the two a rectangle got.
    const mixed = (noisePer: string) =>
      seeds(40).filter((seed) => {
        const given = options({
          noisePer,
          noises: { ...only("gaussian", "saltAndPepper"), gaussian: { sigma: 0.02 }, saltAndPepper: { density: 1, salt: 1 } },
          fixed: { count: 6 },
        });
        const values = inside(occlude(image, shape, given, random(seed)));
        return values.includes(1) && values.some((value) => value !== 1);
      }).length;
    expect(mixed("rectangle")).toBeGreaterThan(30);
    expect(mixed("image")).toBe(0);
  });

  test("textures come from the other image, from random places", () => {
    const given = options({ shape: "blobs", fill: { noise: 0, texture: 1 } });
    const shifts = seeds(20).map((seed) => {
      const { corrupted, mask } = occlude(image, shape, given, random(seed), other);
      const first = mask.indexOf(1);
      expect(inside({ corrupted, mask }).every((value) => other.includes(value))).toBe(true);
      return other.indexOf(corrupted[first]) - first;
    });
    expect(new Set(shifts).size).toBeGreaterThan(10);
  });

  test("a texture is a coherent patch, not scattered pixels", () => {
    const ramp = Float32Array.from({ length: image.length }, (_, index) => (index % shape.width) / shape.width);
    const given = options({ fill: { noise: 0, texture: 1 }, fixed: { count: 1 } });
    const { corrupted, mask } = occlude(image, shape, given, random(4), ramp);
    for (let pixel = 1; pixel < mask.length; pixel++) {
      if (!mask[pixel] || !mask[pixel - 1] || pixel % shape.width === 0) continue;
      expect(Math.abs(corrupted[pixel] - corrupted[pixel - 1])).toBeLessThan(1.001 / shape.width);
    }
  });

  test("without another image, textures come from other places of the image itself", () => {
    const given = options({ fill: { noise: 0, texture: 1 } });
    for (const seed of seeds(20)) {
      const result = occlude(image, shape, given, random(seed));
      expect(inside(result).every((value) => image.includes(value))).toBe(true);
      const moved = result.corrupted.filter((value, index) => value !== image[index]).length;
      expect(moved).toBeGreaterThan(0.98 * sum(result.mask));
    }
  });

  test("noise and texture mix by their weights", () => {
    const given = options({ fill: { noise: 1, texture: 3 }, fixed: { count: 1 }, noises: only("gaussian") });
    const textured = seeds(600).filter((seed) => {
      const { corrupted, mask } = occlude(image, shape, given, random("mix", seed), other);
      return other.includes(corrupted[mask.indexOf(1)]);
    });
    expect(textured.length / 600).toBeCloseTo(0.75, 1);
  });

  test("opacity blends the fill with the image, by an amount drawn from its range", () => {
    const given = options({ base: "white", ...plain, opacity: { min: 0.2, max: 0.6 }, fixed: { count: 1 } });
    const opacities = seeds(300).map((seed) => {
      const { corrupted, mask } = occlude(image, shape, given, random("opacity", seed));
      const opacity = (index: number) => (corrupted[index] - image[index]) / (1 - image[index]);
      expect(opacity(mask.indexOf(1))).toBeCloseTo(opacity(mask.lastIndexOf(1)), 4);
      return opacity(mask.indexOf(1));
    });
    expect(Math.min(...opacities)).toBeGreaterThan(0.199);
    expect(Math.max(...opacities)).toBeLessThan(0.601);
    expect(sum(opacities) / 300).toBeCloseTo(0.4, 1);
    expect(Math.max(...opacities) - Math.min(...opacities)).toBeGreaterThan(0.35);
  });
});

test("preserved noise is in the input and in the target", () => {
  const { corrupted, target, mask } = occlude(image, shape, options({ preserve: 0.05 }), random(1));
  expect(target).not.toBe(image);
  expect(corrupted.every((value, index) => mask[index] === 1 || value === target[index])).toBe(true);
  const squares = sum(target.map((value, index) => (value - image[index]) ** 2));
  expect(Math.sqrt(squares / image.length)).toBeCloseTo(0.05, 2);

  const kept = options({ preserve: 0.05, base: "keep", superimpose: { min: 0, max: 0 } });
  const throughout = occlude(image, shape, kept, random(1));
  expect(throughout.corrupted).toEqual(throughout.target);
});

test("the baselines: Gaussian noise everywhere, and nothing", () => {
  const gaussian = corrupt(image, shape, corruptionSchema.parse({ kind: "gaussian", sigma: 0.1 }), random(1));
  const squares = sum(gaussian.corrupted.map((value, index) => (value - image[index]) ** 2));
  expect(Math.sqrt(squares / image.length)).toBeCloseTo(0.1, 2);
  expect(gaussian.target).toBe(image);
  expect(sum(gaussian.mask)).toBe(gaussian.mask.length);

  const none = corrupt(image, shape, corruptionSchema.parse({ kind: "none" }), random(1));
  expect(none.corrupted).toEqual(image);
  expect(none.corrupted).not.toBe(image);
  expect(none).toMatchObject({ target: image, drawnRatio: 0, reachedRatio: 0, coveredRatio: 0 });
  expect(sum(none.mask)).toBe(0);

  const given = options();
  expect(corrupt(image, shape, given, random(1))).toEqual(occlude(image, shape, given, random(1)));
});

test("the railway example: one square of 10 % with one of three noises", () => {
  const large = { channels: 1, height: 256, width: 256 };
  const grey = new Float32Array(256 * 256).fill(0.25);
  const noises = new Set<string>();
  for (const seed of seeds(40)) {
    const result = occlude(grey, large, railwayCorruption, random("railway", seed));
    expect(result.drawnRatio).toBe(0.1);
    expect(result.coveredRatio).toBeCloseTo(0.1, 2);
    const pixels = [...result.mask.keys()].filter((pixel) => result.mask[pixel] === 1);
    const side = Math.sqrt(pixels.length);
    expect(pixels[pixels.length - 1] - pixels[0]).toBe((side - 1) * 257); // corner to corner of one square
    const levels = new Set(inside(result)).size;
    noises.add(levels <= 3 ? "salt and pepper" : levels < 60 ? "Poisson" : "Gaussian");
  }
  expect(noises.size).toBe(3);
  expect(railwayCorruption.noises.laplace.probability).toBe(0);
});

test("wrong sizes and impossible options are refused with a sentence", () => {
  expect(() => occlude(image, { ...shape, width: 61 }, options(), random(1))).toThrow(/has 2880 values, but 1 channels/);
  expect(() => occlude(image, shape, options(), random(1), new Float32Array(3))).toThrow(RangeError);
  expect(() => corrupt(image, { ...shape, height: 1 }, { kind: "none" }, random(1))).toThrow(RangeError);
  expect(() => options({ area: { min: 0.3 } })).toThrow("its min exceeds its max");
  expect(() => options({ area: { min: 0, max: 0.1 } })).toThrow("must lie in (0, 1]");
  expect(() => options({ fill: { noise: 0, texture: 0 } })).toThrow("a positive weight");
  expect(() => options({ noises: only("laplace"), superimpose: { min: 1, max: 2 } })).toThrow(
    "More noises are to be superimposed",
  );
  expect(corruptionSchema.parse(undefined)).toEqual(options());
});
