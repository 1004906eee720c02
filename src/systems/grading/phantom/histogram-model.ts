/** Bins of each of the three colours. */
const bins = 8;

/**
 * The colours of a slide and nothing of their arrangement: square roots of the shares of its tissue's pixels in 8 x 8 x 8 bins of red,
 * green and blue (Euclidean distances of these are Hellinger distances). `image` `[height, width, 3]`; `mask` `[height, width]`,
 * 0 = no tissue. The sum of squares is 1, or 0 without tissue.
 */
export const colourHistogram = (image: Uint8Array, mask: Uint8Array): Float64Array => {
  const counts = new Float64Array(bins ** 3);
  let tissue = 0;
  for (let index = 0; index < mask.length; index++) {
    if (mask[index] === 0) continue;
    tissue++;
    counts[((image[3 * index] >> 5) * bins + (image[3 * index + 1] >> 5)) * bins + (image[3 * index + 2] >> 5)]++;
  }
  return counts.map((count) => Math.sqrt(count / Math.max(1, tissue)));
};

/** Predicts a grade from a colour histogram. */
export interface HistogramModel {
  readonly predict: (histogram: Float64Array) => number;
}

/**
 * The baseline that sees no structure: kernel ridge regression of the grade on colour histograms, with a Gaussian kernel. Its width and
 * ridge are those with the least leave-one-out error, (K + ridge)^-1 y divided by the inverse's diagonal (Rasmussen and Williams
 * 2006, 5.12). Regression shrinks towards the middle; thresholds between grades are therefore put where the left-out predictions have
 * the grades' own frequencies, which is what quadratic kappa rewards. Throws a RangeError without training slides.
 */
export const fitHistogramModel = (histograms: readonly Float64Array[], grades: readonly number[]): HistogramModel => {
  const count = histograms.length;
  if (count < 2 || grades.length !== count) {
    throw new RangeError(
      `A histogram model needs two slides or more and a grade for each, not ${count} slides and ${grades.length} grades.`,
    );
  }
  const distances = histograms.map((a) => histograms.map((b) => squaredDistance(a, b)));
  const typical = distances.flat().toSorted((a, b) => a - b)[Math.floor((count * count) / 2)] || 1;
  const mean = grades.reduce((sum, grade) => sum + grade, 0) / count;
  const centred = grades.map((grade) => grade - mean);

  const fits = [0.1, 0.3, 1, 3, 10].flatMap((width) =>
    [0.001, 0.01, 0.1, 1].map((ridge) => {
      const kernel = (distance: number): number => Math.exp(-distance / (width * typical));
      const inverted = inverse(distances.map((row, i) => row.map((distance, j) => kernel(distance) + (i === j ? ridge : 0))));
      const weights = inverted.map((row) => row.reduce((sum, value, j) => sum + value * centred[j], 0));
      const residuals = weights.map((weight, i) => weight / inverted[i][i]);
      return { kernel, weights, residuals, error: residuals.reduce((sum, residual) => sum + residual * residual, 0) };
    }),
  );
  const { kernel, weights, residuals } = fits.reduce((best, fit) => (fit.error < best.error ? fit : best));

  const leftOut = residuals.map((residual, i) => centred[i] - residual).toSorted((a, b) => a - b);
  const ordered = grades.toSorted((a, b) => a - b);
  const predict = (histogram: Float64Array): number => {
    const value = histograms.reduce((sum, known, i) => sum + weights[i] * kernel(squaredDistance(known, histogram)), 0);
    const rank = leftOut.findIndex((other) => other >= value);
    return ordered[rank === -1 ? count - 1 : rank];
  };
  return { predict };
};

const squaredDistance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, index) => sum + (value - b[index]) ** 2, 0);

/** Inverse of a symmetric positive definite matrix, by elimination of Gauss and Jordan. */
const inverse = (matrix: readonly (readonly number[])[]): Float64Array[] => {
  const size = matrix.length;
  const rows = matrix.map((row, i) => {
    const wide = new Float64Array(2 * size);
    wide.set(row);
    wide[size + i] = 1;
    return wide;
  });
  for (let pivot = 0; pivot < size; pivot++) {
    const scale = 1 / rows[pivot][pivot];
    for (let column = pivot; column < 2 * size; column++) rows[pivot][column] *= scale;
    for (let row = 0; row < size; row++) {
      const factor = rows[row][pivot];
      if (row === pivot || factor === 0) continue;
      for (let column = pivot; column < 2 * size; column++) rows[row][column] -= factor * rows[pivot][column];
    }
  }
  return rows.map((row) => row.slice(size));
};
