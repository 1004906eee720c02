import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { random } from "../../random/index.ts";
import { ImageError } from "../image.ts";
import { startOpenJpeg } from "../openjpeg.ts";
import { TAG } from "../tiff-tags.ts";
import { fileOf, openSlide, partOf } from "./testing/pictures.ts";
import { type TestPage, tiffFile } from "./testing/tiff-file.ts";

/** By scripts/reference/jpeg-2000.py: base64. */
interface Fixture {
  readonly width: number;
  readonly height: number;
  readonly tile: number;
  readonly rgb: string;
  readonly grey: string;
  readonly lossless: Readonly<Record<"transformed" | "plain" | "jp2" | "layers" | "parts", readonly string[]>>;
  readonly strips: readonly string[];
  readonly greyTiles: readonly string[];
  readonly lossy: readonly string[];
  readonly "4:4:4": { readonly tiles: readonly string[]; readonly rgb: string };
  readonly "4:2:2": { readonly tiles: readonly string[]; readonly rgb: string };
  readonly "4:2:0": { readonly tiles: readonly string[]; readonly rgb: string };
  readonly other: Readonly<Record<"deep" | "signed" | "opaque" | "4:4:0" | "offset", string>>;
}
const fixture: Fixture = JSON.parse(readFileSync(new URL("fixtures/jpeg-2000.json", import.meta.url), "utf8"));
const { width, height, tile } = fixture;
const bytesOf = (text: string): Buffer => Buffer.from(text, "base64");
const rgb = { width, height, data: new Uint8Array(bytesOf(fixture.rgb)) };

/** Within a tile, across all of them, and beyond the border. */
const regions = [
  { x: 2, y: 3, width: 9, height: 8 },
  { x: 13, y: 5, width: 20, height: 20 },
  { x: -4, y: -3, width: width + 11, height: height + 9 },
];

const slideOf = (tiles: readonly Uint8Array[], compression: number, more: Partial<TestPage> = {}): Buffer => {
  let next = 0;
  const compress = (): Uint8Array => tiles[next++];
  const page = { width, height, tile, channels: 3, pixels: rgb.data, compress, ...more };
  return tiffFile([{ ...page, tags: { [TAG.compression]: compression, ...more.tags } }]);
};

let files = 0;
const open = async (tiles: readonly (string | Uint8Array)[], compression: number, more: Partial<TestPage> = {}) => {
  const bytes = tiles.map((one) => (typeof one === "string" ? bytesOf(one) : one));
  files += 1;
  return openSlide(await fileOf(`jpeg-2000-${files}.svs`, slideOf(bytes, compression, more)));
};

/** The largest difference of a slide from a picture, over all regions. */
const difference = async (slide: Awaited<ReturnType<typeof open>>, picture: typeof rgb): Promise<number> => {
  const found = await Promise.all(regions.map((region) => slide.read(0, region)));
  return Math.max(
    ...found.flatMap(({ data }, i) => {
      const expected = partOf(picture, regions[i]);
      return [...data].map((value, at) => Math.abs(value - expected[at]));
    }),
  );
};

const yCbCr = { tags: { [TAG.photometric]: 6 } };

describe("every region is what was compressed", () => {
  const { transformed, plain, jp2, layers, parts } = fixture.lossless;
  test.each([
    ["Aperio's RGB, transformed", transformed, 33_005, {}],
    ["Aperio's RGB, as it is", plain, 33_005, {}],
    ["Aperio's RGB, called YCbCr", plain, 33_005, yCbCr],
    ["Aperio's YCbCr that says it was transformed from RGB", transformed, 33_003, {}],
    ["others' RGB", transformed, 34_712, {}],
    ["others' RGB, as it is", plain, 33_004, {}],
    ["others' transformed YCbCr, which is RGB", transformed, 34_712, yCbCr],
    ["a JP2 file", jp2, 34_712, {}],
    ["layers of quality", layers, 33_005, {}],
    ["tiles of tiles", parts, 33_005, {}],
    ["strips, of which the last is shorter", fixture.strips, 34_712, { strips: true }],
  ] as const)("%s", async (_, tiles, compression, more) => {
    expect(await difference(await open(tiles, compression, more), rgb)).toBe(0);
  });

  test("grey", async () => {
    const grey = { width, height, data: new Uint8Array(bytesOf(fixture.grey)) };
    const slide = await open(fixture.greyTiles, 34_712, { channels: 1, pixels: grey.data });
    expect(await difference(slide, grey)).toBe(0);
  });

  test("lossy, nearly", async () => {
    const found = await difference(await open(fixture.lossy, 33_005), rgb);
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(60);
  });
});

describe("YCbCr becomes RGB", () => {
  test.each([
    ["4:4:4", 33_003, {}],
    ["4:4:4", 34_712, yCbCr],
    ["4:2:2", 33_003, {}],
    ["4:2:0", 34_712, yCbCr],
  ] as const)("%s of compression %i", async (kind, compression, more) => {
    const { tiles, rgb: colours } = fixture[kind];
    const expected = { width, height, data: new Uint8Array(bytesOf(colours)) };
    expect(await difference(await open(tiles, compression, more), expected)).toBeLessThanOrEqual(kind === "4:4:4" ? 0 : 1);
  });
});

const tiles = fixture.lossless.transformed.map(bytesOf);
const changed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(tiles[1]);
  change(bytes);
  return bytes;
};

/** The message of reading a slide whose second tile is another. */
const failure = async (second: Uint8Array): Promise<string> => {
  const slide = await open([tiles[0], second, ...tiles.slice(2)], 33_005);
  const whole = await slide.read(0, { x: 0, y: 0, width: tile, height });
  expect(whole.data).toEqual(partOf(rgb, { x: 0, y: 0, width: tile, height }));
  const error: unknown = await slide.read(0, { x: 0, y: 0, width, height }).catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(ImageError);
  return (error as Error).message.replace(slide.path, "FILE");
};

describe("one damaged tile fails the regions that show it, and no others", () => {
  const message = 'Cannot use the image "FILE": level 0: its tile at 16, 0 is damaged or cut short. Copy it again.';
  const noise = (length: number): Uint8Array => {
    const rng = random("jpeg 2000", "noise", length);
    return Uint8Array.from({ length }, () => Math.floor(rng.uniform(0, 256)));
  };
  const SIZ = { width: 8, height: 12, offset: 16, partWidth: 24, channels: 40 };
  test.each([
    ["cut in its pixels", tiles[1].subarray(0, tiles[1].length - 20)],
    ["cut in its header", tiles[1].subarray(0, 60)],
    ["cut in its first words", tiles[1].subarray(0, 3)],
    ["noise", noise(1000)],
    ["noise after its header", Buffer.concat([tiles[1].subarray(0, 120), noise(900)])],
    ["endless boxes", Buffer.alloc(64, "\0\0\0\x08free", "latin1")],
    ["boxes of no size", Buffer.alloc(64)],
    ["of another size", bytesOf(fixture.strips[0])],
    ["of 4 thousand million pixels each way", changed((bytes) => bytes.fill(0xff, SIZ.width, SIZ.width + 8))],
    ["of a width of 0", changed((bytes) => bytes.writeUInt32BE(0, SIZ.width))],
    ["of tiles of no size", changed((bytes) => bytes.writeUInt32BE(0, SIZ.partWidth))],
    ["that begins elsewhere", bytesOf(fixture.other.offset)],
    ["of 16384 channels", changed((bytes) => bytes.writeUInt16BE(16_384, SIZ.channels))],
  ])("%s", async (_, second) => {
    expect(await failure(second)).toBe(message);
  });

  test("a tile of more precincts than memory", async () => {
    const large = { width: 2048, height: 2048, tile: 2048 };
    const bytes = changed((header) => {
      for (const at of [8, 12, 24, 28]) header.writeUInt32BE(2048, at);
    });
    const style = bytes.indexOf(Buffer.from([0xff, 0x52]));
    const length = bytes.readUInt16BE(style + 2);
    const sizes = Buffer.alloc(bytes[style + 9] + 1, 0x11); // 2 x 2 samples each, at every resolution
    bytes.writeUInt16BE(length + sizes.length, style + 2);
    bytes[style + 4] |= 1;
    const bomb = Buffer.concat([bytes.subarray(0, style + 2 + length), sizes, bytes.subarray(style + 2 + length)]);
    const before = process.memoryUsage().rss;
    const slide = await open([bomb], 33_005, { ...large, pixels: new Uint8Array(0) });
    await expect(slide.read(0, { x: 0, y: 0, width: 4, height: 4 })).rejects.toThrow("its tile at 0, 0 is damaged");
    expect(process.memoryUsage().rss - before).toBeLessThan(700 * 2 ** 20);
    expect((await startOpenJpeg()).HEAPU8.length).toBeLessThan(64 * 2 ** 20);
  });

  test("a tile of very many tiles", async () => {
    const large = { width: 1024, height: 1024, tile: 1024 };
    const bytes = changed((header) => {
      for (const at of [8, 12]) header.writeUInt32BE(1024, at);
      for (const at of [24, 28]) header.writeUInt32BE(1, at);
    });
    const slide = await open([bytes], 33_005, { ...large, pixels: new Uint8Array(0) });
    await expect(slide.read(0, { x: 0, y: 0, width: 4, height: 4 })).rejects.toThrow("its tile at 0, 0 is damaged");
    expect((await startOpenJpeg()).HEAPU8.length).toBeLessThan(64 * 2 ** 20);
  });
});

describe("other kinds are refused by name", () => {
  test.each([
    ["deep", "3 channels of 16 bits, not 3 of 8"],
    ["signed", "3 channels of 8 signed bits, not 3 of 8"],
    ["opaque", "4 channels of 8 bits, not 3 of 8"],
    ["4:4:0", "channels whose samples cover 1 x 1, 1 x 2, 1 x 2 pixels"],
  ] as const)("%s", async (kind, message) => {
    expect(await failure(bytesOf(fixture.other[kind]))).toContain(
      `it is a slide of a kind that is not read: its JPEG 2000 tiles have ${message}. Convert it to a pyramidal TIFF of 8-bit RGB.`,
    );
  });

  test("by the file's tags, when it is opened", async () => {
    const refused = async (more: Partial<TestPage>, message: string) =>
      expect(open(Array<string>(20).fill(fixture.lossless.plain[0]), 33_005, more)).rejects.toThrow(message);
    await refused({ tags: { [TAG.bits]: [16, 16, 16] } }, "its samples have 16 bits");
    await refused({ planar: true }, "single channels");
    await refused({ channels: 4, tags: { [TAG.extraSamples]: 2 } }, "opacity");
    await refused({ channels: 1, tags: { [TAG.photometric]: 3 } }, "1 channels of colours of kind 3");
  });
});

test("altered tiles are read or an error, never a crash, and take no memory for good", async () => {
  const rng = random("jpeg 2000", "altered");
  const all = [...fixture.lossless.transformed, ...fixture.lossless.layers, ...fixture["4:2:2"].tiles].map(bytesOf);
  for (let round = 0; round < 40; round++) {
    const altered = all.slice(0, 6).map((_, i) => {
      const bytes = Buffer.from(all[(i * 7 + round) % all.length]);
      for (let change = 0; change < 4; change++) {
        const near = change < 2 ? 140 : bytes.length; // the header, or anywhere
        bytes[Math.floor(rng.uniform(0, Math.min(near, bytes.length)))] = Math.floor(rng.uniform(0, 256));
      }
      return bytes;
    });
    const slide = await open(altered, 33_003);
    for (let x = 0; x < width; x += tile) {
      const error: unknown = await slide.read(0, { x, y: 0, width: 1, height }).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      if (error !== undefined) expect(error).toBeInstanceOf(ImageError);
    }
    await slide.close();
  }
  expect((await startOpenJpeg()).HEAPU8.length).toBeLessThanOrEqual(2 ** 27);
});

test("what a tile took of the decoder's memory is given back", async () => {
  const decoder = await startOpenJpeg();
  const before = decoder.HEAPU8.length;
  const freed = vi.spyOn(decoder.J2KDecoder.prototype, "delete");
  const first = await open(tiles, 33_005);
  const slide = await openSlide(first.path, { cacheBytes: 0 });
  for (let round = 0; round < 20; round++) await slide.read(0, { x: 0, y: 0, width, height });
  expect(freed).toHaveBeenCalledTimes(20 * tiles.length);
  expect(await startOpenJpeg()).toBe(decoder);
  expect(decoder.HEAPU8.length).toBe(before);
});
