import { random } from "../../../random/index.ts";

/** A square periodic picture of `side` x `side` values, `side` a power of two: noise that costs one look-up where it is painted. */
export interface Texture {
  readonly side: number;
  readonly data: Float32Array;
}

/** The value at (x, y) in texels, between texels by bilinear interpolation; periodic, any real position. */
export const sampleTexture = ({ side, data }: Texture, x: number, y: number): number => {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const fx = x - column;
  const fy = y - row;
  const last = side - 1;
  const left = column & last;
  const right = (column + 1) & last;
  const upper = (row & last) * side;
  const lower = ((row + 1) & last) * side;
  const top = data[upper + left] + (data[upper + right] - data[upper + left]) * fx;
  const bottom = data[lower + left] + (data[lower + right] - data[lower + left]) * fx;
  return top + (bottom - top) * fy;
};

/** The nearest texel to (x, y): enough for grain finer than a pixel. */
export const texelAt = ({ side, data }: Texture, x: number, y: number): number =>
  data[(Math.floor(y) & (side - 1)) * side + (Math.floor(x) & (side - 1))];

/** Mean 0, variance 1, octaves of noise from a wavelength of 64 texels down to 2: fibres when stretched, wisps otherwise. */
export const fractalTexture = (): Texture => (fractal ??= standardised(octaves("fractal", 512, [64, 32, 16, 8, 4, 2], 0.7)));

/** Mean 0, variance 1, wavelengths of 8 to 2 texels: chromatin and granular cytoplasm. */
export const grainTexture = (): Texture => (grain ??= standardised(octaves("grain", 512, [8, 4, 2], 0.9)));

/**
 * Cells that touch each other: the difference between the distances to the second nearest and to the nearest of jittered points
 * (Worley 1996), in texels, about 0 at a wall between two cells. 32 x 32 cells of 16 texels.
 */
export const cellTexture = (): Texture => (cells ??= worley("cells", 512, 32));

let fractal: Texture | undefined;
let grain: Texture | undefined;
let cells: Texture | undefined;

/** A sum of periodic value noises; each octave has `persistence` of the amplitude of the one before. */
const octaves = (name: string, side: number, wavelengths: readonly number[], persistence: number): Texture => {
  const data = new Float32Array(side * side);
  wavelengths.forEach((wavelength, octave) => {
    const knots = side / wavelength;
    const source = random("texture", name, octave);
    const values = Float32Array.from({ length: knots * knots }, () => source.uniform(-1, 1));
    const amplitude = persistence ** octave;
    for (let y = 0; y < side; y++) {
      const row = Math.floor(y / wavelength);
      const ty = smooth(y / wavelength - row);
      for (let x = 0; x < side; x++) {
        const column = Math.floor(x / wavelength);
        const tx = smooth(x / wavelength - column);
        const at = (dx: number, dy: number): number => values[((row + dy) % knots) * knots + ((column + dx) % knots)];
        const top = at(0, 0) * (1 - tx) + at(1, 0) * tx;
        const bottom = at(0, 1) * (1 - tx) + at(1, 1) * tx;
        data[y * side + x] += amplitude * (top * (1 - ty) + bottom * ty);
      }
    }
  });
  return { side, data };
};

const worley = (name: string, side: number, count: number): Texture => {
  const source = random("texture", name);
  const points = Float32Array.from({ length: count * count * 2 }, () => source.uniform(0.1, 0.9));
  const data = new Float32Array(side * side);
  const size = side / count;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let [nearest, second] = [Infinity, Infinity];
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const column = Math.floor(x / size) + dx;
          const row = Math.floor(y / size) + dy;
          const cell = ((row + count) % count) * count + ((column + count) % count);
          const distance = Math.hypot((column + points[cell * 2]) * size - x, (row + points[cell * 2 + 1]) * size - y);
          if (distance < nearest) [nearest, second] = [distance, nearest];
          else if (distance < second) second = distance;
        }
      }
      data[y * side + x] = second - nearest;
    }
  }
  return { side, data };
};

const standardised = ({ side, data }: Texture): Texture => {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
  return { side, data: data.map((value) => (value - mean) / deviation) };
};

const smooth = (t: number): number => t * t * (3 - 2 * t);
