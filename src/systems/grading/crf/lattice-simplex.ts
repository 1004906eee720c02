/**
 * Finds the simplex of the lattice around a position. The lattice lies in the hyperplane of d + 1 coordinates with sum 0; its
 * points have coordinates that are all congruent modulo d + 1, and that remainder numbers the corners of a simplex, 0 .. d.
 */
export const enclosingSimplex = (dimensions: number) => {
  const d = dimensions;
  const size = d + 1;
  // The blur spreads by 1/2 and splat and slice by 1/12 each of the squared step: sqrt(2/3) (d + 1) is one deviation.
  const axisScale = Float64Array.from({ length: d }, (_, axis) => (size * Math.sqrt(2 / 3)) / Math.sqrt((axis + 1) * (axis + 2)));
  const elevated = new Float64Array(size);
  const zero = new Int32Array(size);
  const rank = new Int32Array(size);
  const weights = new Float64Array(size + 1);
  const corner = new Int32Array(size);

  /** Places the position that starts at `offset` of the features; sets `weights`, the barycentric weights of corners 0 .. d. */
  const locate = (features: Float32Array, offset: number): void => {
    // Rotated into the hyperplane, by an orthogonal basis that takes d steps instead of d^2.
    let sum = 0;
    for (let axis = d; axis > 0; axis--) {
      const scaled = features[offset + axis - 1] * axisScale[axis - 1];
      elevated[axis] = sum - axis * scaled;
      sum += scaled;
    }
    elevated[0] = sum;

    // The nearest point with remainder 0, coordinate by coordinate; rank 0 is the coordinate furthest above it.
    let excess = 0;
    for (let i = 0; i < size; i++) {
      const multiple = Math.round(elevated[i] / size);
      if (!(Math.abs(multiple) < 1e8)) throw new RangeError("A feature is not a number, or too many deviations from 0.");
      zero[i] = multiple * size;
      excess += multiple;
      rank[i] = 0;
    }
    for (let i = 0; i < size; i++) {
      for (let j = i + 1; j < size; j++) rank[elevated[i] - zero[i] < elevated[j] - zero[j] ? i : j]++;
    }
    // Off the hyperplane by `excess`: the coordinates rounded the most are rounded the other way.
    for (let i = 0; i < size; i++) {
      rank[i] += excess;
      if (rank[i] < 0) {
        rank[i] += size;
        zero[i] += size;
      } else if (rank[i] > d) {
        rank[i] -= size;
        zero[i] -= size;
      }
    }

    weights.fill(0);
    for (let i = 0; i < size; i++) {
      const share = (elevated[i] - zero[i]) / size;
      weights[d - rank[i]] += share;
      weights[size - rank[i]] -= share;
    }
    weights[0] += 1 + weights[size];
  };

  /** The coordinates of a corner; the array is used again by the next call. */
  const cornerAt = (remainder: number): Int32Array => {
    for (let i = 0; i < size; i++) corner[i] = zero[i] + (rank[i] <= d - remainder ? remainder : remainder - size);
    return corner;
  };

  return { locate, corner: cornerAt, weights };
};
