import { expect, test } from "vitest";
import { createImage } from "../image.ts";
import { levelFor, readScaled, type Slide, type SlideRegion } from "./index.ts";
import { fileOf, openSlide, texture } from "./testing/pictures.ts";
import { tiffFile } from "./testing/tiff-file.ts";

/** A slide whose level 0 is a formula of x and y, with coarser levels of one colour each; it notes what is read. */
const formula = (width: number, height: number, value: (x: number, y: number) => number) => {
  const reads: (SlideRegion & { level: number })[] = [];
  const levels = [1, 4, 16].map((downsample) => ({
    width: Math.ceil(width / downsample),
    height: Math.ceil(height / downsample),
    downsample,
  }));
  const read: Slide["read"] = async (level, region) => {
    reads.push({ level, ...region });
    const image = createImage(region.width, region.height);
    const bounds = levels[level];
    for (let y = 0; y < region.height; y++) {
      for (let x = 0; x < region.width; x++) {
        const [u, v] = [region.x + x, region.y + y];
        const inside = u >= 0 && v >= 0 && u < bounds.width && v < bounds.height;
        const at = (y * region.width + x) * 3;
        const shade = inside ? (level === 0 ? value(u, v) : 10 * level) : 255;
        image.data[at] = shade;
        image.data[at + 1] = shade;
        image.data[at + 2] = shade;
      }
    }
    return image;
  };
  const slide = { path: "formula", format: "", width, height, levels, read, associated: [], close: async () => {} };
  return { slide: { ...slide, micronsPerPixel: undefined, magnification: undefined } satisfies Slide, reads };
};

test("the coarsest level that is fine enough is taken, and level 0 where none is", async () => {
  const { slide, reads } = formula(1600, 1600, () => 0);
  expect([0.5, 1, 3.9, 3.999, 4, 15, 16, 100].map((scale) => levelFor(slide, scale))).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
  const image = await readScaled(slide, { x: 160, y: 160, width: 640, height: 320 }, { width: 80, height: 40 });
  expect(new Set(reads.map(({ level }) => level))).toEqual(new Set([1]));
  expect(new Set(image.data)).toEqual(new Set([10]));
});

test("pixels are means of 2 x 2, and the pixels themselves at their own size", async () => {
  const pixels = texture(70, 50, 3);
  const page = { width: 70, height: 50, tile: 32, channels: 3, pixels };
  const slide = await openSlide(await fileOf("scaled.tif", tiffFile([page])));
  const half = await readScaled(slide, { x: 10, y: 6, width: 40, height: 30 }, { width: 20, height: 15 });
  const at = (x: number, y: number, channel: number): number => pixels[(y * 70 + x) * 3 + channel];
  for (let i = 0; i < half.data.length; i++) {
    const [x, y, channel] = [10 + 2 * (Math.floor(i / 3) % 20), 6 + 2 * Math.floor(i / 60), i % 3];
    const sum = at(x, y, channel) + at(x + 1, y, channel) + at(x, y + 1, channel) + at(x + 1, y + 1, channel);
    expect(half.data[i]).toBe(Math.round(sum / 4));
  }
  const region = { x: 3, y: 4, width: 33, height: 22 };
  expect(await readScaled(slide, region, region)).toEqual(await slide.read(0, region));
});

test("a mean over any fraction of a slope is its middle, in every band and block", async () => {
  const { slide, reads } = formula(4200, 2100, (x, y) => Math.floor(x / 40 + y / 20));
  const [region, size] = [
    { x: 12.3, y: 7.7, width: 4000.6, height: 2000.4 },
    { width: 1777, height: 901 },
  ];
  const { data } = await readScaled(slide, region, size);
  let worst = 0;
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const middle = (12.3 + ((x + 0.5) * 4000.6) / 1777) / 40 + (7.7 + ((y + 0.5) * 2000.4) / 901) / 20 - 0.5;
      worst = Math.max(worst, Math.abs(data[(y * size.width + x) * 3 + 1] - middle));
    }
  }
  expect(worst).toBeLessThan(1.1); // rounding, and stairs instead of a slope
  expect(Math.max(...reads.map(({ width, height }) => width * height))).toBeLessThanOrEqual(1024 * 1024);
});

test("beyond the border it is white, also in part, and a larger size repeats pixels", async () => {
  const { slide, reads } = formula(100, 100, (x) => x);
  const border = await readScaled(slide, { x: -3, y: 0, width: 8, height: 2 }, { width: 4, height: 1 });
  expect([...border.data].filter((_, i) => i % 3 === 0)).toEqual([255, 128, 2, 4]); // -3 and -2; -1 and 0; 1 and 2; 3 and 4
  const outside = await readScaled(slide, { x: 5000, y: -9000, width: 999, height: 333 }, { width: 3, height: 1 });
  expect(new Set(outside.data)).toEqual(new Set([255]));
  expect(reads.every(({ x, width }) => x >= 0 && x + width <= 100)).toBe(true);
  const larger = await readScaled(slide, { x: 7, y: 7, width: 2, height: 1 }, { width: 6, height: 3 });
  expect([...larger.data].filter((_, i) => i % 3 === 0)).toEqual([7, 7, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8]);
  await expect(readScaled(slide, { x: 0, y: 0, width: 0, height: 1 }, { width: 1, height: 1 })).rejects.toThrow(RangeError);
});
