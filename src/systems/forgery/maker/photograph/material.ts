import type { Random } from "../../../../random/index.ts";
import { type FractalNoise, fractalNoise, type Noise, type NoiseSample, newSample } from "./noise.ts";

/** Linear light of red, green and blue; of a surface the share that it reflects, 0 .. 1. */
export type Colour = readonly [number, number, number];

const patterns = ["mottled", "veined", "wood", "stripes", "tiles", "bricks", "spots"] as const;
export type Pattern = (typeof patterns)[number];

/** What a surface is made of. Points are in the solid's own coordinates. */
export interface Material {
  readonly gloss: number;
  readonly shininess: number;
  /**
   * Writes the reflected share at a point into `albedo`, and the slopes of its relief into `relief`. What is finer than `finest`, the
   * width of a pixel there, is left out.
   */
  readonly at: (x: number, y: number, z: number, finest: number, albedo: Float64Array, relief: NoiseSample) => void;
}

export interface MaterialOptions {
  readonly patterns?: readonly Pattern[];
  readonly colour?: Colour;
  /** Sizes of the pattern's parts, in the scene's units. */
  readonly size?: readonly [number, number];
  readonly relief?: readonly [number, number];
}

export const randomMaterial = (source: Random, noise: Noise, options: MaterialOptions = {}): Material => {
  const allowed = options.patterns ?? patterns;
  const pattern = allowed[source.integer(0, allowed.length - 1)];
  const base = options.colour ?? randomColour(source);
  const second = varied(source, base, 0.5);
  const third = varied(source, base, 0.9);
  const frequency = 1 / source.uniform(...(options.size ?? [0.15, 0.6]));
  const [ox, oy, oz] = [source.uniform(0, 200), source.uniform(0, 200), source.uniform(0, 200)];
  const coarse = fractalNoise(noise, 6, source.uniform(0.48, 0.68));
  const grain = fractalNoise(noise, 4, source.uniform(0.6, 0.85));
  const grainFrequency = source.uniform(8, 24);
  const grainStrength = source.uniform(0.06, 0.34);
  const reliefStrength = source.uniform(...(options.relief ?? [0.02, 0.35]));
  const amountOf = patternFunctions[pattern](source, coarse);
  const sample = newSample();

  return {
    gloss: source.uniform() < 0.35 ? source.uniform(0.1, 0.6) : source.uniform(0, 0.06),
    shininess: 2 ** source.uniform(3, 7),
    at: (x, y, z, finest, albedo, relief) => {
      coarse(x * frequency + ox, y * frequency + oy, z * frequency + oz, finest * frequency, sample);
      const shade = sample[0];
      // Half a part on, so that a face through the origin lies within parts and not along a joint.
      const amount = amountOf(x * frequency + 0.5, y * frequency + 0.5, z * frequency + 0.5, finest * frequency, shade);
      relief[1] = reliefStrength * sample[1] * 0.5;
      relief[2] = reliefStrength * sample[2] * 0.5;
      relief[3] = reliefStrength * sample[3] * 0.5;
      grain(x * grainFrequency + oz, y * grainFrequency + ox, z * grainFrequency + oy, finest * grainFrequency, sample);
      relief[1] += reliefStrength * sample[1] * 0.5;
      relief[2] += reliefStrength * sample[2] * 0.5;
      relief[3] += reliefStrength * sample[3] * 0.5;
      const uneven = Math.max(0.15, 1 + grainStrength * sample[0] + 0.25 * shade);
      for (let channel = 0; channel < 3; channel++) {
        const mixed = base[channel] + (second[channel] - base[channel]) * amount;
        const stained = mixed + (third[channel] - mixed) * Math.max(0, Math.min(0.6, 0.8 * shade));
        albedo[channel] = Math.min(0.95, stained * uneven);
      }
    },
  };
};

/** How much of the second colour is at a point, 0 .. 1; coordinates in parts of the pattern, `shade` the fractal noise there. */
type Amount = (x: number, y: number, z: number, finest: number, shade: number) => number;

const patternFunctions: Readonly<Record<Pattern, (source: Random, noise: FractalNoise) => Amount>> = {
  mottled: (source) => {
    const contrast = source.uniform(0.5, 2);
    return (_x, _y, _z, _finest, shade) => unit(0.5 + contrast * shade);
  },
  veined: (source, noise) => {
    const sample = newSample();
    const [bend, tilt] = [source.uniform(1, 4), source.uniform(-1, 1)];
    return (x, y, z, finest) => {
      noise(1.7 * x + 31, 1.7 * y, 1.7 * z, finest, sample);
      return (1 - Math.abs(Math.sin(2 * x + tilt * y + z + bend * sample[0]))) ** 2;
    };
  },
  wood: (source, noise) => {
    const sample = newSample();
    const rings = source.uniform(1.5, 5);
    return (x, y, z, finest, shade) => {
      noise(0.25 * x + 50, y, 2 * z, finest, sample);
      const ring = rings * (Math.hypot(y + 0.7, z + 0.4) + 0.35 * sample[0]);
      return unit(0.5 + 0.5 * Math.sin(2 * Math.PI * ring) + 0.3 * shade);
    };
  },
  stripes: (source) => {
    const [turn, share, soft] = [source.uniform(0, Math.PI), source.uniform(0.3, 0.7), source.uniform(0.02, 0.3)];
    const [a, b] = [Math.cos(turn), Math.sin(turn)];
    return (x, y, z, finest, shade) => pulse(a * x + b * y + 0.5 * z + 0.05 * shade, share, Math.max(soft, finest));
  },
  tiles: (source) => {
    const gap = source.uniform(0.03, 0.12);
    const checked = source.uniform() < 0.5;
    return (x, y, z, finest) => {
      if (checked && (Math.floor(x) + Math.floor(y) + Math.floor(z)) & 1) return 0.75;
      const soft = Math.max(0.02, finest);
      return Math.max(pulse(x, gap, soft), pulse(z, gap, soft), pulse(y, gap, soft));
    };
  },
  bricks: (source) => {
    const [gap, proportion] = [source.uniform(0.04, 0.12), source.uniform(1.8, 3)];
    return (x, y, z, finest, shade) => {
      const along = (x + z) / proportion + (Math.floor(y) & 1 ? 0.5 : 0);
      const soft = Math.max(0.02, finest);
      const mortar = Math.max(pulse(y, gap, soft), pulse(along, gap / proportion, soft / proportion));
      return unit(mortar + 0.25 * Math.sin(7 * Math.floor(along) + 13 * Math.floor(y)) + 0.2 * shade);
    };
  },
  spots: (source) => {
    const [radius, soft] = [source.uniform(0.2, 0.45), source.uniform(0.03, 0.15)];
    return (x, y, z, finest) => {
      const row = Math.floor(y);
      const shift = 0.37 * row;
      const distance = Math.hypot(x + shift - Math.floor(x + shift) - 0.5, y - row - 0.5, z - Math.floor(z) - 0.5);
      return unit((radius - distance) / Math.max(soft, finest) + 0.5);
    };
  },
};

/** 1 in a share of each unit of length, with soft edges. */
const pulse = (position: number, share: number, soft: number): number => {
  const from = Math.abs(position - Math.round(position));
  return unit((share / 2 - from) / soft + 0.5);
};

const unit = (value: number): number => Math.min(1, Math.max(0, value));

/** A colour of things: earth, wood, stone, leaves; one in four is a paint of any hue. */
export const randomColour = (source: Random): Colour =>
  source.uniform() < 0.25
    ? colourOfHue(source.uniform(0, 1), source.uniform(0.3, 0.75), source.uniform(0.1, 0.6))
    : naturalColour(source);

/** A colour of earth, wood, stone, concrete or leaves. */
export const naturalColour = (source: Random): Colour => {
  const hue = source.uniform() < 0.75 ? source.normal(0.085, 0.025) : source.normal(0.24, 0.04);
  return colourOfHue(hue, source.uniform(0.03, 0.45), 2 ** source.uniform(-3.6, -0.6));
};

/** Linear light of a hue (0 .. 1, 0 red, 1/3 green), saturation and greatest channel. */
export const colourOfHue = (hue: number, saturation: number, value: number): Colour => {
  const channel = (shift: number): number => {
    const k = (((shift + hue * 6) % 6) + 6) % 6;
    return value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1)));
  };
  return [channel(5), channel(3), channel(1)];
};

const varied = (source: Random, colour: Colour, amount: number): Colour => {
  const light = 2 ** source.uniform(-1.6 * amount, 1.2 * amount);
  const warm = source.uniform(-0.2, 0.2) * amount;
  return [colour[0] * light * (1 + warm), colour[1] * light, colour[2] * light * (1 - warm)].map((share) =>
    Math.min(0.9, share),
  ) as unknown as Colour;
};
