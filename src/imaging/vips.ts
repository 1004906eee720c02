import sharp, { type Metadata, type Sharp } from "sharp";
import { convertToSrgb, readProfile } from "./icc.ts";
import { type ImageHeader, ImageProblem, type ReadableImage, type Samples } from "./readable.ts";
import { PHOTOMETRIC, type TiffPicture } from "./tiff.ts";
import { readableAsUnsigned, valuesOfBits } from "./tiff-bits.ts";

// One libvips thread per image, so that read-ahead does not starve the trainer; parallelism comes from `prefetch`.
// Its operation cache would only hold memory, because every file is decoded from a fresh buffer.
sharp.concurrency(1);
sharp.cache(false);

const losslessFormats = new Set(["png", "tiff", "gif"]);
const readableFormats = new Set([...losslessFormats, "jpeg", "webp", "heif"]);

/** Colour spaces that hold the file's own values: asking for the space that the picture is in leaves them untouched. */
const ownSpaces = new Set(["b-w", "grey16", "srgb", "rgb16", "scrgb", "cmyk"]);

const isArray = (depth: string): depth is keyof typeof arrays => depth in arrays;
const arrays = {
  uchar: Uint8Array,
  ushort: Uint16Array,
  uint: Uint32Array,
  char: Int8Array,
  int: Int32Array,
  float: Float32Array,
};

/**
 * Opens a file of a format that libvips reads; `tiff`: what was read of a TIFF file. @throws Error that says what is wrong with the file
 * (never naming it).
 */
export const openWithVips = async (bytes: Buffer, tiff?: TiffPicture): Promise<ReadableImage> => {
  const source = tiff === undefined ? bytes : readableAsUnsigned(bytes, tiff);
  // Damaged strips of a TIFF and missing ends of a JPEG are no more than warnings to libvips; in a PNG, warnings are about profiles.
  const failOn = tiff !== undefined || bytes[0] === 0xff ? "warning" : "error";
  // The limit is checked by the caller, with a better message than libvips has.
  const open = (ignoreIcc: boolean): Sharp => sharp(source, { failOn, limitInputPixels: false, autoOrient: true, ignoreIcc });
  const metadata = await inOwnWords(open(true).metadata());
  if (!readableFormats.has(metadata.format)) throw new Error(`"${metadata.format}" is not supported`);
  return {
    header: headerOf(metadata, tiff),
    lossless: losslessFormats.has(metadata.format),
    read: (useProfile) => readSamples(open, metadata, tiff, useProfile),
  };
};

/** Without libvips' words: its threads share one list of errors, so that they may be about another file. */
const inOwnWords = <Result>(work: Promise<Result>): Promise<Result> =>
  work.catch(() => {
    throw new ImageProblem("it is damaged, cut short or of an unusual kind. Copy it again, or save it as PNG.");
  });

const headerOf = (metadata: Metadata, tiff: TiffPicture | undefined): ImageHeader => {
  const { format, autoOrient, bitsPerSample, depth, space, pages, isPalette, hasAlpha, hasProfile } = metadata;
  const palette = isPalette || tiff?.photometric === PHOTOMETRIC.palette;
  const names = new Map<string, string>([
    ["b-w", "grey"],
    ["grey16", "grey"],
    ["srgb", "rgb"],
    ["rgb16", "rgb"],
    ["scrgb", "rgb"],
  ]);
  return {
    format: format === "heif" ? "avif" : format,
    width: autoOrient.width,
    height: autoOrient.height,
    bits: palette ? 8 : (bitsPerSample ?? (depth === "ushort" ? 16 : 8)),
    float: tiff?.format === "float",
    colour: palette ? "palette" : (names.get(space) ?? space),
    alpha: tiff === undefined ? hasAlpha : tiff.alpha !== undefined,
    pages: pages ?? 1,
    profile: hasProfile,
  };
};

const readSamples = async (
  open: (ignoreIcc: boolean) => Sharp,
  metadata: Metadata,
  tiff: TiffPicture | undefined,
  useProfile: boolean,
): Promise<Samples> => {
  const { space, depth, icc, channels: stored, hasAlpha } = metadata;
  const profiled = useProfile && icc !== undefined && (tiff === undefined || tiff.format === "unsigned");
  const profile = profiled && depth === "ushort" && space !== "cmyk" ? readProfile(icc) : undefined;
  const byVips = profiled && (depth === "uchar" || space === "cmyk" || (space === "rgb16" && profile === undefined));
  const converted = byVips || !ownSpaces.has(space) || !isArray(depth);
  const picture = converted ? convertedByVips(open(!profiled), space) : unconverted(open(true), space, stored);
  const { data, width, height, channels } = await toArray(picture, converted || !isArray(depth) ? "uchar" : depth);

  const alpha = tiff === undefined ? (hasAlpha ? channels - 1 : undefined) : tiff.alpha;
  const samples: Samples = {
    width,
    height,
    data: tiff === undefined || converted ? data : valuesOfBits(data, tiff),
    channels,
    colour: channels < 3 ? "grey" : space === "cmyk" && !converted ? "cmyk" : "rgb",
    alpha: alpha === undefined || channels === stored ? alpha : channels - 1,
  };
  if (profile !== undefined && !converted) convertToSrgb(data as Uint16Array, channels, profile);
  return metadata.format === "heif" && depth === "ushort" && !converted
    ? lowBits(samples, metadata.bitsPerSample ?? 16)
    : samples;
};

/** The picture as 8-bit sRGB. sharp brings 16 bits to Display P3 first, and only from there to a profile that it is asked for. */
const convertedByVips = (picture: Sharp, space: string): Sharp =>
  (space === "rgb16" ? picture.withIccProfile("srgb") : picture).toColourspace("srgb");

/** The picture's own values. Of grey with opacity in the space b-w sharp would give out the grey alone. */
const unconverted = (picture: Sharp, space: string, channels: number): Sharp => {
  if (space === "cmyk") return picture.pipelineColourspace("cmyk").toColourspace("cmyk");
  return picture.toColourspace(space === "b-w" && channels > 1 ? "srgb" : space);
};

const toArray = async (picture: Sharp, depth: keyof typeof arrays) => {
  const { data, info } = await inOwnWords(picture.raw({ depth }).toBuffer({ resolveWithObject: true }));
  const { width, height, channels } = info;
  return {
    data: new arrays[depth](data.buffer as ArrayBuffer, data.byteOffset, width * height * channels),
    width,
    height,
    channels,
  };
};

/** Values of 10 or 12 bits, which libvips puts into the upper bits of 16. */
const lowBits = (samples: Samples, bits: number): Samples => {
  const { data } = samples;
  for (let i = 0; i < data.length; i++) data[i] >>= 16 - bits;
  return { ...samples, full: { low: 0, high: 2 ** bits - 1 } };
};
