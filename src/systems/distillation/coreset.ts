import type { Random } from "../../random/index.ts";

/** How many vectors are worth choosing among, where there are more: the time of a choice grows with them. */
export const CANDIDATES = 50_000;

/**
 * Positions of a map of side x side to choose among, at most `count`, drawn by `rng` from those of which at least half counts: `counts`, [size, size], is 1
 * where a pixel counts and 0 where it is ignored; undefined: all count.
 */
export const drawPositions = (side: number, counts: Float32Array | undefined, count: number, rng: Random): Uint32Array => {
  const drawn = rng.permutation(side * side);
  const size = Math.sqrt(counts?.length ?? 0);
  const edge = (index: number): number => Math.floor((index * size) / side);
  const share = (position: number): number => {
    if (counts === undefined) return 1;
    const [row, column] = [Math.floor(position / side), position % side];
    let counted = 0;
    for (let y = edge(row); y < edge(row + 1); y++) {
      for (let x = edge(column); x < edge(column + 1); x++) counted += counts[y * size + x];
    }
    return counted / ((edge(row + 1) - edge(row)) * (edge(column + 1) - edge(column)));
  };
  return drawn.filter((position) => share(position) >= 0.5).subarray(0, count);
};

/** Dimensions in which distances are estimated while choosing: random projections keep them to some per cent (Johnson and Lindenstrauss 1984). */
const DIMENSIONS = 64;

/**
 * Greedy k-center selection (Sener and Savarese 2018; the coreset of PatchCore, Roth et al. 2022): beginning with a random vector, again and
 * again the one that lies farthest from all chosen so far, so that no vector is far from the chosen ones. Distances are taken after a
 * random projection where there are more than 64 dimensions. vectors: [count, dimensions] -> positions of at most `size` of them, in the
 * order of choice; fewer where only repetitions are left, none of none.
 */
export const coreset = (vectors: Float32Array, dimensions: number, size: number, rng: Random): number[] => {
  const count = vectors.length / dimensions;
  const points = dimensions > DIMENSIONS ? projected(vectors, dimensions, rng) : vectors;
  const width = Math.min(dimensions, DIMENSIONS);
  const distances = new Float32Array(count).fill(Number.POSITIVE_INFINITY);
  if (count === 0) return [];
  const chosen = [rng.integer(0, count - 1)];
  while (chosen.length < size) {
    const last = chosen[chosen.length - 1] * width;
    let farthest = 0;
    for (let point = 0; point < count; point++) {
      let squared = 0;
      const start = point * width;
      for (let i = 0; i < width; i++) {
        const difference = points[start + i] - points[last + i];
        squared += difference * difference;
      }
      if (squared < distances[point]) distances[point] = squared;
      if (distances[point] > distances[farthest]) farthest = point;
    }
    if (distances[farthest] === 0) break;
    chosen.push(farthest);
  }
  return chosen;
};

const projected = (vectors: Float32Array, dimensions: number, rng: Random): Float32Array => {
  const matrix = Float32Array.from({ length: dimensions * DIMENSIONS }, () => rng.normal(0, 1 / Math.sqrt(DIMENSIONS)));
  const count = vectors.length / dimensions;
  const result = new Float32Array(count * DIMENSIONS);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < dimensions; i++) {
      const value = vectors[row * dimensions + i];
      for (let j = 0; j < DIMENSIONS; j++) result[row * DIMENSIONS + j] += value * matrix[i * DIMENSIONS + j];
    }
  }
  return result;
};
