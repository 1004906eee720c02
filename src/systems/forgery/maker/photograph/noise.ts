import type { Random } from "../../../../random/index.ts";

/** A value of noise and its slopes along x, y and z. */
export interface NoiseSample {
  value: number;
  dx: number;
  dy: number;
  dz: number;
}

/** Writes noise at a point into a sample, so that millions of points need no objects. */
export type Noise = (x: number, y: number, z: number, into: NoiseSample) => void;

/** Gradient noise in space (Perlin, "Improving Noise", 2002), about -1 .. 1 with a period of 256, and its exact slopes. */
export const gradientNoise = (source: Random): Noise => {
  const order = source.permutation(256);
  const table = Uint8Array.from({ length: 512 }, (_, i) => order[i & 255]);
  const gradients = Float64Array.from({ length: 256 * 3 }, () => 0);
  for (let i = 0; i < 256; i++) {
    const z = source.uniform(-1, 1);
    const angle = source.uniform(0, 2 * Math.PI);
    const round = Math.sqrt(1 - z * z);
    gradients.set([1.5 * round * Math.cos(angle), 1.5 * round * Math.sin(angle), 1.5 * z], 3 * i);
  }
  // One corner after the other, and no arrays: this is where the time goes.
  const gradient = (column: number, row: number, layer: number): number =>
    3 * table[table[table[column & 255] + (row & 255)] + (layer & 255)];
  const slope = (hash: number, x: number, y: number, z: number): number =>
    gradients[hash] * x + gradients[hash + 1] * y + gradients[hash + 2] * z;
  return (x, y, z, into) => {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const layer = Math.floor(z);
    const fx = x - column;
    const fy = y - row;
    const fz = z - layer;
    const u = fade(fx);
    const v = fade(fy);
    const w = fade(fz);
    const h000 = gradient(column, row, layer);
    const h100 = gradient(column + 1, row, layer);
    const h010 = gradient(column, row + 1, layer);
    const h110 = gradient(column + 1, row + 1, layer);
    const h001 = gradient(column, row, layer + 1);
    const h101 = gradient(column + 1, row, layer + 1);
    const h011 = gradient(column, row + 1, layer + 1);
    const h111 = gradient(column + 1, row + 1, layer + 1);
    const s000 = slope(h000, fx, fy, fz);
    const s100 = slope(h100, fx - 1, fy, fz);
    const s010 = slope(h010, fx, fy - 1, fz);
    const s110 = slope(h110, fx - 1, fy - 1, fz);
    const s001 = slope(h001, fx, fy, fz - 1);
    const s101 = slope(h101, fx - 1, fy, fz - 1);
    const s011 = slope(h011, fx, fy - 1, fz - 1);
    const s111 = slope(h111, fx - 1, fy - 1, fz - 1);
    const w000 = (1 - u) * (1 - v) * (1 - w);
    const w100 = u * (1 - v) * (1 - w);
    const w010 = (1 - u) * v * (1 - w);
    const w110 = u * v * (1 - w);
    const w001 = (1 - u) * (1 - v) * w;
    const w101 = u * (1 - v) * w;
    const w011 = (1 - u) * v * w;
    const w111 = u * v * w;
    into.value = w000 * s000 + w100 * s100 + w010 * s010 + w110 * s110 + w001 * s001 + w101 * s101 + w011 * s011 + w111 * s111;
    const mean = (axis: number): number =>
      w000 * gradients[h000 + axis] +
      w100 * gradients[h100 + axis] +
      w010 * gradients[h010 + axis] +
      w110 * gradients[h110 + axis] +
      w001 * gradients[h001 + axis] +
      w101 * gradients[h101 + axis] +
      w011 * gradients[h011 + axis] +
      w111 * gradients[h111 + axis];
    into.dx =
      mean(0) +
      fadeSlope(fx) *
        ((1 - v) * (1 - w) * (s100 - s000) + v * (1 - w) * (s110 - s010) + (1 - v) * w * (s101 - s001) + v * w * (s111 - s011));
    into.dy =
      mean(1) +
      fadeSlope(fy) *
        ((1 - u) * (1 - w) * (s010 - s000) + u * (1 - w) * (s110 - s100) + (1 - u) * w * (s011 - s001) + u * w * (s111 - s101));
    into.dz =
      mean(2) +
      fadeSlope(fz) *
        ((1 - u) * (1 - v) * (s001 - s000) + u * (1 - v) * (s101 - s100) + (1 - u) * v * (s011 - s010) + u * v * (s111 - s110));
  };
};

/**
 * Fractal noise: octaves of doubling frequency whose amplitudes fall by `gain`; a gain of 0.5 gives an amplitude spectrum near 1/f, as
 * that of photographs (Field 1987). Octaves finer than `finest`, a length in the point's own units, are left out, so that nothing is
 * drawn that the picture cannot show. About -1 .. 1.
 */
export const fractalNoise = (noise: Noise, octaves: number, gain: number) => {
  const own: NoiseSample = { value: 0, dx: 0, dy: 0, dz: 0 };
  const norm = Math.sqrt(Array.from({ length: octaves }, (_, o) => gain ** (2 * o)).reduce((sum, power) => sum + power, 0));
  return (x: number, y: number, z: number, finest: number, into: NoiseSample): void => {
    let value = 0;
    let dx = 0;
    let dy = 0;
    let dz = 0;
    let frequency = 1;
    let amplitude = 1 / norm;
    for (let octave = 0; octave < octaves && frequency * finest < 0.6; octave++) {
      // A shift by octave, so that lattice points, where noise is 0, do not fall together.
      const shift = 17.37 * octave;
      noise(x * frequency + shift, y * frequency + 0.61 * shift, z * frequency - shift, own);
      value += amplitude * own.value;
      dx += amplitude * frequency * own.dx;
      dy += amplitude * frequency * own.dy;
      dz += amplitude * frequency * own.dz;
      frequency *= 2.03;
      amplitude *= gain;
    }
    into.value = value;
    into.dx = dx;
    into.dy = dy;
    into.dz = dz;
  };
};

export type FractalNoise = ReturnType<typeof fractalNoise>;

const fade = (t: number): number => t * t * t * (t * (6 * t - 15) + 10);
const fadeSlope = (t: number): number => 30 * t * t * (t - 1) * (t - 1);
