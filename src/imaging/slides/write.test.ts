import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { openSlide as openPlainly, type SlideLayout, type TileSource, writeSlide } from "./index.ts";
import { fileOf, openSlide, pathOf, texture } from "./testing/pictures.ts";

const size = { width: 205, height: 131 };

const from =
  (pixels: Uint8Array, channels: number): TileSource =>
  (x, y, width, height) => {
    const part = new Uint8Array(width * height * channels);
    for (let row = 0; row < height; row++) {
      const start = ((y + row) * size.width + x) * channels;
      part.set(pixels.subarray(start, start + width * channels), row * width * channels);
    }
    return part;
  };

interface Level {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The next level by its definition: sides rounded up, a pixel from those of 2 x 2 that there are. */
const coarser = ({ width, height, data }: Level, channels: number, join: (values: number[]) => number): Level => {
  const [across, down] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const result = new Uint8Array(across * down * channels);
  for (let i = 0; i < result.length; i++) {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const [x, y] = [2 * (pixel % across), 2 * Math.floor(pixel / across)];
    const values = [0, 1].flatMap((dy) =>
      [0, 1].map((dx) => data[(Math.min(y + dy, height - 1) * width + Math.min(x + dx, width - 1)) * channels + channel]),
    );
    result[i] = join(values);
  }
  return { width: across, height: down, data: result };
};

const mean = (values: number[]): number => Math.floor(values.reduce((sum, value) => sum + value, 0) / 4 + 0.5);
const mostFrequent = (values: number[]): number => {
  const counts = values.map((value) => values.filter((other) => other === value).length);
  return values[counts.indexOf(Math.max(...counts))];
};

const levelsOf = (data: Uint8Array, channels: number, join: (values: number[]) => number): Level[] => {
  const levels: Level[] = [{ ...size, data }];
  while (Math.max(levels.at(-1)!.width, levels.at(-1)!.height) > 32) levels.push(coarser(levels.at(-1)!, channels, join));
  return levels;
};

const asRgb = (data: Uint8Array, channels: number): Uint8Array =>
  channels === 3 ? data : Uint8Array.from({ length: data.length * 3 }, (_, i) => data[Math.floor(i / 3)]);

const classes = (): Uint8Array => texture(size.width, size.height, 1).map((value) => value % 4);
const palette = [
  [255, 255, 255],
  [0, 160, 0],
  [250, 200, 0],
  [220, 0, 0],
] as const;

describe("what is written is read again, exactly, with each level made of the one before", () => {
  test.each([
    ["colours", 3, "deflate", undefined, mean],
    ["colours as they are", 3, "none", undefined, mean],
    ["classes", 1, "deflate", undefined, mostFrequent],
    ["classes with a palette", 1, "deflate", palette, mostFrequent],
    ["grey", 1, "deflate", undefined, mean],
  ] as const)("%s", async (name, channels, compression, colours, join) => {
    const pixels = name === "grey" || channels === 3 ? texture(size.width, size.height, channels) : classes();
    const path = pathOf(`${name}.tif`);
    const layout: SlideLayout = { ...size, tile: 32, channels, compression, coarser: join === mean ? "mean" : "majority" };
    await writeSlide(path, colours ? { ...layout, palette: colours } : layout, from(pixels, channels));
    const expected = levelsOf(pixels, channels, join);
    const slide = await openSlide(path, { indices: true });
    expect(slide.levels).toEqual(expected.map(({ width, height }, i) => ({ width, height, downsample: 2 ** i })));
    for (const [level, { width, height, data }] of expected.entries()) {
      const read = await slide.read(level, { x: 0, y: 0, width, height });
      expect(Buffer.compare(read.data, asRgb(data, channels))).toBe(0);
      // libvips reads the same, with the palette's colours.
      const by = await sharp(path, { page: level }).toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
      const rgb = colours ? Uint8Array.from([...data].flatMap((value) => colours[value])) : asRgb(data, channels);
      expect([by.info.width, by.info.height]).toEqual([width, height]);
      expect(Buffer.compare(by.data, asRgb(rgb, by.info.channels === 1 ? 1 : 3))).toBe(0);
    }
  });
});

test("colours come from a palette unless indices are asked for", async () => {
  const path = pathOf("coloured.tif");
  await writeSlide(path, { ...size, tile: 32, channels: 1, compression: "deflate", palette }, from(classes(), 1));
  const [first] = classes();
  const region = { x: 0, y: 0, width: 1, height: 1 };
  expect([...(await (await openSlide(path)).read(0, region)).data]).toEqual([...palette[first]]);
  expect([...(await (await openSlide(path, { indices: true })).read(0, region)).data]).toEqual([first, first, first]);
});

test.each([3, 1] as const)("JPEG of %i channels is close, up to the border", async (channels) => {
  const pixels = texture(size.width, size.height, channels);
  const path = pathOf(`jpeg${channels}.tif`);
  await writeSlide(path, { ...size, tile: 64, channels, compression: "jpeg", quality: 97 }, from(pixels, channels));
  const slide = await openSlide(path);
  const { data } = await slide.read(0, { x: 0, y: 0, ...size });
  const error = asRgb(pixels, channels).reduce((sum, value, i) => sum + Math.abs(value - data[i]), 0) / data.length;
  expect(error).toBeLessThan(3);
  const corner = await slide.read(0, { x: size.width - 1, y: size.height - 1, width: 1, height: 1 });
  expect(Math.abs(corner.data[0] - pixels[pixels.length - channels])).toBeLessThan(25);
  expect((await sharp(path).stats()).channels[0].mean).toBeCloseTo(
    data.filter((_, i) => i % 3 === 0).reduce((a, b) => a + b) / (data.length / 3),
    6,
  );
});

test("the size of a pixel is in the standard tags and in the description", async () => {
  const path = pathOf("sized.tif");
  await writeSlide(
    path,
    { ...size, tile: 64, channels: 3, compression: "deflate", micronsPerPixel: 0.2527, magnification: 40 },
    from(texture(size.width, size.height, 3), 3),
  );
  expect(await openSlide(path)).toMatchObject({ format: "TIFF pyramid", micronsPerPixel: 0.2527, magnification: 40 });
  expect((await readFile(path)).includes("|MPP = 0.2527|AppMag = 40\0")).toBe(true);
  expect((await sharp(path).metadata()).density).toBeCloseTo(25_400 / 0.2527, -1);
  expect((await sharp(path, { page: 1 }).metadata()).density).toBeCloseTo(25_400 / (2 * 0.2527), -1);
});

test("each tile is asked for once, the file is the same every time, and progress is heard of all tiles", async () => {
  const source = from(texture(size.width, size.height, 3), 3);
  const asked: string[] = [];
  const heard: { done: number; total: number }[] = [];
  const layout = { ...size, tile: 32, channels: 3, compression: "jpeg" } as const;
  await writeSlide(pathOf("once.tif"), layout, source, { listener: (progress) => heard.push(progress) });
  await writeSlide(pathOf("twice.tif"), layout, async (...at) => {
    asked.push(at.join(" "));
    await new Promise((resolve) => setTimeout(resolve, at[0] % 3));
    return source(...at);
  });
  expect(await readFile(pathOf("twice.tif"))).toEqual(await readFile(pathOf("once.tif")));
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked).toHaveLength(7 * 5);
  expect(asked).toContain("192 128 13 3");
  expect(heard).toEqual(Array.from({ length: 35 + 12 + 4 + 1 }, (_, i) => ({ done: i + 1, total: 52 })));
});

describe("a slide that is not finished", () => {
  const layout = { ...size, tile: 32, channels: 3, compression: "jpeg" } as const;
  const source = from(texture(size.width, size.height, 3), 3);

  test("leaves the file that was there, and nothing else", async () => {
    const before = await fileOf("kept.tif", Buffer.from("what was there"));
    let count = 0;
    const failing: TileSource = (...at) => {
      if (++count === 20) throw new Error("no more tiles");
      return source(...at);
    };
    await expect(writeSlide(before, layout, failing)).rejects.toThrow(/^no more tiles$/);
    const stop = new AbortController();
    const listener = ({ done }: { done: number }) => done === 5 && stop.abort(new Error("Ctrl-C"));
    await expect(writeSlide(before, layout, source, { signal: stop.signal, listener })).rejects.toThrow("Ctrl-C");
    await expect(writeSlide(before, layout, () => new Uint8Array(7))).rejects.toThrow("32 x 32 pixels has 3072 values, not 7");
    expect(await readFile(before, "utf8")).toBe("what was there");
    expect((await readdir(dirname(before))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("because it cannot be written says which file", async () => {
    const path = join(await fileOf("file", Buffer.from("x")), "below.tif");
    await expect(writeSlide(path, layout, source)).rejects.toThrow(`Cannot write "${path}" (`);
  });

  test("because its layout cannot be says what is wrong", async () => {
    const wrong: [Partial<SlideLayout>, string][] = [
      [{ width: 0 }, "positive whole numbers"],
      [{ tile: 100 }, "a multiple of 16"],
      [{ palette: [[0, 0, 0]] }, "a palette needs one channel"],
      [{ channels: 1, compression: "deflate", palette: [[0, 0, 256]] }, "at most 256 colours"],
      [{ quality: 0 }, "1 to 100"],
      [{ micronsPerPixel: Number.NaN }, "must be positive"],
    ];
    for (const [part, message] of wrong) {
      await expect(writeSlide(pathOf("wrong.tif"), { ...layout, ...part }, source)).rejects.toThrow(message);
    }
    await expect(openPlainly(pathOf("wrong.tif"))).rejects.toThrow("there is no such file");
  });
});

test("a slide that is narrow, or smaller than a tile", async () => {
  for (const [width, height] of [
    [1000, 1],
    [3, 700],
    [1, 1],
  ]) {
    const path = pathOf(`narrow-${width}.tif`);
    await writeSlide(path, { width, height, tile: 64, channels: 1, compression: "deflate" }, (x, y, w, h) =>
      new Uint8Array(w * h).fill(1 + (((x + y) / 64) % 2)),
    );
    const slide = await openSlide(path);
    for (const [level, part] of slide.levels.entries()) {
      const { data } = await slide.read(level, { x: 0, y: 0, width: part.width, height: part.height });
      expect(data.every((value) => value === 1 || value === 2)).toBe(true);
    }
    expect(Math.max(slide.levels.at(-1)!.width, slide.levels.at(-1)!.height)).toBeLessThanOrEqual(64);
  }
});
