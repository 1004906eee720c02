import { describe, expect, test } from "vitest";
import { createMask, defectPixels } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import { randomBlob } from "./maker/index.ts";
import { blendingMask, changeStatistics, deform, selfBlend } from "./self-blend.ts";

const size = 64;
const pixels = size * size;
const seeds = Array.from({ length: 60 }, (_, seed) => seed);
/** Waves of different lengths with fine noise, 0.15 .. 0.85, so that every transform changes something everywhere. */
const noise = random("image");
const image = new Float32Array(3 * pixels).map((_, at) => {
  const [x, y, channel] = [at % size, Math.floor(at / size) % size, Math.floor(at / pixels)];
  return 0.5 + 0.15 * Math.sin(x / (3 + channel)) + 0.15 * Math.cos(y / (5 - channel)) + noise.uniform(-0.05, 0.05);
});
const blended = seeds.map((seed) => selfBlend(image, size, random("blend", seed)));
const sourceChanged = blended.map(({ target }) => target.every((value, at) => value === image[at]));
const largest = (values: Float32Array): number => values.reduce((larger, value) => Math.max(larger, value), 0);
const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("a self-blended image", () => {
  test("is the target, to the bit, where the mask is 0; and the target is the image, to the bit, for one side of the coin", () => {
    for (const { planes, target, mask } of blended) {
      expect(planes.every((value, at) => mask[at % pixels] > 0 || value === target[at])).toBe(true);
    }
    const share = sourceChanged.filter(Boolean).length / seeds.length;
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
    for (const [seed, { target }] of blended.entries()) {
      if (!sourceChanged[seed])
        expect(target.filter((value, at) => value !== image[at]).length).toBeGreaterThan(0.9 * image.length);
    }
  });

  test("differs inside the mask from its target and, since the source is moved, from the image, whichever was changed", () => {
    for (const { planes, target, mask } of blended) {
      const strong = 0.5 * largest(mask);
      const inside = [...planes.keys()].filter((at) => mask[at % pixels] > strong);
      for (const other of [target, image]) {
        expect(inside.filter((at) => Math.abs(planes[at] - other[at]) > 1e-5).length).toBeGreaterThan(0.95 * inside.length);
      }
    }
  });

  test("is source M + target (1 - M), with the source that was changed or only moved", () => {
    // In an image of one colour, moves do not show, and transforms give one colour again.
    const plain = new Float32Array(3 * pixels).map((_, at) => [0.3, 0.5, 0.6][Math.floor(at / pixels)]);
    const coins = { source: 0, target: 0 };
    for (const seed of seeds) {
      const { planes, target, mask } = selfBlend(plain, size, random("plain", seed));
      const changed = target.some((value, at) => value !== plain[at]);
      coins[changed ? "target" : "source"]++;
      const peak = mask.indexOf(largest(mask));
      for (let channel = 0; channel < 3; channel++) {
        const start = channel * pixels;
        const source = changed ? plain[start] : target[start] + (planes[start + peak] - target[start]) / mask[peak];
        expect(source).toBeGreaterThanOrEqual(0);
        expect(source).toBeLessThan(1.00001);
        for (let pixel = 0; pixel < pixels; pixel += 7) {
          const wanted = source * mask[pixel] + target[start + pixel] * (1 - mask[pixel]);
          expect(Math.abs(planes[start + pixel] - wanted)).toBeLessThan(1e-5);
        }
      }
    }
    expect(Math.min(coins.source, coins.target)).toBeGreaterThan(15);
  });

  test("lies in [0, 1], of bright and dark images, with one channel or three", () => {
    for (const seed of seeds.slice(0, 20)) {
      const extreme = image.map((value) => (value > 0.5 ? 1 : 0));
      for (const given of [extreme, extreme.subarray(0, pixels)]) {
        const { planes, target, mask } = selfBlend(given, size, random("extreme", seed));
        expect([planes.length, target.length, mask.length]).toEqual([given.length, given.length, pixels]);
        for (const values of [planes, target, mask]) expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      }
    }
  });

  test("follows from its keys, and leaves the image as it was", () => {
    const before = image.slice();
    for (const seed of seeds.slice(0, 10)) {
      expect(selfBlend(image, size, random("blend", seed))).toEqual(blended[seed]);
      selfBlend(image, size, random("blend", seed)).target.fill(0);
    }
    expect(image).toEqual(before);
    expect(new Set(blended.map(({ planes }) => mean(planes))).size).toBe(seeds.length);
  });

  test("of a shape that does not fit is refused", () => {
    expect(() => selfBlend(image, 63, random(1))).toThrow("12288 values cannot be blended with itself at size 63");
    expect(() => selfBlend(image.subarray(0, 2 * pixels), size, random(1))).toThrow(RangeError);
    expect(() => selfBlend(image, size, random(1), { area: { low: 0, high: 0.5 } })).toThrow(
      "0 < low <= high < 1, not 0 and 0.5",
    );
  });
});

test("changed statistics: colours and fine detail differ from the image's, softer and sharper about equally often", () => {
  const roughness = (planes: Float32Array): number =>
    planes.reduce((sum, value, at) => sum + (at % size === 0 ? 0 : (value - planes[at - 1]) ** 2), 0);
  const changed = seeds.map((seed) => changeStatistics(image, size, random("statistics", seed)));
  const sharper = changed.filter((planes) => roughness(planes) > 1.3 * roughness(image)).length;
  const softer = changed.filter((planes) => roughness(planes) < 0.8 * roughness(image)).length;
  expect(sharper + softer).toBe(seeds.length);
  expect(Math.min(sharper, softer)).toBeGreaterThan(15);
  const shifts = changed.map((planes) => mean(planes) - mean(image));
  expect(Math.max(...shifts)).toBeGreaterThan(0.05);
  expect(Math.min(...shifts)).toBeLessThan(-0.05);
});

test("changed colours: of black only brightness and, three times in ten, the shift of each channel show; of a colour, the hue", () => {
  const plain = (colour: readonly number[]) => new Float32Array(3 * pixels).map((_, at) => colour[Math.floor(at / pixels)]);
  const colourOf = (planes: Float32Array) => [0, 1, 2].map((channel) => planes[channel * pixels + pixels / 2]);
  const after = (colour: readonly number[]) =>
    seeds.map((seed) => colourOf(changeStatistics(plain(colour), size, random("colours", seed))));
  const black = after([0, 0, 0]);
  // A shift of black shows unless it takes away, as one in eight does.
  const unshifted = black.flatMap((colour, seed) => (Math.max(...colour) === Math.min(...colour) ? [seed] : []));
  expect(unshifted.length).toBeGreaterThan(0.55 * seeds.length);
  expect(unshifted.length).toBeLessThan(0.9 * seeds.length);
  const brightness = unshifted.map((seed) => black[seed][0]);
  expect(Math.max(...brightness)).toBeGreaterThan(0.06);
  expect(Math.max(...brightness)).toBeLessThan(0.1 + 1e-6);

  // Nothing but the change of hue moves the middle channel's place between the others.
  const orange = after([0.6, 0.4, 0.3]);
  const turns = unshifted.map((seed) => {
    const [red, green, blue] = orange[seed];
    return ((green - blue) / (red - blue) - 1 / 3) / 6;
  });
  const drawn = turns.filter((turn) => Math.abs(turn) < 0.0301);
  expect(drawn.length).toBeGreaterThan(0.8 * turns.length);
  for (const sign of [-1, 1]) expect(drawn.filter((turn) => sign * turn > 0.01).length).toBeGreaterThan(0.15 * turns.length);
});

describe("the blending mask", () => {
  const area = { low: 0.1, high: 0.5 };
  const masks = Array.from({ length: 200 }, (_, seed) => blendingMask(size, area, random("mask", seed)));

  test("has a largest value that is one of the blending ratios, 1 half of the time", () => {
    const counts = new Map<number, number>();
    for (const mask of masks) counts.set(largest(mask), (counts.get(largest(mask)) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([0.25, 0.5, 0.75, 1]);
    expect(Math.abs(counts.get(1)! / masks.length - 1 / 2)).toBeLessThan(0.1);
    for (const ratio of [0.25, 0.5, 0.75]) expect(Math.abs(counts.get(ratio)! / masks.length - 1 / 6)).toBeLessThan(0.07);
  });

  test("covers between 5 and 70 % of the image, and weighs, without its ratio, 4 to 55 % of it", () => {
    for (const mask of masks) {
      const share = mask.filter((value) => value > 0).length / pixels;
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.7);
      const weight = mean(mask) / largest(mask);
      expect(weight).toBeGreaterThan(0.04);
      expect(weight).toBeLessThan(0.55);
    }
  });

  test("follows the area asked for, a part of which is eroded", () => {
    const weight = (low: number): number => {
      const same = { low, high: low };
      const all = seeds.map((seed) => blendingMask(size, same, random("area", seed)));
      return all.reduce((sum, mask) => sum + mean(mask) / largest(mask), 0) / seeds.length;
    };
    expect(weight(0.15) / 0.15).toBeLessThan(0.9);
    expect(weight(0.15) / 0.15).toBeGreaterThan(0.5);
    expect(weight(0.45) / weight(0.15)).toBeGreaterThan(2.5);
  });

  test("is soft: it falls to 0 over pixels, and no step to a neighbour is as large as its ratio", () => {
    for (const mask of masks) {
      const ratio = largest(mask);
      const between = mask.filter((value) => value > 0 && value < 0.99 * ratio).length;
      expect(between).toBeGreaterThan(pixels / 200);
      const steps = mask.map((value, at) => (at % size === 0 ? 0 : Math.abs(value - mask[at - 1])));
      expect(largest(steps)).toBeLessThan(0.7 * ratio);
    }
  });

  test("is drawn small and enlarged without steps for large images, with the same area", () => {
    const shares = [64, 160].map((side) => {
      const all = seeds.slice(0, 40).map((seed) => blendingMask(side, area, random("sides", seed)));
      return all.reduce((sum, mask) => sum + mean(mask) / largest(mask), 0) / all.length;
    });
    expect(shares[1] / shares[0]).toBeGreaterThan(0.9);
    expect(shares[1] / shares[0]).toBeLessThan(1.05);
  });
});

test("an elastic deformation wobbles the outline by its strength and keeps the area", () => {
  const blob = randomBlob(random("blob"), size, size, 1000);
  const near = (strength: number): number => {
    const deformed = deform(blob, strength, 4, random("deform"));
    expect(Math.abs(defectPixels(deformed) / 1000 - 1)).toBeLessThan(0.1);
    return deformed.data.filter((value, pixel) => value !== blob.data[pixel]).length;
  };
  expect(near(0)).toBe(0);
  expect(near(0.6)).toBeGreaterThan(5);
  expect(near(2)).toBeGreaterThan(1.5 * near(0.6));
  expect(deform(createMask(5, 3), 1, 2, random(1)).data.every((value) => value === 0)).toBe(true);
});
