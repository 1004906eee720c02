/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 4th ed.,
 * section 8.5): A = V diag(values) V^T. The order of the values is none.
 *
 * @param symmetric [size, size], row-major; it is not changed.
 * @returns vectors [size, size], row-major, an eigenvector in each column.
 */
export const symmetricEigen = (
  symmetric: Float64Array,
  size: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } => {
  const a = symmetric.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  const norm = Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += a[p * size + q] ** 2;
    if (Math.sqrt(off) <= 1e-15 * norm) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const apq = a[p * size + q];
        if (apq === 0) continue;
        const tau = (a[q * size + q] - a[p * size + p]) / (2 * apq);
        const tangent = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.hypot(1, tau));
        const cosine = 1 / Math.hypot(1, tangent);
        const sine = tangent * cosine;
        rotateColumns(a, size, p, q, cosine, sine);
        rotateRows(a, size, p, q, cosine, sine);
        rotateColumns(vectors, size, p, q, cosine, sine);
      }
    }
  }
  return { values: Float64Array.from({ length: size }, (_, i) => a[i * size + i]), vectors };
};

const rotateColumns = (a: Float64Array, size: number, p: number, q: number, cosine: number, sine: number): void => {
  for (let row = 0; row < a.length; row += size) {
    const [first, second] = [a[row + p], a[row + q]];
    a[row + p] = cosine * first - sine * second;
    a[row + q] = sine * first + cosine * second;
  }
};

const rotateRows = (a: Float64Array, size: number, p: number, q: number, cosine: number, sine: number): void => {
  for (let column = 0; column < size; column++) {
    const [first, second] = [a[p * size + column], a[q * size + column]];
    a[p * size + column] = cosine * first - sine * second;
    a[q * size + column] = sine * first + cosine * second;
  }
};
