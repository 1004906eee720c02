import type { ScoredMap } from "./pixel-measures.ts";

/**
 * A map at a `factor`-th of its size, for measures over more pixels than memory holds: each block of factor x factor pixels becomes one
 * whose score is the mean over the block's counted pixels, a defect where any of them is one (a crack of one pixel's width stays),
 * ignored where all of them are.
 *
 * @throws RangeError when the factor is not a whole number of at least 1.
 */
export const reduceMap = ({ map, width, height, mask, ignore }: ScoredMap, factor: number): ScoredMap => {
  if (!(Number.isInteger(factor) && factor >= 1))
    throw new RangeError(`The factor is ${factor}; it must be a whole number of at least 1.`);
  if (factor === 1) return { map, width, height, mask, ignore };
  const [columns, rows] = [Math.ceil(width / factor), Math.ceil(height / factor)];
  const sums = new Float64Array(columns * rows);
  const counts = new Uint32Array(columns * rows);
  const defects = new Uint8Array(columns * rows);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * width + x;
      if (ignore !== undefined && ignore[from] !== 0) continue;
      const to = Math.floor(y / factor) * columns + Math.floor(x / factor);
      sums[to] += map[from];
      counts[to]++;
      if (mask !== undefined && mask[from] !== 0) defects[to] = 1;
    }
  }
  return {
    map: Float32Array.from(sums, (sum, block) => (counts[block] === 0 ? 0 : sum / counts[block])),
    width: columns,
    height: rows,
    mask: mask && defects,
    ignore: ignore && Uint8Array.from(counts, (count) => (count === 0 ? 1 : 0)),
  };
};
