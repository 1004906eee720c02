import { constant, type Dimension, gather, pad, reshape, type Tensor, transpose, withGradient } from "../../../graph/index.ts";
import { multiHeadAttention, normal, type Parameters } from "../../../nn/index.ts";

export interface WindowOptions {
  readonly heads: number;
  /** Side of a window, in tokens. */
  readonly window: number;
  /** How far windows are moved against those at rest, in tokens; 0: not. */
  readonly shift: number;
}

/** An image of rows x columns tokens, cut into windows. */
export interface WindowGrid extends Pick<WindowOptions, "window" | "shift"> {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Attention within windows of window x window tokens, W-MSA and SW-MSA of Liu et al. 2021. An image that does not divide is padded with
 * zeros at the right and at the bottom, and cut again afterwards; these zeros are attended to, as in the authors' code for segmentation.
 * Shifted windows are windows at rest of an image turned in a circle; a mask keeps apart what only the turning brought together. An image
 * of which one window holds a whole side is not shifted. x: [batch, rows, columns, channels] -> the same shape.
 * Parameters: those of `multiHeadAttention`, and `position_bias` [(2 window - 1)^2, heads].
 */
export const windowAttention = (p: Parameters, x: Tensor, { heads, window, shift }: WindowOptions): Tensor => {
  const [batch, rows, columns, channels] = x.shape as readonly [Dimension, number, number, number];
  const grid = { rows, columns, window, shift: Math.min(rows, columns) > window ? shift : 0 };
  const positions = windowPositions(grid);
  const tokens = window * window;
  const windows = rearrange(reshape(x, [batch, rows * columns, channels]), positions);
  const attended = multiHeadAttention(p, reshape(windows, [times(batch, positions.length / tokens), tokens, channels]), {
    heads,
    bias: positionBias(p, heads, window),
    mask: grid.shift === 0 ? undefined : shiftMask(grid),
  });
  const joined = reshape(attended, [batch, positions.length, channels]);
  return reshape(rearrange(joined, inverse(positions, rows * columns)), x.shape);
};

/** Padded to whole windows. */
const paddedSides = ({ rows, columns, window }: WindowGrid): readonly [number, number] => [
  Math.ceil(rows / window) * window,
  Math.ceil(columns / window) * window,
];

/** The token of the image (row by row) at each place of the windows, one window after the other; -1: none, the place is padding. */
export const windowPositions = (grid: WindowGrid): number[] => {
  const { rows, columns, window, shift } = grid;
  const [height, width] = paddedSides(grid);
  const tokens = window * window;
  const across = width / window;
  return Array.from({ length: height * width }, (_, place) => {
    const [index, token] = [Math.floor(place / tokens), place % tokens];
    const row = (Math.floor(index / across) * window + Math.floor(token / window) + shift) % height;
    const column = ((index % across) * window + (token % window) + shift) % width;
    return row < rows && column < columns ? row * columns + column : -1;
  });
};

/** For each of `count` tokens the place that it was put to; -1: none. */
const inverse = (positions: readonly number[], count: number): number[] => {
  const places = new Array<number>(count).fill(-1);
  for (const [place, position] of positions.entries()) if (position >= 0) places[position] = place;
  return places;
};

/**
 * Tokens in another order: `y[:, i] = x[:, positions[i]]`, or zeros where that is -1. No position comes twice, so the gradient is another
 * such order. x: [batch, tokens, channels] -> [batch, positions, channels].
 */
export const rearrange = (x: Tensor, positions: readonly number[]): Tensor => {
  const count = x.shape[1] as number;
  const source = positions.includes(-1) ? pad(x, 1, 0, 1) : x;
  const places = BigInt64Array.from(positions, (position) => BigInt(position < 0 ? count : position));
  const y = gather(source, constant(places, [positions.length]), 1);
  return withGradient(y, [x], (dy) => [rearrange(dy, inverse(positions, count))]);
};

/** B, [heads, tokens, tokens]: a learnt number for every relative position of two tokens of a window. */
const positionBias = (p: Parameters, heads: number, window: number): Tensor => {
  const table = p.weight("position_bias", [(2 * window - 1) ** 2, heads], normal(0.02), { decays: false });
  const tokens = window * window;
  const positions = BigInt64Array.from(relativePositions(window), BigInt);
  const taken = gather(table, constant(positions, [tokens * tokens]), 0);
  return reshape(transpose(taken, [1, 0]), [heads, tokens, tokens]);
};

/**
 * Row of the bias table for every pair of a query and a key of a window, [tokens x tokens]: with both differences of place, query
 * minus key, counted from 0, `rows (2 window - 1) + columns`.
 */
export const relativePositions = (window: number): number[] => {
  const tokens = window * window;
  const between = (query: number, key: number): number => query - key + window - 1;
  return Array.from({ length: tokens * tokens }, (_, pair) => {
    const [query, key] = [Math.floor(pair / tokens), pair % tokens];
    const rows = between(Math.floor(query / window), Math.floor(key / window));
    return rows * (2 * window - 1) + between(query % window, key % window);
  });
};

/** Added to a score that must not count: its share becomes 0. */
const BLOCKED = -100;

/** M, [windows, tokens, tokens]: blocks pairs of tokens that lie in one shifted window, but not side by side in the padded image. */
export const shiftMask = (grid: WindowGrid): Tensor => {
  const { window, shift } = grid;
  const [height, width] = paddedSides(grid);
  // After turning, the last window of a line holds tokens of its end and, in its last `shift` places, of its beginning.
  const region = (place: number, size: number): number => (place < size - window ? 0 : place < size - shift ? 1 : 2);
  const tokens = window * window;
  const across = width / window;
  const regionOf = (index: number, token: number): number =>
    3 * region(Math.floor(index / across) * window + Math.floor(token / window), height) +
    region((index % across) * window + (token % window), width);
  const count = (height / window) * across;
  const mask = Float32Array.from({ length: count * tokens * tokens }, (_, i) => {
    const [index, query, key] = [Math.floor(i / tokens ** 2), Math.floor(i / tokens) % tokens, i % tokens];
    return regionOf(index, query) === regionOf(index, key) ? 0 : BLOCKED;
  });
  return constant(mask, [count, tokens, tokens]);
};

const times = (batch: Dimension, count: number): Dimension => (typeof batch === "number" ? batch * count : `${count} ${batch}`);
