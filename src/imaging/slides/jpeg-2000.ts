import { decodeCodeStream } from "../openjpeg.ts";
import { ImageProblem } from "../readable.ts";
import { PHOTOMETRIC } from "../tiff.ts";

/** The compressions of TIFF that are JPEG 2000: two of Aperio, and those that others write. */
const APERIO_YCBCR = 33_003;
const APERIO_RGB = 33_005;
const OTHERS = [33_004, 34_712];

/** Whether tiles of that Compression are JPEG 2000. */
export const isJpeg2000 = (compression: number): boolean => [APERIO_YCBCR, APERIO_RGB, ...OTHERS].includes(compression);

/** What a tile has to be, as the file's tags say. */
export interface Jpeg2000Tile {
  readonly width: number;
  readonly height: number;
  /** 1 of grey, 3 of colours. */
  readonly channels: number;
  readonly compression: number;
  readonly photometric: number;
}

/**
 * Decodes a tile, an 8-bit code stream or JP2 file (ISO/IEC 15444-1), by OpenJPEG to `[height, width, channels]`, grey or RGB. Of a JP2
 * file the code stream alone counts, and the tags say which colours it has.
 *
 * Those of Aperio's compression 33003 are YCbCr and those of 33005 RGB, whatever PhotometricInterpretation says, which decides for the
 * others. YCbCr becomes RGB unless the code stream says that its components were transformed (MCT), which decoding undoes: OpenSlide's
 * notes on Aperio call 33003 "YCbCr format with no MCT, possibly with a chroma subsampling of 4:2:2"
 * (https://openslide.org/formats/aperio/). Chrominance of fewer samples is repeated, as OpenSlide does, and colours are then YCbCr by
 * any tag: the decoder takes them so.
 * @throws ImageProblem when its samples are of another kind; Error when it is not of that size, before memory is taken for its pixels, or
 * is damaged or cut short.
 */
export const decodeJpeg2000 = async (bytes: Buffer, tile: Jpeg2000Tile): Promise<Uint8Array> => {
  const stream = codeStreamOf(bytes);
  const header = readHeader(stream);
  checkHeader(header, tile);
  const { pixels, turned } = await decodeCodeStream(stream);
  if (pixels.length !== tile.width * tile.height * tile.channels || turned !== header.subsampled) throw damaged();
  return isYCbCr(tile) && !header.transformed && !turned ? yCbCrToRgb(pixels) : pixels;
};

const isYCbCr = ({ channels, compression, photometric }: Jpeg2000Tile): boolean =>
  channels === 3 && (compression === APERIO_YCBCR || (compression !== APERIO_RGB && photometric === PHOTOMETRIC.yCbCr));

const damaged = (): Error => new Error("A JPEG 2000 tile is damaged, cut short or of another size.");

/** The markers that begin a code stream, SOC and SIZ, and the one of its coding style. */
const SOC_SIZ = 0xff4fff51;
const COD = 0xff52;

/** A code stream as it is, or that of a JP2 file, which is a sequence of boxes: length, name, content. */
const codeStreamOf = (bytes: Buffer): Buffer => {
  for (let at = 0; bytes.readUInt32BE(at) !== SOC_SIZ; ) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + 8) === "jp2c") return bytes.subarray(at + 8);
    if (length < 8) throw damaged();
    at += length;
  }
  return bytes;
};

interface Header {
  readonly width: number;
  readonly height: number;
  /** Whether it begins at 0, 0. */
  readonly atOrigin: boolean;
  /** The tiles that it consists of itself. */
  readonly parts: number;
  /** Ssiz: bits - 1, and 128 of signed numbers; and each sample's size in pixels. */
  readonly components: readonly { readonly depth: number; readonly across: number; readonly down: number }[];
  /** Whether chrominance has fewer samples. */
  readonly subsampled: boolean;
  /** Whether decoding turns the components to RGB. */
  readonly transformed: boolean;
}

/** What a code stream claims to be (annex A.5.1, SIZ, and A.6.1, COD). @throws RangeError when it ends before. */
const readHeader = (stream: Buffer): Header => {
  if (stream.readUInt32BE(0) !== SOC_SIZ) throw damaged();
  const [width, height, x, y, partWidth, partHeight] = [8, 12, 16, 20, 24, 28].map((at) => stream.readUInt32BE(at));
  const components = Array.from({ length: stream.readUInt16BE(40) }, (_, i) => {
    const [depth, across, down] = [42, 43, 44].map((at) => stream.readUInt8(at + 3 * i));
    return { depth, across, down };
  });
  let at = 4 + stream.readUInt16BE(4);
  while (stream.readUInt16BE(at) !== COD) at += 2 + stream.readUInt16BE(at + 2);
  return {
    width,
    height,
    atOrigin: x === 0 && y === 0,
    parts: Math.ceil(width / partWidth) * Math.ceil(height / partHeight),
    components,
    subsampled: components.some(({ across, down }) => across * down > 1),
    transformed: stream.readUInt8(at + 8) !== 0,
  };
};

/** Of each of its tiles the decoder keeps kilobytes. */
const MAX_PARTS = 1024;

const checkHeader = ({ width, height, atOrigin, parts, components }: Header, tile: Jpeg2000Tile): void => {
  if (width !== tile.width || height !== tile.height || !atOrigin || !(parts <= MAX_PARTS)) throw damaged();
  const strange = components.find(({ depth }) => depth !== 7);
  if (components.length !== tile.channels || strange !== undefined) {
    const depth = strange?.depth ?? 7;
    throw unread(
      `${components.length} channels of ${(depth & 127) + 1} ${depth > 127 ? "signed " : ""}bits, not ${tile.channels} of 8`,
    );
  }
  const [first, ...chrominance] = components.map(({ across, down }) => `${across} x ${down}`);
  if (first !== "1 x 1" || chrominance.some((size) => size !== chrominance[0] || !["1 x 1", "2 x 1", "2 x 2"].includes(size))) {
    throw unread(`channels whose samples cover ${[first, ...chrominance].join(", ")} pixels`);
  }
};

const unread = (kind: string): ImageProblem =>
  new ImageProblem(
    `it is a slide of a kind that is not read: its JPEG 2000 tiles have ${kind}. Convert it to a pyramidal TIFF of 8-bit RGB.`,
  );

/** Full range (ITU-T T.871, with the factors of BT.601), rounded. */
const yCbCrToRgb = (pixels: Uint8Array): Uint8Array => {
  const rgb = new Uint8ClampedArray(pixels.length); // rounds and clamps
  for (let i = 0; i < pixels.length; i += 3) {
    const [y, blue, red] = [pixels[i], pixels[i + 1] - 128, pixels[i + 2] - 128];
    rgb[i] = y + 1.402 * red;
    rgb[i + 1] = y - 0.344136 * blue - 0.714136 * red;
    rgb[i + 2] = y + 1.772 * blue;
  }
  return new Uint8Array(rgb.buffer);
};
