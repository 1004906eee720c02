import { matmul } from "./linear.ts";
import { constant, GraphError, type Tensor } from "./tensor.ts";

/**
 * A linear map along rows and one along columns, R X C^T, of every matrix in the last two axes. Blurs, derivatives, pooling
 * and resizing are all of this form: two dense matrix products, fast on every provider, whose gradient is the transpose.
 * x: [..., height, width], rows: [new height, height], columns: [new width, width].
 */
export const separable = (x: Tensor, rows: Tensor, columns: Tensor): Tensor =>
  matmul(matmul(rows, x), columns, { transposeB: true });

/**
 * Matrix [size, size] that correlates a line with a kernel of odd length centred on each position.
 * Beyond its ends the line is mirrored (d c b a | a b c d | d c b a).
 */
export const filterMatrix = (size: number, kernel: readonly number[]): Tensor => {
  const radius = (kernel.length - 1) / 2;
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (const [k, weight] of kernel.entries()) matrix[row * size + mirrored(row + k - radius, size)] += weight;
  }
  return constant(Float32Array.from(matrix), [size, size]);
};

/** The position, 0 .. size - 1, that stands for one beyond the ends of a line when it is mirrored (d c b a | a b c d | d c b a). */
export const mirrored = (position: number, size: number): number => {
  const period = 2 * size;
  const wrapped = ((position % period) + period) % period;
  return wrapped < size ? wrapped : period - 1 - wrapped;
};

/** Normalised Gaussian weights exp(-t^2 / 2 sigma^2) for t = -radius .. radius. The default radius holds 4 sigma. */
export const gaussianKernel = (sigma: number, radius = Math.ceil(4 * sigma)): number[] => {
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};

/** Matrix [floor(size / 2), size] that averages neighbouring pairs. */
export const halvingMatrix = (size: number): Tensor => {
  const half = Math.floor(size / 2);
  if (half < 1) throw new GraphError(`halvingMatrix: a line of ${size} cannot be halved.`);
  const matrix = new Float32Array(half * size);
  for (let row = 0; row < half; row++) matrix.fill(0.5, row * size + 2 * row, row * size + 2 * row + 2);
  return constant(matrix, [half, size]);
};
