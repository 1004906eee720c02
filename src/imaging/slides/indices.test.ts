import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { TAG } from "../tiff-tags.ts";
import { crc32 } from "./png-palette.ts";
import { fileOf, openSlide } from "./testing/pictures.ts";
import { tiffFile } from "./testing/tiff-file.ts";

const classes = [0, 1, 2, 3, 4, 5];

const indicesOf = async (name: string, bytes: Uint8Array, width = classes.length): Promise<number[]> => {
  const slide = await openSlide(await fileOf(name, bytes), { indices: true });
  const { data } = await slide.read(0, { x: 0, y: 0, width, height: 1 });
  return [...data.filter((_, i) => i % 3 === 0)];
};

/** A PNG of one row, written independently of libvips. */
const png = (colourType: number, depth: number, samples: readonly number[], more: readonly [string, Buffer][] = []): Buffer => {
  const chunk = (name: string, data: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(name), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, check]);
  };
  const channels = colourType === 2 ? 3 : 1;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(samples.length / channels, 0);
  header.writeUInt32BE(1, 4);
  header.set([depth, colourType], 8);
  const bits = samples.map((value) => value.toString(2).padStart(depth, "0")).join("");
  const bytes = bits.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", header),
    ...more.map(([name, data]) => chunk(name, data)),
    chunk("IDAT", deflateSync(Buffer.from([0, ...bytes]))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
};

/** Colours in no order, of which the first is transparent. */
const palette: readonly [string, Buffer][] = [
  ["PLTE", Buffer.from(Array.from({ length: 18 }, (_, i) => (i * 91) % 256))],
  ["tRNS", Buffer.from([0])],
];

describe("indices are the samples as they are stored", () => {
  test.each([4, 8, 16])("of grey PNG files of %i bits", async (depth) => {
    expect(await indicesOf(`grey${depth}.png`, png(0, depth, classes))).toEqual(classes);
  });

  test("of grey PNG files of 1 and 2 bits", async () => {
    expect(await indicesOf("grey1.png", png(0, 1, [0, 1, 1, 0]), 4)).toEqual([0, 1, 1, 0]);
    expect(await indicesOf("grey2.png", png(0, 2, [3, 1, 2, 0]), 4)).toEqual([3, 1, 2, 0]);
  });

  test.each([4, 8])("of PNG files with a palette, of %i bits", async (depth) => {
    const file = png(3, depth, classes, palette);
    expect(await indicesOf(`palette${depth}.png`, file)).toEqual(classes);
    expect((await sharp(file).metadata()).isPalette).toBe(true);
  });

  test("of colours, whatever their opacity and depth", async () => {
    const pixels = Uint8Array.from(classes.flatMap((value) => [value, value, value, value % 2]));
    const picture = sharp(pixels, { raw: { width: 6, height: 1, channels: 4 } });
    expect(await indicesOf("transparent.png", await picture.png().toBuffer())).toEqual(classes);
    const wide = png(
      2,
      16,
      classes.flatMap((value) => [value, 300, 300]),
    );
    await expect(indicesOf("wide.png", wide)).rejects.toThrow("its pixel at 0, 0 is 300");
  });

  test("of a file with a colour profile, which does not apply", async () => {
    const profile = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .withIccProfile("p3")
      .png()
      .toBuffer()
      .then((file) => sharp(file).metadata())
      .then(({ icc }) => Buffer.concat([Buffer.from("p3\0\0"), deflateSync(icc!)]));
    const file = png(
      2,
      8,
      classes.flatMap((value) => [40 * value, 0, 0]),
      [["iCCP", profile]],
    );
    expect(await indicesOf("profile.png", file)).toEqual(classes.map((value) => 40 * value));
  });

  test("of TIFF files of 4 and 16 bits, and where 0 is white", async () => {
    const grey = sharp(Uint16Array.from(classes), { raw: { width: 6, height: 1, channels: 1 } }).toColourspace("grey16");
    expect(await indicesOf("grey16.tif", await grey.tiff({ compression: "lzw" }).toBuffer())).toEqual(classes);
    const stretched = sharp(
      Uint8Array.from(classes, (value) => 17 * value),
      { raw: { width: 6, height: 1, channels: 1 } },
    );
    const four = await stretched.toColourspace("b-w").tiff({ bitdepth: 4, compression: "lzw", predictor: "none" }).toBuffer();
    expect(await indicesOf("grey4.tif", four)).toEqual(classes);
    const pixels = Uint8Array.from({ length: 32 * 32 }, (_, i) => i % 6);
    const whiteIsZero = { width: 32, height: 32, tile: 32, channels: 1, pixels, tags: { [TAG.photometric]: 0 } };
    expect(await indicesOf("inverted.tif", tiffFile([whiteIsZero]))).toEqual(classes);
  });
});

describe("what cannot be indices is refused with a sentence", () => {
  const grey = () => sharp(Uint8Array.from(classes), { raw: { width: 6, height: 1, channels: 1 } }).toColourspace("b-w");

  test("compressions that change values", async () => {
    await expect(indicesOf("a.jpg", await grey().jpeg().toBuffer())).rejects.toThrow(
      /a.jpg": as JPEG it does not keep the numbers of classes exactly. Save the mask as PNG or TIFF./,
    );
    await expect(indicesOf("a.webp", await grey().webp().toBuffer())).rejects.toThrow("as WEBP it does not keep");
    const tiled = { tile: true, tileWidth: 16, tileHeight: 16 };
    await expect(
      indicesOf(
        "jpeg.tif",
        await grey()
          .tiff({ compression: "jpeg", ...tiled })
          .toBuffer(),
      ),
    ).rejects.toThrow("its compression does not keep the numbers of classes exactly");
  });

  test("values above 255, and palettes of other formats", async () => {
    await expect(indicesOf("large.png", png(0, 16, [0, 1, 2, 256, 4, 5]))).rejects.toThrow(
      /large.png": its pixel at 3, 0 is 256, but classes have the numbers 0 to 255/,
    );
    await expect(indicesOf("a.gif", await grey().gif().toBuffer())).rejects.toThrow("of a palette are not read of GIF files");
  });
});
