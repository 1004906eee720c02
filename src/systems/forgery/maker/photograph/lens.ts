import { type FloatImage, floatImage, gaussianBlur } from "../float-image.ts";
import type { Rendering } from "./render.ts";
import type { Scene } from "./scene.ts";

/** Coarsest and finer pictures between which each pixel's blur lies. */
const LEVELS = 4;

/**
 * Depth of field: each pixel is blurred by a Gaussian whose deviation, in pixels, is |1 - focus / depth| of that at infinity. Blurred
 * pictures of several deviations are made with the blur of each pixel as its weight, so that what is sharp does not glow into what is
 * not, and interpolated by each pixel's deviation.
 */
export const defocus = ({ light, depth }: Rendering, { focus }: Scene): FloatImage => {
  const { width, height } = light;
  const infinite = focus.blur * Math.max(width, height);
  if (infinite < 0.3) return light;
  const blur = depth.map((distance) => Math.min(1, Math.abs(1 - focus.distance / distance)));
  const largest = blur.reduce((most, own) => Math.max(most, own), 0) * infinite;
  const pictures = [light];
  for (let level = 1; level <= LEVELS; level++) pictures.push(weightedBlur(light, blur, (largest * level) / LEVELS));
  const result = floatImage(width, height);
  for (let pixel = 0; pixel < depth.length; pixel++) {
    const place = Math.min(LEVELS - 1e-6, (blur[pixel] * infinite * LEVELS) / (largest || 1));
    const below = Math.floor(place);
    for (let at = 3 * pixel; at < 3 * pixel + 3; at++) {
      const [sharp, soft] = [pictures[below].data[at], pictures[below + 1].data[at]];
      result.data[at] = sharp + (place - below) * (soft - sharp);
    }
  }
  return result;
};

const weightedBlur = ({ width, height, data }: FloatImage, blur: Float32Array, sigma: number): FloatImage => {
  const weights = blur.map((own) => 0.03 + own);
  const weighted = gaussianBlur(
    data.map((value, at) => value * weights[Math.floor(at / 3)]),
    width,
    height,
    3,
    sigma,
  );
  const totals = gaussianBlur(weights, width, height, 1, sigma);
  return { width, height, data: weighted.map((value, at) => value / totals[Math.floor(at / 3)]) };
};
