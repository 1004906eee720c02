import type { Random } from "../../../../random/index.ts";

/** A value of noise and its slopes along x, y and z: `[value, dx, dy, dz]`. */
export type NoiseSample = Float64Array;

export const newSample = (): NoiseSample => new Float64Array(4);

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
  // No arrays, closures and calls in the loop: this is where the time goes.
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
    const du = fadeSlope(fx);
    const dv = fadeSlope(fy);
    const dw = fadeSlope(fz);
    let value = 0;
    let dx = 0;
    let dy = 0;
    let dz = 0;
    for (let corner = 0; corner < 8; corner++) {
      const cx = corner & 1;
      const cy = (corner >> 1) & 1;
      const cz = corner >> 2;
      const hash = 3 * table[table[table[(column + cx) & 255] + ((row + cy) & 255)] + ((layer + cz) & 255)];
      const gx = gradients[hash];
      const gy = gradients[hash + 1];
      const gz = gradients[hash + 2];
      const slope = gx * (fx - cx) + gy * (fy - cy) + gz * (fz - cz);
      const wx = cx === 1 ? u : 1 - u;
      const wy = cy === 1 ? v : 1 - v;
      const wz = cz === 1 ? w : 1 - w;
      const weight = wx * wy * wz;
      value += weight * slope;
      dx += weight * gx + (cx === 1 ? du : -du) * wy * wz * slope;
      dy += weight * gy + (cy === 1 ? dv : -dv) * wx * wz * slope;
      dz += weight * gz + (cz === 1 ? dw : -dw) * wx * wy * slope;
    }
    into[0] = value;
    into[1] = dx;
    into[2] = dy;
    into[3] = dz;
  };
};

/**
 * Fractal noise: octaves of doubling frequency whose amplitudes fall by `gain`; a gain of 0.5 gives an amplitude spectrum near 1/f, as
 * that of photographs (Field 1987). Octaves finer than `finest`, a length in the point's own units, are left out, so that nothing is
 * drawn that the picture cannot show. About -1 .. 1.
 */
export const fractalNoise = (noise: Noise, octaves: number, gain: number) => {
  const own = newSample();
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
      value += amplitude * own[0];
      dx += amplitude * frequency * own[1];
      dy += amplitude * frequency * own[2];
      dz += amplitude * frequency * own[3];
      frequency *= 2.03;
      amplitude *= gain;
    }
    into[0] = value;
    into[1] = dx;
    into[2] = dy;
    into[3] = dz;
  };
};

export type FractalNoise = ReturnType<typeof fractalNoise>;

const fade = (t: number): number => t * t * t * (t * (6 * t - 15) + 10);
const fadeSlope = (t: number): number => 30 * t * t * (t - 1) * (t - 1);
