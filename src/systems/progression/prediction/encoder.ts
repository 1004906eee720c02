import type { Input } from "./inputs.ts";
import { type Matrix, matrix } from "./models/index.ts";

/** How one input becomes columns of the matrix, learnt from training rows. */
export interface EncodedInput {
  readonly name: string;
  /** First column, and how many: 0 when the training rows have no value at all. */
  readonly from: number;
  readonly columns: number;
  /** Number of categories; 0 for a number. */
  readonly categories: number;
  /** What a missing value is replaced by: the median, or the most frequent category. */
  readonly fill: number;
  /** The last of the columns is 1 where the value is missing; without one no training row misses it. */
  readonly indicator: boolean;
  /** Least and largest value of the training rows. */
  readonly low: number;
  readonly high: number;
  /** Share of training rows without a value. */
  readonly missing: number;
}

/** From cells to a matrix of numbers without gaps. Plain data. */
export interface Encoder {
  readonly inputs: readonly EncodedInput[];
  readonly columns: number;
}

/**
 * Learns the encoding from training rows alone. A number is one column. Of two categories the second is one column of 0 and 1; of more,
 * each is. A missing value takes the median, or the most frequent category (the first of equals), and where training rows miss it
 * there is one more column that says so: that a value is missing can tell something, as a cap that cannot be measured does.
 *
 * @param cells [rows, inputs], NaN where missing (see `readCells`).
 */
export const learnEncoder = (inputs: readonly Input[], cells: Matrix): Encoder => {
  let from = 0;
  const encoded = inputs.map((input, column): EncodedInput => {
    const all = Float64Array.from({ length: cells.rows }, (_, row) => cells.data[row * cells.columns + column]);
    const present = all.filter((value) => !Number.isNaN(value)).sort();
    const categories = input.kind === "categorical" ? input.categories.length : 0;
    const indicator = present.length > 0 && present.length < all.length;
    const columns = present.length === 0 ? 0 : (categories > 2 ? categories : 1) + (indicator ? 1 : 0);
    from += columns;
    return {
      name: input.name,
      from: from - columns,
      columns,
      categories,
      fill: present.length === 0 ? 0 : categories === 0 ? median(present) : mostFrequent(present, categories),
      indicator,
      low: present[0] ?? 0,
      high: present.at(-1) ?? 0,
      missing: all.length === 0 ? 1 : 1 - present.length / all.length,
    };
  });
  return { inputs: encoded, columns: from };
};

/** Cells [rows, inputs] -> [rows, encoder.columns], without NaN. */
export const encode = (encoder: Encoder, cells: Matrix): Matrix => {
  const encoded = matrix(cells.rows, encoder.columns);
  for (let row = 0; row < cells.rows; row++) {
    const target = encoded.data.subarray(row * encoder.columns, (row + 1) * encoder.columns);
    for (const [column, { from, columns, categories, fill, indicator }] of encoder.inputs.entries()) {
      if (columns === 0) continue;
      const given = cells.data[row * cells.columns + column];
      const value = Number.isNaN(given) ? fill : given;
      if (categories > 2) target[from + value] = 1;
      else target[from] = value;
      if (indicator && Number.isNaN(given)) target[from + columns - 1] = 1;
    }
  }
  return encoded;
};

const median = (ascending: Float64Array): number =>
  (ascending[(ascending.length - 1) >> 1] + ascending[ascending.length >> 1]) / 2;

const mostFrequent = (values: Float64Array, categories: number): number => {
  const counts = new Array<number>(categories).fill(0);
  for (const value of values) counts[value]++;
  return counts.indexOf(Math.max(...counts));
};
