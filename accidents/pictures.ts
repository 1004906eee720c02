import { surface, surfaceCategories } from "../src/imaging/surfaces.ts";
import { random } from "../src/random/index.ts";
import { avif } from "./formats/avif.ts";
import { bmp } from "./formats/bmp.ts";
import type { Format, Picture } from "./formats/format.ts";
import { gif } from "./formats/gif.ts";
import { jpeg } from "./formats/jpeg.ts";
import { png } from "./formats/png.ts";
import { tiff } from "./formats/tiff.ts";
import { webp } from "./formats/webp.ts";

export const formats = { png, jpeg, webp, gif, tiff, bmp, avif } satisfies Record<string, Format>;

export type FormatName = keyof typeof formats;

export const formatNames = Object.keys(formats) as FormatName[];

/** Different pictures of a corpus; each is written in every variant of every format. */
const PICTURES = 5;
const FRAMES = 3;

/** A valid file of one picture. */
export interface ValidFile {
  readonly format: FormatName;
  readonly variant: string;
  /** What tells this picture in this variant from the others of the corpus. */
  readonly source: string;
  readonly bytes: Buffer;
}

/**
 * Valid files by their number: `get(format, index)` is the picture of an index, 40 to 300 pixels wide and high, in a variant
 * of the format, both drawn by (seed, index). A file is encoded once.
 */
export const validFiles = (seed: number) => {
  const painted = new Map<number, Picture[]>();
  const encoded = new Map<string, Promise<Buffer>>();
  const framesOf = (picture: number): Picture[] => {
    const draw = random(seed, "picture", picture);
    const [width, height] = [draw.integer(40, 300), draw.integer(40, 300)];
    return Array.from({ length: FRAMES }, (_, frame) => paint(seed, picture * FRAMES + frame, width, height));
  };
  return {
    get: async (format: FormatName, index: number): Promise<ValidFile> => {
      const draw = random(seed, "valid file", index);
      const variants = Object.keys(formats[format].variants);
      const variant = variants[draw.integer(0, variants.length - 1)];
      const picture = draw.integer(0, PICTURES - 1);
      const source = `${format} ${variant} of picture ${picture}`;
      if (!painted.has(picture)) painted.set(picture, framesOf(picture));
      const [first, ...others] = painted.get(picture) as Picture[];
      if (!encoded.has(source)) encoded.set(source, formats[format].variants[variant](first, others));
      return { format, variant, source, bytes: (await encoded.get(source)) as Buffer };
    },
  };
};

/** The upper left of a painted surface. */
export const paint = (seed: number, index: number, width: number, height: number): Picture => {
  const size = Math.max(width, height);
  const { image } = surface(surfaceCategories[index % surfaceCategories.length], { size, seed, index });
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) data.set(image.data.subarray(y * size * 3, (y * size + width) * 3), y * width * 3);
  return { width, height, data };
};
