import { rank } from "./ranking.ts";
import { scoreOfKey } from "./score-order.ts";

/**
 * The largest value of an anomaly map where `ignore` is 0: an image score that a background or a fixture cannot set off.
 * Undefined when every pixel is ignored.
 *
 * @param ignore nonzero = ignored, one value a pixel of the map.
 * @throws RangeError when the lengths differ or a value outside is NaN.
 */
export const maximumOutside = (map: Float32Array, ignore: Uint8Array): number | undefined => {
  const counted = valuesOutside(map, ignore);
  return counted.length === 0 ? undefined : counted.reduce((largest, value) => Math.max(largest, value), -Infinity);
};

/**
 * The mean of the largest values of an anomaly map where `ignore` is 0: of the n counted pixels the
 * max(1, round(share * n)) largest, so that a share near 0 is `maximumOutside` and 1 the mean of all. Undefined when every
 * pixel is ignored.
 *
 * @param ignore nonzero = ignored, one value a pixel of the map.
 * @param share in (0, 1].
 * @throws RangeError when the lengths differ, a value outside is NaN or the share is outside (0, 1].
 */
export const meanOfTopOutside = (map: Float32Array, ignore: Uint8Array, share: number): number | undefined => {
  if (!(share > 0 && share <= 1)) throw new RangeError(`The share is ${share}; it must be above 0 and at most 1.`);
  const ascending = rank([{ scores: valuesOutside(map, ignore) }]).normalKeys;
  if (ascending.length === 0) return undefined;
  const count = Math.max(1, Math.round(share * ascending.length));
  return ascending.subarray(-count).reduce((sum, key) => sum + scoreOfKey(key), 0) / count;
};

const valuesOutside = (map: Float32Array, ignore: Uint8Array): Float32Array => {
  if (map.length !== ignore.length) {
    throw new RangeError(`The map has ${map.length} pixels, but the ignore mask ${ignore.length}; resize one to fit.`);
  }
  const bad = map.findIndex((value, pixel) => ignore[pixel] === 0 && Number.isNaN(value));
  if (bad >= 0) throw new RangeError(`The map's value at index ${bad} is NaN; check what produced it.`);
  return map.filter((_, pixel) => ignore[pixel] === 0);
};
