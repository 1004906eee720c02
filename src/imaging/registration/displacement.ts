import { type Affine, applyAffine, type Grid, type LabelVolume, voxelsOf } from "../volumes/index.ts";

export interface Displacement {
  readonly mean: number;
  readonly rootMeanSquare: number;
  readonly largest: number;
}

/**
 * How far apart two transforms take the voxels of a grid, or of the mask on it, in mm: |a(x) - b(x)| over the voxels' centres x. With the
 * true transform as one of them, the target registration error (Fitzpatrick and West 2001). NaN when the mask is empty.
 */
export const displacementBetween = (a: Affine, b: Affine, grid: Grid, mask?: LabelVolume): Displacement => {
  const { width, height } = grid;
  let [voxels, sum, squares, largest] = [0, 0, 0, 0];
  const size = voxelsOf(grid);
  for (let at = 0; at < size; at++) {
    if (mask && mask.data[at] === 0) continue;
    const point = applyAffine(grid.affine, [at % width, Math.floor(at / width) % height, Math.floor(at / (width * height))]);
    const [p, q] = [applyAffine(a, point), applyAffine(b, point)];
    const square = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2;
    voxels++;
    sum += Math.sqrt(square);
    squares += square;
    if (square > largest) largest = square;
  }
  return { mean: sum / voxels, rootMeanSquare: Math.sqrt(squares / voxels), largest: Math.sqrt(largest) };
};
