import { program } from "../graph/index.ts";
import {
  type DecodeOptions,
  decodeImage,
  decodeMask,
  type Image,
  ImageError,
  imageInput,
  type PreprocessOptions,
  prefetch,
  preprocess,
  readImageHeader,
  type Sample,
  type SkippedFile,
} from "../imaging/index.ts";
import { random } from "../random/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { BLANK, blanked, maskImage, misfit, type Region } from "./region.ts";
import type { DetectorConfig } from "./settings.ts";

/**
 * Divides the training images: a share of the normal ones, drawn by the seed, is kept for the threshold and never trained on.
 * Groups stay whole. Fewer than five normal images are too few to spare one; with folds, none is kept.
 */
export const splitTraining = (samples: readonly Sample[], { seed, trainOn, validation }: DetectorConfig) => {
  const normal = samples.filter(({ label }) => label === 0);
  const { share, folds } = validation;
  const spared = normal.length < 5 || share === 0 || folds > 0 ? 0 : Math.max(1, Math.round(share * normal.length));
  const kept = new Set<Sample>();
  for (const index of random("validation", seed).permutation(normal.length)) {
    if (kept.size >= spared) break;
    const { group } = normal[index];
    for (const member of normal) {
      if (member === normal[index] || (group !== undefined && member.group === group)) kept.add(member);
    }
  }
  const candidates = trainOn === "all" ? samples : normal;
  return { training: candidates.filter((sample) => !kept.has(sample)), validation: normal.filter((sample) => kept.has(sample)) };
};

/** How many images are looked at to find out what all are like. */
const LOOKED_AT = 16;

/** Whether the first images are all grey: red, green and blue agree at every pixel, but for the rounding of JPEG colours. */
export const imagesAreGrey = async (samples: readonly Sample[], options: DecodeOptions = {}): Promise<boolean> => {
  let seen = 0;
  for (const { path } of samples) {
    const image = await decodeImage(path, options).catch(() => undefined);
    if (image === undefined) continue;
    const { data } = image;
    for (let i = 0; i < data.length; i += 3) {
      if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 3) return false;
    }
    if (++seen === LOOKED_AT) break;
  }
  return true;
};

/** 16 when the first files have values of more than 8 bits, by their headers. */
export const depthOfImages = async (samples: readonly Sample[]): Promise<8 | 16> => {
  for (const { path } of samples.slice(0, LOOKED_AT)) {
    const header = await readImageHeader(path).catch(() => undefined);
    if (header !== undefined && header.bits > 8) return 16;
  }
  return 8;
};

/** An image as the network sees it. */
export interface Prepared {
  /** [channels, size, size] in [0, 1]. */
  readonly x: Float32Array;
  /** 1 where a pixel counts, 0 where it is ignored, [size, size]; undefined when all count. */
  readonly counts: Float32Array | undefined;
}

/** Prepared training images by position. */
export interface PreparedImages {
  readonly samples: readonly Sample[];
  /** Images that could not be used, each with its reason. */
  readonly skipped: readonly SkippedFile[];
  get(index: number): Promise<Prepared>;
}

/** The images at some positions. */
export const chosen = (images: PreparedImages, positions: readonly number[]): PreparedImages => ({
  samples: positions.map((position) => images.samples[position]),
  skipped: [],
  get: (index) => images.get(positions[index]),
});

/** How the network takes an image, and the bits of the values it is given. */
export type NetworkInput = PreprocessOptions & { readonly depth: 8 | 16 };

export interface PreparationOptions {
  readonly image: NetworkInput & { readonly range?: DecodeOptions["range"] };
  readonly region: Region | undefined;
  readonly cacheBytes: number;
  /** Images that are decoded at once. */
  readonly workers: number;
  readonly signal?: AbortSignal;
  readonly onProgress: (done: number) => void;
}

/** Runs the model's own preprocessing on a decoded image: [channels, size, size] in [0, 1]. */
export const openPreprocessor = async (
  runtime: Runtime,
  options: NetworkInput,
): Promise<(image: Image) => Promise<Float32Array>> => {
  const image = imageInput(options.depth);
  const loaded = await runtime.load(program({ feeds: [image], results: { x: preprocess(image, options).x } }));
  return async ({ data, height, width }) => {
    const { x } = await loaded.run({ image: { data, shape: [height, width, 3] } });
    return x.data as Float32Array;
  };
};

/**
 * Decodes and preprocesses every sample once, keeping as many as `cacheBytes` hold; the others are decoded again when they
 * are asked for. A file that cannot be read is left out and named in `skipped`.
 */
export const prepareImages = async (
  samples: readonly Sample[],
  runtime: Runtime,
  { image, region, cacheBytes, workers, signal, onProgress }: PreparationOptions,
): Promise<PreparedImages> => {
  const prepare = await openPreprocessor(runtime, image);
  const prepareMask = await openPreprocessor(runtime, { ...image, channels: 1, depth: 8 });
  const inRegion = (x: Float32Array): Float32Array =>
    region === undefined ? x : x.map((value, i) => (region.inside[i % region.inside.length] > 0.5 ? value : BLANK));
  const load = async ({ path, ignorePath }: Sample): Promise<Prepared> => {
    const decoded = await decodeImage(path, { depth: image.depth, range: image.range });
    const problem = region && misfit(region, decoded);
    if (problem !== undefined) throw new ImageError(path, problem);
    const mask = ignorePath === undefined ? undefined : await decodeMask(ignorePath, decoded.width, decoded.height);
    const x = inRegion(await prepare(blanked(decoded, mask)));
    if (mask === undefined) return { x, counts: region?.inside };
    const ignored = await prepareMask(maskImage(mask));
    const counts = ignored.map((share, position) => (share > 0.5 ? 0 : (region?.inside[position] ?? 1)));
    if (!counts.includes(1)) throw new ImageError(path, "all of it is ignored. Leave it out, or correct its ignore mask.");
    return { x, counts };
  };

  const usable: Sample[] = [];
  const skipped: SkippedFile[] = [];
  const cache: (Prepared | undefined)[] = [];
  let cachedBytes = 0;
  let done = 0;
  const tasks = samples.map((sample) => () => load(sample).catch((error: Error) => error));
  for await (const result of prefetch(tasks, workers)) {
    signal?.throwIfAborted();
    const sample = samples[done++];
    if (result instanceof Error) {
      skipped.push({ path: sample.path, reason: result.message });
    } else {
      usable.push(sample);
      const bytes = result.x.byteLength + (result.counts === region?.inside ? 0 : (result.counts?.byteLength ?? 0));
      const fits = cachedBytes + bytes <= cacheBytes;
      if (fits) cachedBytes += bytes;
      cache.push(fits ? result : undefined);
    }
    onProgress(done);
  }
  return { samples: usable, skipped, get: async (index) => cache[index] ?? load(usable[index]) };
};

/**
 * The order of images in training: position p of the endless sequence of epochs, each a new random order of all images, a
 * function of (seed, p) alone. No image is dropped, and there is no short batch, so the images of a step are the same whether
 * they come in one batch or in several.
 */
export const epochOrder = (count: number, seed: number) => {
  const orders = new Map<number, Uint32Array>();
  return (position: number): { readonly epoch: number; readonly index: number } => {
    const epoch = Math.floor(position / count);
    const order = orders.get(epoch) ?? random("order", seed, epoch).permutation(count);
    orders.delete(epoch - 2);
    orders.set(epoch, order);
    return { epoch, index: order[position % count] };
  };
};
