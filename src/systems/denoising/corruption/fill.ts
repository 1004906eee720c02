import { mirrored } from "../../../graph/index.ts";
import type { Random } from "../../../random/index.ts";
import { applyNoise, drawNoises, type NoiseName } from "./noise.ts";
import type { OcclusionOptions } from "./options.ts";

export type ImageShape = { readonly channels: number; readonly height: number; readonly width: number };

/** What a region is filled with: noises over a base (`undefined` keeps the original pixels), or a texture read at a shift. */
export type Fill = { readonly opacity: number } & (
  | { readonly source: "noise"; readonly base: number | undefined; readonly noises: readonly NoiseName[] }
  | { readonly source: "texture"; readonly shiftX: number; readonly shiftY: number }
);

const greyLevels = { black: 0, white: 1, grey: 0.5 };

/**
 * Draws noise or texture by their weights and everything that belongs to it. A texture is read at a random shift; from
 * the image itself (`ownTexture`) by half to one and a half image sides, so that it comes from elsewhere.
 * Source: description (21)-(23), claims 16-17; textures and opacity after DRAEM (Zavrtanik et al. 2021).
 */
export const drawFill = (options: OcclusionOptions, { width, height }: ImageShape, ownTexture: boolean, rng: Random): Fill => {
  const opacity = rng.uniform(options.opacity.min, options.opacity.max);
  if (rng.choice([options.fill.noise, options.fill.texture]) === 1) {
    const drawShift = (side: number) =>
      ownTexture ? rng.integer(Math.ceil(side / 2), Math.floor((3 * side) / 2)) : rng.integer(0, 2 * side - 1);
    return { opacity, source: "texture", shiftX: drawShift(width), shiftY: drawShift(height) };
  }
  const base = options.base === "random" ? (["black", "white", "grey"] as const)[rng.integer(0, 2)] : options.base;
  return {
    opacity,
    source: "noise",
    base: base === "keep" ? undefined : greyLevels[base],
    noises: drawNoises(options.noises, options.superimpose, rng),
  };
};

/**
 * Fills the pixels (indices row * width + column) of `target` [channels, height, width] in place:
 * target = (1 - opacity) * original + opacity * fill, clamped to [0, 1].
 */
export const fillRegion = (
  target: Float32Array,
  pixels: Uint32Array,
  fill: Fill,
  { original, texture, shape, noises }: FillMaterial,
  rng: Random,
): void => {
  const values =
    fill.source === "texture"
      ? readMirrored(texture, pixels, shape, fill.shiftX, fill.shiftY)
      : fill.base === undefined
        ? readMirrored(original, pixels, shape, 0, 0)
        : new Float32Array(shape.channels * pixels.length).fill(fill.base);
  if (fill.source === "noise") for (const name of fill.noises) applyNoise(name, noises, values, shape.channels, rng);

  const plane = shape.height * shape.width;
  for (let channel = 0, next = 0; channel < shape.channels; channel++) {
    for (let position = 0; position < pixels.length; position++, next++) {
      const index = channel * plane + pixels[position];
      const value = (1 - fill.opacity) * original[index] + fill.opacity * values[next];
      target[index] = Math.min(1, Math.max(0, value));
    }
  }
};

/** The original image, the image textures are taken from, their common shape, and the parameters of the noises. */
export type FillMaterial = {
  readonly original: Float32Array;
  readonly texture: Float32Array;
  readonly shape: ImageShape;
  readonly noises: OcclusionOptions["noises"];
};

/** Values [channels, pixels] of an image continued by its mirror images (so without seams), read at a shift. */
const readMirrored = (
  image: Float32Array,
  pixels: Uint32Array,
  { channels, height, width }: ImageShape,
  shiftX: number,
  shiftY: number,
): Float32Array => {
  const values = new Float32Array(channels * pixels.length);
  for (let position = 0; position < pixels.length; position++) {
    const row = mirrored(Math.floor(pixels[position] / width) + shiftY, height);
    const column = mirrored((pixels[position] % width) + shiftX, width);
    for (let channel = 0; channel < channels; channel++) {
      values[channel * pixels.length + position] = image[(channel * height + row) * width + column];
    }
  }
  return values;
};
