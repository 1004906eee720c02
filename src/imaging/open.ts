import { readFile, stat } from "node:fs/promises";
import { isBmp, openBmp } from "./bmp.ts";
import { ImageError } from "./image.ts";
import { ImageProblem, type ReadableImage } from "./readable.ts";
import { readTiffPicture } from "./tiff.ts";
import { isTiff } from "./tiff-tags.ts";
import { openWideTiff } from "./tiff-wide.ts";
import { openWithVips } from "./vips.ts";

export interface ReadOptions {
  /** Images with more pixels are refused before decoding. Default 100 million. */
  maxPixels?: number;
  /** Files with more bytes are refused before reading. Default 512 MiB. */
  maxBytes?: number;
  /** What error messages call an image that is given as a buffer. */
  name?: string;
}

/** Reads a file, checks the limits on its header alone, and only then lets it be used. @throws ImageError for all that goes wrong. */
export const withImage = async <Result>(
  source: string | Buffer,
  options: ReadOptions,
  use: (image: ReadableImage) => Result | Promise<Result>,
): Promise<Result> => {
  const { maxPixels = 100_000_000 } = options;
  const name = nameOf(source, options);
  const bytes = await readSource(source, name, options);
  try {
    const image = await open(bytes);
    const { width, height } = image.header;
    if (width * height > maxPixels) {
      throw new ImageProblem(
        `it has ${width} x ${height} pixels, more than the limit of ${maxPixels}. Scale it down, cut it into tiles or raise maxPixels.`,
      );
    }
    return await use(image);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(name, error instanceof ImageProblem ? error.message : explain(bytes, error), error);
  }
};

/** The content decides. What libvips lacks or would misread is read here. */
const open = (bytes: Buffer): ReadableImage | Promise<ReadableImage> => {
  if (isBmp(bytes)) return openBmp(bytes);
  if (!isTiff(bytes)) return openWithVips(bytes);
  const tiff = readTiffPicture(bytes);
  return tiff.bits === 64 ? openWideTiff(bytes, tiff) : openWithVips(bytes, tiff);
};

export const nameOf = (source: string | Buffer, { name }: ReadOptions): string =>
  name ?? (typeof source === "string" ? source : "unnamed buffer");

const readSource = async (source: string | Buffer, name: string, options: ReadOptions): Promise<Buffer> => {
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
  /^II[*+]\0|^MM\0[*+]/,
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
