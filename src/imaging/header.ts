import { type ReadOptions, withImage } from "./open.ts";
import type { ImageHeader } from "./readable.ts";

export type { ImageHeader, ReadOptions };

/**
 * What the header of an image file, or of a buffer holding one, says, without decoding a pixel.
 *
 * Throws an ImageError as `decodeImage` does, as far as the header shows what is wrong.
 */
export const readImageHeader = (source: string | Buffer, options: ReadOptions = {}): Promise<ImageHeader> =>
  withImage(source, options, ({ header }) => header);
