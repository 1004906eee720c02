import sharp, { type Metadata } from "sharp";
import { readImageHeader } from "./header.ts";
import { type JpegSegments, readJpegSegments } from "./jpeg-segments.ts";
import { type ReadOptions, readSource } from "./open.ts";
import type { ImageHeader } from "./readable.ts";
import { readTiffTags, TAG } from "./tiff-tags.ts";

/** What a file says of its making, beside its picture. */
export interface FileFacts {
  readonly header: ImageHeader;
  readonly bytes: number;
  /** Of JPEG files. */
  readonly jpeg: JpegSegments | undefined;
  /** How many pixels share a colour, such as "4:2:0"; undefined where a format does not say. */
  readonly chromaSubsampling: string | undefined;
  readonly progressive: boolean;
  readonly exif: boolean;
  readonly xmp: boolean;
  /** The program that wrote it, by its own account; undefined where it names none. */
  readonly software: string | undefined;
}

/** Reads the facts of an image file, or of a buffer holding one, without decoding a pixel. @throws ImageError as `readImageHeader`. */
export const readFileFacts = async (source: string | Buffer, options: ReadOptions = {}): Promise<FileFacts> => {
  const name = options.name ?? (typeof source === "string" ? source : undefined);
  const bytes = await readSource(source, name ?? "unnamed buffer", options);
  const header = await readImageHeader(bytes, { ...options, name });
  const metadata =
    header.format === "bmp"
      ? {}
      : await sharp(bytes, { limitInputPixels: false })
          .metadata()
          .catch(() => ({}));
  const { chromaSubsampling, isProgressive = false, exif, xmpAsString, comments } = metadata as Partial<Metadata>;
  return {
    header,
    bytes: bytes.length,
    jpeg: header.format === "jpeg" ? readJpegSegments(bytes) : undefined,
    chromaSubsampling,
    progressive: isProgressive,
    exif: exif !== undefined,
    xmp: xmpAsString !== undefined,
    software:
      exifText(exif, TAG.software) ??
      comments?.find(({ keyword }) => keyword === "Software")?.text ??
      /CreatorTool(?:>|=")([^<"]+)/.exec(xmpAsString ?? "")?.[1],
  };
};

/** A text of the first directory of EXIF data, which is a TIFF file, in JPEG files after a name. */
const exifText = (exif: Buffer | undefined, tag: number): string | undefined => {
  if (exif === undefined) return undefined;
  try {
    return readTiffTags(exif.toString("latin1", 0, 6) === "Exif\0\0" ? exif.subarray(6) : exif).text(tag);
  } catch {
    return undefined; // damaged, which is no matter of the picture
  }
};
