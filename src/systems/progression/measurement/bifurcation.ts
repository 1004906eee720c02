import { distanceTo } from "./contours.ts";
import type { SliceMeasurement } from "./slice.ts";

/**
 * Where one lumen becomes two: the index of a slice, with its fraction, or null where that is not in the slices. The slices are divided,
 * along the flow, in one part with one lumen and one with two so that the fewest slices contradict it (a lumen missed, or an extra one, does
 * not move it). Between the last slice before and the first after, it is where the gap between the two lumens, followed back from the next
 * slice, closes. Openings smaller than `leastLumenArea`, in mm2, do not count.
 */
export const bifurcationOf = (slices: readonly SliceMeasurement[], flow: 1 | -1, leastLumenArea: number): number | null => {
  const along = flow > 0 ? slices : slices.toReversed();
  const used = along
    .map(({ lumens }, at) => ({ lumens: lumens.filter(({ area }) => area >= leastLumenArea), at }))
    .filter(({ lumens }) => lumens.length > 0);
  const isDouble = used.map(({ lumens }) => lumens.length > 1);
  const contradictions = (from: number): number => isDouble.filter((double, n) => double !== n >= from).length;
  const starts = Array.from({ length: used.length + 1 }, (_, from) => from);
  const start = starts.reduce((best, from) => (contradictions(from) < contradictions(best) ? from : best), 0);
  if (start === 0 || start === used.length) return null;
  const [before, after] = [used[start - 1].at, used[start].at];
  const [near, far] = [gapOf(used[start]), used[start + 1] && gapOf(used[start + 1])];
  const growth = near !== undefined && far !== undefined ? (far - near) / (used[start + 1].at - after) : 0;
  const found = growth > 0 ? Math.max(before, after - near! / growth) : (before + after) / 2;
  return flow > 0 ? found : slices.length - 1 - found;
};

/** Between the two largest lumens, in mm. */
const gapOf = ({ lumens }: Pick<SliceMeasurement, "lumens">): number | undefined =>
  lumens.length < 2 ? undefined : Math.min(...lumens[0].contour.map(distanceTo([lumens[1].contour])));
