import { crc32, deflateSync, inflateSync } from "node:zlib";
import sharp from "sharp";
import {
  bad,
  type Encode,
  either,
  type Format,
  type Harmed,
  integer,
  type Lie,
  type Picture,
  pick,
  randomBytes,
} from "./format.ts";
import { harmedProfile } from "./profile.ts";

export const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** A chunk with the checksum that belongs to it, so that a lie inside is really read. */
export const pngChunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  return Buffer.concat([integer(data.length, 4), body, integer(crc32(body), 4)]);
};

/** IHDR of a picture without interlacing. Colour types: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
export const pngHeader = (width: number, height: number, depth: number, colourType: number): Buffer =>
  Buffer.concat([integer(width, 4), integer(height, 4), Buffer.of(depth, colourType, 0, 0, 0)]);

const chunksOf = (bytes: Buffer): (Chunk & { start: number })[] => {
  const chunks = [];
  for (let start = 8; start + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(start);
    const type = bytes.toString("latin1", start + 4, start + 8);
    chunks.push({ type, start, data: bytes.subarray(start + 8, start + 8 + length) });
    start += 12 + length;
  }
  return chunks;
};

const write = (chunks: readonly Chunk[]): Buffer =>
  Buffer.concat([signature, ...chunks.map(({ type, data }) => pngChunk(type, data))]);

const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Whether the pixels that IHDR promises cannot come out of the data there is, or the promise itself is not allowed. */
const cannotHold = (chunks: readonly Chunk[], header: Buffer): boolean => {
  const [width, height, depth, colourType] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]];
  if (width === 0 || height === 0 || !depthsOf[colourType]?.includes(depth) || header[12] > 1) return true;
  if (colourType === 3 && !chunks.some(({ type }) => type === "PLTE")) return true;
  const pixels = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data)));
  return Math.ceil((width * samplesPerPixel[colourType] * depth) / 8) * height > pixels.length;
};

const withHeader = (bytes: Buffer, header: Buffer): Harmed => {
  const chunks = chunksOf(bytes);
  const changed = write(chunks.map((chunk) => (chunk.type === "IHDR" ? { ...chunk, data: header } : chunk)));
  return cannotHold(chunks, header) ? bad(changed) : either(changed);
};

const headerOf = (bytes: Buffer): Buffer => Buffer.from(bytes.subarray(16, 29));

const changeChunks =
  (change: (chunks: Chunk[]) => Chunk[] | undefined): Lie =>
  (bytes) => {
    const changed = change(chunksOf(bytes));
    return changed && bad(write(changed));
  };

const lies: Record<string, Lie> = {
  size: (bytes, draw) => {
    const header = headerOf(bytes);
    const at = pick(draw, [0, 4]);
    const now = header.readUInt32BE(at);
    const other = pick(draw, [0, 1, now - 1, now + 1, 2 * now, 9_000, 65_536, 999_999, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]);
    header.writeUInt32BE(other, at);
    return withHeader(bytes, header);
  },
  "size below the limit": (bytes) =>
    withHeader(bytes, Buffer.concat([integer(9_900, 4), integer(9_900, 4), headerOf(bytes).subarray(8)])),
  "colour type": (bytes, draw) => {
    const header = headerOf(bytes);
    header[9] = pick(
      draw,
      [0, 1, 2, 3, 4, 5, 6, 7, 255].filter((type) => type !== header[9]),
    );
    return withHeader(bytes, header);
  },
  "bit depth": (bytes, draw) => {
    const header = headerOf(bytes);
    header[8] = pick(
      draw,
      [0, 1, 2, 3, 4, 8, 16, 32, 255].filter((depth) => depth !== header[8]),
    );
    return withHeader(bytes, header);
  },
  interlacing: (bytes, draw) => {
    const header = headerOf(bytes);
    header[12] = pick(draw, [1 - header[12], 2, 255]);
    return withHeader(bytes, header);
  },
  "compression method": (bytes, draw) => {
    const header = headerOf(bytes);
    header[pick(draw, [10, 11])] = pick(draw, [1, 64, 255]);
    return either(withHeader(bytes, header).bytes);
  },
  "chunk length": (bytes, draw) => {
    const { start, data } = chunksOf(bytes).find(({ type }) => type === "IDAT")!;
    const length = pick(draw, [0, 1, data.length - 1, data.length + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]);
    return bad(Buffer.concat([bytes.subarray(0, start), integer(length, 4), bytes.subarray(start + 4)]));
  },
  "no pixels": changeChunks((chunks) => chunks.filter(({ type }) => type !== "IDAT")),
  "no header": changeChunks((chunks) => chunks.filter(({ type }) => type !== "IHDR")),
  "no palette": changeChunks((chunks) =>
    chunks[0].data[9] === 3 ? chunks.filter(({ type }) => type !== "PLTE" && type !== "tRNS") : undefined,
  ),
  "pixels before the header": changeChunks((chunks) => [...chunks.slice(1), chunks[0]]),
  "two headers": (bytes) => {
    const chunks = chunksOf(bytes);
    return either(write([chunks[0], { type: "IHDR", data: pngHeader(7, 9_000, 8, 6) }, ...chunks.slice(1)]));
  },
  "palette of one colour": (bytes) => {
    const chunks = chunksOf(bytes);
    if (chunks[0].data[9] !== 3) return undefined;
    return either(write(chunks.map((chunk) => (chunk.type === "PLTE" ? { ...chunk, data: Buffer.of(1, 2, 3) } : chunk))));
  },
  "deflate data that ends early": changeChunks((chunks) => {
    const last = chunks.findLastIndex(({ type }) => type === "IDAT");
    return chunks.with(last, { type: "IDAT", data: chunks[last].data.subarray(0, chunks[last].data.length >> 1) });
  }),
};

const withChunk = (bytes: Buffer, type: string, data: Buffer): Buffer => {
  const [header, ...rest] = chunksOf(bytes);
  return write([header, { type, data }, ...rest]);
};

const raw = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });

/** 16 bits whose lower half is not the upper half repeated. */
export const sixteenBits = ({ data }: Picture): Uint16Array =>
  Uint16Array.from(data, (value, i) => value * 257 - (i % 200) * Number(value > 0));

const variants: Record<string, Encode> = {
  "rgb-8": (image) => raw(image).png().toBuffer(),
  "grey-8": (image) => raw(image).toColourspace("b-w").png().toBuffer(),
  "rgb-16": ({ width, height, data }) =>
    sharp(sixteenBits({ width, height, data }), { raw: { width, height, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer(),
  "grey-16": ({ width, height, data }) =>
    sharp(
      sixteenBits({ width, height, data }).filter((_, i) => i % 3 === 1),
      { raw: { width, height, channels: 1 } },
    )
      .toColourspace("grey16")
      .png()
      .toBuffer(),
  palette: (image) => raw(image).png({ palette: true }).toBuffer(),
  "two-colours": (image) => raw(image).png({ palette: true, colours: 2 }).toBuffer(),
  alpha: (image) => raw(image).ensureAlpha(0.8).png().toBuffer(),
  "grey-alpha": ({ width, height, data }) => {
    const values = Uint8Array.from({ length: width * height * 2 }, (_, i) => (i % 2 === 0 ? data[(i >> 1) * 3] : 255 - (i % 90)));
    return sharp(values, { raw: { width, height, channels: 2 } })
      .png()
      .toBuffer();
  },
  interlaced: (image) => raw(image).png({ progressive: true }).toBuffer(),
};

export const png: Format = {
  extension: ".png",
  variants,
  checksummed: true,
  structure: (bytes) => {
    const chunks = chunksOf(bytes);
    const pixels = chunks.filter(({ type }) => type === "IDAT");
    const end = pixels.at(-1)!.start + 8 + pixels.at(-1)!.data.length;
    const boundaries = [8, ...chunks.flatMap(({ start, data }) => [start, start + 4, start + 8, start + 8 + data.length])];
    return { boundaries, header: [0, pixels[0].start + 8], body: [pixels[0].start + 8, end], needed: end };
  },
  lies,
  claimHugeSize: (bytes) =>
    withHeader(bytes, Buffer.concat([integer(100_000, 4), integer(100_000, 4), headerOf(bytes).subarray(8)])).bytes,
  metadata: {
    "text of noise": (bytes, draw) => withChunk(bytes, "tEXt", randomBytes(draw, 300)),
    "compressed text of noise": (bytes, draw) =>
      withChunk(bytes, "zTXt", Buffer.concat([Buffer.from("Comment\0\0"), randomBytes(draw, 300)])),
    "colour profile of noise": (bytes, draw) =>
      withChunk(bytes, "iCCP", Buffer.concat([Buffer.from("ICC\0\0"), randomBytes(draw, 300)])),
    "harmed colour profile": (bytes, draw) =>
      withChunk(bytes, "iCCP", Buffer.concat([Buffer.from("ICC\0\0"), deflateSync(harmedProfile(draw))])),
    "EXIF of noise": (bytes, draw) => withChunk(bytes, "eXIf", randomBytes(draw, 300)),
    "resolution of nothing": (bytes) => withChunk(bytes, "pHYs", Buffer.alloc(9)),
    "unknown chunk": (bytes, draw) => withChunk(bytes, "qqQq", randomBytes(draw, 1000)),
    "wrong checksum of a text": (bytes) => {
      const changed = withChunk(bytes, "tEXt", Buffer.from("Comment\0a scratch"));
      changed[33 + 8 + 17] ^= 1;
      return changed;
    },
  },
};
