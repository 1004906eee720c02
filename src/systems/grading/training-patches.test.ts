import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type * as imaging from "../../imaging/index.ts";
import type { OpenSlideOptions, Slide } from "../../imaging/index.ts";
import { configSchema } from "./config.ts";
import type { SlideSample } from "./data.ts";
import { openedSlides } from "./opened-slides.ts";
import { trainingPatches } from "./training-patches.ts";

/** What was opened, with its options, and whether it is closed. */
const opened: { readonly slide: Slide; readonly options: OpenSlideOptions; closed: boolean }[] = [];
vi.mock("../../imaging/index.ts", async (original) => {
  const real = await original<typeof imaging>();
  return {
    ...real,
    openSlide: async (path: string, options: OpenSlideOptions = {}) => {
      const slide = await real.openSlide(path, options);
      const seen = { slide, options, closed: false };
      opened.push(seen);
      const close = async (): Promise<void> => {
        seen.closed = true;
        await slide.close();
      };
      return { ...slide, close };
    },
  };
});
const openNow = (): number => opened.filter(({ closed }) => !closed).length;
afterEach(() => opened.splice(0));

const SIDE = 256;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-training-patches-"));
});
afterAll(() => rm(folder, { recursive: true }));

const written = async (name: string, pixels: Uint8Array, tiff = false): Promise<string> => {
  const path = join(folder, name);
  const raw = sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: (pixels.length / SIDE ** 2) as 1 | 3 } });
  const picture = pixels.length === SIDE ** 2 ? raw.toColourspace("b-w") : raw;
  await (tiff ? picture.tiff({ tile: true, tileWidth: 64, tileHeight: 64, compression: "deflate" }) : picture.png()).toFile(path);
  return path;
};

/** A slide of nothing but tissue and a mask whose pixels have these values. */
const sampleOf = async (name: string, valueAt: (pixel: number) => number, tiff = false): Promise<SlideSample> => {
  const ending = tiff ? "tif" : "png";
  const pixels = Uint8Array.from({ length: SIDE ** 2 * 3 }, (_, i) => 120 + ((i * i) % 97));
  const mask = Uint8Array.from({ length: SIDE ** 2 }, (_, i) => valueAt(i));
  return {
    name,
    path: await written(`${name}.${ending}`, pixels, tiff),
    maskPath: await written(`${name}-mask.${ending}`, mask, tiff),
    split: "train",
  };
};

const config = configSchema.parse({ patch: 32, slide: { micronsPerPixel: 1, foreground: "none" } });

describe("masks", () => {
  test("that know the class of under 1 % of the pixels are skipped with a sentence; others are not", async () => {
    const samples = [
      await sampleOf("all", (i) => i % 6),
      await sampleOf("none", () => 51),
      await sampleOf("few", (i) => (i % 200 === 0 ? 3 : 255)),
      await sampleOf("enough", (i) => (i % 50 === 0 ? 3 : 255)),
    ];
    const patches = await trainingPatches(samples, config);
    await patches.close();
    expect(patches.slides.map(({ sample }) => sample.name)).toEqual(["all", "enough"]);
    const [none, few] = patches.skipped;
    expect(none).toMatchObject({ path: samples[1].path });
    expect(none.reason).toMatch(
      /none-mask.png": as a mask it says the class of no pixel .* values of the classes are 0, 1, 2, 3, 4, 5/,
    );
    expect(few.reason).toContain("the class of less than 1 % of the pixels");
  });

  test("lossy ones are skipped", async () => {
    const sample = await sampleOf("lossy", (i) => i % 6);
    await sharp(sample.maskPath).jpeg().toFile(join(folder, "lossy.jpg"));
    const patches = await trainingPatches([{ ...sample, maskPath: join(folder, "lossy.jpg") }], config);
    await patches.close();
    expect(patches.skipped[0].reason).toContain("as JPEG it does not keep the numbers of classes exactly");
  });
});

describe("slides that are held open", () => {
  test("share one limit of memory", async () => {
    const samples = [await sampleOf("a", (i) => i % 6, true), await sampleOf("b", (i) => i % 6, true)];
    const missing = Array.from({ length: 98 }, (_, i) => ({ ...samples[0], path: join(folder, `missing${i}.tif`) }));
    const patches = await trainingPatches([...samples, ...missing], config);
    await patches.close();
    expect(opened).toHaveLength(4);
    for (const { options } of opened) expect(64 * 2 * (options.cacheBytes ?? 64 * 2 ** 20)).toBeLessThanOrEqual(2 ** 30);
    expect(openNow()).toBe(0);
  });

  test("are not closed while they are used, however many; afterwards the oldest are", async () => {
    const [one, ...others] = await Promise.all([1, 2, 3, 4, 5].map((i) => sampleOf(`used${i}`, () => 1, true)));
    const slides = openedSlides(5, {}, { most: 2 });
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const reading = others.map((sample) =>
      slides.use(sample, async ({ slide }) => {
        await finished;
        return slide.read(0, { x: 0, y: 0, width: 64, height: 64 });
      }),
    );
    await vi.waitFor(() => expect(openNow()).toBe(2 * 4));
    await slides.use(one, async () => undefined);
    expect(openNow()).toBe(2 * 4); // the fifth alone is in nobody's use
    finish();
    expect(await Promise.all(reading)).toHaveLength(4);
    expect(openNow()).toBe(2 * 2);
    await slides.close();
    expect(openNow()).toBe(0);
  });

  test("plain images, which are kept whole, are closed by their size", async () => {
    const samples = await Promise.all([1, 2, 3].map((i) => sampleOf(`plain${i}`, () => 1)));
    const slides = openedSlides(samples.length, {}, { bytes: 2.5 * 2 * 3 * SIDE ** 2 });
    for (const sample of samples) await slides.use(sample, async () => undefined);
    expect(opened.map(({ closed }) => closed)).toEqual([true, true, false, false, false, false]);
    await slides.close();
  });
});
