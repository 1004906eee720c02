import { type FloatImage, floatImage, reflected } from "../float-image.ts";

/** Which colour (0 red, 1 green, 2 blue) the four photosites of a Bayer cell have, row by row. */
export const bayerPatterns = { rggb: [0, 1, 1, 2], bggr: [2, 1, 1, 0], grbg: [1, 0, 2, 1], gbrg: [1, 2, 0, 1] } as const;
export type BayerPattern = keyof typeof bayerPatterns;

export const demosaicings = ["bilinear", "malvar"] as const;
export type Demosaicing = (typeof demosaicings)[number];

/** Kernels of 5 x 5 in eighths, row by row. Without `gradient` they are bilinear interpolation. */
interface Kernels {
  readonly greenAtOther: readonly number[];
  /** Red or blue at green, its like in the same row; in the same column it is transposed. */
  readonly besideInRow: readonly number[];
  /** Red at blue, blue at red. */
  readonly opposite: readonly number[];
}

const kernels: Readonly<Record<Demosaicing, Kernels>> = {
  bilinear: {
    greenAtOther: [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
    besideInRow: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    opposite: [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0],
  },
  malvar: {
    greenAtOther: [0, 0, -1, 0, 0, 0, 0, 2, 0, 0, -1, 2, 4, 2, -1, 0, 0, 2, 0, 0, 0, 0, -1, 0, 0],
    besideInRow: [0, 0, 0.5, 0, 0, 0, -1, 0, -1, 0, -1, 4, 5, 4, -1, 0, -1, 0, -1, 0, 0, 0, 0.5, 0, 0],
    opposite: [0, 0, -1.5, 0, 0, 0, 2, 0, 2, 0, -1.5, 0, 6, 0, -1.5, 0, 2, 0, 2, 0, 0, 0, -1.5, 0, 0],
  },
};

/**
 * The two missing colours of each photosite from its neighbours: bilinear interpolation, or the linear filters of Malvar, He and Cutler
 * ("High-quality linear interpolation for demosaicing of Bayer-patterned color images", 2004), which add the gradient of the known
 * colour. `mosaic` `[height, width]`; beyond its border it is mirrored, which keeps the pattern.
 */
export const demosaic = (
  mosaic: Float32Array,
  width: number,
  height: number,
  pattern: BayerPattern,
  method: Demosaicing,
): FloatImage => {
  const cell = bayerPatterns[pattern];
  const { greenAtOther, besideInRow, opposite } = kernels[method];
  const besideInColumn = besideInRow.map((_, i) => besideInRow[(i % 5) * 5 + Math.floor(i / 5)]);
  const result = floatImage(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const own = cell[(y & 1) * 2 + (x & 1)];
      const inRow = cell[(y & 1) * 2 + ((x + 1) & 1)];
      const at = 3 * (y * width + x);
      result.data[at + own] = mosaic[y * width + x];
      if (own === 1) {
        result.data[at + inRow] = filtered(mosaic, width, height, x, y, besideInRow);
        result.data[at + 2 - inRow] = filtered(mosaic, width, height, x, y, besideInColumn);
      } else {
        result.data[at + 1] = filtered(mosaic, width, height, x, y, greenAtOther);
        result.data[at + 2 - own] = filtered(mosaic, width, height, x, y, opposite);
      }
    }
  }
  return result;
};

const filtered = (
  values: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  kernel: readonly number[],
): number => {
  let sum = 0;
  const inside = x >= 2 && y >= 2 && x < width - 2 && y < height - 2;
  for (let i = 0; i < 25; i++) {
    if (kernel[i] === 0) continue;
    const [column, row] = [x + (i % 5) - 2, y + Math.floor(i / 5) - 2];
    sum +=
      kernel[i] * (inside ? values[row * width + column] : values[reflected(row, height) * width + reflected(column, width)]);
  }
  return sum / 8;
};
