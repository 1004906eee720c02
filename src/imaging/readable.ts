/** What makes a file unusable, as the sentences that end an ImageError. */
export class ImageProblem extends Error {
  override readonly name = "ImageProblem";
}

export type SampleData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** What a file says about its picture. */
export interface ImageHeader {
  format: "png" | "jpeg" | "webp" | "gif" | "tiff" | "bmp" | "avif" | (string & {});
  /** In pixels, as the picture is to be seen: after the EXIF rotation. */
  width: number;
  height: number;
  /** Bits of a channel as stored; 8 of a palette's colours. */
  bits: number;
  /** Whether the values are floating-point numbers. */
  float: boolean;
  /** How colours are stored. */
  colour: "grey" | "rgb" | "palette" | "cmyk" | (string & {});
  /** Whether pixels can be transparent. */
  alpha: boolean;
  /** Pages or frames, of which the first is used. */
  pages: number;
  /** Whether a colour profile (ICC) is embedded. */
  profile: boolean;
}

/** The values of a file's picture, upright, as they are stored: before range, transparency and depth make an image of them. */
export interface Samples {
  width: number;
  height: number;
  /** `[height, width, channels]`: the channels of the colour first; beside them only `alpha` is used. */
  data: SampleData;
  channels: number;
  colour: "grey" | "rgb" | "cmyk";
  /** The channel that holds opacity, from 0 to the full range's high. */
  alpha: number | undefined;
  /** What black and white are, where that is not the full range of the array's type, or 0 and 1 of floats: 0 and 1023 of 10 bits. */
  full?: Range;
}

export interface Range {
  /** The value of the file that becomes black. */
  readonly low: number;
  /** The value of the file that becomes white. */
  readonly high: number;
}

/** A file whose header was read and checked. */
export interface ReadableImage {
  readonly header: ImageHeader;
  /** Whether the format keeps values exactly. */
  readonly lossless: boolean;
  /** Decodes the first picture; `useProfile`: grey and RGB as its colour profile, if there is one, says. */
  read(useProfile: boolean): Promise<Samples>;
}
