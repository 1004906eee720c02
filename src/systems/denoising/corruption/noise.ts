import type { Random } from "../../../random/index.ts";
import type { Noises, OcclusionOptions } from "./options.ts";

export type NoiseName = keyof Noises;

/**
 * Draws which noises are superimposed: their number uniformly from `superimpose`, then one after the other without
 * replacement, each with the probability of its weight among those left. Source: description (23), (31), claims 6, 7, 17.
 */
export const drawNoises = (noises: Noises, superimpose: OcclusionOptions["superimpose"], rng: Random): readonly NoiseName[] => {
  const names = Object.keys(noises) as NoiseName[];
  const weights = names.map((name) => noises[name].probability);
  const drawn: NoiseName[] = [];
  for (let left = rng.integer(superimpose.min, superimpose.max); left > 0; left--) {
    const index = rng.choice(weights);
    drawn.push(names[index]);
    weights[index] = 0;
  }
  return drawn;
};

/**
 * Applies one noise to values [channels, pixels] in place, without clamping:
 * Gaussian adds N(mean, sigma^2), Laplace adds Laplace(0, scale), Poisson adds (k - peak) / peak with k ~ Poisson(peak), and
 * salt-and-pepper sets a pixel in all channels, with probability `density`, to 1 (share `salt`) or 0.
 * Source: description (23), (31).
 */
export const applyNoise = (name: NoiseName, noises: Noises, values: Float32Array, channels: number, rng: Random): void => {
  switch (name) {
    case "gaussian": {
      const { mean, sigma } = noises.gaussian;
      for (let index = 0; index < values.length; index++) values[index] += rng.normal(mean, sigma);
      return;
    }
    case "laplace": {
      const { scale } = noises.laplace;
      for (let index = 0; index < values.length; index++) values[index] += rng.laplace(0, scale);
      return;
    }
    case "poisson": {
      const { peak } = noises.poisson;
      for (let index = 0; index < values.length; index++) values[index] += (rng.poisson(peak) - peak) / peak;
      return;
    }
    case "saltAndPepper": {
      const { density, salt } = noises.saltAndPepper;
      const pixels = values.length / channels;
      for (let pixel = 0; pixel < pixels; pixel++) {
        const draw = rng.uniform();
        if (draw >= density) continue;
        const value = draw < density * salt ? 1 : 0;
        for (let index = pixel; index < values.length; index += pixels) values[index] = value;
      }
    }
  }
};

/** A copy of the values with N(0, sigma^2) added, clamped to [0, 1]. */
export const withGaussianNoise = (values: Float32Array, sigma: number, rng: Random): Float32Array => {
  const noisy = new Float32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    noisy[index] = Math.min(1, Math.max(0, values[index] + rng.normal(0, sigma)));
  }
  return noisy;
};
