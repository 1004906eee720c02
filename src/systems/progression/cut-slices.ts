import type { LabelVolume, Volume } from "../../imaging/index.ts";

/** Where a patch is taken from a slice. */
export interface Cut {
  /** The slice that is labelled. */
  readonly slice: number;
  /** Column and row of the patch's middle, in pixels; fractions allowed. */
  readonly centre: readonly [number, number];
  /** In radians, and factors by which what is seen is larger; negative ones mirror. Default: neither. */
  readonly turn?: number;
  readonly scale?: readonly [number, number];
}

/**
 * What the network sees of a study in one place: `values` [channels x (2 neighbours + 1), patch, patch], bilinear between pixels; slices beyond
 * the volume repeat its last, and pixels beyond a slice its border.
 */
export const cutSlices = (
  channels: readonly Volume[],
  { slice, ...place }: Cut,
  { patch, neighbours }: { readonly patch: number; readonly neighbours: number },
): Float32Array => {
  const [{ width, height, slices }] = channels;
  const area = patch * patch;
  const seen = 2 * neighbours + 1;
  const values = new Float32Array(channels.length * seen * area);
  eachPixel(place, patch, (x, y, at) => {
    const [i, j] = [clamp(x, width - 1), clamp(y, height - 1)];
    const [i0, j0] = [Math.floor(i), Math.floor(j)];
    const [u, v] = [i - i0, j - j0];
    const [right, below] = [u > 0 ? 1 : 0, v > 0 ? width : 0];
    for (let k = 0; k < seen; k++) {
      const first = (clamp(slice + k - neighbours, slices - 1) * height + j0) * width + i0;
      for (const [c, { data }] of channels.entries()) {
        const above = (1 - u) * data[first] + u * data[first + right];
        const under = (1 - u) * data[first + below] + u * data[first + below + right];
        values[(c * seen + k) * area + at] = (1 - v) * above + v * under;
      }
    }
  });
  return values;
};

/** The classes in the same place, [patch, patch]; -1 beyond the slice. */
export const cutLabels = (labels: LabelVolume, { slice, ...place }: Cut, patch: number): Int16Array => {
  const { width, height, data } = labels;
  const cut = new Int16Array(patch * patch);
  eachPixel(place, patch, (x, y, at) => {
    const [i, j] = [Math.round(x), Math.round(y)];
    const isInside = i >= 0 && j >= 0 && i < width && j < height;
    cut[at] = isInside ? data[(slice * height + j) * width + i] : -1;
  });
  return cut;
};

const clamp = (x: number, last: number): number => (x < 0 ? 0 : x > last ? last : x);

const eachPixel = (
  { centre: [cx, cy], turn = 0, scale: [sx, sy] = [1, 1] }: Omit<Cut, "slice">,
  patch: number,
  visit: (x: number, y: number, at: number) => void,
): void => {
  const [cos, sin, middle] = [Math.cos(turn), Math.sin(turn), (patch - 1) / 2];
  for (let row = 0; row < patch; row++) {
    for (let column = 0; column < patch; column++) {
      const [dx, dy] = [(column - middle) / sx, (row - middle) / sy];
      visit(cx + cos * dx - sin * dy, cy + sin * dx + cos * dy, row * patch + column);
    }
  }
};
