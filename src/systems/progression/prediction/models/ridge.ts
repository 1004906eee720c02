import { symmetricEigen } from "./eigen.ts";
import { type Matrix, meanOf, scalesOf, standardise } from "./matrix.ts";
import { divisions, type Keys, type TrainingSet, takeSet } from "./training-set.ts";

/** y = intercept + sum of weights x. */
export interface RidgeModel {
  readonly kind: "ridge";
  readonly weights: readonly number[];
  readonly intercept: number;
  /** The penalty that was chosen. */
  readonly penalty: number;
}

/** From next to nothing to nearly the mean: half decades, as the penalty acts on standardised columns. */
export const PENALTIES = [100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001];

const FOLDS = 5;

/**
 * Ridge regression (Hoerl and Kennard 1970) on standardised columns z:
 *
 *   minimise  1/n sum_i (y_i - mean(y) - z_i w)^2 + penalty |w|^2,   w = (Z^T Z / n + penalty)^-1 Z^T (y - mean(y)) / n,
 *
 * for every penalty at once, from the eigenvectors of Z^T Z / n. The intercept is not shrunk; weights are returned for the columns
 * themselves. A column that does not vary, or repeats another, does no harm for penalties above 0.
 */
export const ridgePath = ({ x, y }: Pick<TrainingSet, "x" | "y">, penalties: readonly number[]): RidgeModel[] => {
  const scales = scalesOf(x);
  const z = standardise(x, scales);
  const middle = meanOf(y);
  const size = x.columns;
  const { values, vectors } = symmetricEigen(gram(z), size);
  const projected = new Float64Array(size); // V^T Z^T (y - mean) / n
  for (let row = 0; row < z.rows; row++) {
    for (let column = 0; column < size; column++) {
      const moment = (z.data[row * size + column] * (y[row] - middle)) / z.rows;
      for (let k = 0; k < size; k++) projected[k] += vectors[column * size + k] * moment;
    }
  }
  return penalties.map((penalty) => {
    const weights = Array.from({ length: size }, (_, column) => {
      let weight = 0;
      for (let k = 0; k < size; k++) {
        weight += (vectors[column * size + k] * projected[k]) / (Math.max(0, values[k]) + penalty);
      }
      return weight / scales.deviation[column];
    });
    const intercept = weights.reduce((sum, weight, column) => sum - weight * scales.mean[column], middle);
    return { kind: "ridge", weights, intercept, penalty };
  });
};

/** Z^T Z / rows. */
const gram = ({ rows, columns, data }: Matrix): Float64Array => {
  const products = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const value = data[row * columns + i] / rows;
      for (let j = 0; j < columns; j++) products[i * columns + j] += value * data[row * columns + j];
    }
  }
  return products;
};

/** Ridge regression with the penalty under which patients left out, a fifth in turn, have the least squared error; of equals the strongest. */
export const fitRidge = (set: TrainingSet, keys: Keys, penalties: readonly number[] = PENALTIES): RidgeModel => {
  const strongestFirst = penalties.toSorted((a, b) => b - a);
  const errors = strongestFirst.map(() => 0);
  for (const { train, held } of divisions(set.patients, FOLDS, ...keys, "ridge")) {
    const left = takeSet(set, held);
    for (const [i, model] of ridgePath(takeSet(set, train), strongestFirst).entries()) {
      const predicted = predictRidge(model, left.x);
      for (let row = 0; row < predicted.length; row++) errors[i] += (predicted[row] - left.y[row]) ** 2;
    }
  }
  return ridgePath(set, [strongestFirst[errors.indexOf(Math.min(...errors))]])[0];
};

export const predictRidge = ({ weights, intercept }: RidgeModel, { rows, columns, data }: Matrix): Float64Array =>
  Float64Array.from({ length: rows }, (_, row) =>
    weights.reduce((sum, weight, column) => sum + weight * data[row * columns + column], intercept),
  );
