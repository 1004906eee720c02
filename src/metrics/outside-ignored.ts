import { bitsOf, isNaNBits, keyOfBits, scoreOfKey } from "./score-order.ts";

/**
 * The largest value of an anomaly map where `ignore` is 0: an image score that a background or a fixture cannot set off.
 * Undefined when every pixel is ignored.
 *
 * @param ignore nonzero = ignored, one value a pixel of the map; left out, every pixel counts.
 * @throws RangeError when the lengths differ or a value outside is NaN.
 */
export const maximumOutside = (map: Float32Array, ignore?: Uint8Array): number | undefined => {
  if (countOutside(map, ignore) === 0) return undefined;
  let largest = -Infinity;
  for (let pixel = 0; pixel < map.length; pixel++) {
    if ((ignore === undefined || ignore[pixel] === 0) && map[pixel] > largest) largest = map[pixel];
  }
  return largest;
};

/**
 * The mean of the largest values of an anomaly map where `ignore` is 0: of the n counted pixels the
 * max(1, round(share * n)) largest, so that a share near 0 is `maximumOutside` and 1 the mean of all. Undefined when every
 * pixel is ignored. The smallest of them is found by counting, digit by digit, so that a large map is neither sorted nor copied.
 *
 * @param ignore nonzero = ignored, one value a pixel of the map; left out, every pixel counts.
 * @param share in (0, 1].
 * @throws RangeError when the lengths differ, a value outside is NaN or the share is outside (0, 1].
 */
export const meanOfTopOutside = (map: Float32Array, ignore: Uint8Array | undefined, share: number): number | undefined => {
  if (!(share > 0 && share <= 1)) throw new RangeError(`The share is ${share}; it must be above 0 and at most 1.`);
  const counted = countOutside(map, ignore);
  if (counted === 0) return undefined;
  const count = Math.max(1, Math.round(share * counted));
  const bits = bitsOf(map);
  const eachKey = (visit: (key: number) => void): void => {
    for (let pixel = 0; pixel < bits.length; pixel++) {
      if (ignore === undefined || ignore[pixel] === 0) visit(keyOfBits(bits[pixel]));
    }
  };
  const upperHalves = new Uint32Array(HALF);
  eachKey((key) => upperHalves[key >>> 16]++);
  const upper = digitOfRank(upperHalves, count);
  const lowerHalves = new Uint32Array(HALF);
  eachKey((key) => {
    if (key >>> 16 === upper.digit) lowerHalves[key & (HALF - 1)]++;
  });
  const lower = digitOfRank(lowerHalves, upper.rank);
  const smallest = upper.digit * HALF + lower.digit;
  let sum = lower.rank * scoreOfKey(smallest);
  eachKey((key) => {
    if (key > smallest) sum += scoreOfKey(key);
  });
  return sum / count;
};

/** Values of half a key. */
const HALF = 2 ** 16;

/** The digit of the `rank`-th largest, when `counts` says how many have each, and its rank among those of the same digit. */
const digitOfRank = (counts: Uint32Array, rank: number): { readonly digit: number; readonly rank: number } => {
  let digit = counts.length - 1;
  for (; counts[digit] < rank; digit--) rank -= counts[digit];
  return { digit, rank };
};

const countOutside = (map: Float32Array, ignore: Uint8Array | undefined): number => {
  if (ignore !== undefined && map.length !== ignore.length) {
    throw new RangeError(`The map has ${map.length} pixels, but the ignore mask ${ignore.length}; resize one to fit.`);
  }
  const bits = bitsOf(map);
  let counted = 0;
  for (let pixel = 0; pixel < map.length; pixel++) {
    if (ignore !== undefined && ignore[pixel] !== 0) continue;
    if (isNaNBits(bits[pixel])) {
      throw new RangeError(`The map's value at index ${pixel} is NaN; check what produced it.`);
    }
    counted++;
  }
  return counted;
};
