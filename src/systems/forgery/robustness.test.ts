import { describe, expect, test } from "vitest";
import { createImage, createMask, defectPixels } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import { type Distortion, distort, distortions, type Picture } from "./robustness.ts";

const [WIDTH, HEIGHT] = [48, 40];

/** Stripes and texture, with a forged disk in a corner. */
const picture = (): Picture => {
  const source = random("picture");
  const mask = createMask(WIDTH, HEIGHT);
  const image = createImage(WIDTH, HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const at = y * WIDTH + x;
      mask.data[at] = (x - 36) ** 2 + (y - 30) ** 2 < 30 ? 1 : 0;
      for (let channel = 0; channel < 3; channel++) {
        image.data[3 * at + channel] = 118 + 50 * Math.sin(x / (2 + channel)) + source.uniform(-30, 30);
      }
    }
  }
  return { image, mask };
};

const named = (name: Distortion["name"]): Distortion => distortions.find((distortion) => distortion.name === name)!;

/** Root of the mean squared difference, in grey levels. */
const difference = (one: Picture, other: Picture): number =>
  Math.sqrt(one.image.data.reduce((sum, value, i) => sum + (value - other.image.data[i]) ** 2, 0) / one.image.data.length);

describe.each(distortions)("$name", (distortion) => {
  test("is a function of picture, level and keys, and leaves the picture as it was", async () => {
    const [original, untouched] = [picture(), picture()];
    for (const level of [distortion.levels[0], distortion.levels.at(-1)!]) {
      const first = await distort(original, distortion, level, 7, 3);
      expect(await distort(picture(), distortion, level, 7, 3)).toEqual(first);
      expect(first.image.data).not.toEqual(untouched.image.data);
      expect(original).toEqual(untouched);
      const { width, height } = first.image;
      expect([first.mask?.width, first.mask?.height]).toEqual([width, height]);
      expect((await distort({ image: original.image }, distortion, level, 7, 3)).mask).toBeUndefined();
    }
  });

  test("refuses levels that there are not", async () => {
    for (const level of [distortion.range[0] - 1, distortion.range[1] + 1, Number.NaN]) {
      await expect(distort(picture(), distortion, level)).rejects.toThrow(`level of ${distortion.name} (${distortion.unit}) is`);
    }
  });
});

test("levels run from mild to strong, and keep size and mask", async () => {
  for (const name of ["JPEG", "blur", "resize", "noise"] as const) {
    const distortion = named(name);
    const original = picture();
    let before = 0;
    for (const level of distortion.levels) {
      const distorted = await distort(original, distortion, level, 1);
      expect(distorted.mask).toEqual(original.mask);
      expect([distorted.image.width, distorted.image.height]).toEqual([WIDTH, HEIGHT]);
      const now = difference(distorted, original);
      expect(now, `${name} ${level}`).toBeGreaterThan(before);
      before = now;
    }
  }
});

test("the protocol covers JPEG quality 40 to 100", () => {
  const { levels } = named("JPEG");
  expect([Math.min(...levels), Math.max(...levels)]).toEqual([40, 100]);
});

test("noise has the stated deviation, another one for other keys, and the same at another strength", async () => {
  const grey = { image: createImage(64, 64, new Uint8Array(64 * 64 * 3).fill(128)) };
  const at = async (level: number, ...keys: number[]) => (await distort(grey, named("noise"), level, ...keys)).image.data;
  const deviations = Float64Array.from(await at(8, 1), (value) => value - 128);
  const mean = deviations.reduce((sum, value) => sum + value, 0) / deviations.length;
  expect(Math.abs(mean)).toBeLessThan(0.3);
  expect(Math.sqrt(deviations.reduce((sum, value) => sum + value * value, 0) / deviations.length)).toBeCloseTo(8, 0);
  expect(await at(8, 2)).not.toEqual(await at(8, 1));
  const doubled = Float64Array.from(await at(16, 1), (value) => value - 128);
  expect(Math.max(...doubled.map((value, i) => Math.abs(value - 2 * deviations[i])))).toBeLessThanOrEqual(2);
});

test("resizing loses what is finer than the smaller picture holds, and keeps what is coarser", async () => {
  const stripes = (period: number): Picture => {
    const data = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) =>
      Math.round(128 + 80 * Math.sin((2 * Math.PI * (Math.floor(i / 3) % WIDTH)) / period)),
    );
    return { image: createImage(WIDTH, HEIGHT, data) };
  };
  const contrastLeft = async (period: number): Promise<number> => {
    const flat = { image: createImage(WIDTH, HEIGHT, new Uint8Array(WIDTH * HEIGHT * 3).fill(128)) };
    return difference(await distort(stripes(period), named("resize"), 0.5), flat) / difference(stripes(period), flat);
  };
  expect(await contrastLeft(2.4)).toBeLessThan(0.2);
  expect(await contrastLeft(16)).toBeGreaterThan(0.8);
});

describe("a crop", () => {
  const crop = named("crop");

  test("is a window of the stated share, of image and mask alike, at a place that the keys say", async () => {
    const marked: Picture = {
      image: createImage(
        WIDTH,
        HEIGHT,
        Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => Math.floor(i / 3) % WIDTH),
      ),
    };
    const rows = createImage(
      WIDTH,
      HEIGHT,
      Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => Math.floor(i / 3 / WIDTH)),
    );
    const places = new Set<string>();
    for (let key = 0; key < 40; key++) {
      const { image } = await distort(marked, crop, 0.5, key);
      const other = (await distort({ image: rows }, crop, 0.5, key)).image;
      expect([image.width, image.height]).toEqual([24, 20]);
      const [left, top] = [image.data[0], other.data[0]];
      expect([image.data.at(-1), other.data.at(-1)]).toEqual([left + 23, top + 19]);
      places.add(`${left} ${top}`);
    }
    expect(places.size).toBeGreaterThan(30);
  });

  test("keeps at least half of what is forged where one of its places can, with its mask on it", async () => {
    const original = picture();
    const forged = defectPixels(original.mask!);
    for (let at = 0; at < original.mask!.data.length; at++) {
      if (original.mask!.data[at] === 1) original.image.data.fill(255, 3 * at, 3 * at + 3);
      else original.image.data.fill(9, 3 * at, 3 * at + 3);
    }
    let halves = 0;
    for (let key = 0; key < 40; key++) {
      const { image, mask } = await distort(original, crop, 0.6, key);
      expect([...mask!.data].every((inside, at) => image.data[3 * at] === (inside ? 255 : 9))).toBe(true);
      if (defectPixels(mask!) >= forged / 2) halves++;
    }
    // A single place would keep it in about a third of the draws, as the disk lies in a corner.
    expect(halves).toBeGreaterThan(34);
  });

  test("of a real image, whose mask is empty, is the one of an image without a mask", async () => {
    const { image } = picture();
    const empty = await distort({ image, mask: createMask(WIDTH, HEIGHT) }, crop, 0.5, 4);
    expect(empty.image).toEqual((await distort({ image }, crop, 0.5, 4)).image);
  });
});
