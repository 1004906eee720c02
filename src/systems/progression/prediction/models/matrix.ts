/** A matrix of numbers, row after row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export const matrix = (rows: number, columns: number, data = new Float64Array(rows * columns)): Matrix => ({
  rows,
  columns,
  data,
});

/** The given rows, in the given order. */
export const takeRows = ({ columns, data }: Matrix, rows: ArrayLike<number>): Matrix => {
  const taken = matrix(rows.length, columns);
  for (let i = 0; i < rows.length; i++) taken.data.set(data.subarray(rows[i] * columns, (rows[i] + 1) * columns), i * columns);
  return taken;
};

/** Mean and standard deviation of each column. */
export interface Scales {
  readonly mean: readonly number[];
  /** 1 for a column that does not vary. */
  readonly deviation: readonly number[];
}

export const scalesOf = ({ rows, columns, data }: Matrix): Scales => {
  const mean = new Array<number>(columns).fill(0);
  const square = new Array<number>(columns).fill(0);
  for (let at = 0; at < data.length; at++) mean[at % columns] += data[at] / rows;
  for (let at = 0; at < data.length; at++) square[at % columns] += (data[at] - mean[at % columns]) ** 2 / rows;
  // Rounding leaves a column of equal values with a deviation that is tiny, not 0.
  const deviation = square.map((value, column) => (value > 1e-20 * (1 + mean[column] ** 2) ? Math.sqrt(value) : 1));
  return { mean, deviation };
};

/** z = (x - mean) / deviation, column by column. */
export const standardise = ({ rows, columns, data }: Matrix, { mean, deviation }: Scales): Matrix =>
  matrix(
    rows,
    columns,
    data.map((value, at) => (value - mean[at % columns]) / deviation[at % columns]),
  );

export const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
};

/** Rounded to seven digits, so that what is stored is short, and is exactly what was used. */
export const short = (value: number): number => Number(value.toPrecision(7));
