export type Vector3 = readonly [number, number, number];

/** A 3 x 3 matrix by rows. */
export type Matrix3 = readonly [Vector3, Vector3, Vector3];

export const dot3 = (a: Vector3, b: Vector3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross3 = (a: Vector3, b: Vector3): Vector3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** The vector scaled to length 1; a vector of length 0 becomes NaN. */
export const unit3 = (v: Vector3): Vector3 => {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
};

export const determinant3 = ([a, b, c]: Matrix3): number => dot3(a, cross3(b, c));

/** The inverse by cofactors; of a singular matrix, infinities. */
export const inverse3 = (matrix: Matrix3): Matrix3 => {
  const [a, b, c] = matrix;
  const determinant = determinant3(matrix);
  const [x, y, z] = [cross3(b, c), cross3(c, a), cross3(a, b)];
  const row = (i: 0 | 1 | 2): Vector3 => [x[i] / determinant, y[i] / determinant, z[i] / determinant];
  return [row(0), row(1), row(2)];
};

/**
 * Eigenvalues, from large to small, and unit eigenvectors of a symmetric matrix, by cyclic Jacobi rotations (Golub and Van Loan,
 * Matrix Computations, section 8.5). Only the upper triangle is read. An eigenvector's sign is arbitrary but always the same.
 */
export const symmetricEigen3 = (matrix: Matrix3): { readonly values: Vector3; readonly vectors: Matrix3 } => {
  const a = [
    [matrix[0][0], matrix[0][1], matrix[0][2]],
    [matrix[0][1], matrix[1][1], matrix[1][2]],
    [matrix[0][2], matrix[1][2], matrix[2][2]],
  ];
  const vectors = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const scale = Math.hypot(...a.flat());
  for (let sweep = 0; sweep < 30 && Math.hypot(a[0][1], a[0][2], a[1][2]) > 1e-15 * scale; sweep++) {
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      if (a[p][q] === 0) continue;
      const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
      const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const cosine = 1 / Math.hypot(tangent, 1);
      const sine = tangent * cosine;
      for (let k = 0; k < 3; k++) [a[k][p], a[k][q]] = [cosine * a[k][p] - sine * a[k][q], sine * a[k][p] + cosine * a[k][q]];
      for (let k = 0; k < 3; k++) [a[p][k], a[q][k]] = [cosine * a[p][k] - sine * a[q][k], sine * a[p][k] + cosine * a[q][k]];
      for (const v of vectors) [v[p], v[q]] = [cosine * v[p] - sine * v[q], sine * v[p] + cosine * v[q]];
    }
  }
  const order = [0, 1, 2].sort((i, j) => a[j][j] - a[i][i]);
  const values = order.map((i) => a[i][i]);
  const columns = order.map((i) => vectors.map((row) => row[i]) as unknown as Vector3);
  return { values: values as unknown as Vector3, vectors: columns as unknown as Matrix3 };
};
