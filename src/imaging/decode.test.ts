import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage, decodeMask } from "./decode.ts";
import { readImageHeader } from "./header.ts";
import { ImageError } from "./image.ts";
import { crc32 } from "./slides/png-palette.ts";

const folder = await mkdtemp(join(tmpdir(), "lynceus-decode-"));

/** A picture for sharp to encode, from its values row by row. */
const picture = (values: Uint8Array | Uint16Array, width: number, height: number, channels: 1 | 2 | 3 | 4) =>
  sharp(values, { raw: { width, height, channels } });

const primaries = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255);

/** Pixels that no encoder can compress to nothing, so that cutting the file cuts the picture. */
const noise = Uint8Array.from({ length: 120 * 120 * 3 }, (_, i) => (i * 7919) % 251);

test.each(["png", "webp", "tiff", "gif"] as const)("%s keeps its colours", async (format) => {
  const bytes = await picture(primaries, 4, 1, 3)
    .toFormat(format, { lossless: true, compression: format === "tiff" ? "lzw" : undefined })
    .toBuffer();
  expect(await decodeImage(bytes)).toEqual({ width: 4, height: 1, data: primaries });
});

test("a palette PNG becomes RGB", async () => {
  const bytes = await picture(primaries, 4, 1, 3).png({ palette: true }).toBuffer();
  expect((await sharp(bytes).metadata()).isPalette).toBe(true);
  expect([...(await decodeImage(bytes)).data]).toEqual([...primaries]);
});

test("16-bit values are scaled to 8 bits, not cut", async () => {
  const values = Uint16Array.of(0, 257, 25_700, 32_768, 65_535);
  const grey = await picture(values, 5, 1, 1).toColourspace("grey16").png().toBuffer();
  expect((await sharp(grey).metadata()).depth).toBe("ushort");
  const expected = [0, 1, 100, 128, 255];
  expect([...(await decodeImage(grey)).data]).toEqual(expected.flatMap((value) => [value, value, value]));
  const rgb = await picture(Uint16Array.of(0, 25_700, 65_535), 1, 1, 3)
    .toColourspace("rgb16")
    .png()
    .toBuffer();
  expect([...(await decodeImage(rgb)).data]).toEqual([0, 100, 255]);
});

test("8-bit values are spread to 16 bits, and mixed with the background there", async () => {
  const bytes = await picture(Uint8Array.of(200, 100, 50, 255, 255, 255, 255, 128), 2, 1, 4)
    .png()
    .toBuffer();
  const { data } = await decodeImage(bytes, { depth: 16, background: [0, 0, 255] });
  expect([...data]).toEqual([200 * 257, 100 * 257, 50 * 257, 128 * 257, 128 * 257, 65_535]);
});

test("an AVIF of 10 bits keeps them: 1023 is white, and a range speaks of 0 to 1023", async () => {
  const bytes = await picture(new Uint16Array(64 * 64 * 3).fill(65_535), 64, 64, 3)
    .toColourspace("rgb16")
    .avif({ bitdepth: 10, quality: 90 })
    .toBuffer();
  expect(await readImageHeader(bytes)).toMatchObject({ format: "avif", bits: 10, colour: "rgb" });
  expect(new Set((await decodeImage(bytes, { depth: 16 })).data)).toEqual(new Set([65_535]));
  expect(new Set((await decodeImage(bytes, { range: { low: 0, high: 2046 } })).data)).toEqual(new Set([128]));
});

test("a CMYK JPEG becomes RGB", async () => {
  const red = { r: 200, g: 40, b: 40 };
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: red } })
    .toColourspace("cmyk")
    .jpeg({ quality: 100 })
    .toBuffer();
  expect((await sharp(bytes).metadata()).space).toBe("cmyk");
  const image = await decodeImage(bytes);
  expect(image.data.length).toBe(16 * 16 * 3);
  expect(image.data[0]).toBeGreaterThan(170);
  expect(image.data[1]).toBeLessThan(90);
});

test("the EXIF rotation is applied", async () => {
  const wide = new Uint8Array(32 * 16 * 3);
  for (let y = 0; y < 16; y++) for (let x = 0; x < 16; x++) wide.fill(255, (y * 32 + x) * 3, (y * 32 + x) * 3 + 3);
  const bytes = await picture(wide, 32, 16, 3).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
  const { width, height, data } = await decodeImage(bytes);
  expect([width, height]).toEqual([16, 32]); // turned clockwise: the white left half is now on top
  expect(data[(4 * 16 + 8) * 3]).toBeGreaterThan(250);
  expect(data[(28 * 16 + 8) * 3]).toBeLessThan(5);
});

test("transparent pixels lie over black, or over the background asked for", async () => {
  const bytes = await picture(Uint8Array.of(200, 100, 50, 0, 200, 100, 50, 255), 2, 1, 4)
    .png()
    .toBuffer();
  expect([...(await decodeImage(bytes)).data]).toEqual([0, 0, 0, 200, 100, 50]);
  expect([...(await decodeImage(bytes, { background: [1, 2, 3] })).data]).toEqual([1, 2, 3, 200, 100, 50]);
  const deep = await picture(Uint16Array.of(65_535, 0, 65_535, 65_535), 2, 1, 2)
    .toColourspace("grey16")
    .png()
    .toBuffer();
  expect([...(await decodeImage(deep, { background: [9, 9, 9] })).data]).toEqual([9, 9, 9, 255, 255, 255]);
});

test("an animation gives its first frame", async () => {
  const frames = Uint8Array.from({ length: 2 * 4 * 3 }, (_, i) => (i < 12 ? 255 : 0));
  const bytes = await sharp(frames, { raw: { width: 2, height: 4, channels: 3, pageHeight: 2 } })
    .gif()
    .toBuffer();
  expect((await sharp(bytes).metadata()).pages).toBe(2);
  expect(await decodeImage(bytes)).toEqual({ width: 2, height: 2, data: new Uint8Array(12).fill(255) });
});

test.each(["png", "jpeg", "webp", "tiff", "gif"] as const)("a truncated %s is an error that names the file", async (format) => {
  const whole = await picture(noise, 120, 120, 3).toFormat(format).toBuffer();
  const path = join(folder, `truncated.${format}`);
  for (const part of [0.3, 0.9]) {
    await writeFile(path, whole.subarray(0, Math.floor(whole.length * part)));
    const failure = await decodeImage(path).catch((error) => error);
    expect(failure).toBeInstanceOf(ImageError);
    expect(failure.message).toMatch(/^Cannot use the image ".*truncated.*": it is damaged, cut short or .* Copy it again/);
  }
});

test("empty files, text, folders and missing files each have their own message", async () => {
  await writeFile(join(folder, "empty.png"), "");
  await writeFile(join(folder, "text.png"), "This is not a picture.\n");
  await mkdir(join(folder, "folder.png"));
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await expect(decodeImage(join(folder, "empty.png"))).rejects.toThrow("the file is empty");
  await expect(decodeImage(join(folder, "text.png"))).rejects.toThrow("it is not a JPEG, PNG,");
  await expect(decodeImage(join(folder, "folder.png"))).rejects.toThrow("it is not a file");
  await expect(decodeImage(join(folder, "gone.png"))).rejects.toThrow("there is no such file");
  await expect(decodeImage(svg, { name: "drawing.svg" })).rejects.toThrow('"drawing.svg": it is not a JPEG');
  await expect(decodeImage(Buffer.alloc(0))).rejects.toThrow("the file is empty");
});

test("a header is refused where its image is, and names the file", async () => {
  await expect(readImageHeader(join(folder, "gone.png"))).rejects.toThrow(/gone.png": there is no such file/);
  await expect(readImageHeader(Buffer.from("no image"), { name: "a.png" })).rejects.toThrow('"a.png": it is not a JPEG, PNG,');
  const bytes = await picture(primaries, 4, 1, 3).png().toBuffer();
  await expect(readImageHeader(bytes, { maxPixels: 3 })).rejects.toThrow("it has 4 x 1 pixels, more than the limit of 3");
  await expect(readImageHeader(bytes.subarray(0, 20), { name: "b.png" })).rejects.toThrow('"b.png": it is damaged, cut short');
});

test("a header that claims 100,000 x 100,000 pixels is refused without decoding", async () => {
  const header = Buffer.alloc(33);
  header.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);
  header.write("IHDR", 12, "latin1");
  header.writeUInt32BE(100_000, 16);
  header.writeUInt32BE(100_000, 20);
  header.set([8, 2, 0, 0, 0], 24);
  header.writeUInt32BE(crc32(header.subarray(12, 29)), 29);
  const data = Buffer.from("00000000494441540000000000000000", "hex");
  data.writeUInt32BE(crc32(data.subarray(4, 8)), 8);
  const started = performance.now();
  await expect(decodeImage(Buffer.concat([header, data]))).rejects.toThrow(
    "it has 100000 x 100000 pixels, more than the limit of 100000000",
  );
  expect(performance.now() - started).toBeLessThan(1000);
});

test("the limits can be set", async () => {
  const bytes = await picture(primaries, 4, 1, 3).png().toBuffer();
  await expect(decodeImage(bytes, { maxPixels: 3 })).rejects.toThrow("it has 4 x 1 pixels, more than the limit of 3");
  await expect(decodeImage(bytes, { maxBytes: 10 })).rejects.toThrow("more than the limit of 10");
  await writeFile(join(folder, "small.png"), bytes);
  await expect(decodeImage(join(folder, "small.png"), { maxBytes: 10 })).rejects.toThrow("more than the limit of 10");
  expect((await decodeImage(bytes, { maxPixels: 4 })).width).toBe(4);
});

test("in lossless masks every value but 0 is a defect", async () => {
  const grey = await picture(Uint8Array.of(0, 1, 127, 255), 4, 1, 1)
    .toColourspace("b-w")
    .png()
    .toBuffer();
  expect(await decodeMask(grey, 4, 1)).toEqual({ width: 4, height: 1, data: Uint8Array.of(0, 1, 1, 1) });
  const deep = await picture(Uint16Array.of(0, 1, 255), 3, 1, 1)
    .toColourspace("grey16")
    .png()
    .toBuffer();
  expect([...(await decodeMask(deep)).data]).toEqual([0, 1, 1]);
  const colours = await picture(Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 9, 0, 255, 0, 0), 4, 1, 3)
    .tiff({ compression: "lzw" })
    .toBuffer();
  expect([...(await decodeMask(colours)).data]).toEqual([0, 1, 1, 1]);
  const clear = await picture(Uint8Array.of(255, 0, 255, 255), 2, 1, 2)
    .png()
    .toBuffer();
  expect([...(await decodeMask(clear)).data]).toEqual([0, 1]);
});

test("in JPEG masks the smear around edges is not a defect", async () => {
  const square = new Uint8Array(32 * 32);
  for (let y = 11; y < 21; y++) square.fill(255, y * 32 + 11, y * 32 + 21);
  const bytes = await picture(square, 32, 32, 1).jpeg({ quality: 60 }).toBuffer();
  expect((await sharp(bytes).raw().toBuffer()).some((value) => value > 0 && value < 128)).toBe(true);
  expect([...(await decodeMask(bytes, 32, 32)).data]).toEqual([...square.map((value) => (value > 0 ? 1 : 0))]);
});

test("a mask of another size than its image is an error that names both", async () => {
  const path = join(folder, "mask.png");
  await picture(new Uint8Array(6), 3, 2, 1).png().toFile(path);
  await expect(decodeMask(path, 6, 4)).rejects.toThrow(`"${path}": the mask is 3 x 2 pixels but its image is 6 x 4.`);
});
