import { GraphError } from "../tensor.ts";

/** Most numbers in one list or matrix made on import: no model needs more, and a damaged file must not ask for billions. */
const MOST_NUMBERS = 2 ** 24;

const requireFew = (count: number): void => {
  if (count > MOST_NUMBERS) throw new GraphError(`a list of ${count} numbers is too long to be imported.`);
};

/** 0, 1, ..., length - 1. @throws GraphError when that is too long. */
export const range = (length: number): number[] => {
  requireFew(length);
  return Array.from({ length }, (_, index) => index);
};

/** A matrix of zeros, row by row. @throws GraphError when that is too large. */
export const zeros = (rows: number, columns: number): Float32Array => {
  requireFew(rows * columns);
  return new Float32Array(rows * columns);
};
