import {
  add,
  concat,
  constant,
  formatShape,
  GraphError,
  matmul,
  mul,
  pow,
  slice,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "../../../graph/index.ts";

export interface LowRankOptions {
  /** r: dimension of the subspace that is kept, at most the number of rows, which keeps everything. */
  readonly rank: number;
  /** Steps of the subspace iteration. Each shrinks what is wrong with the subspace by `(s_(r+1) / s_r)^2`, s being the singular values. Default 6. */
  readonly iterations?: number;
}

/**
 * Low-rank denoising: every matrix X of the last two axes projected on the r directions of its columns that hold most of it, `Q Q^T X`, which is
 * its nearest matrix of rank r (Eckart and Young 1936). Q is found by subspace iteration on X X^T (Golub and Van Loan, Matrix Computations, 8.2.4) from
 * a fixed start, and held constant for the gradient, which is therefore projected too: `dX = Q Q^T dY`. What noise puts
 * into the other directions is gone. x: [..., rows, columns] -> the same shape. @throws GraphError for a rank that is none.
 */
export const lowRank = (x: Tensor, { rank, iterations = 6 }: LowRankOptions): Tensor => {
  const rows = x.shape[x.rank - 2];
  if (typeof rows !== "number" || !Number.isInteger(rank) || rank < 1 || rank > rows || iterations < 1) {
    throw new GraphError(
      `lowRank: matrices of the shape ${formatShape(x.shape)} cannot be brought to rank ${rank} in ${iterations} iterations.`,
    );
  }
  if (rank === rows) return x;
  const basis = stopGradient(leadingSubspace(stopGradient(x), rows, rank, iterations));
  return matmul(basis, matmul(basis, x, { transposeA: true }));
};

/** Orthonormal columns that span the leading left singular vectors of x: [..., rows, rank]. */
const leadingSubspace = (x: Tensor, rows: number, rank: number, iterations: number): Tensor => {
  const scatter = matmul(x, x, { transposeB: true });
  let basis = start(rows, rank);
  for (let i = 0; i < iterations; i++) basis = orthonormal(matmul(scatter, basis), rank);
  return orthonormal(basis, rank); // Of a matrix of lower rank the first sweep leaves directions of mere rounding errors: twice is enough.
};

/** sin(n^2), n = 1, 2, ...: spread like random numbers, so that no direction is missing, but the same everywhere. */
const start = (rows: number, rank: number): Tensor =>
  constant(
    Float32Array.from({ length: rows * rank }, (_, i) => Math.sin((i + 1) ** 2)),
    [rows, rank],
  );

/** Modified Gram-Schmidt: each column in turn gets length 1, and those after it lose their part along it. A vanished column becomes 0. */
const orthonormal = (vectors: Tensor, rank: number): Tensor => {
  const found: Tensor[] = [];
  let rest = vectors;
  for (let column = 0; column < rank; column++) {
    const first = slice(rest, -1, 0, 1);
    const unit = mul(first, pow(add(sum(square(first), [-2], { keepAxes: true }), SMALLEST_SQUARE), -0.5));
    found.push(unit);
    if (column === rank - 1) break;
    const others = slice(rest, -1, 1, rank - column);
    rest = sub(others, matmul(unit, matmul(unit, others, { transposeA: true })));
  }
  return concat(found, -1);
};

const SMALLEST_SQUARE = 1e-30;
