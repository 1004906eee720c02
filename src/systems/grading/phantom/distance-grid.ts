/** A signed distance, in um, at the nodes of a grid: what a shape is sampled into once, so that painting a pixel of it is cheap. */
export interface DistanceGrid {
  /** Position of the first node, in um. */
  readonly x: number;
  readonly y: number;
  /** Between nodes, in um. */
  readonly step: number;
  readonly columns: number;
  readonly rows: number;
  readonly data: Float32Array;
}

/** Samples `distance` over the square of `reach` um around (x, y). */
export const distanceGrid = (
  x: number,
  y: number,
  reach: number,
  step: number,
  distance: (x: number, y: number) => number,
): DistanceGrid => {
  const columns = 2 * Math.ceil(reach / step) + 1;
  const data = new Float32Array(columns * columns);
  const left = x - step * ((columns - 1) / 2);
  const top = y - step * ((columns - 1) / 2);
  for (let row = 0; row < columns; row++) {
    for (let column = 0; column < columns; column++)
      data[row * columns + column] = distance(left + column * step, top + row * step);
  }
  return { x: left, y: top, step, columns, rows: columns, data };
};

/** The distance at a point, between nodes by bilinear interpolation, and outside the grid that of its nearest node. */
export const distanceAt = (grid: DistanceGrid, x: number, y: number): number => {
  const { columns, rows, data } = grid;
  const u = Math.min(columns - 1.001, Math.max(0, (x - grid.x) / grid.step));
  const v = Math.min(rows - 1.001, Math.max(0, (y - grid.y) / grid.step));
  const column = Math.floor(u);
  const row = Math.floor(v);
  const fx = u - column;
  const fy = v - row;
  const at = row * columns + column;
  const top = data[at] + (data[at + 1] - data[at]) * fx;
  const bottom = data[at + columns] + (data[at + columns + 1] - data[at + columns]) * fx;
  return top + (bottom - top) * fy;
};
