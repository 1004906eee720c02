import { exists } from "../files/index.ts";
import { constant, greater, max, neg, type Tensor, where } from "../graph/index.ts";
import {
  createImage,
  decodeMask,
  type Image,
  type Mask,
  type Preprocessed,
  readImageHeader,
  writeMaskPng,
} from "../imaging/index.ts";
import { openRuntime } from "../runtime/index.ts";
import type { RunFiles } from "../training/index.ts";
import { type NetworkInput, openPreprocessor } from "./preprocessor.ts";

/** A mask as a picture: white where it is 1. */
export const maskImage = ({ width, height, data }: Mask): Image => {
  const image = createImage(width, height);
  for (let pixel = 0; pixel < data.length; pixel++) {
    if (data[pixel] !== 0) image.data.fill(255, 3 * pixel, 3 * pixel + 3);
  }
  return image;
};

/** A region of interest. */
export interface Region {
  /** As the network sees it: 1 inside, 0 outside, [size, size]. */
  readonly inside: Float32Array;
  /** Width over height of its picture, which images must share. */
  readonly proportions: number;
}

/** The sentence for an image that is framed otherwise than the region; undefined where it fits to a hundredth. */
export const misfit = (
  { proportions }: Pick<Region, "proportions">,
  { width, height }: Pick<Image, "width" | "height">,
): string | undefined =>
  Math.abs(width / height / proportions - 1) <= 0.01
    ? undefined
    : `its proportions, ${width} x ${height}, are not those of the region of interest. Give a region that is framed like the images.`;

/** A region of interest that cannot be used; the message is a sentence for the user. */
export class RegionError extends Error {
  override readonly name = "RegionError";
}

/**
 * Refuses a region of interest before anything is written for it.
 * @throws RegionError when its picture cannot be read or is black everywhere, or when not one of the images that can be read is framed like it.
 */
export const requireRegion = async (given: string, images: readonly { readonly path: string }[]): Promise<void> => {
  const region = await decodeMask(given).catch((error: Error) => {
    throw new RegionError(`The region of interest cannot be read. ${error.message}`, { cause: error });
  });
  if (!region.data.includes(1)) throw new RegionError(blackEverywhere(given));
  let first: Pick<Image, "width" | "height"> | undefined;
  for (const { path } of images) {
    const header = await readImageHeader(path).catch(() => undefined);
    if (header === undefined) continue;
    if (misfit({ proportions: region.width / region.height }, header) === undefined) return;
    first ??= header;
  }
  if (first === undefined) return; // no image can be read: not for the region to say
  const fit = images.length === 1 ? "does not fit the only image, which" : `fits none of the ${images.length} images; the first`;
  throw new RegionError(
    `The region of interest "${given}" (${region.width} x ${region.height}) ${fit} is ${first.width} x ${first.height}. Give a region that is framed like the images.`,
  );
};

const blackEverywhere = (given: string): string =>
  `The region of interest "${given}" is black everywhere, so nothing would be inspected. Paint the region white.`;

/**
 * The run's region of interest. The picture is copied into the run folder when the run begins, so that it goes on with the same one;
 * undefined when the run has none.
 * @throws RegionError when the picture is black everywhere; ImageError when it cannot be read.
 */
export const regionOfRun = async (
  files: RunFiles,
  given: string | undefined,
  options: NetworkInput,
): Promise<Region | undefined> => {
  if (given === undefined) return undefined;
  if (!(await exists(files.region))) await writeMaskPng(files.region, await decodeMask(given));
  return readRegion(files.region, options);
};

/** A region of interest from its picture; undefined where none is given. @throws as `regionOfRun`. */
export const readRegion = async (given: string | undefined, options: NetworkInput): Promise<Region | undefined> => {
  if (given === undefined) return undefined;
  const runtime = openRuntime({ threads: 1 });
  const prepare = await openPreprocessor(runtime, { ...options, channels: 1, depth: 8 });
  const mask = await decodeMask(given);
  const inside = (await prepare(maskImage(mask))).map((share) => (share > 0.5 ? 1 : 0));
  await runtime.close();
  if (inside.includes(1)) return { inside, proportions: mask.width / mask.height };
  throw new RegionError(blackEverywhere(given));
};

/** What the network sees in place of what is not inspected: the middle of its range. */
export const BLANK = 0.5;

/** The network's input with nothing to see outside the region, so that nothing there reaches a window or a convolution inside. */
export const onlyRegion = (x: Tensor, region?: Region): Tensor => {
  if (region === undefined) return x;
  const [size, width] = x.shape.slice(-2) as readonly number[];
  return where(greater(constant(region.inside, [1, 1, size, width]), 0.5), x, BLANK);
};

/** A copy of an image in which what is ignored is grey, so that nothing there reaches what is not. */
export const blanked = (image: Image, ignore: Mask | undefined): Image => {
  if (ignore === undefined) return image;
  const data = image.data.slice();
  const grey = Math.round(BLANK * (data instanceof Uint16Array ? 65535 : 255));
  for (let pixel = 0; pixel < ignore.data.length; pixel++) {
    if (ignore.data[pixel] !== 0) data.fill(grey, 3 * pixel, 3 * pixel + 3);
  }
  return { ...image, data };
};

/**
 * What a map says where it counts: on the image itself (around it, its edge is only repeated) and in the region of interest. Elsewhere it
 * takes its lowest value, so that nothing there raises the score. map and `scored`: [1, 1, size, size]; `outputs` are the model
 * file's, [height, width]: the map, and `inspected`, 1 in the region and 0 outside, where there is one.
 */
export const whereItCounts = (map: Tensor, { content, toImage }: Preprocessed, region?: Region) => {
  const lowest = neg(max(neg(map)));
  const mask = region && constant(region.inside, map.shape as readonly number[]);
  const shown = mask ? where(greater(mask, 0.5), map, lowest) : map;
  const outputs: { map: Tensor; inspected?: Tensor } = mask
    ? { map: toImage(shown), inspected: toImage(mask) }
    : { map: toImage(shown) };
  return { scored: where(greater(content, 0.5), shown, lowest), outputs };
};
