import { inflateSync } from "node:zlib";
import { ImageProblem, type ReadableImage, type Samples } from "./readable.ts";
import { COMPRESSION, PHOTOMETRIC, type TiffPicture, unread } from "./tiff.ts";
import { TAG } from "./tiff-tags.ts";

/** Bytes of a sample. */
const SIZE = 8;

/**
 * Opens a TIFF file of 64-bit samples, as numerical programs save their arrays and libvips does not read: in strips, as they are
 * or deflated. Whole numbers beyond 2^53 are rounded to floats.
 * @throws ImageProblem when it is stored in another way.
 */
export const openWideTiff = (bytes: Buffer, picture: TiffPicture): ReadableImage => {
  const { tags, format, photometric, alpha } = picture;
  const compression = tags.first(TAG.compression, COMPRESSION.none);
  const deflated = compression === COMPRESSION.deflate || compression === COMPRESSION.oldDeflate;
  const plain = tags.first(TAG.predictor, 1) === 1 && tags.first(TAG.orientation, 1) === 1 && tags.first(TAG.tileWidth, 0) === 0;
  if (!(plain && (deflated || compression === COMPRESSION.none)) || ![PHOTOMETRIC.grey, PHOTOMETRIC.rgb].includes(photometric)) {
    throw unread("its samples have 64 bits, which are read only as grey or RGB in strips, as they are or deflated");
  }
  const [width, height] = [tags.first(TAG.width, 0), tags.first(TAG.height, 0)];
  if (width === 0 || height === 0) throw new Error("it has no pixels");
  return {
    header: {
      format: "tiff",
      width,
      height,
      bits: 64,
      float: format === "float",
      colour: photometric === PHOTOMETRIC.rgb ? "rgb" : "grey",
      alpha: alpha !== undefined,
      pages: tags.pages(),
      profile: false,
    },
    lossless: true,
    read: async () => readStrips(bytes, picture, width, height, deflated),
  };
};

const readStrips = (bytes: Buffer, picture: TiffPicture, width: number, height: number, deflated: boolean): Samples => {
  const { tags, samples, format, photometric, alpha } = picture;
  const planar = tags.first(TAG.planes, 1) === 2;
  const [offsets, lengths] = [tags.all(TAG.stripOffsets), tags.all(TAG.stripByteCounts)];
  const rows = Math.max(1, Math.min(tags.first(TAG.rowsPerStrip, height), height));
  const perPlane = Math.ceil(height / rows);
  const [channelsInStrip, planes] = planar ? [1, samples] : [samples, 1];
  const valueAt = reader(format, tags.littleEndian);
  const data = new Float64Array(width * height * samples);
  for (let strip = 0; strip < perPlane * planes; strip++) {
    const [plane, top] = [Math.floor(strip / perPlane), (strip % perPlane) * rows];
    const needed = width * Math.min(rows, height - top) * channelsInStrip * SIZE;
    const stored = bytes.subarray(offsets[strip], offsets[strip] + lengths[strip]);
    const values = deflated ? inflateSync(stored, { maxOutputLength: width * rows * channelsInStrip * SIZE }) : stored;
    if (values.length < needed) throw new ImageProblem("its pixels are cut short. Copy it again.");
    for (let i = 0; i < needed / SIZE; i++) {
      const to = planar ? (top * width + i) * samples + plane : top * width * samples + i;
      data[to] = valueAt(values, i * SIZE);
    }
  }
  const colour = photometric === PHOTOMETRIC.rgb ? "rgb" : "grey";
  return { width, height, data, channels: samples, colour, alpha, ...(format === "float" ? {} : { full: fullRange(format) }) };
};

const fullRange = (format: "signed" | "unsigned") =>
  format === "signed" ? { low: -(2 ** 63), high: 2 ** 63 - 1 } : { low: 0, high: 2 ** 64 - 1 };

const reader = (format: TiffPicture["format"], littleEndian: boolean): ((bytes: Buffer, at: number) => number) => {
  if (format === "float") return (bytes, at) => (littleEndian ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at));
  if (format === "signed") return (bytes, at) => Number(littleEndian ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at));
  return (bytes, at) => Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
};
