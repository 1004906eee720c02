import { readFile, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { decodeBmpPixels, isBmp, readBmpHeader } from "./bmp.ts";
import { createImage, createMask, type Image, ImageError, type Mask } from "./image.ts";

// One libvips thread per image, so that read-ahead does not starve the trainer; parallelism comes from `prefetch`.
// Its operation cache would only hold memory, because every file is decoded from a fresh buffer.
sharp.concurrency(1);
sharp.cache(false);

export interface DecodeOptions {
  /** Images with more pixels are refused before decoding. Default 100 million. */
  maxPixels?: number;
  /** Files with more bytes are refused before reading. Default 512 MiB. */
  maxBytes?: number;
  /** Colour behind transparent pixels, `[red, green, blue]` in 0 .. 255; grey images take its brightness. Default black. */
  background?: readonly [number, number, number];
  /** What error messages call an image that is given as a buffer. */
  name?: string;
}

/**
 * Decodes a JPEG, PNG, WebP, TIFF, GIF, AVIF or uncompressed BMP file, or a buffer holding one, to `[height, width, 3]`
 * 8-bit sRGB. The EXIF rotation is applied; grey, palette, CMYK and other colour spaces are converted to sRGB; 16-bit
 * values are scaled (65535 becomes 255); transparent pixels are composited over black (see `background`); of an
 * animation the first frame is taken.
 *
 * Throws an ImageError that names the file and what to do when it does not exist, cannot be read, is empty, too large,
 * damaged, cut short or no image.
 */
export const decodeImage = async (source: string | Buffer, options: DecodeOptions = {}): Promise<Image> => {
  const [red, green, blue] = options.background ?? [0, 0, 0];
  const { data, width, height } = await decodePixels(source, options, false, (picture) =>
    picture
      .flatten({ background: { r: red, g: green, b: blue } })
      .toColourspace("srgb")
      .raw({ depth: "uchar" }),
  );
  return createImage(width, height, new Uint8Array(data.buffer, data.byteOffset, data.length));
};

/**
 * Decodes a ground truth picture to 1 (defect) and 0 (normal). Data sets store masks as 0 and 255, but also as 0 and 1,
 * or as one grey value per kind of defect. In lossless formats (PNG, TIFF, BMP, GIF) a pixel is therefore a defect when
 * any channel is not 0; lossy formats (JPEG, WebP, AVIF) smear values around edges, so there a defect is above half.
 * Transparent pixels count as normal, and colour profiles are ignored, as they could lift 0.
 *
 * Throws an ImageError like `decodeImage`, and when the mask has another size than `width` x `height`, those of its image.
 */
export const decodeMask = async (
  path: string | Buffer,
  width?: number,
  height?: number,
  options: DecodeOptions = {},
): Promise<Mask> => {
  const decoded = await decodePixels(path, options, true, (picture) =>
    picture.flatten({ background: "black" }).toColourspace("rgb16").raw({ depth: "ushort" }),
  );
  if ((width !== undefined && width !== decoded.width) || (height !== undefined && height !== decoded.height)) {
    throw new ImageError(
      nameOf(path, options),
      `the mask is ${decoded.width} x ${decoded.height} pixels but its image is ${width} x ${height}. ` +
        "A mask needs one pixel for each pixel of its image; export it again at that size.",
    );
  }
  const { data } = decoded;
  const values = decoded.deep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  const threshold = decoded.lossless ? 0 : 32767;
  const mask = createMask(decoded.width, decoded.height);
  for (let pixel = 0; pixel < mask.data.length; pixel++) {
    const brightest = Math.max(values[pixel * 3], values[pixel * 3 + 1], values[pixel * 3 + 2]);
    mask.data[pixel] = brightest > threshold ? 1 : 0;
  }
  return mask;
};

interface Decoded {
  width: number;
  height: number;
  /** `[height, width, 3]`, 8 bits a value or, when `deep`, 16 in the machine's byte order. */
  data: Uint8Array;
  deep: boolean;
  lossless: boolean;
}

const losslessFormats = new Set(["png", "tiff", "gif"]);
const readableFormats = new Set([...losslessFormats, "jpeg", "webp", "heif"]);

/** Reads, checks the limits on the header alone, and only then decodes with the conversion that the caller asks for. */
const decodePixels = async (
  source: string | Buffer,
  options: DecodeOptions,
  ignoreIcc: boolean,
  convert: (picture: Sharp) => Sharp,
): Promise<Decoded> => {
  const { maxPixels = 100_000_000 } = options;
  const name = nameOf(source, options);
  const bytes = await readSource(source, name, options);
  const checkPixels = (width: number, height: number): void => {
    if (width * height <= maxPixels) return;
    throw new ImageError(
      name,
      `it has ${width} x ${height} pixels, more than the limit of ${maxPixels}. Scale it down, cut it into tiles or raise maxPixels.`,
    );
  };
  try {
    if (isBmp(bytes)) {
      const header = readBmpHeader(bytes);
      checkPixels(header.width, header.height);
      const { width, height } = header;
      return { width, height, data: decodeBmpPixels(bytes, header), deep: false, lossless: true };
    }
    // The limit is checked here, with a better message than libvips has.
    const picture = sharp(bytes, { failOn: "error", limitInputPixels: false, autoOrient: true, ignoreIcc });
    const header = await picture.metadata();
    if (!readableFormats.has(header.format)) throw new Error(`"${header.format}" is not supported`);
    if (!["uchar", "ushort"].includes(header.depth)) throw new Error(`pixels of type "${header.depth}" are not supported`);
    checkPixels(header.width, header.pageHeight ?? header.height);
    const { data, info } = await convert(picture).toBuffer({ resolveWithObject: true });
    const deep = data.length === info.width * info.height * 6;
    return { width: info.width, height: info.height, data, deep, lossless: losslessFormats.has(header.format) };
  } catch (error) {
    throw error instanceof ImageError ? error : new ImageError(name, explain(bytes, error), error);
  }
};

const nameOf = (source: string | Buffer, options: DecodeOptions): string =>
  options.name ?? (typeof source === "string" ? source : "unnamed buffer");

const readSource = async (source: string | Buffer, name: string, options: DecodeOptions): Promise<Buffer> => {
  const { maxBytes = 512 * 2 ** 20 } = options;
  const checkBytes = (size: number): void => {
    if (size === 0) throw new ImageError(name, "the file is empty. Copy it again or delete it.");
    if (size > maxBytes) {
      throw new ImageError(
        name,
        `it has ${size} bytes, more than the limit of ${maxBytes}. Compress it, scale it down or raise maxBytes.`,
      );
    }
  };
  if (typeof source !== "string") {
    checkBytes(source.length);
    return source;
  }
  try {
    const status = await stat(source);
    if (!status.isFile()) throw new ImageError(name, "it is not a file. Give the path of an image file.");
    checkBytes(status.size);
    return await readFile(source);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new ImageError(name, "there is no such file. Check the path, or whether it was moved or deleted meanwhile.", error);
    }
    throw new ImageError(name, `the file cannot be read (${code ?? error}). Check its permissions and the disk.`, error);
  }
};

/** First bytes of the formats that are read, to tell a damaged image from a file that never was one. */
const signatures = [
  /^\x89PNG/,
  /^\xff\xd8\xff/,
  /^II\*\0|^MM\0\*/,
  /^GIF8/,
  /^RIFF....WEBP/s,
  /^BM/,
  /^....ftyp(avif|avis|mif1|heic)/s,
];

const explain = (bytes: Buffer, error: unknown): string => {
  const start = bytes.toString("latin1", 0, 12);
  const detail = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0];
  return signatures.some((signature) => signature.test(start))
    ? `it is damaged, cut short or of an unusual kind (${detail}). Copy it again, or save it as PNG.`
    : "it is not a JPEG, PNG, WebP, TIFF, GIF, BMP or AVIF image, whatever its name says. Convert it to PNG or delete it.";
};
