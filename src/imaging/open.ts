import { constants } from "node:fs";
import { type FileHandle, open as openFile } from "node:fs/promises";
import { isBmp, openBmp } from "./bmp.ts";
import { isGif, requireFrameInside } from "./gif.ts";
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
    if (Math.max(width, height) > LONGEST_SIDE) {
      throw new ImageProblem(
        `it has ${width} x ${height} pixels; no side may be longer than ${LONGEST_SIDE}. Cut it into tiles.`,
      );
    }
    return await use(image);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(name, error instanceof ImageProblem ? error.message : explain(error), error);
  }
};

/** Resizing takes memory for every row and column. */
const LONGEST_SIDE = 65_535;

/** The content decides. What libvips lacks or would misread is read here. */
const open = (bytes: Buffer): ReadableImage | Promise<ReadableImage> => {
  if (isGif(bytes)) requireFrameInside(bytes);
  if (isBmp(bytes)) return openBmp(bytes);
  if (!isTiff(bytes)) return openWithVips(bytes);
  const tiff = readTiffPicture(bytes);
  return tiff.bits === 64 ? openWideTiff(bytes, tiff) : openWithVips(bytes, tiff);
};

export const nameOf = (source: string | Buffer, { name }: ReadOptions): string =>
  name ?? (typeof source === "string" ? source : "unnamed buffer");

/** The bytes of a file within the limits, which begin as an image does. @throws ImageError */
export const readSource = async (source: string | Buffer, name: string, options: ReadOptions): Promise<Buffer> => {
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
    requireSignature(source, name);
    return source;
  }
  const { file, size } = await openForReading(source, name);
  try {
    checkBytes(size);
    const start = Buffer.alloc(16);
    await file.read(start, 0, start.length, 0);
    requireSignature(start, name);
    return await file.readFile(); // from the position, which reading at 0 has not moved
  } catch (error) {
    throw error instanceof ImageError ? error : readFailure(name, error);
  } finally {
    await file.close();
  }
};

/** Opens a file to read it, whole or in parts; `size`: its bytes. @throws ImageError that calls it `name` when that cannot be done. */
export const openForReading = async (
  path: string,
  name: string,
): Promise<{ readonly file: FileHandle; readonly size: number }> => {
  let file: FileHandle | undefined;
  try {
    file = await openFile(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // a pipe without a writer would wait for ever
    const status = await file.stat();
    if (!status.isFile()) throw new ImageError(name, "it is not a file. Give the path of an image file.");
    return { file, size: status.size };
  } catch (error) {
    await file?.close();
    throw error instanceof ImageError ? error : readFailure(name, error);
  }
};

/** The sentence for a file that the system does not give out. */
export const readFailure = (name: string, error: unknown): ImageError => {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new ImageError(name, "there is no such file. Check the path, or whether it was moved or deleted meanwhile.", error);
  }
  if (code === "EISDIR") return new ImageError(name, "it is not a file. Give the path of an image file.", error);
  return new ImageError(name, `the file cannot be read (${code ?? error}). Check its permissions and the disk.`, error);
};

/** First bytes of the formats that are read. Anything else is refused before it is read whole, or handed to a library. */
const signatures = [
  /^\x89PNG/,
  /^\xff\xd8\xff/,
  /^II[*+]\0|^MM\0[*+]/,
  /^GIF8/,
  /^RIFF....WEBP/s,
  /^BM/,
  /^....ftyp(avif|avis|mif1|heic)/s,
];

const requireSignature = (bytes: Buffer, name: string): void => {
  const start = bytes.toString("latin1", 0, 12);
  if (signatures.some((signature) => signature.test(start))) return;
  throw new ImageError(
    name,
    "it is not a JPEG, PNG, WebP, TIFF, GIF, BMP or AVIF image, whatever its name says. Convert it to PNG or delete it.",
  );
};

const explain = (error: unknown): string =>
  `it is damaged, cut short or of an unusual kind (${error instanceof Error ? error.message : error}). Copy it again, or save it as PNG.`;
