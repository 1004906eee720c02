import { type Affine, composeAffine, type Grid, type LabelVolume } from "../volumes/index.ts";

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
  const [p, q] = [composeAffine(a, grid.affine), composeAffine(b, grid.affine)];
  const d = p.map((value, n) => value - q[n]); // of a voxel's index, the difference of both
  let [voxels, sum, squares, largest] = [0, 0, 0, 0];
  for (let k = 0, at = 0; k < grid.slices; k++) {
    for (let j = 0; j < grid.height; j++) {
      for (let i = 0; i < grid.width; i++, at++) {
        if (mask && mask.data[at] === 0) continue;
        const x = d[0] * i + d[1] * j + d[2] * k + d[3];
        const y = d[4] * i + d[5] * j + d[6] * k + d[7];
        const z = d[8] * i + d[9] * j + d[10] * k + d[11];
        const square = x * x + y * y + z * z;
        voxels++;
        sum += Math.sqrt(square);
        squares += square;
        if (square > largest) largest = square;
      }
    }
  }
  return { mean: sum / voxels, rootMeanSquare: Math.sqrt(squares / voxels), largest: Math.sqrt(largest) };
};
