import { radixSort } from "./radix-sort.ts";
import { bitsOf, isNaNBits, keyOfBits } from "./score-order.ts";

/**
 * Scores with the truth about them. `groups[i]` is 0 where sample i is normal, k >= 1 where it is anomalous and belongs
 * to group k (a defect region, or simply 1), and negative where it counts nowhere. Without groups all are normal.
 */
export type LabelledScores = { scores: Float32Array; groups?: Int32Array };

/** All counted scores, as ordered keys (see score-order.ts), ascending within each class. */
export type Ranking = {
  normalKeys: Uint32Array;
  anomalousKeys: Uint32Array;
  /** The group of each anomalous sample, in the order of `anomalousKeys`. */
  anomalousGroups: Uint32Array;
  /** How many samples each group has, at index k for group k; index 0 counts the normal ones. */
  groupSizes: Float64Array;
};

/**
 * Sorts the scores of one or more chunks (say, one chunk per image) by class, once for all the measures that follow.
 * The chunks are iterated twice, so they may be produced on the fly. Time is linear; beside the chunks themselves it
 * takes 8 bytes a normal and 16 an anomalous sample while sorting, and half of that afterwards.
 *
 * @param chunkName what a chunk is, for error messages.
 * @throws RangeError when a counted score is NaN or a chunk's groups and scores differ in length.
 */
export const rank = (chunks: Iterable<LabelledScores>, chunkName = "chunk"): Ranking => {
  const groupSizes = countGroups(chunks, chunkName);
  const normalCount = groupSizes[0];
  const normalKeys = new Uint32Array(normalCount);
  const anomalousKeys = new Uint32Array(groupSizes.reduce((sum, size) => sum + size, -normalCount));
  const anomalousGroups = new Uint32Array(anomalousKeys.length);
  let normalPlace = 0;
  let anomalousPlace = 0;
  for (const { scores, groups } of chunks) {
    const bits = bitsOf(scores);
    for (let i = 0; i < bits.length; i++) {
      const group = groups === undefined ? 0 : groups[i];
      if (group === 0) {
        normalKeys[normalPlace++] = keyOfBits(bits[i]);
      } else if (group > 0) {
        anomalousGroups[anomalousPlace] = group;
        anomalousKeys[anomalousPlace++] = keyOfBits(bits[i]);
      }
    }
  }
  const anomalous = radixSort(anomalousKeys, anomalousGroups);
  return {
    normalKeys: radixSort(normalKeys).keys,
    anomalousKeys: anomalous.keys,
    anomalousGroups: anomalous.companions!,
    groupSizes,
  };
};

const countGroups = (chunks: Iterable<LabelledScores>, chunkName: string): Float64Array => {
  let sizes = new Float64Array(2);
  let last = 0;
  let chunkIndex = 0;
  for (const { scores, groups } of chunks) {
    if (groups !== undefined && groups.length !== scores.length) {
      throw new RangeError(
        `There are ${scores.length} scores but ${groups.length} labels in ${chunkName} ${chunkIndex}; give one label a score.`,
      );
    }
    const bits = bitsOf(scores);
    for (let i = 0; i < bits.length; i++) {
      const group = groups === undefined ? 0 : groups[i];
      if (group < 0) continue;
      if (isNaNBits(bits[i])) {
        throw new RangeError(
          `The score at index ${i} of ${chunkName} ${chunkIndex} is NaN, so it has no rank; check what produced it.`,
        );
      }
      if (group > last) {
        last = group;
        if (last >= sizes.length) sizes = enlarged(sizes, 2 * last);
      }
      sizes[group]++;
    }
    chunkIndex++;
  }
  return sizes.slice(0, last + 1);
};

const enlarged = (values: Float64Array, length: number): Float64Array<ArrayBuffer> => {
  const larger = new Float64Array(length);
  larger.set(values);
  return larger;
};
