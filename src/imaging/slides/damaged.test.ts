import { mkdir, readFile } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { ImageError } from "../image.ts";
import { TAG } from "../tiff-tags.ts";
import { openSlide, writeSlide } from "./index.ts";
import { fileOf, partOf, pathOf, texture } from "./testing/pictures.ts";
import { type TestPage, tiffFile } from "./testing/tiff-file.ts";

const page = (width: number, height: number, more: Partial<TestPage> = {}): TestPage => ({
  ...{ width, height, tile: 32, channels: 3, pixels: texture(width, height, 3) },
  ...more,
});

const refusal = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = await fileOf(name, bytes);
  const error: unknown = await openSlide(path).then(
    () => "opened",
    (problem: unknown) => problem,
  );
  expect(error).toBeInstanceOf(ImageError);
  expect((error as Error).message).toContain(`Cannot use the image "${path}": `);
  return (error as Error).message;
};

describe("a file that is no slide", () => {
  test("is named with what is wrong", async () => {
    expect(await refusal("empty.svs", new Uint8Array())).toContain("the file is empty");
    expect(await refusal("text.svs", Buffer.from("no slide at all, but text"))).toContain("whatever its name says");
    expect(await refusal("short.tif", Buffer.from("II*\0"))).toContain("damaged or cut short");
    expect(await refusal("two.tif", Buffer.from("II"))).toContain("whatever its name says");
    await expect(openSlide(pathOf("missing.svs"))).rejects.toThrow("there is no such file");
    await mkdir(pathOf("folder.svs"));
    await expect(openSlide(pathOf("folder.svs"))).rejects.toThrow("it is not a file");
  });
});

describe("a hostile file", () => {
  const file = tiffFile([page(100, 70), page(50, 35)]);

  test("whose pages go in a circle", async () => {
    const circle = Buffer.from(file);
    const first = circle.readUInt32LE(4);
    const next = first + 2 + 12 * circle.readUInt16LE(first);
    circle.writeUInt32LE(first, circle.readUInt32LE(next) + 2 + 12 * circle.readUInt16LE(circle.readUInt32LE(next)));
    expect(await refusal("circle.tif", circle)).toContain("in a circle");
    circle.writeUInt32LE(first, next);
    expect(await refusal("itself.tif", circle)).toContain("in a circle");
  });

  test.each([
    [
      "more pixels than it has tiles",
      { [TAG.width]: 4_000_000_000, [TAG.height]: 4_000_000_000 },
      "claims 4000000000 x 4000000000",
    ],
    ["tiles too large to hold", { [TAG.tileWidth]: 60_000, [TAG.tileHeight]: 60_000 }, "too large to read it in parts"],
    ["no pixels", { [TAG.width]: 0 }, "has no pixels"],
    ["tiles of a few pixels", { [TAG.tileWidth]: 1, [TAG.tileHeight]: 1 }, "its tiles have 1 x 1 pixels"],
    ["tiles of no size", { [TAG.tileWidth]: 0 }, "has no pixels"],
    ["pages below it outside", { [TAG.subDirectories]: [1, 2, 4_000_000_000] }, "damaged"],
    ["too many pages below it", { [TAG.subDirectories]: Array<number>(70).fill(8) }, "too many below it"],
    ["thousands of channels", { [TAG.samples]: 60_000 }, "60000 channels"],
  ])("that claims %s", async (_, tags, message) => {
    expect(await refusal("claims.tif", tiffFile([page(100, 70, { tags })]))).toContain(message);
  });

  test("that claims endless values of a tag", async () => {
    const endless = tiffFile([page(100, 70, { tags: { [TAG.description]: "much text here" } })]);
    const entry = endless.indexOf(Buffer.from([TAG.description & 255, TAG.description >> 8, 2, 0]));
    endless.writeUInt32LE(4_000_000_000, entry + 4);
    expect(await refusal("endless.tif", endless)).toContain("damaged or cut short");
  });

  test("whose tiles lie outside, are larger than tiles can be, or unfold to more than a tile", async () => {
    const region = { x: 0, y: 0, width: 100, height: 70 };
    const failure = async (name: string, damaged: TestPage): Promise<string> => {
      const path = await fileOf(name, tiffFile([damaged]));
      const slide = await openSlide(path);
      const message = await slide.read(0, region).then(
        () => "read",
        (error: unknown) => (error instanceof ImageError ? error.message : `${error}`),
      );
      await slide.close();
      expect(message).toContain(`Cannot use the image "${path}": level 0: `);
      return message;
    };
    const many = Array<number>(12);
    expect(await failure("outside.tif", page(100, 70, { tags: { [TAG.tileOffsets]: many.fill(4_000_000_000) } }))).toContain(
      "ends at",
    );
    expect(await failure("long.tif", page(100, 70, { tags: { [TAG.tileByteCounts]: many.fill(2 ** 30) } }))).toContain(
      "its tile at",
    );
    const bomb = deflateSync(new Uint8Array(20_000_000));
    const bombs = page(100, 70, { compress: () => bomb, tags: { [TAG.compression]: 8 } });
    const before = process.memoryUsage().rss;
    await failure("bomb.tif", page(100, 70, { compress: () => deflateSync(new Uint8Array(9)), tags: { [TAG.compression]: 8 } }));
    const slide = await openSlide(await fileOf("bombs.tif", tiffFile([bombs])));
    await slide.read(0, region).catch(() => {});
    await slide.close();
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
    const large = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: "red" } })
      .jpeg()
      .toBuffer();
    const jpeg = { compress: () => large, tags: { [TAG.compression]: 7, [TAG.photometric]: 6 } };
    expect(await failure("jpeg.tif", page(100, 70, jpeg))).toContain("damaged or cut short");
  });
});

test("one damaged tile fails the regions that show it, and no others", async () => {
  const whole = page(100, 70, { compress: (tile) => deflateSync(tile), tags: { [TAG.compression]: 8 } });
  let count = 0;
  const compress = (tile: Uint8Array): Uint8Array => (count++ === 5 ? Buffer.from("this is no tile") : deflateSync(tile));
  const slide = await openSlide(await fileOf("one.tif", tiffFile([{ ...whole, compress }])));
  const region = { x: 0, y: 0, width: 32, height: 70 };
  const results = await Promise.allSettled([region, { ...region, x: 32 }, { ...region, x: 64 }].map((at) => slide.read(0, at)));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  await expect(slide.read(0, { ...region, x: 40 })).rejects.toThrow("level 0: its tile at 32, 32 is damaged or cut short");
  await slide.close();
});

/** Opens and reads all levels: either as ImageError, or as an image. */
const survives = async (name: string, bytes: Uint8Array): Promise<"error" | Uint8Array> => {
  const path = await fileOf(name, bytes);
  try {
    const slide = await openSlide(path);
    try {
      const region = { x: 0, y: 0, width: 100, height: 70 };
      const images = [];
      for (const level of slide.levels.keys()) images.push(await slide.read(level, region));
      return images[0].data;
    } finally {
      await slide.close();
    }
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    expect((error as Error).message).toContain(path);
    return "error";
  }
};

describe("cut and altered anywhere", () => {
  const pixels = texture(100, 70, 3);
  const files = async (): Promise<Record<string, Buffer>> => {
    const picture = sharp(pixels, { raw: { width: 100, height: 70, channels: 3 } });
    const tiles = { tile: true, tileWidth: 32, tileHeight: 32, pyramid: true } as const;
    const path = pathOf("whole.tif");
    await writeSlide(path, { width: 100, height: 70, tile: 32, channels: 3, compression: "deflate" }, (x, y, width, height) => {
      return partOf({ width: 100, height: 70, data: pixels }, { x, y, width, height });
    });
    return {
      own: await readFile(path),
      jpeg: await picture.tiff({ ...tiles, compression: "jpeg" }).toBuffer(),
      lzw: await picture.tiff({ ...tiles, compression: "lzw", bigtiff: true }).toBuffer(),
      big: tiffFile([page(100, 70, { below: [page(50, 35)] })], { littleEndian: false, big: true }),
      png: await picture.png().toBuffer(),
    };
  };

  test("a file cut short is an error that names it", async () => {
    for (const [name, bytes] of Object.entries(await files())) {
      for (let part = 1; part < 16; part++) {
        const cut = bytes.subarray(0, Math.floor((bytes.length * part) / 16));
        const result = await survives(`cut-${name}`, cut);
        // What is whole in it may be read; the last directory of a TIFF file can lie before its last bytes.
        if (name === "png" || part < 8) expect(result).toBe("error");
      }
    }
  });

  test("a file with other bytes is read or an error, never a crash", async () => {
    const rng = random("slides", "altered");
    for (const [name, bytes] of Object.entries(await files())) {
      for (let round = 0; round < 20; round++) {
        const altered = Buffer.from(bytes);
        for (let i = 0; i < 6; i++) {
          const near = round % 2 === 0 ? bytes.length : 200; // directories lie at the end, or at the start
          altered[Math.max(0, bytes.length - 1 - Math.floor(rng.uniform(0, near)))] = Math.floor(rng.uniform(0, 256));
          altered[4 + Math.floor(rng.uniform(0, 60))] = Math.floor(rng.uniform(0, 256));
        }
        await survives(`altered-${name}`, altered);
      }
    }
  });
});
