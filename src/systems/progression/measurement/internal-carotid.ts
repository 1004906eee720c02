import type { Point } from "./contours.ts";
import type { LumenMeasurement, SliceMeasurement } from "./slice.ts";

/**
 * The lumen of the vessel in each slice of the volume, "closed" where there is none between slices that have it, undefined before the first and
 * after the last of these.
 */
export type InternalCarotid = readonly (LumenMeasurement | "closed" | undefined)[];

/** A point in the plane of a slice. */
export interface PointInSlice {
  readonly slice: number;
  readonly point: Point;
}

const between = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
const radiusOf = ({ area }: LumenMeasurement): number => Math.sqrt(area / Math.PI);

/**
 * The common carotid and, beyond the bifurcation, the internal one: the larger of the lumens in the most distal slice that has several, or
 * the one nearest to `inside`; from there, both ways, it is from slice to slice the lumen with the nearest centre, unless that lies farther off
 * than the larger of both radii and half of the smaller: the other branch is not taken for it where it is closed.
 */
export const internalCarotid = (slices: readonly SliceMeasurement[], flow: 1 | -1, inside?: PointInSlice): InternalCarotid => {
  const path: (LumenMeasurement | "closed" | undefined)[] = slices.map(() => undefined);
  const open = slices.flatMap(({ lumens }, k) => (lumens.length > 0 ? [k] : []));
  if (open.length === 0) return path;
  const distalFirst = flow > 0 ? open.toReversed() : open;
  const start =
    inside === undefined
      ? (distalFirst.find((k) => slices[k].lumens.length > 1) ?? distalFirst[0])
      : open.reduce((a, b) => (Math.abs(b - inside.slice) < Math.abs(a - inside.slice) ? b : a));
  const nearest = (k: number, point: Point): LumenMeasurement =>
    slices[k].lumens.reduce((a, b) => (between(b.centre, point) < between(a.centre, point) ? b : a));
  const first = inside === undefined ? slices[start].lumens[0] : nearest(start, inside.point);
  path[start] = first;
  for (const step of [1, -1]) {
    let [last, at] = [first, start];
    for (let k = start + step; k >= 0 && k < slices.length; k += step) {
      if (slices[k].lumens.length === 0) continue;
      const next = nearest(k, last.centre);
      const [small, large] = [radiusOf(next), radiusOf(last)].sort((a, b) => a - b);
      if (between(next.centre, last.centre) > large + small / 2) continue;
      for (let gap = at + step; gap !== k; gap += step) path[gap] = "closed";
      path[k] = next;
      [last, at] = [next, k];
    }
  }
  return path;
};
