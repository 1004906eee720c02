import type { Point } from "./contours.ts";
import type { LumenMeasurement, SliceMeasurement } from "./slice.ts";

/** The lumen of the vessel in each slice of the volume; undefined where it has none. */
export type InternalCarotid = readonly (LumenMeasurement | undefined)[];

/** A point in the plane of a slice. */
export interface PointInSlice {
  readonly slice: number;
  readonly point: Point;
}

const between = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

/**
 * The common carotid and, beyond the bifurcation, the internal one: the larger of the lumens in the most distal slice that has several, or
 * the one nearest to `inside`; from there it is the lumen with the nearest centre from slice to slice, both ways.
 */
export const internalCarotid = (slices: readonly SliceMeasurement[], flow: 1 | -1, inside?: PointInSlice): InternalCarotid => {
  const path: (LumenMeasurement | undefined)[] = slices.map(() => undefined);
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
    let last = first;
    for (let k = start + step; k >= 0 && k < slices.length; k += step) {
      if (slices[k].lumens.length === 0) continue;
      last = nearest(k, last.centre);
      path[k] = last;
    }
  }
  return path;
};
