/** Counts of samples by reference class (row) and predicted class (column), [classes][classes]. */
export type ConfusionMatrix = readonly (readonly number[])[];

/**
 * Counts the pairs of reference and predicted class.
 *
 * @param reference class numbers 0 .. classes - 1, one a sample: pixels of a map, or grades of slides.
 * @param predicted as many class numbers.
 * @param ignore samples of this reference class number are left out, such as unlabelled pixels.
 * @throws RangeError when the lengths differ or a class number is not one of the classes.
 */
export const confusionMatrix = (
  reference: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  ignore?: number,
): ConfusionMatrix => {
  if (reference.length !== predicted.length) {
    throw new RangeError(`There are ${reference.length} reference classes but ${predicted.length} predicted ones.`);
  }
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < reference.length; i++) {
    const [row, column] = [reference[i], predicted[i]];
    if (row === ignore) continue;
    for (const number of [row, column]) {
      if (!(Number.isInteger(number) && number >= 0 && number < classes)) {
        throw new RangeError(`The class of sample ${i} is ${number}; there are the classes 0 to ${classes - 1}.`);
      }
    }
    counts[row][column]++;
  }
  return counts;
};

/** The sum of matrices of the same classes: the counts of all their samples. */
export const sumOfConfusions = (matrices: readonly ConfusionMatrix[]): ConfusionMatrix => {
  if (matrices.length === 0) throw new RangeError("There is no confusion matrix to sum.");
  return matrices[0].map((row, i) => row.map((_, j) => matrices.reduce((sum, matrix) => sum + matrix[i][j], 0)));
};

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Samples of each reference class. */
export const referenceCounts = (matrix: ConfusionMatrix): number[] => matrix.map(total);

/** Samples of each predicted class. */
export const predictedCounts = (matrix: ConfusionMatrix): number[] => matrix.map((_, j) => total(matrix.map((row) => row[j])));

/** The share of samples on the diagonal, in [0, 1]; NaN without samples. */
export const accuracy = (matrix: ConfusionMatrix): number =>
  total(matrix.map((row, i) => row[i])) / total(referenceCounts(matrix));

/**
 * Cohen's kappa with quadratic weights (Cohen 1968), the agreement of ordered classes beyond chance:
 *
 *   1 - sum_ij(w_ij O_ij) / sum_ij(w_ij E_ij),  w_ij = (i - j)^2 / (M - 1)^2,  E_ij = (row sum i) (column sum j) / samples,
 *
 * in [-1, 1]: 1 for equal classes, 0 for chance. NaN where it is undefined, because no disagreement can be expected: without
 * samples, and when all reference and predicted classes are one and the same.
 */
export const quadraticKappa = (matrix: ConfusionMatrix): number => {
  const rows = referenceCounts(matrix);
  const columns = predictedCounts(matrix);
  const samples = total(rows);
  let observed = 0;
  let expected = 0;
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j < matrix.length; j++) {
      const weight = (i - j) ** 2; // the divisor (M - 1)^2 cancels out
      observed += weight * matrix[i][j];
      expected += (weight * rows[i] * columns[j]) / samples;
    }
  }
  return expected > 0 ? 1 - observed / expected : Number.NaN;
};

/** Measures of one class against all others. */
export interface ClassMeasures {
  /** TP / (TP + FP), 0 when the class is never predicted. */
  readonly precision: number;
  /** TP / (TP + FN), 0 when the class is never the reference. */
  readonly recall: number;
  /** 2 TP / (2 TP + FP + FN): the harmonic mean of the two, and for pixels the Dice coefficient. */
  readonly f1: number;
  /** TP / (TP + FP + FN): the Jaccard index, or intersection over union. */
  readonly intersectionOverUnion: number;
  /** TP + FN, samples whose reference is the class. */
  readonly support: number;
}

/** The measures of every class; those of a class that is neither reference nor predicted anywhere are NaN, beside a support of 0. */
export const classMeasures = (matrix: ConfusionMatrix): ClassMeasures[] => {
  const columns = predictedCounts(matrix);
  return referenceCounts(matrix).map((support, c) => {
    const right = matrix[c][c];
    const either = support + columns[c] - right;
    const share = (of: number): number => (either === 0 ? Number.NaN : of === 0 ? 0 : right / of);
    return {
      precision: share(columns[c]),
      recall: share(support),
      f1: share((support + columns[c]) / 2),
      intersectionOverUnion: share(either),
      support,
    };
  });
};

/** The mean of a measure over the classes that occur, each counting alike ("macro"); NaN when none does. */
export const meanOverClasses = (measures: readonly ClassMeasures[], measure: keyof ClassMeasures): number => {
  const defined = measures.map((ofClass) => ofClass[measure]).filter((value) => !Number.isNaN(value));
  return total(defined) / defined.length;
};
