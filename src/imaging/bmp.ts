import { decodeRunLengths } from "./bmp-rle.ts";
import { ImageProblem, type ReadableImage, type Samples } from "./readable.ts";

/**
 * Windows and OS/2 bitmaps, which industrial cameras and some data sets (BTAD) still write and which libvips cannot read:
 * palettes of 1, 2, 4 and 8 bits, also run-length encoded, and colours of 16, 24 and 32 bits, also placed by masks. Layout:
 * BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER to BITMAPV5HEADER; Microsoft, "Bitmap Storage".
 */
export const isBmp = (bytes: Buffer): boolean => bytes.length >= 2 && bytes.toString("latin1", 0, 2) === "BM";

interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  runLengths: boolean;
  pixelOffset: number;
  palette: { offset: number; entryBytes: 3 | 4; colours: number } | undefined;
  /** Where red, green, blue and opacity lie in the bits of a pixel. */
  channels: readonly [BitField, BitField, BitField, BitField | undefined] | undefined;
}

/** `bits` bits, from bit `shift` on. */
interface BitField {
  shift: number;
  bits: number;
}

const COMPRESSION = { none: 0, rle8: 1, rle4: 2, masks: 3, masksWithAlpha: 6 };

/** Opens a bitmap. @throws Error or ImageProblem that says what is wrong with the file (never naming it). */
export const openBmp = (bytes: Buffer): ReadableImage => {
  const header = readHeader(bytes);
  requirePixels(bytes, header);
  const { width, height, palette, channels } = header;
  return {
    header: {
      format: "bmp",
      width,
      height,
      bits: channels === undefined ? 8 : Math.max(...channels.slice(0, 3).map((field) => field!.bits)),
      float: false,
      colour: palette === undefined ? "rgb" : "palette",
      alpha: channels?.[3] !== undefined,
      pages: 1,
      profile: false,
    },
    lossless: true,
    read: async () => {
      if (palette !== undefined) return coloursOf(bytes, header, palette, palettePositions(bytes, header));
      return channels === undefined ? wholeBytes(bytes, header) : placedByMasks(bytes, header, channels);
    },
  };
};

const readHeader = (bytes: Buffer): BmpHeader => {
  if (bytes.length < 26) throw new Error("the bitmap's header is cut short");
  const size = bytes.readUInt32LE(14);
  const core = size === 12; // OS/2
  if (!core && size < 40) throw new Error("the bitmap's header is damaged or of an unknown kind");
  if (bytes.length < 14 + size) throw new Error("the bitmap's header is cut short");
  const width = core ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const height = core ? bytes.readUInt16LE(20) : bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(core ? 24 : 28);
  const compression = core ? COMPRESSION.none : bytes.readUInt32LE(30);
  if (width <= 0 || height === 0) throw new Error("the bitmap's header is damaged");
  if (!readable(bits, compression)) {
    throw new Error(`bitmaps of ${bits} bits per pixel with compression ${compression} are not supported`);
  }
  const pixelOffset = bytes.readUInt32LE(10);
  const entryBytes = core ? 3 : 4;
  const room = Math.floor((Math.min(pixelOffset, bytes.length) - 14 - size) / entryBytes);
  const used = core ? 0 : bytes.readUInt32LE(46);
  const colours = Math.min(used === 0 ? 2 ** bits : used, 2 ** bits, Math.max(room, 0));
  return {
    width,
    height: Math.abs(height),
    topDown: height < 0,
    bits,
    runLengths: compression === COMPRESSION.rle8 || compression === COMPRESSION.rle4,
    pixelOffset,
    palette: bits <= 8 ? { offset: 14 + size, entryBytes, colours } : undefined,
    channels: bits === 16 || bits === 32 ? readFields(bytes, size, bits, compression) : undefined,
  };
};

const readable = (bits: number, compression: number): boolean => {
  if (compression === COMPRESSION.none) return [1, 2, 4, 8, 16, 24, 32].includes(bits);
  if (compression === COMPRESSION.rle8) return bits === 8;
  if (compression === COMPRESSION.rle4) return bits === 4;
  return (compression === COMPRESSION.masks || compression === COMPRESSION.masksWithAlpha) && (bits === 16 || bits === 32);
};

/** Without masks: five bits each, or eight of 32. The fourth byte of 32-bit pixels is then unused. */
const readFields = (bytes: Buffer, size: number, bits: number, compression: number): BmpHeader["channels"] => {
  if (compression === COMPRESSION.none) {
    const wide = bits === 16 ? 5 : 8;
    return [{ shift: 2 * wide, bits: wide }, { shift: wide, bits: wide }, { shift: 0, bits: wide }, undefined];
  }
  const withAlpha = size >= 56 || compression === COMPRESSION.masksWithAlpha;
  const [red, green, blue, alpha] = [0, 1, 2, 3].map((i) => (i < 3 || withAlpha ? bytes.readUInt32LE(54 + 4 * i) : 0));
  return [fieldOf(red), fieldOf(green), fieldOf(blue), alpha === 0 ? undefined : fieldOf(alpha)];
};

const fieldOf = (mask: number): BitField => {
  const shift = 31 - Math.clz32(mask & -mask);
  const bits = 32 - Math.clz32(mask >>> shift);
  if (mask === 0 || mask >>> shift !== 2 ** bits - 1) throw new Error("the bitmap's masks are damaged");
  return { shift, bits };
};

const rowBytesOf = ({ width, bits }: BmpHeader): number => Math.ceil((width * bits) / 32) * 4;

/** Two bytes of run lengths give at most 255 pixels; of all else each row has its bytes, though the last may lack its padding. */
const requirePixels = (bytes: Buffer, header: BmpHeader): void => {
  const { width, height, bits, pixelOffset, runLengths } = header;
  const available = bytes.length - pixelOffset;
  const needed = runLengths ? (2 * width * height) / 255 : rowBytesOf(header) * (height - 1) + Math.ceil((width * bits) / 8);
  if (available >= needed) return;
  throw new ImageProblem(
    `it claims ${width} x ${height} pixels, more than its ${bytes.length} bytes can hold: its pixels are cut short or its header is damaged. Copy it again.`,
  );
};

/** Where a row begins; bitmaps begin with the bottom row unless they say otherwise. */
const rowAt = (header: BmpHeader, y: number): number =>
  header.pixelOffset + rowBytesOf(header) * (header.topDown ? y : header.height - 1 - y);

/** `[height, width]` positions in the palette. */
const palettePositions = (bytes: Buffer, header: BmpHeader): Uint8Array => {
  const { width, height, bits, topDown, pixelOffset, runLengths } = header;
  if (runLengths) return decodeRunLengths(bytes.subarray(pixelOffset), { width, height, bits: bits as 4 | 8, topDown });
  const positions = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = rowAt(header, y);
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      positions[y * width + x] = (bytes[row + (bit >> 3)] >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
    }
  }
  return positions;
};

const coloursOf = (
  bytes: Buffer,
  { width, height }: BmpHeader,
  { offset, entryBytes, colours }: NonNullable<BmpHeader["palette"]>,
  positions: Uint8Array,
): Samples => {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < positions.length; pixel++) {
    if (positions[pixel] >= colours) throw new Error("the bitmap names a colour that its palette does not have");
    const blue = offset + positions[pixel] * entryBytes;
    data[3 * pixel] = bytes[blue + 2];
    data[3 * pixel + 1] = bytes[blue + 1];
    data[3 * pixel + 2] = bytes[blue];
  }
  return { width, height, data, channels: 3, colour: "rgb", alpha: undefined };
};

/** 24 bits: blue, green, red. */
const wholeBytes = (bytes: Buffer, header: BmpHeader): Samples => {
  const { width, height } = header;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, blue = rowAt(header, y); x < width; x++, blue += 3) {
      data[to++] = bytes[blue + 2];
      data[to++] = bytes[blue + 1];
      data[to++] = bytes[blue];
    }
  }
  return { width, height, data, channels: 3, colour: "rgb", alpha: undefined };
};

const placedByMasks = (bytes: Buffer, header: BmpHeader, fields: NonNullable<BmpHeader["channels"]>): Samples => {
  const { width, height, bits } = header;
  const given = fields.filter((field) => field !== undefined);
  const channels = given.length;
  const data = new Uint8Array(width * height * channels);
  let visible = 0;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = rowAt(header, y); x < width; x++, at += bits / 8) {
      const pixel = bits === 16 ? bytes.readUInt16LE(at) : bytes.readUInt32LE(at);
      for (const field of given) data[to++] = toEightBits((pixel >>> field.shift) & (2 ** field.bits - 1), field.bits);
      visible |= data[to - 1];
    }
  }
  // Programs that do not know opacity leave it 0 everywhere; such a picture is meant to be seen.
  return { width, height, data, channels, colour: "rgb", alpha: channels === 4 && visible !== 0 ? 3 : undefined };
};

/** Fewer bits are widened by repeating them, as Windows and ImageMagick do: 5 bits abcde become abcdeabc. More are rounded. */
const toEightBits = (value: number, bits: number): number => {
  if (bits > 8) return Math.round((value * 255) / (2 ** bits - 1));
  let wide = value << (8 - bits);
  for (let known = bits; known < 8; known *= 2) wide |= wide >> known;
  return wide;
};
