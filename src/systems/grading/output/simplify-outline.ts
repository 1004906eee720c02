import type { Ring } from "./trace-regions.ts";

/** Corners in a row that are left out at most: each is looked at again for every further one. */
const LONGEST_RUN = 128;

/**
 * The rings of one polygon with fewer corners, valid if they were. Along each ring, from a corner that is kept, the next ones are left
 * out as long as (1) all of them lie within `tolerance` of the straight line that replaces them, and (2) no corner of the polygon
 * lies in the triangle between that line and the two that it replaces, so that nothing can be crossed. Corners in which rings touch stay, and four corners
 * of each ring at least.
 *
 * (1) bounds the error as Douglas and Peucker 1973 do, whose own way can make outlines cross; (2) keeps them apart, after de Berg, van Kreveld
 * and Schirra 1998, "Topologically correct subdivision simplification".
 *
 * @param tolerance in pixels; 0 leaves everything as it is.
 */
export const simplifyOutline = (rings: readonly Ring[], tolerance: number): Ring[] => {
  if (tolerance <= 0) return [...rings];
  const present = new Set<number>();
  const shared = new Set<number>();
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      const key = keyOf(ring[i], ring[i + 1]);
      if (present.has(key)) shared.add(key);
      present.add(key);
    }
  }

  const simplified = (ring: Ring): Ring => {
    const corners = ring.length / 2;
    const kept = [ring[0], ring[1]];
    let left = corners;
    let run: number[] = [];
    for (let b = 1; b < corners; b++) {
      const [ax, ay] = kept.slice(-2);
      const [bx, by] = [ring[2 * b], ring[2 * b + 1]];
      const next = (b + 1) % corners;
      const [cx, cy] = [ring[2 * next], ring[2 * next + 1]];
      const key = keyOf(bx, by);
      const longer = [...run, bx, by];
      const dispensable =
        left > 4 &&
        run.length < 2 * LONGEST_RUN &&
        !shared.has(key) &&
        isNear(longer, ax, ay, cx, cy, tolerance) &&
        isEmpty([ax, ay], [bx, by], [cx, cy], present);
      if (dispensable) {
        present.delete(key);
        left--;
        run = longer;
      } else {
        kept.push(bx, by);
        run = [];
      }
    }
    return Int32Array.from(kept);
  };
  return rings.map(simplified);
};

const keyOf = (x: number, y: number): number => y * 2 ** 21 + x;

/** Whether all points lie within a distance of the line from a to c. */
const isNear = (points: readonly number[], ax: number, ay: number, cx: number, cy: number, tolerance: number): boolean => {
  const [dx, dy] = [cx - ax, cy - ay];
  const length = dx * dx + dy * dy;
  for (let i = 0; i < points.length; i += 2) {
    const along = length === 0 ? 0 : ((points[i] - ax) * dx + (points[i + 1] - ay) * dy) / length;
    const t = Math.min(1, Math.max(0, along));
    if (Math.hypot(points[i] - ax - t * dx, points[i + 1] - ay - t * dy) > tolerance) return false;
  }
  return true;
};

type Corner = readonly [number, number];

/** Whether a triangle, its sides included, holds none of the corners but its own. */
const isEmpty = (a: Corner, b: Corner, c: Corner, corners: ReadonlySet<number>): boolean => {
  const own = [a, b, c].map(([x, y]) => keyOf(x, y));
  const sides = [
    [a, b],
    [b, c],
    [c, a],
  ] as const;
  for (let y = Math.min(a[1], b[1], c[1]); y <= Math.max(a[1], b[1], c[1]); y++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const [[x0, y0], [x1, y1]] of sides) {
      if (y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue;
      const ends = y0 === y1 ? [x0, x1] : [x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)];
      low = Math.min(low, ...ends);
      high = Math.max(high, ...ends);
    }
    // A corner too many, by rounding, keeps a corner that could have gone.
    for (let x = Math.ceil(low - 1e-9); x <= high + 1e-9; x++) {
      const key = keyOf(x, y);
      if (corners.has(key) && !own.includes(key)) return false;
    }
  }
  return true;
};
