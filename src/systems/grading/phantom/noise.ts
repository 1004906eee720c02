import { random } from "../../../random/index.ts";

/**
 * A 32-bit number that is a function of its four keys (multiply and xor-shift rounds as in MurmurHash3's finaliser). What a lattice
 * cell holds is drawn from it, so that a cell is the same from whichever side a slide is painted.
 */
export const hash = (seed: number, x: number, y: number, salt: number): number => {
  let h = Math.imul(seed, 0x9e3779b1) ^ Math.imul(salt + 0x165667b1, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15) ^ x, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ y, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
};

/** Uniform in [0, 1), a function of its four keys. */
export const unit = (seed: number, x: number, y: number, salt: number): number => hash(seed, x, y, salt) * 2 ** -32;

/** Gradient noise (Perlin 2002) of wavelength 1, within about [-1, 1], mean 0; a function of seed and position. */
export const noise = (seed: number, x: number, y: number): number => {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const fx = x - column;
  const fy = y - row;
  const sx = fx * fx * fx * (fx * (fx * 6 - 15) + 10);
  const sy = fy * fy * fy * (fy * (fy * 6 - 15) + 10);
  const top = mix(slope(seed, column, row, fx, fy), slope(seed, column + 1, row, fx - 1, fy), sx);
  const bottom = mix(slope(seed, column, row + 1, fx, fy - 1), slope(seed, column + 1, row + 1, fx - 1, fy - 1), sx);
  return 1.5 * mix(top, bottom, sy);
};

/** One of a slide's noise fields, by name, unrelated to its others: gradient noise of the wavelength, within about [-1, 1]. */
export const noiseField = (seed: number, name: string, wavelength: number): ((x: number, y: number) => number) => {
  const own = random("phantom noise", seed, name).integer(0, 2 ** 31 - 1);
  return (x, y) => noise(own, x / wavelength, y / wavelength);
};

/** 0 below `low`, 1 above `high`, and a smooth cubic between. */
export const smoothStep = (low: number, high: number, value: number): number => {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

/** The minimum of two lengths, rounded where they are within `radius` of each other (Quilez's polynomial smooth minimum). */
export const smoothMinimum = (a: number, b: number, radius: number): number => {
  const h = Math.max(0, radius - Math.abs(a - b)) / radius;
  return Math.min(a, b) - (h * h * radius) / 4;
};

const mix = (a: number, b: number, t: number): number => a + (b - a) * t;

const directions = Float64Array.from({ length: 32 }, (_, index) => {
  const angle = (Math.floor(index / 2) * Math.PI) / 8;
  return index % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
});

const slope = (seed: number, column: number, row: number, x: number, y: number): number => {
  const direction = (hash(seed, column, row, 0) >>> 28) * 2;
  return directions[direction] * x + directions[direction + 1] * y;
};
