import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeImage, decodeMask, readImageHeader } from "./index.ts";

type Tags = Readonly<Record<number, number | readonly number[]>>;

/** A little-endian TIFF file of 2 x 1 pixels, grey, unsigned, in one strip, but for the tags that are given. */
const tiff = (pixels: Uint8Array, tags: Tags = {}): Buffer => {
  const all: Record<number, number | readonly number[]> = { 256: 2, 257: 1, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1, ...tags };
  const start = 8 + pixels.length;
  const entries = Object.entries({ ...all, 273: 8, 279: pixels.length }).map(
    ([tag, value]) => [Number(tag), [value].flat()] as const,
  );
  const outside: Buffer[] = [];
  let end = start + 2 + 12 * entries.length + 4;
  const directory = entries.map(([tag, values]) => {
    const entry = Buffer.alloc(12);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(4, 2);
    entry.writeUInt32LE(values.length, 4);
    if (values.length === 1) entry.writeUInt32LE(values[0], 8);
    else {
      const bytes = Buffer.alloc(4 * values.length);
      for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
      outside.push(bytes);
      entry.writeUInt32LE(end, 8);
      end += bytes.length;
    }
    return entry;
  });
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(start, 4);
  const count = Buffer.alloc(2);
  count.writeUInt16LE(entries.length);
  return Buffer.concat([header, pixels, count, ...directory, Buffer.alloc(4), ...outside]);
};

const bytesOf = (values: Float32Array | Float64Array | Uint16Array | BigInt64Array): Uint8Array =>
  new Uint8Array(values.buffer as ArrayBuffer);
const floats = (...values: number[]): Buffer => tiff(bytesOf(Float32Array.from(values)), { 256: values.length, 258: 32, 339: 3 });
const doubles = (values: number[], tags: Tags = {}): Buffer =>
  tiff(bytesOf(Float64Array.from(values)), { 256: values.length, 258: 64, 339: 3, ...tags });
const fixture = (name: string): Buffer => readFileSync(new URL(`./fixtures/formats/${name}`, import.meta.url));

test("the file that the others are made from is read", async () => {
  expect(await decodeImage(tiff(Uint8Array.of(7, 200)))).toEqual({
    width: 2,
    height: 1,
    data: Uint8Array.of(7, 7, 7, 200, 200, 200),
  });
});

describe("floats", () => {
  test("within [0, 1] are black to white", async () => {
    expect((await decodeImage(floats(0, 0.5, 1), { depth: 16 })).data).toEqual(
      Uint16Array.of(0, 0, 0, 32768, 32768, 32768, 65535, 65535, 65535),
    );
  });

  test("beyond [0, 1] need a range, and the message says which", async () => {
    const needed = "so black and white are not known. Give them in image.range.";
    await expect(decodeImage(floats(-2, 0.5, 300), { name: "height.tif" })).rejects.toThrow(
      `Cannot use the image "height.tif": its values are floating-point numbers that run from -2 to 300, ${needed}`,
    );
    await expect(decodeImage(floats(0.25, Number.NaN))).rejects.toThrow("from 0.25 to 0.25, and 1 are not numbers (NaN), so");
    await expect(decodeImage(floats(Number.NaN))).rejects.toThrow("that are missing, and 1 are not numbers (NaN), so");
    await expect(decodeImage(doubles([0, 1.5]))).rejects.toThrow("that run from 0 to 1.5, so");
  });

  test("are cut at the range, and what is no number is black", async () => {
    const { data } = await decodeImage(floats(-50, 0, 25, 300, Number.NaN), { range: { low: -50, high: 50 } });
    expect([...data].filter((_, i) => i % 3 === 0)).toEqual([0, 128, 191, 255, 0]);
  });
});

describe("a range", () => {
  const camera = tiff(bytesOf(Uint16Array.of(0, 1, 2048, 4095, 60000)), { 256: 5, 258: 16 });

  test("makes 12 bits in 16 fill the depth", async () => {
    const at = async (depth: 8 | 16) =>
      [...(await decodeImage(camera, { depth, range: { low: 0, high: 4095 } })).data].filter((_, i) => i % 3 === 0);
    expect(await at(8)).toEqual([0, 0, 128, 255, 255]);
    expect(await at(16)).toEqual([0, 16, 32776, 65535, 65535]);
  });

  test("must rise", async () => {
    await expect(decodeImage(camera, { range: { low: 5, high: 5 } })).rejects.toThrow("must have low < high, not 5 and 5.");
    await expect(decodeImage(camera, { range: { low: 0, high: Number.NaN } })).rejects.toThrow("must have low < high");
  });

  test("takes a file's values as they are, whatever its profile says", async () => {
    const range = { low: 0, high: 65535 };
    const [plain, wide] = [fixture("tiff-rgb-16-little.tiff"), fixture("profile-wide-16.tiff")];
    expect(await decodeImage(wide, { depth: 16, range })).toEqual(await decodeImage(plain, { depth: 16 }));
    expect(await decodeImage(wide, { depth: 16 })).not.toEqual(await decodeImage(plain, { depth: 16 }));
  });
});

describe("64 bits", () => {
  test("are read as they are or deflated; whole numbers as masks or with a range", async () => {
    const labels = BigInt64Array.of(0n, 3n, 2n ** 40n);
    const file = tiff(bytesOf(labels), { 256: 3, 258: 64, 339: 2 });
    expect((await decodeMask(file)).data).toEqual(Uint8Array.of(0, 1, 1));
    expect((await decodeImage(file, { range: { low: 0, high: 6 } })).data[3]).toBe(128);
    const deflated = tiff(deflateSync(bytesOf(Float64Array.of(0, 1))), { 258: 64, 259: 8, 339: 3 });
    expect((await decodeImage(deflated)).data).toEqual(Uint8Array.of(0, 0, 0, 255, 255, 255));
  });

  test("stored in other ways, or cut short, are errors", async () => {
    const pixels = bytesOf(Float64Array.of(0, 1));
    const kind = "it is a TIFF file of a kind that is not read: its samples have 64 bits, which are read only as";
    for (const tags of [{ 259: 5 }, { 274: 6 }, { 322: 16 }, { 317: 3 }] as Tags[]) {
      await expect(decodeImage(doubles([0, 1], tags))).rejects.toThrow(kind);
    }
    const deflated = tiff(deflateSync(pixels.subarray(0, 8)), { 258: 64, 259: 8, 339: 3 });
    await expect(decodeImage(deflated)).rejects.toThrow("its pixels are cut short");
  });
});

test("what libvips would misread or not read is named", async () => {
  const kinds: [Tags, string][] = [
    [{ 258: 12 }, "its samples are unsigned whole numbers of 12 bits"],
    [{ 258: 32, 339: 6 }, "its samples are complex numbers"],
    [{ 262: 6, 277: 3, 258: [8, 8, 8] }, "its colours are luminance and chrominance (YCbCr) without JPEG compression"],
    [{ 262: 8, 277: 3, 258: [8, 8, 8] }, "its colours are of kind 8 (PhotometricInterpretation)"],
    [{ 262: 0, 258: 32, 339: 3 }, "0 is white among floating-point numbers of 32 bits"],
    [{ 277: 2, 258: [8, 8] }, "it has 2 channels that are neither grey with opacity nor RGB"],
    [{ 277: 3, 258: [8, 8, 8] }, "it has 3 channels that are neither grey with opacity nor RGB"],
    [
      { 277: 2, 258: [32, 32], 339: [3, 3], 338: 2 },
      "it has opacity beside grey, and both are floating-point numbers of 32 bits",
    ],
    [{ 277: 3, 262: 2, 258: [5, 6, 5] }, "its channels have different depths"],
  ];
  for (const [tags, kind] of kinds) {
    await expect(decodeImage(tiff(new Uint8Array(64), tags), { name: "odd.tif" })).rejects.toThrow(
      `Cannot use the image "odd.tif": it is a TIFF file of a kind that is not read: ${kind}. Save it as grey or RGB`,
    );
  }
});

describe("a damaged file", () => {
  test("that claims more pixels than its bytes can hold is refused before anything is allocated", async () => {
    const claimed = { 256: 9000, 257: 9000 };
    const claim = "it claims 9000 x 9000 pixels, more than its";
    await expect(decodeImage(tiff(new Uint8Array(600), claimed))).rejects.toThrow(claim);
    await expect(readImageHeader(tiff(new Uint8Array(600), { ...claimed, 259: 8 }))).rejects.toThrow(claim);
    await expect(decodeMask(tiff(new Uint8Array(600), { ...claimed, 258: 64 }))).rejects.toThrow(claim);
  });

  test("whose directory lies outside it, or points outside, is an error that names it", async () => {
    const outside = tiff(Uint8Array.of(1, 2));
    outside.writeUInt32LE(2 ** 31, 4);
    await expect(decodeImage(outside, { name: "a.tif" })).rejects.toThrow(
      /^Cannot use the image "a.tif": it is damaged, cut short/,
    );
    const whole = fixture("tiff-rgb-16-little.tiff");
    for (const part of [9, 60, 200, 1000]) {
      await expect(decodeImage(whole.subarray(0, part), { name: "b.tif" })).rejects.toThrow(/^Cannot use the image "b.tif": it /);
    }
    const endless = doubles([0, 1], { 258: 64 });
    endless.writeUInt32LE(4_000_000_000, endless.indexOf(Buffer.from([17, 1, 4, 0])) + 4); // StripOffsets: four billion of them
    await expect(decodeImage(endless)).rejects.toThrow("points outside the file");
  });
});
