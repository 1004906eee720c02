import { type Measure, measuresOverCases } from "../../../metrics/index.ts";
import { random } from "../../../random/index.ts";
import { encode } from "./encoder.ts";
import { type Keys, type Matrix, matrix, meanOf, predictModel, takeRows } from "./models/index.ts";
import type { ValidationFold } from "./nested-validation.ts";
import type { MeasureOptions } from "./prediction-measures.ts";
import type { FoldModel, TargetRows } from "./target-model.ts";

export interface InputImportance {
  readonly input: string;
  /** How much R2 falls when this input's values are dealt out to the wrong rows. */
  readonly drop: Measure;
}

export interface ImportanceOptions extends MeasureOptions {
  /** Deals of each input. Default 5. */
  readonly repeats?: number;
  readonly keys: Keys;
}

/**
 * Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019) on patients left out: all columns of one input, its categories and
 * whether it is missing, are permuted together among the rows of a validation fold, and the squared errors grow by so much. Of
 * inputs that say the same either can stand in for the other, and both look dispensable. From the largest drop to the smallest; intervals
 * are over patients drawn with replacement.
 */
export const permutationImportance = (
  rows: TargetRows,
  folds: readonly ValidationFold[],
  { repeats = 5, keys, ...options }: ImportanceOptions,
): InputImportance[] => {
  const growth = rows.inputs.map(() => new Float64Array(rows.y.length));
  for (const [fold, { model, held, predictions }] of folds.entries()) {
    const cells = takeRows(rows.cells, held);
    const encoded = model.folds.map(({ encoder }) => encode(encoder, cells));
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [input, into] of growth.entries()) {
        const order = random(...keys, "importance", fold, repeat, input).permutation(held.length);
        const values = predictPermuted(model.folds, encoded, input, order);
        for (const [i, { actual, value }] of predictions.entries()) {
          into[held[i]] += ((actual - values[i]) ** 2 - (actual - value) ** 2) / repeats;
        }
      }
    }
  }
  const drops = measuresOverCases(
    rows.y.length,
    (positions) => {
      const middle = meanOf(Array.from(positions, (position) => rows.y[position]));
      let spread = 0;
      for (const position of positions) spread += (rows.y[position] - middle) ** 2;
      return growth.map((own) => positions.reduce((sum, position) => sum + own[position], 0) / spread);
    },
    { ...options, groups: rows.patients },
  );
  return rows.inputs.map(({ name }, i) => ({ input: name, drop: drops[i] })).sort((a, b) => b.drop.value - a.drop.value);
};

/** The mean of the fold models with one input's columns taken from the rows of another order. */
const predictPermuted = (
  folds: readonly FoldModel[],
  encoded: readonly Matrix[],
  input: number,
  order: Uint32Array,
): Float64Array => {
  const sums = new Float64Array(order.length);
  for (const [fold, { encoder, model }] of folds.entries()) {
    const x = encoded[fold];
    const { from, columns } = encoder.inputs[input];
    const permuted = matrix(x.rows, x.columns, x.data.slice());
    for (let row = 0; row < x.rows; row++) {
      const source = order[row] * x.columns + from;
      permuted.data.set(x.data.subarray(source, source + columns), row * x.columns + from);
    }
    for (const [row, value] of predictModel(model, permuted).entries()) sums[row] += value / folds.length;
  }
  return sums;
};
