import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage, decodeMask } from "./decode.ts";
import { encodeJpeg, encodePng, writeMaskPng, writePng } from "./encode.ts";
import { createImage, createMask, toEightBit } from "./image.ts";

const colours = createImage(2, 2, Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30));

test("PNG keeps every byte and encodes the same image to the same bytes", async () => {
  expect(await decodeImage(await encodePng(colours))).toEqual(colours);
  expect(await encodePng(colours)).toEqual(await encodePng(colours));
});

test("a grey-looking image stays RGB", async () => {
  const grey = createImage(4, 1, new Uint8Array(12).fill(77));
  expect(await decodeImage(await encodePng(grey))).toEqual(grey);
});

test("PNG keeps 16 bits, also of a grey-looking image, and JPEG is made over 8", async () => {
  const deep = createImage(2, 1, Uint16Array.of(0, 1, 65535, 256, 256, 256));
  expect(await decodeImage(await encodePng(deep), { depth: 16 })).toEqual(deep);
  const { depth, channels, space } = await sharp(await encodePng(deep)).metadata();
  expect([depth, channels, space]).toEqual(["ushort", 3, "rgb16"]);
  expect(await encodeJpeg(deep, 90)).toEqual(await encodeJpeg(toEightBit(deep), 90));
});

test("JPEG is close to the image, closer with higher quality", async () => {
  const ramp = createImage(64, 64);
  for (let i = 0; i < ramp.data.length; i++) ramp.data[i] = (i * 7) % 200;
  const error = async (quality: number) => {
    const bytes = await encodeJpeg(ramp, quality);
    expect((await sharp(bytes).metadata()).format).toBe("jpeg");
    const { data } = await decodeImage(bytes);
    return data.reduce((sum, value, i) => sum + Math.abs(value - ramp.data[i]), 0);
  };
  expect(await error(95)).toBeLessThan(await error(30));
});

test("images and masks are written as PNG files that read back", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-encode-"));
  await writePng(join(folder, "new", "image.png"), colours);
  expect(await decodeImage(join(folder, "new", "image.png"))).toEqual(colours);
  const mask = createMask(3, 1, Uint8Array.of(0, 1, 0));
  await writeMaskPng(join(folder, "mask.png"), mask);
  expect(await decodeMask(join(folder, "mask.png"), 3, 1)).toEqual(mask);
  const { channels } = await sharp(join(folder, "mask.png")).metadata();
  expect(channels).toBe(1);
  expect([...(await decodeImage(join(folder, "mask.png"))).data]).toEqual([0, 0, 0, 255, 255, 255, 0, 0, 0]);
});

test("an image whose data does not fit is refused", async () => {
  expect(() => encodePng({ width: 5, height: 5, data: new Uint8Array(3) })).toThrow("75 values, not 3");
});
