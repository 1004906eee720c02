import type { Random } from "../../../random/index.ts";
import { drawFill, fillRegion, type ImageShape } from "./fill.ts";
import { drawBlobs, drawPerlinRegion } from "./irregular.ts";
import { withGaussianNoise } from "./noise.ts";
import type { CorruptionOptions, OcclusionOptions } from "./options.ts";
import { drawQuantities } from "./quantities.ts";
import { layRectangles, pixelsOf } from "./rectangles.ts";

export type { ImageShape } from "./fill.ts";
export {
  type CorruptionOptions,
  corruptionSchema,
  type OcclusionOptions,
  railwayCorruption,
  structuredCorruption,
} from "./options.ts";

export type Corruption = {
  /** What the network sees, [channels, height, width] in [0, 1]. */
  readonly corrupted: Float32Array;
  /** What the network must restore, [channels, height, width] in [0, 1]: the image, or the image with its preserved noise. */
  readonly target: Float32Array;
  /** [height, width], 1 where the image was corrupted. */
  readonly mask: Uint8Array;
  /** The share of the image area that was drawn. */
  readonly drawnRatio: number;
  /** Sum of the areas of the regions / image area. */
  readonly reachedRatio: number;
  /** Pixels of the mask / image area. */
  readonly coveredRatio: number;
};

/**
 * Corrupts an image [channels, height, width] in [0, 1] as `options` say: by occlusion, by Gaussian noise over the whole
 * image (x + N(0, sigma^2), clamped), or not at all. It depends on no model: any reconstruction model can be trained with it.
 * The image is not changed; `target` is the image itself unless noise is preserved.
 *
 * @param other Image of the same shape that textures are taken from; without it, they come from another place of the image.
 * @throws RangeError if an array does not have channels * height * width values.
 */
export const corrupt = (
  image: Float32Array,
  shape: ImageShape,
  options: CorruptionOptions,
  rng: Random,
  other?: Float32Array,
): Corruption => {
  if (options.kind === "occlusion") return occlude(image, shape, options, rng, other);
  requireShape(image, shape);
  const everywhere = options.kind === "gaussian" ? 1 : 0;
  return {
    corrupted: options.kind === "gaussian" ? withGaussianNoise(image, options.sigma, rng) : image.slice(),
    target: image,
    mask: new Uint8Array(shape.height * shape.width).fill(everywhere),
    drawnRatio: everywhere,
    reachedRatio: everywhere,
    coveredRatio: everywhere,
  };
};

/**
 * Occludes local regions of an image [channels, height, width] in [0, 1] and fills them with random noise (or texture), so
 * that a network can restore them from global context only. Pixels outside the regions equal those of `target`.
 * Where rectangles overlap, the last one is on top. Source: description (14)-(23) and (28)-(32), claims 1-7 and 11-19.
 *
 * @param other Image of the same shape that textures are taken from; without it, they come from another place of the image.
 * @throws RangeError if an array does not have channels * height * width values.
 */
export const occlude = (
  image: Float32Array,
  shape: ImageShape,
  options: OcclusionOptions,
  rng: Random,
  other?: Float32Array,
): Corruption => {
  requireShape(image, shape);
  if (other !== undefined) requireShape(other, shape);
  // The noise is part of the image from here on: it is seen by the network and asked back from it (Bauer and Mueller 2025).
  const target = options.preserve > 0 ? withGaussianNoise(image, options.preserve, rng) : image;

  const quantities = drawQuantities(options, rng);
  const regions = drawRegions(shape, quantities, options, rng);

  const corrupted = target.slice();
  const mask = new Uint8Array(shape.height * shape.width);
  const material = { original: target, texture: other ?? target, shape, noises: options.noises };
  const drawOwnFill = () => drawFill(options, shape, other === undefined, rng);
  const sharedFill = options.noisePer === "image" ? drawOwnFill() : undefined;
  let summed = 0;
  let covered = 0;
  for (const pixels of regions) {
    fillRegion(corrupted, pixels, sharedFill ?? drawOwnFill(), material, rng);
    summed += pixels.length;
    for (const pixel of pixels) {
      covered += 1 - mask[pixel];
      mask[pixel] = 1;
    }
  }
  return {
    corrupted,
    target,
    mask,
    drawnRatio: quantities.ratio,
    reachedRatio: summed / mask.length,
    coveredRatio: covered / mask.length,
  };
};

/** The pixel indices of each occluded region. */
const drawRegions = (
  shape: ImageShape,
  quantities: ReturnType<typeof drawQuantities>,
  options: OcclusionOptions,
  rng: Random,
): Uint32Array[] => {
  switch (options.shape) {
    case "rectangles":
      return layRectangles(shape, quantities, options).map((rectangle) => pixelsOf(rectangle, shape.width));
    case "blobs":
      return drawBlobs(shape, quantities, options, rng);
    case "perlin":
      return [drawPerlinRegion(shape, quantities.ratio, options, rng)];
  }
};

const requireShape = (image: Float32Array, { channels, height, width }: ImageShape): void => {
  if (image.length === channels * height * width && image.length > 0) return;
  throw new RangeError(
    `The image has ${image.length} values, but ${channels} channels of ${height} x ${width} pixels need ${channels * height * width}.`,
  );
};
