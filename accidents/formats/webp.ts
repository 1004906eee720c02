import sharp from "sharp";
import { bad, type Encode, either, type Format, integer, type Lie, type Picture, patched, pick, randomBytes } from "./format.ts";
import { harmedProfile } from "./profile.ts";

interface Chunk {
  readonly type: string;
  readonly start: number;
  readonly data: Buffer;
}

const chunksOf = (bytes: Buffer, from = 12, to = bytes.length): Chunk[] => {
  const chunks: Chunk[] = [];
  for (let start = from; start + 8 <= to; ) {
    const length = bytes.readUInt32LE(start + 4);
    chunks.push({ type: bytes.toString("latin1", start, start + 4), start, data: bytes.subarray(start + 8, start + 8 + length) });
    start += 8 + length + (length % 2);
  }
  return chunks;
};

const little = (value: number, size: 2 | 3 | 4): Buffer => integer(value, size, "little");

const chunk = (type: string, data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(type, "latin1"), little(data.length, 4), data, Buffer.alloc(data.length % 2)]);

export const riff = (chunks: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat([Buffer.from("WEBP"), ...chunks]);
  return Buffer.concat([Buffer.from("RIFF"), little(body.length, 4), body]);
};

/** The chunk that holds the first picture: VP8 (lossy) or VP8L (lossless), in an animation inside its first frame. */
const pictureOf = (bytes: Buffer): Chunk => {
  const isPicture = ({ type }: Chunk): boolean => type === "VP8 " || type === "VP8L";
  const chunks = chunksOf(bytes);
  const frame = chunks.find(({ type }) => type === "ANMF");
  if (frame === undefined) return chunks.find(isPicture)!;
  return chunksOf(bytes, frame.start + 8 + 16, frame.start + 8 + frame.data.length).find(isPicture)!;
};

/** Where the extended header's data lie; undefined in a simple file. */
const extended = (bytes: Buffer): number | undefined => chunksOf(bytes).find(({ type }) => type === "VP8X")?.start;

const withCanvas = (bytes: Buffer, width: number, height: number): Buffer | undefined => {
  const start = extended(bytes);
  return start === undefined
    ? undefined
    : patched(bytes, start + 12, Buffer.concat([little(width - 1, 3), little(height - 1, 3)]));
};

/** Another size in the picture's own header, at most 16,383. */
const withPictureSize = (bytes: Buffer, width: number, height: number): Buffer => {
  const { type, start } = pictureOf(bytes);
  if (type === "VP8 ") return patched(bytes, start + 8 + 6, Buffer.concat([little(width, 2), little(height, 2)]));
  const kept = bytes.readUInt32LE(start + 9) >>> 28;
  return patched(bytes, start + 9, little(width - 1 + (height - 1) * 2 ** 14 + kept * 2 ** 28, 4));
};

const pictureSize = (bytes: Buffer): [width: number, height: number] => {
  const { type, start } = pictureOf(bytes);
  if (type === "VP8 ") return [bytes.readUInt16LE(start + 14) & 0x3fff, bytes.readUInt16LE(start + 16) & 0x3fff];
  const packed = bytes.readUInt32LE(start + 9);
  return [(packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1];
};

/** The file with an extended header and chunks of metadata; the first come before the picture, the last behind it. */
const withMetadata = (bytes: Buffer, flag: number, type: string, data: Uint8Array): Buffer => {
  const chunks = chunksOf(bytes).map((old) => ({ ...old, written: chunk(old.type, old.data) }));
  const [width, height] = pictureSize(bytes);
  const alpha = chunks.some(({ type, data }) => type === "ALPH" || (type === "VP8L" && data[4] & 0x10)) ? 0x10 : 0;
  const header =
    chunks.find(({ type }) => type === "VP8X")?.data ??
    Buffer.concat([Buffer.of(alpha, 0, 0, 0), little(width - 1, 3), little(height - 1, 3)]);
  const rest = chunks.filter((old) => old.type !== "VP8X" && old.type !== type).map(({ written }) => written);
  const extra = chunk(type, data);
  const start = chunk("VP8X", Buffer.concat([Buffer.of(header[0] | flag), header.subarray(1)]));
  return riff(type === "ICCP" ? [start, extra, ...rest] : [start, ...rest, extra]);
};

const lies: Record<string, Lie> = {
  "canvas size": (bytes, draw) => {
    const [width, height] = pick(draw, [
      [1, 1],
      [16_384, 1],
      [3_000, 3_000],
      [2 ** 24, 1],
      [60_000, 60_000],
    ] as const);
    const changed = withCanvas(bytes, width, height);
    return changed && (width * height > 1e8 ? bad(changed) : either(changed));
  },
  "picture size": (bytes, draw) => {
    const [width, height] = pictureSize(bytes);
    const other = pick(draw, [1, width + 1, 2 * height, 9_900, 16_383]);
    return either(draw.integer(0, 1) === 0 ? withPictureSize(bytes, other, height) : withPictureSize(bytes, width, other));
  },
  "size below the limit": (bytes) => {
    const changed = withPictureSize(bytes, 9_900, 9_900);
    return either(withCanvas(changed, 9_900, 9_900) ?? changed);
  },
  "length of the file": (bytes, draw) =>
    either(patched(bytes, 4, little(pick(draw, [0, 3, 12, bytes.length - 20, bytes.length * 2, 2 ** 31, 2 ** 32 - 1]), 4))),
  "length of the picture": (bytes, draw) => {
    const { start, data } = pictureOf(bytes);
    const length = pick(draw, [0, 1, 9, data.length >> 1, data.length + 2, 2 ** 31, 2 ** 32 - 1]);
    const changed = patched(bytes, start + 4, little(length, 4));
    return length < data.length ? bad(changed) : either(changed);
  },
  "start code": (bytes) => {
    const { type, start } = pictureOf(bytes);
    return bad(patched(bytes, start + 8 + (type === "VP8 " ? 3 : 0), Buffer.of(0x77)));
  },
  "frame of another kind": (bytes) => {
    const { type, start } = pictureOf(bytes);
    return bad(patched(bytes, start, Buffer.from(type === "VP8 " ? "VP8L" : "VP8 ")));
  },
  "no picture": (bytes) =>
    bad(
      riff(
        chunksOf(bytes)
          .filter(({ type }) => !["VP8 ", "VP8L", "ANMF"].includes(type))
          .map(({ type, data }) => chunk(type, data)),
      ),
    ),
  "frame outside the canvas": (bytes, draw) => {
    const frame = chunksOf(bytes).find(({ type }) => type === "ANMF");
    return frame && bad(patched(bytes, frame.start + 8 + pick(draw, [0, 3]), little(pick(draw, [300, 2 ** 24 - 1]), 3)));
  },
  flags: (bytes, draw) => {
    const start = extended(bytes);
    return start === undefined ? undefined : either(patched(bytes, start + 8, Buffer.of(draw.integer(0, 255))));
  },
};

const raw = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });

const variants: Record<string, Encode> = {
  lossy: (image) => raw(image).webp().toBuffer(),
  lossless: (image) => raw(image).webp({ lossless: true, effort: 1 }).toBuffer(),
  alpha: (image) => raw(image).ensureAlpha(0.7).webp().toBuffer(),
  animated: ({ width, height, data }, others) => {
    const frames = Buffer.concat([data, ...others.map((other) => other.data)]);
    return sharp(frames, { raw: { width, height: height * (1 + others.length), channels: 3, pageHeight: height } })
      .webp({ effort: 1 })
      .toBuffer();
  },
};

export const webp: Format = {
  extension: ".webp",
  variants,
  structure: (bytes) => {
    const { start, data } = pictureOf(bytes);
    const end = start + 8 + data.length;
    const boundaries = chunksOf(bytes).flatMap((part) => [part.start, part.start + 4, part.start + 8]);
    return { boundaries: [4, 8, 12, ...boundaries, start + 8], header: [0, start + 18], body: [start + 8, end], needed: end };
  },
  lies,
  claimHugeSize: (bytes) => withCanvas(bytes, 100_000, 100_000) ?? withPictureSize(bytes, 16_383, 16_383),
  metadata: {
    "EXIF of noise": (bytes, draw) => withMetadata(bytes, 0x08, "EXIF", randomBytes(draw, 300)),
    "XMP of noise": (bytes, draw) => withMetadata(bytes, 0x04, "XMP ", randomBytes(draw, 300)),
    "harmed colour profile": (bytes, draw) => withMetadata(bytes, 0x20, "ICCP", harmedProfile(draw)),
    "unknown chunk": (bytes, draw) => withMetadata(bytes, 0, "QQQQ", randomBytes(draw, 300)),
  },
};

/** The animation with its frames over and over, `count` in all. */
export const repeatedFrames = (animation: Buffer, count: number): Buffer => {
  const chunks = chunksOf(animation);
  const frames = chunks.filter(({ type }) => type === "ANMF").map(({ data }) => chunk("ANMF", data));
  const before = chunks.filter(({ type }) => type !== "ANMF").map(({ type, data }) => chunk(type, data));
  return riff([...before, ...Array.from({ length: count }, (_, i) => frames[i % frames.length])]);
};
