import type { Tensor } from "../graph/index.ts";
import {
  cutTile,
  type DecodeOptions,
  decodeImage,
  decodeMask,
  type Image,
  ImageError,
  type Mask,
  planTiles,
  prefetch,
  type Sample,
  type SkippedFile,
  type Tile,
  tilesOf,
} from "../imaging/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { type NetworkInput, openPreprocessor } from "./preprocessor.ts";
import { blanked, maskImage, misfit, onlyRegion, type Region } from "./region.ts";
import type { DetectorConfig } from "./settings.ts";

/** An image, or a tile of one, as the network sees it. */
export interface Prepared {
  /** [channels, size, size] in [0, 1]; or what `keep` made of it, flat. */
  readonly x: Float32Array;
  /** 1 where a pixel counts, 0 where it is ignored, [size, size]; undefined when all count. */
  readonly counts: Float32Array | undefined;
  /** The share of each pixel that is anomalous, [size, size], where `PreparationOptions.truths` asks for it and the image has a mask. */
  readonly truth?: Float32Array;
}

/** Prepared training images by position: an image has one position, or, where images are cut, one for each of its tiles. */
export interface PreparedImages {
  /** The image at each position. Tiles of one image have the same object here, and a group in common. */
  readonly samples: readonly Sample[];
  /** Images that could not be used, each with its reason. */
  readonly skipped: readonly SkippedFile[];
  get(index: number): Promise<Prepared>;
}

/** Whether some pixels of some images do not count. */
export const ignoresPixels = ({ samples }: PreparedImages, { image }: Pick<DetectorConfig, "image">): boolean =>
  image.roi !== undefined || samples.some(({ ignorePath }) => ignorePath !== undefined);

/** The images at some positions. */
export const chosen = (images: PreparedImages, positions: readonly number[]): PreparedImages => ({
  samples: positions.map((position) => images.samples[position]),
  skipped: [],
  get: (index) => images.get(positions[index]),
});

export interface PreparationOptions {
  readonly image: NetworkInput & { readonly range?: DecodeOptions["range"] };
  readonly region: Region | undefined;
  /**
   * What is kept of the network's input, [1, channels, size, size], in which nothing is to be seen outside the region: say, a
   * teacher's features, any shape. It is computed in the graph that preprocesses. Default: the input itself.
   */
  readonly keep?: (x: Tensor) => Tensor;
  /** Whether the masks of what is anomalous are prepared as well. Default false. */
  readonly truths?: boolean;
  readonly cacheBytes: number;
  /** Images that are decoded at once. */
  readonly workers: number;
  readonly signal?: AbortSignal;
  /** How many images, whole ones, were read. */
  readonly onProgress: (done: number) => void;
}

/**
 * Decodes every sample once and preprocesses it, or its tiles, keeping as many as `cacheBytes` hold; the others are decoded again when
 * they are asked for. A file that cannot be read is left out and named in `skipped`; a tile that is wholly ignored is left out.
 */
export const prepareImages = async (
  samples: readonly Sample[],
  runtime: Runtime,
  options: PreparationOptions,
): Promise<PreparedImages> => {
  const { image, region, cacheBytes, workers, signal, onProgress } = options;
  const tiles = tilesOf(image);
  const { countsOf, inputOf, truthOf } = await openPreparation(runtime, options);
  const decodeAgain = lastDecoded((sample) => decode(sample, options));

  const parts: { readonly sample: Sample; readonly tile: Tile; readonly prepared: Prepared | undefined }[] = [];
  const skipped: SkippedFile[] = [];
  let cachedBytes = 0;
  let full = false;
  /** The parts of an image that count, prepared until the cache is full. */
  const add = async (decoded: Decoded, sample: Sample): Promise<void> => {
    for (const tile of planTiles(decoded.image.width, decoded.image.height, tiles)) {
      signal?.throwIfAborted();
      const own = cut(decoded, tile);
      const counts = await countsOf(own);
      if (counts?.includes(1) === false) continue;
      let prepared: Prepared | undefined = full ? undefined : { x: await inputOf(own), counts, ...(await truthOf(own)) };
      if (prepared !== undefined) {
        const { x, truth } = prepared;
        const bytes = x.byteLength + (counts === region?.inside ? 0 : (counts?.byteLength ?? 0)) + (truth?.byteLength ?? 0);
        full = cachedBytes + bytes > cacheBytes;
        if (full) prepared = undefined;
        else cachedBytes += bytes;
      }
      parts.push({ sample, tile, prepared });
    }
  };

  const tasks = samples.map((sample) => () => decode(sample, options).catch((error: Error) => error));
  let done = 0;
  for await (const decoded of prefetch(tasks, workers)) {
    signal?.throwIfAborted();
    const sample = samples[done++];
    const { path, group = path } = sample;
    const before = parts.length;
    try {
      if (decoded instanceof Error) throw decoded;
      await add(decoded, tiles ? { ...sample, group } : sample);
      if (parts.length === before) throw new ImageError(path, ALL_IGNORED);
    } catch (error) {
      signal?.throwIfAborted();
      parts.length = before;
      skipped.push({ path, reason: (error as Error).message });
    }
    onProgress(done);
  }
  return {
    samples: parts.map(({ sample }) => sample),
    skipped,
    get: async (index) => {
      const { sample, tile, prepared } = parts[index];
      if (prepared !== undefined) return prepared;
      const own = cut(await decodeAgain(sample), tile);
      return { x: await inputOf(own), counts: await countsOf(own), ...(await truthOf(own)) };
    },
  };
};

const ALL_IGNORED = "all of it is ignored. Leave it out, or correct its ignore mask.";

/** An image, or a part of it, with its ignore mask, and the mask of what is anomalous. */
interface Decoded {
  readonly image: Image;
  readonly mask: Mask | undefined;
  readonly truth: Mask | undefined;
}

const decode = async (
  { path, ignorePath, maskPath }: Sample,
  { image: { depth, range }, region, truths }: PreparationOptions,
): Promise<Decoded> => {
  const image = await decodeImage(path, { depth, range });
  const problem = region && misfit(region, image);
  if (problem !== undefined) throw new ImageError(path, problem);
  const read = async (mask: string | undefined) => (mask === undefined ? undefined : decodeMask(mask, image.width, image.height));
  return { image, mask: await read(ignorePath), truth: truths ? await read(maskPath) : undefined };
};

const cut = ({ image, mask, truth }: Decoded, tile: Tile): Decoded => ({
  image: cutTile(image, tile),
  mask: mask && cutTile(mask, tile),
  truth: truth && cutTile(truth, tile),
});

/** The programs that make the parts of `Prepared`. */
const openPreparation = async (runtime: Runtime, { image, region, keep = (x) => x }: PreparationOptions) => {
  const prepare = await openPreprocessor(runtime, image, (x) => keep(onlyRegion(x, region)));
  const prepareMask = await openPreprocessor(runtime, { ...image, channels: 1, depth: 8 });
  return {
    inputOf: (own: Decoded): Promise<Float32Array> => prepare(blanked(own.image, own.mask)),
    countsOf: async ({ mask }: Decoded): Promise<Float32Array | undefined> => {
      if (mask === undefined || !mask.data.includes(1)) return region?.inside;
      const ignored = await prepareMask(maskImage(mask));
      return ignored.map((share, position) => (share > 0.5 ? 0 : (region?.inside[position] ?? 1)));
    },
    truthOf: async ({ truth }: Decoded): Promise<Pick<Prepared, "truth">> =>
      truth === undefined ? {} : { truth: await prepareMask(maskImage(truth)) },
  };
};

/** Remembers the last image, whose tiles are often asked for one after another. */
const lastDecoded = (read: (sample: Sample) => Promise<Decoded>): ((sample: Sample) => Promise<Decoded>) => {
  let last: { readonly sample: Sample; readonly decoded: Promise<Decoded> } | undefined;
  return (sample) => {
    if (last?.sample !== sample) last = { sample, decoded: read(sample) };
    return last.decoded;
  };
};
