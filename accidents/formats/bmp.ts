import { bad, type Encode, either, type Format, integer, type Lie, type Picture, patched, pick, randomBytes } from "./format.ts";

const little = (value: number, size: 2 | 4): Buffer => integer(value < 0 ? value + 2 ** 32 : value, size, "little");

/** A bitmap with a BITMAPINFOHEADER. Rows run upwards, unless `topDown`; 8 bits are a grey palette. */
const writeBmp = ({ width, height, data }: Picture, bits: 8 | 24 | 32, topDown = false): Buffer => {
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const palette = Buffer.from(bits === 8 ? Array.from({ length: 256 }, (_, i) => [i, i, i, 0]).flat() : []);
  const pixels = Buffer.alloc(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const row = rowBytes * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = data.subarray((y * width + x) * 3);
      const stored = bits === 8 ? [green] : bits === 24 ? [blue, green, red] : [blue, green, red, 0];
      pixels.set(stored, row + (x * bits) / 8);
    }
  }
  const offset = 54 + palette.length;
  const file = [Buffer.from("BM"), little(offset + pixels.length, 4), little(0, 4), little(offset, 4)];
  const size = [little(40, 4), little(width, 4), little(topDown ? -height : height, 4)];
  const rest = [little(1, 2), little(bits, 2), little(0, 4), little(pixels.length, 4), little(2835, 4), little(2835, 4)];
  return Buffer.concat([...file, ...size, ...rest, little(0, 4), little(0, 4), palette, pixels]);
};

/** Whether the file is shorter than a bitmap of this header. */
const isShort = (bytes: Buffer): boolean => {
  const [width, height, bits] = [bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22)), bytes.readUInt16LE(28)];
  return width <= 0 || height === 0 || bytes.readUInt32LE(10) + Math.ceil((width * bits) / 32) * 4 * height - 3 > bytes.length;
};

const lie =
  (offset: number, size: 2 | 4, values: readonly number[], worse: "bad" | "judge" = "judge"): Lie =>
  (bytes, draw) => {
    const changed = patched(bytes, offset, little(pick(draw, values), size));
    return worse === "bad" || isShort(changed) ? bad(changed) : either(changed);
  };

const lies: Record<string, Lie> = {
  width: lie(18, 4, [0, 1, -1, -100, 9_900, 2 ** 31 - 1, -(2 ** 31)]),
  height: lie(22, 4, [0, 1, -1, -9_900, 9_900, 2 ** 31 - 1, -(2 ** 31)]),
  "size below the limit": (bytes) => bad(patched(bytes, 18, Buffer.concat([little(9_900, 4), little(9_900, 4)]))),
  "bits per pixel": lie(28, 2, [0, 1, 2, 3, 4, 7, 16, 64, 65_535]),
  compression: lie(30, 4, [1, 2, 3, 4, 5, 6, 11, 255, 2 ** 32 - 1]),
  "unknown compression": lie(30, 4, [7, 255, 2 ** 32 - 1], "bad"),
  "size of the header": lie(14, 4, [0, 12, 39, 64, 124, 10_000, 2 ** 32 - 1]),
  "pixels behind the end": lie(10, 4, [1_000_000, 2 ** 31, 2 ** 32 - 1], "bad"),
  "pixels inside the header": lie(10, 4, [0, 14, 53]),
  "palette of too many colours": lie(46, 4, [257, 100_000, 2 ** 31, 2 ** 32 - 1]),
  "palette of too few colours": lie(46, 4, [1, 2]),
  planes: lie(26, 2, [0, 2, 65_535]),
};

const variants: Record<string, Encode> = {
  "grey-8": async (image) => writeBmp(image, 8),
  "rgb-24": async (image) => writeBmp(image, 24),
  "rgb-32": async (image) => writeBmp(image, 32),
  "top-down": async (image) => writeBmp(image, 24, true),
};

export const bmp: Format = {
  extension: ".bmp",
  variants,
  structure: (bytes) => {
    const start = bytes.readUInt32LE(10);
    return { boundaries: [2, 10, 14, 18, 54, start], header: [0, start], body: [start, bytes.length], needed: bytes.length };
  },
  lies,
  claimHugeSize: (bytes) => patched(bytes, 18, Buffer.concat([little(100_000, 4), little(100_000, 4)])),
  metadata: {
    "wrong file size": (bytes, draw) => patched(bytes, 2, randomBytes(draw, 4)),
    "reserved bytes": (bytes, draw) => patched(bytes, 6, randomBytes(draw, 4)),
    resolution: (bytes, draw) => patched(bytes, 38, randomBytes(draw, 8)),
    "important colours": (bytes, draw) => patched(bytes, 50, randomBytes(draw, 4)),
    "size of the pixels": (bytes, draw) => patched(bytes, 34, randomBytes(draw, 4)),
  },
};
