import { foldsOf } from "../../../../metrics/index.ts";
import { type Matrix, takeRows } from "./matrix.ts";

/** What a model is fitted to. */
export interface TrainingSet {
  /** [rows, columns], without NaN. */
  readonly x: Matrix;
  readonly y: Float64Array;
  /** The patient of each row. */
  readonly patients: readonly string[];
}

/** Names and numbers that fix the randomness of a fit. */
export type Keys = readonly (string | number)[];

export const takeSet = ({ x, y, patients }: TrainingSet, rows: ArrayLike<number>): TrainingSet => ({
  x: takeRows(x, rows),
  y: Float64Array.from(rows, (row) => y[row]),
  patients: Array.from(rows, (row) => patients[row]),
});

/** The rows to train on and those left out, for each fold: no patient is in both. Folds without rows are skipped. */
export const divisions = (
  patients: readonly string[],
  folds: number,
  ...keys: Keys
): { readonly train: Uint32Array; readonly held: Uint32Array }[] => {
  const foldOf = foldsOf(patients, folds, ...keys);
  const all = Uint32Array.from(patients, (_, row) => row);
  return Array.from({ length: folds }, (_, fold) => ({
    train: all.filter((row) => foldOf[row] !== fold),
    held: all.filter((row) => foldOf[row] === fold),
  })).filter(({ train, held }) => train.length > 0 && held.length > 0);
};
