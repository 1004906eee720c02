import { createDeflate, createGzip, type Deflate, type Gzip, gzipSync } from "node:zlib";
import sharp from "sharp";
import type { Expectation } from "./formats/format.ts";
import { integer } from "./formats/format.ts";
import { pngChunk, pngHeader, signature } from "./formats/png.ts";
import { directory, directoryHeader, type Entry } from "./formats/tiff.ts";
import { repeatedFrames } from "./formats/webp.ts";
import { type FormatName, formats, paint } from "./pictures.ts";

/** A small file that asks for far more memory, time or parts than it is worth. */
export interface Bomb {
  /** undefined: no image. */
  readonly format: FormatName | undefined;
  readonly extension: string;
  readonly expectation: Expectation;
  write(seed: number): Promise<Buffer>;
}

const MEGABYTE = 2 ** 20;

/** `megabytes` of one byte, compressed as zlib or, as a file of its own, gzip. */
const compressed = async (
  megabytes: number,
  { value = 0, before = "", stream = createDeflate({ level: 9 }) as Deflate | Gzip } = {},
): Promise<Buffer> => {
  const piece = Buffer.alloc(MEGABYTE, value);
  const written = (async () => {
    stream.write(before);
    for (let i = 0; i < megabytes; i++) if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
    stream.end();
  })();
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  await written;
  return Buffer.concat(parts);
};

const small = (seed: number): Promise<Buffer> => {
  const { width, height, data } = paint(seed, 0, 60, 40);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
};

const withChunk = async (seed: number, type: string, before: string): Promise<Buffer> => {
  const picture = await small(seed);
  const chunk = pngChunk(type, Buffer.concat([Buffer.from(before, "latin1"), await compressed(500, { value: 97 })]));
  return Buffer.concat([picture.subarray(0, 33), chunk, picture.subarray(33)]);
};

/** A grey PNG of zeros: `width` x `height` pixels in a thousandth of their bytes. */
export const zeroPng = async (width: number, height: number, depth: 8 | 16 = 8): Promise<Buffer> => {
  const megabytes = Math.ceil((((width * depth) / 8 + 1) * height) / MEGABYTE);
  return pngOf(pngHeader(width, height, depth, 0), await compressed(megabytes));
};

const pngOf = (header: Buffer, data: Buffer): Buffer =>
  Buffer.concat([signature, pngChunk("IHDR", header), pngChunk("IDAT", data), pngChunk("IEND", Buffer.alloc(0))]);

/** A grey 8 x 8 TIFF with directories that follow one another, each of `entries` entries. */
const manyDirectories = (directories: number, entries: number): Buffer => {
  const pixels = Buffer.alloc(64, 90);
  const real: Entry[] = [
    [256, 4, 1, 8],
    [257, 4, 1, 8],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, 1, 8],
    [277, 3, 1, 1],
    [278, 4, 1, 8],
    [279, 4, 1, 64],
  ];
  const filler = Array.from({ length: entries - real.length }, (_, i): Entry => [Math.min(40_000 + i, 65_535), 4, 1, i]);
  const length = 2 + 12 * entries + 4;
  const parts = Array.from({ length: directories }, (_, i) =>
    directory("II", [...real, ...filler], i + 1 < directories ? 72 + (i + 1) * length : 0),
  );
  return Buffer.concat([directoryHeader("II", 72), pixels, ...parts]);
};

/** A GIF of `count` frames of one pixel each on a small screen. */
const manyGifFrames = async (seed: number, count: number): Promise<Buffer> => {
  const { width, height, data } = paint(seed, 0, 40, 40);
  const still = await sharp(data, { raw: { width, height, channels: 3 } })
    .gif()
    .toBuffer();
  const frame = Buffer.from("21f9040004000000" + "2c000000000100010080000000ffffff0202440100", "hex");
  return Buffer.concat([still.subarray(0, -1), ...Array.from({ length: count - 1 }, () => frame), still.subarray(-1)]);
};

const manyWebpFrames = async (seed: number, count: number): Promise<Buffer> => {
  const frames = [0, 1, 2].map((index) => paint(seed, index, 40, 40));
  return repeatedFrames(await formats.webp.variants.animated(frames[0], frames.slice(1)), count);
};

/** A progressive JPEG whose last scan comes over and over: each asks for a pass over all of its 16 million pixels. */
const manyScans = async (count: number): Promise<Buffer> => {
  const plain = await sharp({ create: { width: 4000, height: 4000, channels: 3, background: "#777" } })
    .jpeg({ progressive: true })
    .toBuffer();
  const last = plain.lastIndexOf(Buffer.of(0xff, 0xda));
  const scan = plain.subarray(last, -2);
  return Buffer.concat([plain.subarray(0, -2), ...Array.from({ length: count }, () => scan), plain.subarray(-2)]);
};

const laughs = (): Buffer => {
  const entities = Array.from({ length: 10 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join("");
  return Buffer.from(
    `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e0 "ha">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&e10;</text></svg>`,
  );
};

export const bombs: Readonly<Record<string, Bomb>> = {
  "zTXt of 500 MB": {
    format: "png",
    extension: ".png",
    expectation: "either",
    write: (seed) => withChunk(seed, "zTXt", "Comment\0\0"),
  },
  "iTXt of 500 MB": {
    format: "png",
    extension: ".png",
    expectation: "either",
    write: (seed) => withChunk(seed, "iTXt", "Comment\0\x01\0\0\0"),
  },
  "colour profile of 500 MB": {
    format: "png",
    extension: ".png",
    expectation: "either",
    write: (seed) => withChunk(seed, "iCCP", "ICC\0\0"),
  },
  "pixels of 500 MB in a picture of 64 x 64": {
    format: "png",
    extension: ".png",
    expectation: "either",
    write: async () => pngOf(pngHeader(64, 64, 8, 0), await compressed(500)),
  },
  "30,000 x 30,000 pixels that are there": {
    format: "png",
    extension: ".png",
    expectation: "bad",
    write: () => zeroPng(30_000, 30_000),
  },
  "10,000 text chunks": {
    format: "png",
    extension: ".png",
    expectation: "either",
    write: async (seed) => {
      const picture = await small(seed);
      const texts = Array.from({ length: 10_000 }, (_, i) => pngChunk("tEXt", Buffer.from(`Comment${i}\0${"x".repeat(90)}`)));
      return Buffer.concat([picture.subarray(0, 33), ...texts, picture.subarray(33)]);
    },
  },
  "a million entries": {
    format: "tiff",
    extension: ".tif",
    expectation: "either",
    write: async () => manyDirectories(16, 65_535),
  },
  "65,535 directories": {
    format: "tiff",
    extension: ".tif",
    expectation: "either",
    write: async () => manyDirectories(65_535, 9),
  },
  "10,000 frames": { format: "gif", extension: ".gif", expectation: "good", write: (seed) => manyGifFrames(seed, 10_000) },
  "10,000 animated frames": {
    format: "webp",
    extension: ".webp",
    expectation: "good",
    write: (seed) => manyWebpFrames(seed, 10_000),
  },
  "2,000 scans": { format: "jpeg", extension: ".jpg", expectation: "either", write: () => manyScans(2000) },
  "a drawing of ten levels of entities": {
    format: undefined,
    extension: ".png",
    expectation: "bad",
    write: async () => laughs(),
  },
  "a compressed drawing of 500 MB of blanks": {
    format: undefined,
    extension: ".png",
    expectation: "bad",
    write: () =>
      compressed(500, {
        value: 32,
        before: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">',
        stream: createGzip({ level: 9 }),
      }),
  },
};

/** Things that are no images, under the name of one. */
export const notImages: Readonly<Record<string, () => Buffer>> = {
  nothing: () => Buffer.alloc(0),
  "one byte": () => Buffer.of(0x89),
  text: () => Buffer.from("This is not a picture.\n".repeat(40)),
  "web page": () => Buffer.from("<!doctype html><html><body><img src='x.png'></body></html>\n"),
  drawing: () =>
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="60" height="40"/></svg>'),
  "drawing of 100,000 x 100,000": () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="100000" height="100000"/>'),
  "compressed drawing": () => gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"/>'),
  zeros: () => Buffer.alloc(5000),
  ones: () => Buffer.alloc(5000, 255),
  signature: () => signature,
  "start of a JPEG": () => Buffer.of(0xff, 0xd8, 0xff, 0xe0),
  "start of a bitmap": () => Buffer.from("BM"),
  "portable map of 100,000 x 100,000": () => Buffer.from("P6\n100000 100000\n255\n"),
  "portable map": () => Buffer.concat([Buffer.from("P5\n20 20\n255\n"), Buffer.alloc(400, 77)]),
  "portable floats": () => Buffer.concat([Buffer.from("PF\n20 20\n-1.0\n"), Buffer.alloc(4800)]),
  "Radiance picture": () => Buffer.from("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n"),
  document: () => Buffer.from("%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"),
  archive: () => Buffer.from("PK\x03\x04".padEnd(400, "\0"), "latin1"),
  "libvips image": () =>
    Buffer.concat([
      Buffer.of(0x08, 0xf2, 0xa6, 0xb6),
      integer(100_000, 4, "little"),
      integer(100_000, 4, "little"),
      integer(3, 4, "little"),
      Buffer.alloc(60),
    ]),
  "pointer to large data": () => Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"),
};
