import { LatticePoints } from "./lattice-points.ts";
import { enclosingSimplex } from "./lattice-simplex.ts";

export interface LatticeOptions {
  /**
   * Filter with D^(-1/2) k D^(-1/2) instead of the kernel k, where D = diag(k 1) holds the sum of k for every position. Unlike
   * a division by D alone this leaves the kernel symmetric. Default false.
   */
  readonly normalised?: boolean;
}

/** A Gaussian filter over fixed positions. */
export interface GaussianFilter {
  /** How many lattice points carry values: what a filtering costs beside the number of positions. */
  readonly points: number;
  /**
   * Adds `weight` (1) times the filtered values [count, channels] to `sum` (zeros), and returns it.
   * @throws RangeError for a wrong length.
   */
  readonly filter: (values: Float32Array, channels: number, sum?: Float32Array, weight?: number) => Float32Array;
}

/**
 * Gaussian filtering in any number of dimensions, in time and memory linear in the number of positions (Adams, Baek and Davis
 * 2010, "Fast high-dimensional filtering using the permutohedral lattice"): approximately
 *
 *   y_i = sum_j k(i, j) v_j,  k(i, j) = exp(-|f_i - f_j|^2 / 2),  j = i included.
 *
 * Every position gives its value to the d + 1 corners of the simplex of the lattice that holds it (splat), the lattice is
 * blurred by (1, 2, 1) / 4 along its d + 1 directions, and every position reads its corners (slice), with the same barycentric
 * weights. Beyond the paper, the neighbours of splatted points carry values too: without them the blur loses what it moves
 * there, and sparse positions, such as noisy colours, get kernels that are too light.
 *
 * @param features positions f, [count, dimensions], in standard deviations.
 * @throws RangeError when the features are no positions, or one is not a number or more than about 10^8 deviations from 0.
 */
export const permutohedralLattice = (
  features: Float32Array,
  dimensions: number,
  { normalised = false }: LatticeOptions = {},
): GaussianFilter => {
  const count = features.length / dimensions;
  if (!(Number.isInteger(dimensions) && dimensions > 0 && Number.isInteger(count))) {
    throw new RangeError(`${features.length} features are not positions of ${dimensions} dimensions each.`);
  }
  const corners = dimensions + 1;
  const cornerOf = new Int32Array(count * corners);
  const weightOf = new Float32Array(count * corners);
  const lattice = new LatticePoints(dimensions, count / 8);
  const simplex = enclosingSimplex(dimensions);
  for (let i = 0, place = 0; i < count; i++) {
    simplex.locate(features, i * dimensions);
    for (let corner = 0; corner < corners; corner++, place++) {
      cornerOf[place] = lattice.add(simplex.corner(corner));
      weightOf[place] = simplex.weights[corner];
    }
  }
  addNeighbours(lattice, dimensions);
  const neighbours = neighboursOf(lattice, dimensions);
  const points = lattice.count;

  const filter = (
    values: Float32Array,
    channels: number,
    sum: Float32Array = new Float32Array(count * channels),
    weight = 1,
  ): Float32Array => {
    if (values.length !== count * channels || sum.length !== values.length) {
      throw new RangeError(`${count} positions with ${channels} channels take ${count * channels} values, not ${values.length}.`);
    }
    let held = new Float32Array(points * channels);
    let blurred = new Float32Array(points * channels);
    for (let i = 0, place = 0; i < count; i++) {
      for (let corner = 0; corner < corners; corner++, place++) {
        const share = weightOf[place];
        const to = cornerOf[place] * channels;
        const from = i * channels;
        for (let channel = 0; channel < channels; channel++) held[to + channel] += share * values[from + channel];
      }
    }
    for (let direction = 0; direction < corners; direction++) {
      blurAlong(held, blurred, neighbours.subarray(2 * direction * points, 2 * (direction + 1) * points), channels);
      [held, blurred] = [blurred, held];
    }
    for (let i = 0, place = 0; i < count; i++) {
      for (let corner = 0; corner < corners; corner++, place++) {
        const share = weight * weightOf[place];
        const from = cornerOf[place] * channels;
        const to = i * channels;
        for (let channel = 0; channel < channels; channel++) sum[to + channel] += share * held[from + channel];
      }
    }
    return sum;
  };

  // Splat, blur and slice together integrate to the cell of a lattice point, (3 / 2)^(d / 2) / sqrt(d + 1); k to (2 pi)^(d / 2).
  const height = Math.sqrt(corners) * ((4 * Math.PI) / 3) ** (dimensions / 2);
  const totals = normalised ? filter(new Float32Array(count).fill(1), 1) : undefined;
  for (let place = 0; place < weightOf.length; place++) {
    weightOf[place] *= totals === undefined ? Math.sqrt(height) : 1 / Math.sqrt(totals[Math.floor(place / corners)]);
  }
  return { points, filter };
};

/** (1, 2, 1) / 4 along one direction of the lattice, values [points, channels]; a neighbour that is missing counts as 0. */
const blurAlong = (from: Float32Array, to: Float32Array, neighbours: Int32Array, channels: number): void => {
  for (let place = 0, at = 0; at < from.length; at += channels) {
    const before = neighbours[place++] * channels;
    const after = neighbours[place++] * channels;
    for (let c = 0; c < channels; c++) {
      let sides = 0;
      if (before >= 0) sides += from[before + c];
      if (after >= 0) sides += from[after + c];
      to[at + c] = 0.5 * from[at + c] + 0.25 * sides;
    }
  }
};

/** Moves a point along a direction of the lattice: by d in that coordinate and by -1 in the others. The last is not stored. */
const move = (point: Int32Array, direction: number, steps: 1 | -1): void => {
  for (let axis = 0; axis < point.length; axis++) point[axis] += steps * (axis === direction ? point.length : -1);
};

const addNeighbours = (lattice: LatticePoints, dimensions: number): void => {
  const point = new Int32Array(dimensions);
  const occupied = lattice.count;
  for (let number = 0; number < occupied; number++) {
    for (let direction = 0; direction <= dimensions; direction++) {
      for (const steps of [1, -1] as const) {
        lattice.read(number, point);
        move(point, direction, steps);
        lattice.add(point);
      }
    }
  }
};

/** The points before and after every point along every direction, [directions, points, 2], -1 where there is none. */
const neighboursOf = (lattice: LatticePoints, dimensions: number): Int32Array => {
  const neighbours = new Int32Array((dimensions + 1) * lattice.count * 2).fill(-1);
  const point = new Int32Array(dimensions);
  for (let direction = 0; direction <= dimensions; direction++) {
    const start = 2 * direction * lattice.count;
    for (let number = 0; number < lattice.count; number++) {
      lattice.read(number, point);
      move(point, direction, 1);
      const next = lattice.find(point);
      if (next < 0) continue;
      neighbours[start + 2 * number + 1] = next;
      neighbours[start + 2 * next] = number;
    }
  }
  return neighbours;
};
