import { expect, test } from "vitest";
import { decodeImage, decodeMask, readImageHeader } from "./index.ts";

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

/** A bitmap whose compression, masks and so on are written over the header's bytes. */
const altered = (bytes: Buffer, ...numbers: [at: number, value: number][]): Buffer => {
  const copy = Buffer.from(bytes);
  for (const [at, value] of numbers) copy.writeUInt32LE(value, at);
  return copy;
};
const RLE8: [number, number] = [30, 1];
const MASKS: [number, number] = [30, 3];

test("a picture that is transparent everywhere was written without knowing opacity, and is seen", async () => {
  const masks = [0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000];
  const withAlpha = (alpha: number) => {
    const palette = Buffer.alloc(68); // of a header of 108 bytes
    for (const [i, mask] of masks.entries()) palette.writeUInt32LE(mask, 4 * i);
    return altered(bitmap(2, 1, 32, [...palette], [3, 2, 1, 0, 30, 20, 10, alpha]), [14, 108], MASKS);
  };
  expect([...(await decodeImage(withAlpha(0))).data]).toEqual([1, 2, 3, 10, 20, 30]);
  expect([...(await decodeImage(withAlpha(255))).data]).toEqual([0, 0, 0, 10, 20, 30]);
});

test("run lengths end where they say, and nothing is written beyond a row or the picture", async () => {
  const palette = [0, 0, 0, 0, 9, 9, 9, 0];
  const decode = async (...runs: number[]) => {
    const { data } = await decodeImage(altered(bitmap(3, 2, 8, palette, runs), RLE8));
    return [...data].filter((_, i) => i % 3 === 0);
  };
  expect(await decode(3, 1, 0, 0, 1, 1, 0, 1)).toEqual([9, 0, 0, 9, 9, 9]);
  expect(await decode(200, 1, 0, 0, 0, 2, 2, 0, 1, 1)).toEqual([0, 0, 9, 9, 9, 9]); // the last row full: no end needed
  expect(await decode(0, 3, 0, 1, 0, 0, 0, 2, 0, 200, 5, 1)).toEqual([0, 0, 0, 0, 9, 0]);
  for (const cut of [
    [3, 1],
    [3, 1, 0],
    [0, 5, 1, 1],
    [3, 1, 0, 2, 1],
  ]) {
    await expect(decode(...cut)).rejects.toThrow("the bitmap's pixels are cut short");
  }
  await expect(decode(3, 2, 0, 1)).rejects.toThrow("palette does not have");
});

test("damaged, huge and unusual bitmaps are errors", async () => {
  const whole = bitmap(1, 2, 24, [], [3, 2, 1, 0, 30, 20, 10, 0]);
  await expect(decodeImage(whole.subarray(0, 60))).rejects.toThrow("it claims 1 x 2 pixels, more than its 60 bytes can hold");
  await expect(decodeImage(whole.subarray(0, 20))).rejects.toThrow("header is cut short");
  await expect(decodeImage(altered(whole, [14, 30]))).rejects.toThrow("damaged or of an unknown kind");
  await expect(decodeImage(altered(whole, [18, 0]))).rejects.toThrow("header is damaged");
  await expect(decodeImage(bitmap(2, 1, 8, greyPalette, [7, 0, 0, 0]))).rejects.toThrow("palette does not have");
  await expect(decodeImage(bitmap(1, 1, 13, [], [0, 0, 0, 0]))).rejects.toThrow("13 bits per pixel with compression 0");
  await expect(decodeImage(altered(whole, [30, 4]))).rejects.toThrow("24 bits per pixel with compression 4 are not");
  await expect(decodeImage(altered(bitmap(1, 1, 16, [5, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0], [0, 0, 0, 0]), MASKS))).rejects.toThrow(
    "masks are damaged",
  );
});

test("a header that claims more pixels than the file can hold is refused before anything is allocated", async () => {
  const claim = "it claims 100000 x 100000 pixels, more than its";
  await expect(decodeImage(bitmap(100_000, 100_000, 24, [], []))).rejects.toThrow(claim);
  await expect(readImageHeader(altered(bitmap(100_000, 100_000, 8, greyPalette, [0, 1]), RLE8))).rejects.toThrow(claim);
  const wide = bitmap(2000, 1, 8, greyPalette, new Array(2000).fill(0));
  await expect(decodeImage(wide, { maxPixels: 1999 })).rejects.toThrow("it has 2000 x 1 pixels, more than the limit of 1999");
});
