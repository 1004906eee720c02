import { ImageProblem } from "./readable.ts";
import { readTiffTags, TAG, type TiffTags } from "./tiff-tags.ts";

/** How the first picture of a TIFF file is stored. */
export interface TiffPicture {
  readonly tags: TiffTags;
  readonly bits: number;
  readonly format: "unsigned" | "signed" | "float";
  readonly photometric: number;
  /** Channels of a pixel. */
  readonly samples: number;
  /** Those of them that are colours. */
  readonly colours: number;
  /** The channel that holds opacity. */
  readonly alpha: number | undefined;
}

export const PHOTOMETRIC = { minIsWhite: 0, grey: 1, rgb: 2, palette: 3, cmyk: 5, yCbCr: 6 };
export const COMPRESSION = { none: 1, oldJpeg: 6, jpeg: 7, lzw: 5, deflate: 8, oldDeflate: 32946, packBits: 32773, webp: 50001 };

/** How many times more bytes a compression can give than it takes; of others it is not known. */
const EXPANSION = new Map([
  [COMPRESSION.none, 1],
  [COMPRESSION.packBits, 64],
  [COMPRESSION.lzw, 2048],
  [COMPRESSION.deflate, 2048],
  [COMPRESSION.oldDeflate, 2048],
]);

/**
 * Reads and checks the first directory, before anything is allocated for its pixels.
 * @throws ImageProblem when it claims more pixels than its bytes can hold, or is of a kind that libvips would misread;
 * RangeError when it points outside the file.
 */
export const readTiffPicture = (bytes: Buffer): TiffPicture => {
  const tags = readTiffTags(bytes);
  const [width, height, samples] = [tags.first(TAG.width, 0), tags.first(TAG.height, 0), tags.first(TAG.samples, 1)];
  const depths = tags.all(TAG.bits);
  const bits = depths[0] ?? 1;
  const compression = tags.first(TAG.compression, COMPRESSION.none);
  if ((width * height * samples * bits) / 8 > bytes.length * (EXPANSION.get(compression) ?? Number.POSITIVE_INFINITY)) {
    throw new ImageProblem(
      `it claims ${width} x ${height} pixels, more than its ${bytes.length} bytes can hold: it is damaged or cut short. Copy it again.`,
    );
  }
  if (depths.some((depth) => depth !== bits)) throw unread("its channels have different depths");
  const photometric = tags.first(TAG.photometric, PHOTOMETRIC.grey);
  const colours = coloursOf(photometric, compression);
  const format = formatOf(tags.first(TAG.sampleFormat, 1));
  const kind = `${{ unsigned: "unsigned whole", signed: "signed whole", float: "floating-point" }[format]} numbers of ${bits} bits`;
  const readable = { unsigned: [1, 2, 4, 8, 16, 32, 64], signed: [8, 16, 32, 64], float: [16, 32, 64] }[format];
  if (!readable.includes(bits)) throw unread(`its samples are ${kind}`);
  if (photometric === PHOTOMETRIC.minIsWhite && (format !== "unsigned" || bits === 64)) throw unread(`0 is white among ${kind}`);
  const alpha = alphaOf(tags, samples, colours);
  if (colours === 1 && photometric !== PHOTOMETRIC.palette && samples > 1) {
    if (samples > 2 || alpha === undefined) throw unread(`it has ${samples} channels that are neither grey with opacity nor RGB`);
    if (format !== "unsigned" || bits === 32) throw unread(`it has opacity beside grey, and both are ${kind}`);
  }
  return { tags, bits, format, photometric, samples, colours, alpha };
};

/** A kind that is not read. */
export const unread = (kind: string): ImageProblem =>
  new ImageProblem(`it is a TIFF file of a kind that is not read: ${kind}. Save it as grey or RGB with 8, 16 or 32 bits.`);

const formatOf = (number: number): TiffPicture["format"] => {
  if (number === 2) return "signed";
  if (number === 3) return "float";
  if (number > 4) throw unread("its samples are complex numbers");
  return "unsigned";
};

const coloursOf = (photometric: number, compression: number): number => {
  const { minIsWhite, grey, rgb, palette, cmyk, yCbCr } = PHOTOMETRIC;
  if ([minIsWhite, grey, palette].includes(photometric)) return 1;
  if (photometric === rgb) return 3;
  if (photometric === cmyk) return 4;
  if (photometric !== yCbCr) throw unread(`its colours are of kind ${photometric} (PhotometricInterpretation)`);
  // libvips would take luminance and chrominance for red, green and blue.
  if (compression === COMPRESSION.jpeg || compression === COMPRESSION.oldJpeg) return 3;
  throw unread("its colours are luminance and chrominance (YCbCr) without JPEG compression");
};

/**
 * The channel after the colours that is opacity: of kind 2, or of kind 1, by which the colours were multiplied (libvips divides them
 * again). Old files with four channels do not say; there it is the fourth.
 */
const alphaOf = (tags: TiffTags, samples: number, colours: number): number | undefined => {
  if (samples <= colours) return undefined;
  const kinds = tags.all(TAG.extraSamples);
  const position = kinds.length === 0 && colours === 3 ? 0 : kinds.findIndex((kind) => kind === 1 || kind === 2);
  return position < 0 ? undefined : colours + position;
};
