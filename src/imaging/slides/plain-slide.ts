import { decodeImage } from "../decode.ts";
import { readImageHeader } from "../header.ts";
import { createImage, type ImageOf } from "../image.ts";
import { openIndices } from "./indices.ts";
import { checkRegion, copyShared, emptyValue, type OpenSlideOptions, type Slide } from "./slide.ts";

/**
 * An image of any kind that `decodeImage` reads as a slide of one level. It is decoded whole when it is first read, and kept. `said`: what
 * is known of it already.
 * @throws ImageError as `decodeImage` does; of indices as `openIndices` does.
 */
export const plainSlide = async (
  path: string,
  options: OpenSlideOptions,
  said: Pick<Slide, "micronsPerPixel" | "magnification" | "associated"> = nothing,
): Promise<Slide> => {
  const { header, read } = options.indices ? await openIndices(path) : await openColours(path);
  const { width, height } = header;
  const levels = [{ width, height, downsample: 1 }];
  const empty = emptyValue(options);
  let decoded: Promise<ImageOf<Uint8Array>> | undefined;
  let closed = false;
  return {
    path,
    format: "plain image",
    width,
    height,
    levels,
    micronsPerPixel: options.micronsPerPixel ?? said.micronsPerPixel,
    magnification: options.micronsPerPixel === undefined ? said.magnification : undefined,
    associated: said.associated,
    read: async (level, region) => {
      if (closed) throw new Error(`The slide "${path}" is closed.`);
      checkRegion(levels, level, region);
      decoded ??= read();
      const whole = await decoded;
      const image = createImage(region.width, region.height);
      image.data.fill(empty);
      copyShared(whole, { x: 0, y: 0, width, height }, image, region);
      return image;
    },
    close: async () => {
      closed = true;
      decoded = undefined;
    },
  };
};

const openColours = async (path: string) => ({
  header: await readImageHeader(path),
  read: () => decodeImage(path, { background: [255, 255, 255] }),
});

const nothing = { micronsPerPixel: undefined, magnification: undefined, associated: [] };
