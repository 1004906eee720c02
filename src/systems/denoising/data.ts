import { program } from "../../graph/index.ts";
import {
  augment,
  decodeImage,
  type Image,
  imageInput,
  type PreprocessOptions,
  prefetch,
  preprocess,
  type Sample,
  type SkippedFile,
} from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import type { Runtime, Values } from "../../runtime/index.ts";
import type { Config, ModelConfig } from "./config.ts";
import { corrupt } from "./corruption/index.ts";

/**
 * Divides the training images: a share of the normal ones, drawn by the seed, is kept for the threshold and never trained on.
 * Fewer than five normal images are too few to spare one.
 */
export const splitTraining = (samples: readonly Sample[], { seed, trainOn, validation }: Config) => {
  const normal = samples.filter(({ label }) => label === 0);
  const spared = normal.length < 5 || validation.share === 0 ? 0 : Math.max(1, Math.round(validation.share * normal.length));
  const kept = new Set(
    Array.from(random("validation", seed).permutation(normal.length).subarray(0, spared), (index) => normal[index]),
  );
  const candidates = trainOn === "all" ? samples : normal;
  return { training: candidates.filter((sample) => !kept.has(sample)), validation: normal.filter((sample) => kept.has(sample)) };
};

/** Whether the first images are all grey: red, green and blue agree at every pixel, but for the rounding of JPEG colours. */
export const imagesAreGrey = async (samples: readonly Sample[]): Promise<boolean> => {
  let seen = 0;
  for (const { path } of samples) {
    const image = await decodeImage(path).catch(() => undefined);
    if (image === undefined) continue;
    for (let i = 0; i < image.data.length; i += 3) {
      const [red, green, blue] = [image.data[i], image.data[i + 1], image.data[i + 2]];
      if (Math.max(red, green, blue) - Math.min(red, green, blue) > 3) return false;
    }
    if (++seen === 16) break;
  }
  return true;
};

/** Prepared training images, [channels, size, size] in [0, 1], by position. */
export interface PreparedImages {
  readonly samples: readonly Sample[];
  /** Images that could not be used, each with its reason. */
  readonly skipped: readonly SkippedFile[];
  get(index: number): Promise<Float32Array>;
}

/** Runs the model's own preprocessing on decoded images. */
export const openPreprocessor = async (
  runtime: Runtime,
  options: PreprocessOptions,
): Promise<(image: Image) => Promise<Float32Array>> => {
  const image = imageInput();
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
  prepare: (image: Image) => Promise<Float32Array>,
  cacheBytes: number,
  onProgress: (done: number) => void,
): Promise<PreparedImages> => {
  const usable: Sample[] = [];
  const skipped: SkippedFile[] = [];
  const cache: (Float32Array | undefined)[] = [];
  let cachedBytes = 0;
  const load = async (sample: Sample): Promise<Float32Array> => prepare(await decodeImage(sample.path));
  const tasks = samples.map((sample) => () => load(sample).catch((error: Error) => error));
  let done = 0;
  for await (const result of prefetch(tasks, 4)) {
    const sample = samples[done++];
    if (result instanceof Error) {
      skipped.push({ path: sample.path, reason: result.message });
    } else {
      usable.push(sample);
      const fits = cachedBytes + result.byteLength <= cacheBytes;
      if (fits) cachedBytes += result.byteLength;
      cache.push(fits ? result : undefined);
    }
    onProgress(done);
  }
  return { samples: usable, skipped, get: async (index) => cache[index] ?? load(usable[index]) };
};

/**
 * A batch of the training by its number, a function of (seed, number) alone. Batch n takes the positions (n - 1) size ... n size - 1
 * of the endless sequence of epochs, each a new random order of all images: no image is dropped, and there is no short batch. So
 * the images of a step are the same whether they come in one batch or in several.
 */
export const batchMaker = (images: PreparedImages, config: ModelConfig) => {
  const { seed, image, training, corruption, augmentation, loss } = config;
  const count = images.samples.length;
  const shape = { channels: image.channels, height: image.size, width: image.size };
  const pixels = image.size * image.size;
  const orders = new Map<number, Uint32Array>();
  const orderOf = (epoch: number): Uint32Array => {
    const order = orders.get(epoch) ?? random("order", seed, epoch).permutation(count);
    orders.delete(epoch - 2);
    orders.set(epoch, order);
    return order;
  };
  const needsTexture = corruption.kind === "occlusion" && corruption.fill.texture > 0 && count > 1;

  return async (number: number): Promise<Values> => {
    const corrupted = new Float32Array(training.batch * shape.channels * pixels);
    const target = new Float32Array(corrupted.length);
    const weights = new Float32Array(training.batch * pixels);
    const prepareRow = async (row: number): Promise<void> => {
      const position = (number - 1) * training.batch + row;
      const epoch = Math.floor(position / count);
      const index = orderOf(epoch)[position % count];
      const clean = augment(await images.get(index), image.size, augmentation, random("augment", seed, epoch, index));
      const rng = random("corrupt", seed, epoch, index);
      const other = needsTexture ? await images.get((index + rng.integer(1, count - 1)) % count) : undefined;
      const sample = corrupt(clean, shape, corruption, rng, other);
      corrupted.set(sample.corrupted, row * clean.length);
      target.set(sample.target, row * clean.length);
      weights.set(
        Float32Array.from(sample.mask, (covered) => 1 + loss.maskWeight * covered),
        row * pixels,
      );
    };
    // At once, so that images beyond the cache are decoded side by side.
    await Promise.all(Array.from({ length: training.batch }, (_, row) => prepareRow(row)));
    const imageShape = [training.batch, shape.channels, image.size, image.size];
    return {
      corrupted: { data: corrupted, shape: imageShape },
      target: { data: target, shape: imageShape },
      ...(loss.maskWeight > 0 ? { weights: { data: weights, shape: [training.batch, 1, image.size, image.size] } } : {}),
    };
  };
};
