import { ignoresPixels, type PreparedImages } from "../../detection/index.ts";
import { augment } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import type { Values } from "../../runtime/index.ts";
import { epochOrder } from "../../training/index.ts";
import type { ModelConfig } from "./config.ts";
import { corrupt } from "./corruption/index.ts";

/** Whether some pixels weigh more or less than others in the loss. */
export const weighsPixels = (images: PreparedImages, config: ModelConfig): boolean =>
  config.loss.maskWeight > 0 || ignoresPixels(images, config);

/**
 * A batch of the training by its number, a function of (seed, number) alone: `corrupted` and `target` [batch, channels, size, size], and
 * `weights` [batch, 1, size, size] of the pixels in the loss where they differ: 0 where a pixel is ignored. Batch n takes the
 * positions (n - 1) batch ... n batch - 1 of `epochOrder`.
 */
export const batchMaker = (images: PreparedImages, config: ModelConfig) => {
  const { seed, image, training, corruption, augmentation, loss } = config;
  const count = images.samples.length;
  const shape = { channels: image.channels, height: image.size, width: image.size };
  const pixels = image.size * image.size;
  const imageAt = epochOrder(count, seed);
  const weighs = weighsPixels(images, config);
  const needsTexture = corruption.kind === "occlusion" && corruption.fill.texture > 0 && count > 1;
  const moved = { ...augmentation, brightness: 0, contrast: 0 };

  return async (number: number): Promise<Values> => {
    const corrupted = new Float32Array(training.batch * shape.channels * pixels);
    const target = new Float32Array(corrupted.length);
    const weights = new Float32Array(training.batch * pixels).fill(1);
    const prepareRow = async (row: number): Promise<void> => {
      const { epoch, index } = imageAt((number - 1) * training.batch + row);
      const { x, counts } = await images.get(index);
      const clean = augment(x, image.size, augmentation, random("augment", seed, epoch, index));
      const rng = random("corrupt", seed, epoch, index);
      const other = needsTexture ? (await images.get((index + rng.integer(1, count - 1)) % count)).x : undefined;
      const sample = corrupt(clean, shape, corruption, rng, other);
      corrupted.set(sample.corrupted, row * clean.length);
      target.set(sample.target, row * clean.length);
      if (!weighs) return;
      // Drawn from the same numbers, so that the mask moves with its image.
      const counted = counts && augment(counts, image.size, moved, random("augment", seed, epoch, index));
      weights.set(
        Float32Array.from(sample.mask, (covered, pixel) => (1 + loss.maskWeight * covered) * (counted?.[pixel] ?? 1)),
        row * pixels,
      );
    };
    // At once, so that images beyond the cache are decoded side by side.
    await Promise.all(Array.from({ length: training.batch }, (_, row) => prepareRow(row)));
    const imageShape = [training.batch, shape.channels, image.size, image.size];
    return {
      corrupted: { data: corrupted, shape: imageShape },
      target: { data: target, shape: imageShape },
      ...(weighs ? { weights: { data: weights, shape: [training.batch, 1, image.size, image.size] } } : {}),
    };
  };
};
