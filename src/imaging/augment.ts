import { z } from "zod";
import { mirrored } from "../graph/index.ts";
import type { Random } from "../random/index.ts";

/** Random changes of a training image that leave it normal. */
export const augmentationSchema = z
  .strictObject({
    flipHorizontal: z.boolean().default(false).describe("Mirror left and right, half of the time."),
    flipVertical: z.boolean().default(false).describe("Mirror top and bottom, half of the time."),
    quarterTurns: z.boolean().default(false).describe("Turn by 0, 90, 180 or 270 degrees."),
    shift: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .describe("Largest shift along each axis, as a share of the size; the border is mirrored."),
    brightness: z.number().min(0).max(1).default(0).describe("Largest value added to the whole image (range 1)."),
    contrast: z.number().min(0).max(1).default(0).describe("Largest relative change of the distance from the image's mean."),
  })
  .prefault({})
  .describe("Random changes of training images that leave them normal.");

export type AugmentationOptions = z.output<typeof augmentationSchema>;

/**
 * A randomly changed copy of a square image [channels, size, size] in [0, 1]. Every random number is drawn whatever the
 * options, so switching one change off leaves the others as they were.
 */
export const augment = (image: Float32Array, size: number, options: AugmentationOptions, rng: Random): Float32Array => {
  const mirrorX = rng.uniform() < 0.5 && options.flipHorizontal;
  const mirrorY = rng.uniform() < 0.5 && options.flipVertical;
  const turns = rng.integer(0, 3) * (options.quarterTurns ? 1 : 0);
  const [shiftX, shiftY] = [0, 1].map(() => Math.round(rng.uniform(-1, 1) * options.shift * size));
  const brightness = rng.uniform(-1, 1) * options.brightness;
  const contrast = 1 + rng.uniform(-1, 1) * options.contrast;

  const moved = new Float32Array(image.length);
  const channels = image.length / (size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let [fromX, fromY] = [mirrored(x + shiftX, size), mirrored(y + shiftY, size)];
      for (let turn = 0; turn < turns; turn++) [fromX, fromY] = [fromY, size - 1 - fromX];
      if (mirrorX) fromX = size - 1 - fromX;
      if (mirrorY) fromY = size - 1 - fromY;
      for (let channel = 0; channel < channels; channel++) {
        moved[(channel * size + y) * size + x] = image[(channel * size + fromY) * size + fromX];
      }
    }
  }
  if (options.brightness === 0 && options.contrast === 0) return moved;
  const mean = moved.reduce((sum, value) => sum + value, 0) / moved.length;
  return moved.map((value) => Math.min(1, Math.max(0, mean + (value - mean) * contrast + brightness)));
};
