import type { Random } from "../../../random/index.ts";
import type { OcclusionOptions } from "./options.ts";
import type { Quantities } from "./quantities.ts";
import type { Size } from "./rectangles.ts";

/**
 * Irregular blobs: ellipses of the drawn shares, aspect ratios and centres, turned at random and bent by gradient noise,
 * grown together until they cover exactly `ratio` of the image. Returns the pixel indices of each blob; blobs do not overlap
 * (a pixel belongs to the ellipse it is deepest in) and one that is swallowed by its neighbours is empty.
 * Source: structured corruption of Bauer et al. 2024.
 */
export const drawBlobs = (
  size: Size,
  { ratio, shares, aspects, positions }: Quantities,
  { featureSize }: Pick<OcclusionOptions, "featureSize">,
  rng: Random,
): Uint32Array[] => {
  const { width, height } = size;
  const cell = drawCell(size, featureSize, rng);
  const bendX = gradientNoise(size, cell, 2, rng);
  const bendY = gradientNoise(size, cell, 2, rng);
  const angles = shares.map(() => rng.uniform(0, Math.PI));

  const depth = new Float32Array(width * height).fill(Number.NEGATIVE_INFINITY);
  const owner = new Uint32Array(width * height);
  for (let blob = 0; blob < shares.length; blob++) {
    const alongX = Math.cos(angles[blob]) / Math.sqrt(shares[blob] * aspects[blob]);
    const alongY = Math.sin(angles[blob]) / Math.sqrt(shares[blob] * aspects[blob]);
    const acrossX = -Math.sin(angles[blob]) / Math.sqrt(shares[blob] / aspects[blob]);
    const acrossY = Math.cos(angles[blob]) / Math.sqrt(shares[blob] / aspects[blob]);
    const centreX = positions[blob][0] * width - 0.5;
    const centreY = positions[blob][1] * height - 0.5;
    for (let row = 0, pixel = 0; row < height; row++) {
      for (let column = 0; column < width; column++, pixel++) {
        const x = column - centreX + cell * bendX[pixel];
        const y = row - centreY + cell * bendY[pixel];
        const along = alongX * x + alongY * y;
        const across = acrossX * x + acrossY * y;
        const deep = -(along * along + across * across);
        if (deep > depth[pixel]) {
          depth[pixel] = deep;
          owner[pixel] = blob;
        }
      }
    }
  }
  const pixels = highest(depth, ratio);
  return shares.map((_, blob) => pixels.filter((pixel) => owner[pixel] === blob));
};

/**
 * The region where Perlin noise is highest, exactly `ratio` of the image. Returns its pixel indices.
 * Source: masks of DRAEM (Zavrtanik et al. 2021), which thresholds Perlin noise (Perlin 1985) at a fixed value instead.
 */
export const drawPerlinRegion = (
  size: Size,
  ratio: number,
  { featureSize, octaves }: Pick<OcclusionOptions, "featureSize" | "octaves">,
  rng: Random,
): Uint32Array => highest(gradientNoise(size, drawCell(size, featureSize, rng), octaves, rng), ratio);

const drawCell = ({ width, height }: Size, featureSize: OcclusionOptions["featureSize"], rng: Random): number =>
  Math.max(1, rng.uniform(featureSize.min, featureSize.max) * Math.min(width, height));

/**
 * Gradient noise [height, width] (Perlin 1985, with the quintic fade of Perlin 2002): random unit gradients at the corners of
 * a square lattice of `cell` pixels, whose linear functions are blended inside a cell. Octave o has cells of cell / 2^o pixels
 * and height 2^-o. The lattice is shifted at random, because the noise vanishes at its corners. Values of one octave lie
 * in [-2^(-1/2), 2^(-1/2)].
 */
export const gradientNoise = ({ width, height }: Size, cell: number, octaves: number, rng: Random): Float32Array => {
  const field = new Float32Array(width * height);
  const columnCell = new Uint32Array(width);
  const columnX = new Float64Array(width);
  const columnFade = new Float64Array(width);
  for (let octave = 0; octave < octaves; octave++) {
    const frequency = 2 ** octave / cell;
    const amplitude = 2 ** -octave;
    const shiftX = rng.uniform();
    const shiftY = rng.uniform();
    const stride = Math.ceil(width * frequency) + 2;
    const corners = stride * (Math.ceil(height * frequency) + 2);
    const gradientX = new Float32Array(corners);
    const gradientY = new Float32Array(corners);
    for (let corner = 0; corner < corners; corner++) {
      const angle = rng.uniform(0, 2 * Math.PI);
      gradientX[corner] = Math.cos(angle);
      gradientY[corner] = Math.sin(angle);
    }
    for (let column = 0; column < width; column++) {
      const latticeX = column * frequency + shiftX;
      columnCell[column] = Math.floor(latticeX);
      columnX[column] = latticeX - columnCell[column];
      columnFade[column] = fade(columnX[column]);
    }
    for (let row = 0, pixel = 0; row < height; row++) {
      const latticeY = row * frequency + shiftY;
      const cellY = Math.floor(latticeY);
      const y = latticeY - cellY;
      const fadeY = fade(y);
      for (let column = 0; column < width; column++, pixel++) {
        const x = columnX[column];
        const fadeX = columnFade[column];
        const above = cellY * stride + columnCell[column];
        const below = above + stride;
        const upperLeft = gradientX[above] * x + gradientY[above] * y;
        const upperRight = gradientX[above + 1] * (x - 1) + gradientY[above + 1] * y;
        const lowerLeft = gradientX[below] * x + gradientY[below] * (y - 1);
        const lowerRight = gradientX[below + 1] * (x - 1) + gradientY[below + 1] * (y - 1);
        const upper = upperLeft + fadeX * (upperRight - upperLeft);
        const lower = lowerLeft + fadeX * (lowerRight - lowerLeft);
        field[pixel] += amplitude * (upper + fadeY * (lower - upper));
      }
    }
  }
  return field;
};

const fade = (t: number): number => t * t * t * (t * (6 * t - 15) + 10);

/** Indices of the `ratio` of all values that are highest, at least one; of equal values at the limit the first ones. */
const highest = (field: Float32Array, ratio: number): Uint32Array => {
  const wanted = Math.max(1, Math.round(ratio * field.length));
  const limit = orderStatistic(field.slice(), field.length - wanted);
  const pixels = new Uint32Array(wanted);
  let next = 0;
  let atLimit = wanted;
  for (let index = 0; index < field.length; index++) if (field[index] > limit) atLimit--;
  for (let index = 0; index < field.length; index++) {
    if (field[index] > limit || (field[index] === limit && atLimit-- > 0)) pixels[next++] = index;
  }
  return pixels;
};

/** The value that would stand at `rank` if the values were sorted (Hoare 1961: quickselect). Reorders the values. */
const orderStatistic = (values: Float32Array, rank: number): number => {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const moved = values[left];
      values[left++] = values[right];
      values[right--] = moved;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank];
};
