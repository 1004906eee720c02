import { expect, test } from "vitest";
import { batchCounts, batchMaker, type ForgeryImages } from "./batches.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";

const size = 16;
const area = size * size;

/** Three real images, and two forged ones of which one has a mask of its left half; image i is even, of the value i / 10. */
const images: ForgeryImages = {
  samples: [0, 0, 0, 1, 1].map((label, i) => ({
    path: `${i}.png`,
    name: `${i}.png`,
    split: "train",
    kind: label === 1 ? "splice" : "real",
    label: label as 0 | 1,
    group: String(i),
  })),
  skipped: [],
  get: async (i) => ({
    x: new Float32Array(3 * area).fill(i / 10),
    counts: undefined,
    ...(i === 3 ? { truth: Float32Array.from({ length: area }, (_, at) => (at % size < size / 2 ? 1 : 0)) } : {}),
  }),
};
const configured = (given: ConfigInput): Config => configSchema.parse({ image: { size }, training: { batch: 4 }, ...given });
const batch = (config: Config, number: number) => batchMaker(images, config)(number);

test("a batch is a function of its number, and has the counts that the graph is built for", async () => {
  const config = configured({ augmentation: { flipHorizontal: true, brightness: 0.1 } });
  expect(await batch(config, 7)).toEqual(await batch(config, 7));
  expect(await batch(config, 7)).not.toEqual(await batch(config, 8));
  expect(batchCounts(images, config)).toEqual({ real: 2, forged: 2 });
  const { real, reference, forged, forgedRegion, regionKnown } = await batch(config, 7);
  expect([real, reference, forged].map(({ shape }) => shape)).toEqual([2, 2, 2].map((count) => [count, 3, size, size]));
  expect(forgedRegion.shape).toEqual([2, 1, size, size]);
  expect(regionKnown.shape).toEqual([2]);
});

test("regions are those of the images and turn with them; without a mask they are not known, or all of the image", async () => {
  for (const unmasked of ["unknown", "whole"] as const) {
    const config = configured({ augmentation: { flipHorizontal: true }, data: { unmasked } });
    const sides = new Set<number>();
    for (let number = 1; number <= 12; number++) {
      const { forged, forgedRegion, regionKnown } = await batch(config, number);
      for (let row = 0; row < 2; row++) {
        const region = (forgedRegion.data as Float32Array).subarray(row * area, (row + 1) * area);
        const masked = Math.round(Number(forged.data[row * 3 * area]) * 10) === 3;
        expect(regionKnown.data[row]).toBe(masked || unmasked === "whole" ? 1 : 0);
        expect(region.reduce((sum, value) => sum + value, 0)).toBe(masked ? area / 2 : unmasked === "whole" ? area : 0);
        if (masked) sides.add(region[0]);
      }
    }
    expect(sides).toEqual(new Set([0, 1]));
  }
});

test("images blended with themselves follow the given forged ones, with known regions; no reference is asked for", async () => {
  const config = configured({ simulated: "selfBlending" });
  expect(batchCounts(images, config)).toEqual({ real: 2, forged: 4 });
  const { real, reference, forged, forgedRegion, regionKnown } = await batch(config, 1);
  expect(reference).toBeUndefined();
  // Where nothing is blended, the pair is the same: nothing but the blending tells them apart.
  for (const row of [0, 1]) {
    const region = (forgedRegion.data as Float32Array).subarray((2 + row) * area, (3 + row) * area);
    expect(region.some((share) => share > 0)).toBe(true);
    for (let at = 0; at < area; at++) {
      if (region[at] === 0) expect(forged.data[(2 + row) * 3 * area + at]).toBe(real.data[row * 3 * area + at]);
    }
  }
  expect(forged.shape).toEqual([4, 3, size, size]);
  expect(Array.from(regionKnown.data as Float32Array).slice(2)).toEqual([1, 1]);
});

test("settings that cannot work are refused with a sentence", () => {
  const refused = (given: ConfigInput): string => configSchema.safeParse(given).error?.issues[0].message ?? "accepted";
  expect(refused({ image: { size: 100 } })).toMatch(/multiple of 8/);
  expect(refused({ image: { aspect: "tile" } })).toMatch(/stretch or fit/);
  expect(refused({ image: { roi: "region.png" } })).toMatch(/leave the region of interest out/);
  expect(refused({ network: { generator: { blend: false, style: false } } })).toMatch(/one of its branches/);
  expect(refused({ simulated: "none", trainOn: "real" })).toMatch(/nothing to learn/);
  expect(refused({ training: { batch: 5 } })).toMatch(/even/);
});
