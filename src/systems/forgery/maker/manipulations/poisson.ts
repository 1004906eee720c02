import type { Mask } from "../../../../imaging/index.ts";
import type { FloatImage } from "../float-image.ts";

/** Which gradients the blended region gets: those of the source, or at each edge the greater of source and target. */
export type Guidance = "source" | "mixed";

/**
 * Poisson blending (Pérez, Gangnet and Blake, "Poisson image editing", 2003): the region gets the colours whose gradients are, in the
 * least squares sense, those of `source`, with the target's own colours around it. Equation (7) of the paper,
 * |N_p| f_p - sum of f_q = sum of f*_q + sum of v_pq over the four neighbours q of p, is solved for each channel to a residual of at most
 * `tolerance` levels. A side on the picture's border has no neighbour and thus a gradient of its own.
 * Throws a RangeError when the region covers the whole picture: nothing then says how bright it is.
 */
export const poissonBlend = (
  target: FloatImage,
  source: FloatImage,
  region: Mask,
  guidance: Guidance = "source",
  tolerance = 1e-3,
): FloatImage => {
  const system = laplaceSystem(region);
  const data = target.data.slice();
  const { width } = target;
  const right = new Float64Array(system.pixels.length);
  const start = new Float64Array(system.pixels.length);
  for (let c = 0; c < 3; c++) {
    for (let row = 0; row < right.length; row++) {
      const pixel = system.pixels[row];
      let sum = 0;
      for (let side = 0; side < 4; side++) {
        const other = neighbourOf(pixel, side, width, region.height);
        if (other < 0) continue;
        const own = source.data[3 * pixel + c] - source.data[3 * other + c];
        const kept = target.data[3 * pixel + c] - target.data[3 * other + c];
        sum += guidance === "mixed" && Math.abs(kept) > Math.abs(own) ? kept : own;
        if (region.data[other] === 0) sum += target.data[3 * other + c];
      }
      right[row] = sum;
      start[row] = target.data[3 * pixel + c];
    }
    const solution = solve(system, right, start, tolerance);
    for (let row = 0; row < right.length; row++) data[3 * system.pixels[row] + c] = solution[row];
  }
  return { width, height: target.height, data };
};

/** The region filled with the smoothest continuation of what is around it: the solution of Laplace's equation. */
export const membrane = (target: FloatImage, region: Mask): FloatImage =>
  poissonBlend(target, { ...target, data: new Float32Array(target.data.length) }, region, "source", 0.05);

/** The discrete Laplacian of a region: one row for each of its pixels, in reading order. */
interface LaplaceSystem {
  readonly pixels: Int32Array;
  /** The row of each pixel's left, right, upper and lower neighbour, -1 where that is no unknown: `[rows, 4]`. */
  readonly neighbours: Int32Array;
  /** How many neighbours a pixel has in the picture. */
  readonly diagonal: Float64Array;
  /** Inverse square roots of the pivots of the incomplete factor. */
  readonly pivots: Float64Array;
}

const laplaceSystem = (region: Mask): LaplaceSystem => {
  const { width, height, data } = region;
  const rowOf = new Int32Array(data.length).fill(-1);
  let count = 0;
  for (let pixel = 0; pixel < data.length; pixel++) if (data[pixel] !== 0) rowOf[pixel] = count++;
  if (count === data.length) {
    throw new RangeError("A region that covers the whole picture cannot be blended: leave a pixel around it for its boundary.");
  }
  const pixels = new Int32Array(count);
  const neighbours = new Int32Array(4 * count);
  const diagonal = new Float64Array(count);
  for (let pixel = 0; pixel < data.length; pixel++) {
    const row = rowOf[pixel];
    if (row < 0) continue;
    pixels[row] = pixel;
    for (let side = 0; side < 4; side++) {
      const other = neighbourOf(pixel, side, width, height);
      neighbours[4 * row + side] = other < 0 ? -1 : rowOf[other];
      if (other >= 0) diagonal[row]++;
    }
  }
  return { pixels, neighbours, diagonal, pivots: incompleteFactor(neighbours, diagonal) };
};

/**
 * Modified incomplete Cholesky factor without fill-in (Gustafsson 1978), 97 % of the dropped fill-in added to the diagonal: the number of
 * iterations grows with the square root of the region's diameter.
 */
const incompleteFactor = (neighbours: Int32Array, diagonal: Float64Array): Float64Array => {
  const pivots = new Float64Array(diagonal.length);
  for (let row = 0; row < diagonal.length; row++) {
    let pivot = diagonal[row];
    const left = neighbours[4 * row];
    const above = neighbours[4 * row + 2];
    if (left >= 0) pivot -= pivots[left] ** 2 * (1 + (neighbours[4 * left + 3] >= 0 ? 0.97 : 0));
    if (above >= 0) pivot -= pivots[above] ** 2 * (1 + (neighbours[4 * above + 1] >= 0 ? 0.97 : 0));
    pivots[row] = 1 / Math.sqrt(pivot < 0.25 * diagonal[row] ? diagonal[row] : pivot);
  }
  return pivots;
};

/** Conjugate gradients with the incomplete factor as preconditioner, until no residual exceeds the tolerance. */
const solve = (system: LaplaceSystem, right: Float64Array, start: Float64Array, tolerance: number): Float64Array => {
  const { neighbours, diagonal } = system;
  const count = right.length;
  const solution = start.slice();
  const residual = new Float64Array(count);
  const product = new Float64Array(count);
  const multiply = (vector: Float64Array): void => {
    for (let row = 0; row < count; row++) {
      let sum = diagonal[row] * vector[row];
      for (let side = 4 * row; side < 4 * row + 4; side++) if (neighbours[side] >= 0) sum -= vector[neighbours[side]];
      product[row] = sum;
    }
  };
  multiply(solution);
  for (let row = 0; row < count; row++) residual[row] = right[row] - product[row];
  const conditioned = new Float64Array(count);
  precondition(system, residual, conditioned);
  const direction = conditioned.slice();
  let power = dot(residual, conditioned);
  for (let iteration = 0; iteration < 10 * Math.sqrt(count) + 100 && largest(residual) > tolerance; iteration++) {
    multiply(direction);
    const step = power / dot(direction, product);
    for (let row = 0; row < count; row++) {
      solution[row] += step * direction[row];
      residual[row] -= step * product[row];
    }
    precondition(system, residual, conditioned);
    const next = dot(residual, conditioned);
    for (let row = 0; row < count; row++) direction[row] = conditioned[row] + (next / power) * direction[row];
    power = next;
  }
  return solution;
};

const precondition = ({ neighbours, pivots }: LaplaceSystem, residual: Float64Array, into: Float64Array): void => {
  const count = residual.length;
  for (let row = 0; row < count; row++) {
    let sum = residual[row];
    const left = neighbours[4 * row];
    const above = neighbours[4 * row + 2];
    if (left >= 0) sum += pivots[left] * into[left];
    if (above >= 0) sum += pivots[above] * into[above];
    into[row] = sum * pivots[row];
  }
  for (let row = count - 1; row >= 0; row--) {
    let sum = into[row];
    const right = neighbours[4 * row + 1];
    const below = neighbours[4 * row + 3];
    if (right >= 0) sum += pivots[row] * into[right];
    if (below >= 0) sum += pivots[row] * into[below];
    into[row] = sum * pivots[row];
  }
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

const largest = (values: Float64Array): number => {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
};

/** The pixel to the left, right, above or below, -1 beyond the border. */
const neighbourOf = (pixel: number, side: number, width: number, height: number): number => {
  if (side === 0) return pixel % width === 0 ? -1 : pixel - 1;
  if (side === 1) return (pixel + 1) % width === 0 ? -1 : pixel + 1;
  if (side === 2) return pixel < width ? -1 : pixel - width;
  return pixel + width < width * height ? pixel + width : -1;
};
