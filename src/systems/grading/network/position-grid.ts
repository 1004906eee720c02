/** An embedding of positions in a file: its grid of tokens, and whether a channel's values lie together. */
interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly channelsFirst: boolean;
}

/**
 * The grid of a published embedding of positions of shape [1, tokens, channels], [1, channels, rows, columns] or, as ours, [rows, columns, channels].
 * Where only their number is known, tokens lie as in the network, or in a square. Undefined: the shape is none of these, or has other channels.
 */
export const gridOf = (shape: readonly number[], [rows, columns, channels]: readonly number[]): Grid | undefined => {
  if (shape.length === 4 && shape[0] === 1 && shape[1] === channels)
    return { rows: shape[2], columns: shape[3], channelsFirst: true };
  if (shape.length !== 3 || shape[2] !== channels) return undefined;
  if (shape[0] !== 1) return { rows: shape[0], columns: shape[1], channelsFirst: false };
  if (shape[1] === rows * columns) return { rows, columns, channelsFirst: false };
  const side = Math.sqrt(shape[1]);
  return Number.isInteger(side) ? { rows: side, columns: side, channelsFirst: false } : undefined;
};

/** A published embedding of positions as ours, [rows, columns, channels]; for patches of another size it is interpolated, bilinear. */
export const positionsFrom = (values: Float32Array, shape: readonly number[], wanted: readonly number[]): Float32Array => {
  const { rows, columns, channelsFirst } = gridOf(shape, wanted)!;
  const [height, width, channels] = wanted;
  const at = (row: number, column: number, c: number): number =>
    values[channelsFirst ? (c * rows + row) * columns + column : (row * columns + column) * channels + c];
  const found = new Float32Array(height * width * channels);
  const [down, across] = [between(rows, height), between(columns, width)];
  for (const [y, [top, bottom, lower]] of down.entries()) {
    for (const [x, [left, right, farther]] of across.entries()) {
      for (let c = 0; c < channels; c++) {
        const above = at(top, left, c) * (1 - farther) + at(top, right, c) * farther;
        const below = at(bottom, left, c) * (1 - farther) + at(bottom, right, c) * farther;
        found[(y * width + x) * channels + c] = above * (1 - lower) + below * lower;
      }
    }
  }
  return found;
};

/** For each of `to` places, between which two of `from` places its middle lies, and how near the second. */
const between = (from: number, to: number): (readonly [first: number, second: number, share: number])[] =>
  Array.from({ length: to }, (_, place) => {
    const at = Math.min(Math.max(((place + 0.5) * from) / to - 0.5, 0), from - 1);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, from - 1), at - first] as const;
  });
