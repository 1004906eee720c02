/** S in {0, 1}^(height x width x channels): which elements of a window's feature count. `data` is row-major, channels last. */
export interface SamplingTensor {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** A tensor that selects, in the given channels, every `step`-th row and column of a square window of `side` pixels, all by default. */
export const gridTensor = (side: number, channels: number, selected: readonly number[], step = 1): SamplingTensor => {
  const data = new Uint8Array(side * side * channels);
  for (let y = Math.floor(step / 2); y < side; y += step) {
    for (let x = Math.floor(step / 2); x < side; x += step) {
      for (const channel of selected) data[(y * side + x) * channels + channel] = 1;
    }
  }
  return { height: side, width: side, channels, data };
};

/** Elements that are selected beside each other: of one row and one channel, the columns `from` .. `to` - 1. */
export interface Run {
  readonly channel: number;
  readonly row: number;
  readonly from: number;
  readonly to: number;
}

/** All that a tensor selects. Throws a RangeError when it selects nothing, holds other values than 0 and 1 or has another size. */
export const runsOf = ({ height, width, channels, data }: SamplingTensor): Run[] => {
  if (data.length !== height * width * channels) {
    throw new RangeError(
      `A sampling tensor of ${height} x ${width} x ${channels} has ${height * width * channels} elements, not ${data.length}.`,
    );
  }
  if (data.some((value) => value > 1)) throw new RangeError("A sampling tensor holds only 0 and 1.");
  const runs: Run[] = [];
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      for (let from = 0; from < width; from++) {
        if (data[(row * width + from) * channels + channel] === 0) continue;
        let to = from + 1;
        while (to < width && data[(row * width + to) * channels + channel] === 1) to++;
        runs.push({ channel, row, from, to });
        from = to;
      }
    }
  }
  if (runs.length === 0) throw new RangeError("A sampling tensor must select at least one element.");
  return runs;
};
