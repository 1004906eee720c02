import { expect, test } from "vitest";
import { decodeImage, decodeMask } from "./decode.ts";

/** A bitmap file of the given rows, which must already be padded to four bytes. */
const bitmap = (width: number, height: number, bitsPerPixel: number, palette: number[], rows: number[]): Buffer => {
  const header = Buffer.alloc(54);
  header.write("BM", "latin1");
  header.writeUInt32LE(54 + palette.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bitsPerPixel, 28);
  header.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([header, Buffer.from(palette), Buffer.from(rows)]);
};

const greyPalette = [0, 0, 0, 0, 255, 255, 255, 0];

test("24 bits: blue, green, red, bottom row first, rows padded to four bytes", async () => {
  const { width, height, data } = await decodeImage(bitmap(1, 2, 24, [], [3, 2, 1, 0, 30, 20, 10, 0]));
  expect([width, height, ...data]).toEqual([1, 2, 10, 20, 30, 1, 2, 3]);
});

test("a negative height means top row first", async () => {
  expect([...(await decodeImage(bitmap(1, -2, 32, [], [3, 2, 1, 0, 30, 20, 10, 0]))).data]).toEqual([1, 2, 3, 10, 20, 30]);
});

test("8, 4 and 1 bits name colours of the palette", async () => {
  expect([...(await decodeImage(bitmap(2, 1, 8, [0, 0, 255, 0, 255, 0, 0, 0], [1, 0, 0, 0]))).data]).toEqual([
    0, 0, 255, 255, 0, 0,
  ]);
  expect([...(await decodeMask(bitmap(3, 1, 4, greyPalette, [0x01, 0x10, 0, 0]))).data]).toEqual([0, 1, 1]);
  expect([...(await decodeMask(bitmap(9, 1, 1, greyPalette, [0b01000001, 0b10000000, 0, 0]))).data]).toEqual([
    0, 1, 0, 0, 0, 0, 0, 1, 1,
  ]);
});

test("masks of ones and zeros work as well", async () => {
  expect([...(await decodeMask(bitmap(2, 1, 8, [0, 0, 0, 0, 1, 1, 1, 0], [0, 1, 0, 0]), 2, 1)).data]).toEqual([0, 1]);
});

test("damaged, huge and unusual bitmaps are errors", async () => {
  const whole = bitmap(1, 2, 24, [], [3, 2, 1, 0, 30, 20, 10, 0]);
  await expect(decodeImage(whole.subarray(0, 57))).rejects.toThrow("cut short");
  await expect(decodeImage(whole.subarray(0, 20))).rejects.toThrow("header is cut short");
  await expect(decodeImage(bitmap(2, 1, 8, greyPalette, [7, 0, 0, 0]))).rejects.toThrow("palette does not have");
  await expect(decodeImage(bitmap(1, 1, 16, [], [0, 0, 0, 0]))).rejects.toThrow("16 bits per pixel");
  await expect(decodeImage(bitmap(100_000, 100_000, 24, [], []))).rejects.toThrow("more than the limit");
});
