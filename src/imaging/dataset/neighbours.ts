import { setImmediate } from "node:timers/promises";
import { random } from "../../random/index.ts";
import { rootMeanSquare, side, squaredDistance, sumOfSquares, type Thumbnail } from "./thumbnail.ts";

export interface NearPair {
  first: number;
  second: number;
  /** Root mean square difference in grey levels. */
  distance: number;
}

/**
 * All pairs of thumbnails, by their numbers, whose distance is below `radius`: exactly those of a comparison of each with
 * each. Thumbnails are sorted by their mean, so that only those within the radius of a mean are looked at.
 */
export const findNearPairs = async (
  thumbnails: readonly Thumbnail[],
  radius: number,
  signal?: AbortSignal,
): Promise<NearPair[]> => {
  const limit = sumOfSquares(radius);
  const order = byMean(thumbnails);
  const pairs: NearPair[] = [];
  const pause = pauses(signal);
  for (let position = 0; position < order.length; position++) {
    await pause();
    const one = thumbnails[order[position]];
    for (let next = position + 1; next < order.length; next++) {
      const other = thumbnails[order[next]];
      if (meansApart(one, other, radius)) break;
      const squares = squaredDistance(one, other, limit);
      if (squares < limit) {
        const [first, second] = [order[position], order[next]].sort((a, b) => a - b);
        pairs.push({ first, second, distance: rootMeanSquare(squares) });
      }
    }
  }
  return pairs.sort((a, b) => a.first - b.first || a.second - b.second);
};

/** The neighbour that tells how far apart a series is: copies are seldom so many. */
const NEIGHBOUR = 8;

/**
 * How far apart the images of a series are: the median over images of the distance to the eighth nearest other image (of fewer, to the
 * farthest), as they are, without mirroring; at most `radius`, which is also the answer for less than three images. Not the nearest,
 * because in a set of which images have copies that would be a copy. Of more than 128 images as many are drawn by a fixed seed.
 */
export const medianSpacing = async (thumbnails: readonly Thumbnail[], radius: number, signal?: AbortSignal): Promise<number> => {
  if (thumbnails.length < 3) return radius;
  const order = byMean(thumbnails);
  const pause = pauses(signal);
  const spacings: number[] = [];
  for (const position of random("spacing").permutation(order.length).subarray(0, 128)) {
    await pause();
    spacings.push(spacingAt(thumbnails, order, position, radius));
  }
  spacings.sort((a, b) => a - b);
  return (spacings[(spacings.length - 1) >> 1] + spacings[spacings.length >> 1]) / 2;
};

/** Looks at the thumbnails on both sides in the order of means, those with the nearest mean first. */
const spacingAt = (thumbnails: readonly Thumbnail[], order: Uint32Array, position: number, radius: number): number => {
  const own = thumbnails[order[position]];
  const nearest: number[] = new Array(Math.min(NEIGHBOUR, order.length - 1)).fill(sumOfSquares(radius));
  let [below, above] = [position - 1, position + 1];
  while (below >= 0 || above < order.length) {
    const lower = below >= 0 ? own.sum - thumbnails[order[below]].sum : Number.POSITIVE_INFINITY;
    const upper = above < order.length ? thumbnails[order[above]].sum - own.sum : Number.POSITIVE_INFINITY;
    const other = thumbnails[lower <= upper ? order[below--] : order[above++]];
    const farthest = nearest.at(-1) as number;
    if (meansApart(own, other, rootMeanSquare(farthest))) break;
    const squares = squaredDistance(own, other, farthest, 1);
    if (squares < farthest) nearest.splice(-1, 1, squares);
    nearest.sort((a, b) => a - b);
  }
  return rootMeanSquare(nearest.at(-1) as number);
};

const byMean = (thumbnails: readonly Thumbnail[]): Uint32Array =>
  Uint32Array.from(thumbnails.keys()).sort((a, b) => thumbnails[a].sum - thumbnails[b].sum || a - b);

const meansApart = (a: Thumbnail, b: Thumbnail, radius: number): boolean => Math.abs(a.sum - b.sum) / (side * side) >= radius;

/** Lets other work and an interruption through about every 50 milliseconds. */
const pauses = (signal: AbortSignal | undefined): (() => Promise<void>) => {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < 50) return;
    await setImmediate();
    signal?.throwIfAborted();
    last = performance.now();
  };
};
