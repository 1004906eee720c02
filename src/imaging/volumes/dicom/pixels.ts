import { endianness } from "node:os";
import dicomParser, { type DataSet } from "dicom-parser";
import sharp from "sharp";
import { decodeCodeStream } from "../../openjpeg.ts";
import { ImageProblem } from "../../readable.ts";
import { decimalOf, textOf, wordOf } from "./data-set.ts";
import { TRANSFER_SYNTAX, tagOf } from "./dictionary.ts";
import { decodeJpegLossless } from "./jpeg-lossless.ts";
import { decodeRle } from "./rle.ts";

/** How the numbers of a file are stored. */
interface Format {
  readonly columns: number;
  readonly rows: number;
  readonly frames: number;
  /** Bits that a number takes, has, and its highest one. */
  readonly allocated: number;
  readonly stored: number;
  readonly high: number;
  readonly signed: boolean;
  /** Whether 0 is shown white. */
  readonly inverted: boolean;
}

/**
 * What reads a frame of a file, by its index from 0: `[rows, columns]` stored numbers, before rescaling. Those of MONOCHROME1, whose small
 * numbers are shown bright, are turned round within the range of their bits, so that large is always bright.
 * @throws ImageProblem, as does what it gives, when they are compressed in a way that is not read, damaged or cut short.
 */
export const frameReader = (dataSet: DataSet): ((index: number) => Promise<Int32Array>) => {
  const format = formatOf(dataSet);
  const encoded = encodedFrames(dataSet, format);
  return async (index) => numbersOf(await encoded(index), format);
};

const formatOf = (dataSet: DataSet): Format => {
  const allocated = wordOf(dataSet, "BitsAllocated") ?? 0;
  const stored = wordOf(dataSet, "BitsStored") ?? allocated;
  const high = wordOf(dataSet, "HighBit") ?? stored - 1;
  if (stored < 1 || stored > allocated || high < stored - 1 || high >= allocated) {
    throw new ImageProblem(
      `it is damaged: it says that ${stored} of ${allocated} bits are used, up to bit ${high}. Copy it again.`,
    );
  }
  return {
    ...{ allocated, stored, high },
    columns: wordOf(dataSet, "Columns") ?? 0,
    rows: wordOf(dataSet, "Rows") ?? 0,
    frames: decimalOf(dataSet, "NumberOfFrames") ?? 1,
    signed: wordOf(dataSet, "PixelRepresentation") === 1,
    inverted: textOf(dataSet, "PhotometricInterpretation") === "MONOCHROME1",
  };
};

/** The bytes of a frame, little-endian numbers of the allocated bits. */
type Frames = (index: number) => Buffer | Promise<Buffer>;

const encodedFrames = (dataSet: DataSet, format: Format): Frames => {
  const syntax = textOf(dataSet, "TransferSyntaxUID") ?? "";
  const element = dataSet.elements[tagOf("PixelData")];
  if (element === undefined) throw new ImageProblem("it has no pixels, or pixels that are not whole numbers.");
  const size = (format.columns * format.rows * format.allocated) / 8;
  const { implicit, explicit, deflated, bigEndian } = TRANSFER_SYNTAX;
  if ([implicit, explicit, deflated, bigEndian].some((native) => native === syntax)) {
    return (index) => {
      const bytes = bytesOf(dataSet, element.dataOffset + index * size, size);
      return syntax === bigEndian ? swapped(bytes, format.allocated) : bytes;
    };
  }
  const decode = decoderOf(syntax, format, size);
  const table = element.basicOffsetTable ?? [];
  const fragments = element.fragments ?? [];
  return async (index) => {
    try {
      if (table.length === 0 && fragments.length === format.frames) {
        return await decode(asBuffer(dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, index)));
      }
      const offsets = table.length > 0 ? table : dicomParser.createJPEGBasicOffsetTable(dataSet, element);
      return await decode(asBuffer(dicomParser.readEncapsulatedImageFrame(dataSet, element, index, offsets)));
    } catch (error) {
      if (error instanceof ImageProblem) throw error;
      throw Object.assign(new ImageProblem("its compressed pixels are damaged or cut short. Copy it again."), { cause: error });
    }
  };
};

const bytesOf = (dataSet: DataSet, offset: number, size: number): Buffer => {
  if (offset + size > dataSet.byteArray.length) {
    throw new ImageProblem("it is cut short: it ends before its last pixel. Copy it again.");
  }
  return asBuffer(dataSet.byteArray.subarray(offset, offset + size));
};

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

const swapped = (bytes: Buffer, bits: number): Buffer => {
  const copy = Buffer.from(bytes);
  if (bits === 16) return copy.swap16();
  return bits === 32 ? copy.swap32() : copy;
};

const decoderOf = (syntax: string, format: Format, size: number): ((bytes: Buffer) => Buffer | Promise<Buffer>) => {
  const { columns, rows, allocated } = format;
  const { rle, jpegBaseline, jpegExtended, jpegLossless, jpegLosslessFirstOrder, jpeg2000, jpeg2000Lossless } = TRANSFER_SYNTAX;
  if (syntax === rle) return (bytes) => decodeRle(bytes, columns * rows, allocated / 8);
  if (syntax === jpegLossless || syntax === jpegLosslessFirstOrder) {
    return (bytes) => sized(decodeJpegLossless(bytes, { columns, rows, bytes: allocated / 8 }), size);
  }
  if (syntax === jpeg2000 || syntax === jpeg2000Lossless) {
    return async (bytes) => {
      requireCodeStream(bytes, format);
      const { pixels } = await decodeCodeStream(bytes);
      return sized(asBuffer(pixels), size);
    };
  }
  if ((syntax === jpegBaseline || syntax === jpegExtended) && allocated === 8) return (bytes) => decodeJpeg(bytes, format);
  throw new ImageProblem(
    `its pixels are compressed as ${NAMES[syntax] ?? `"${/^[\d.]+$/.test(syntax) ? syntax : "?"}"`}, which is not read. Decompress the series, for example with "gdcmconv --raw" or "dcmdjpeg".`,
  );
};

const NAMES: Readonly<Record<string, string>> = {
  [TRANSFER_SYNTAX.jpegExtended]: "12-bit JPEG",
  [TRANSFER_SYNTAX.jpegLs]: "JPEG-LS",
  [TRANSFER_SYNTAX.jpegLsNear]: "JPEG-LS",
  "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000",
  "1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000",
  "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
};

const sized = (bytes: Buffer, size: number): Buffer => {
  if (bytes.length !== size) throw new Error("A frame has another size than its file says.");
  return bytes;
};

const decodeJpeg = async (bytes: Buffer, { columns, rows }: Format): Promise<Buffer> => {
  const picture = sharp(bytes, { limitInputPixels: columns * rows });
  const { width, height, channels } = await picture.metadata();
  if (width !== columns || height !== rows || channels !== 1) throw new Error("A frame has another size than its file says.");
  return picture.toColourspace("b-w").raw().toBuffer();
};

/** What a JPEG 2000 code stream claims (SIZ, ISO/IEC 15444-1 A.5.1) must be the file's size before memory is taken for it. */
const requireCodeStream = (bytes: Buffer, { columns, rows, allocated, signed }: Format): void => {
  if (bytes.readUInt32BE(0) !== 0xff4fff51) throw new Error("A frame is no JPEG 2000 code stream.");
  const [width, height, left, top, partWidth, partHeight] = [8, 12, 16, 20, 24, 28].map((at) => bytes.readUInt32BE(at));
  const depth = bytes.readUInt8(42);
  const right = width === columns && height === rows && left === 0 && top === 0 && bytes.readUInt16BE(40) === 1;
  if (!right || !(Math.ceil(width / partWidth) * Math.ceil(height / partHeight) <= 1024)) {
    throw new Error("A frame has another size than its file says.");
  }
  if (Math.ceil(((depth & 127) + 1) / 8) * 8 !== allocated || depth > 127 !== signed) {
    throw new ImageProblem(
      'its JPEG 2000 numbers have other bits than it says. Decompress the series, for example with "gdcmconv --raw".',
    );
  }
};

/** The numbers that the bits stand for (PS3.5, 8.1.1): other bits, such as overlays, are cut off. */
const numbersOf = (bytes: Buffer, { allocated, stored, high, signed, inverted }: Format): Int32Array => {
  const aligned = Uint8Array.from(bytes); // typed arrays begin at multiples of their size
  const little = endianness() === "LE" ? Buffer.from(aligned.buffer) : swapped(Buffer.from(aligned.buffer), allocated);
  const raw = allocated === 8 ? little : allocated === 16 ? new Uint16Array(little.buffer) : new Uint32Array(little.buffer);
  const above = 32 - 1 - high; // shifted out to the left, then back with or without the sign
  const [sum, numbers] = [inverted ? (signed ? -1 : 2 ** stored - 1) : 0, new Int32Array(raw.length)];
  if (allocated === 32 && stored === 32 && !signed) {
    throw new ImageProblem("its numbers are unsigned ones of 32 bits, which are not read.");
  }
  for (let n = 0; n < raw.length; n++) {
    const shifted = raw[n] << above;
    const value = signed ? shifted >> (32 - stored) : shifted >>> (32 - stored);
    numbers[n] = inverted ? sum - value : value;
  }
  return numbers;
};
