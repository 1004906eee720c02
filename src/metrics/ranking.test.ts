import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { radixSort } from "./radix-sort.ts";
import { rank } from "./ranking.ts";
import { areaUnderRoc, rocOf } from "./roc.ts";
import { keyOfScore, nextScoreAbove, scoreOfKey } from "./score-order.ts";

const anyScore = fc.float({ noNaN: true });

describe("the order of scores", () => {
  test("keys order all floats, infinities included, and give them back", () => {
    fc.assert(
      fc.property(anyScore, anyScore, (a, b) => {
        expect(Math.sign(keyOfScore(a) - keyOfScore(b))).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(scoreOfKey(keyOfScore(a))).toBe(a + 0);
      }),
    );
    expect(keyOfScore(-0)).toBe(keyOfScore(0));
    expect(keyOfScore(-Infinity)).toBeLessThan(keyOfScore(-3.4e38));
    expect(keyOfScore(Infinity)).toBeGreaterThan(keyOfScore(3.4e38));
  });

  test("the next score above is above by the last bit", () => {
    expect(nextScoreAbove(1)).toBe(1 + 2 ** -23);
    expect(nextScoreAbove(0)).toBe(2 ** -149);
    expect(nextScoreAbove(-1)).toBe(-1 + 2 ** -24);
  });
});

describe("radix sort", () => {
  test("sorts like the built-in sort and lets companions travel stably", () => {
    const key = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        const sorted = radixSort(Uint32Array.from(keys), Uint32Array.from(keys.keys()));
        expect([...sorted.keys]).toEqual([...keys].sort((a, b) => a - b));
        expect([...sorted.companions!]).toEqual([...keys.keys()].sort((a, b) => keys[a] - keys[b] || a - b));
      }),
    );
  });
});

describe("ranking", () => {
  test("two million scores with ties, in uneven chunks, agree with sorting and counting", () => {
    const source = random("ranking");
    const scores = Float32Array.from({ length: 2_000_000 }, () => Math.round(source.normal() * 20_000) / 20_000);
    const groups = Int32Array.from(scores, (score) => (source.uniform() < 0.02 + 0.02 * Math.max(0, score) ? 1 : 0));
    const ends = [0, 17, 100_000, 100_000, 1_234_567, 2_000_000];
    const chunks = ends.slice(1).map((end, chunk) => ({
      scores: scores.subarray(ends[chunk], end),
      groups: groups.subarray(ends[chunk], end),
    }));
    const naive = areaByMeanRank(scores, groups);
    expect(naive).toBeGreaterThan(0.55);
    expect(areaUnderRoc(rocOf(rank(chunks)))).toBeCloseTo(naive, 11);
  });

  test("leaves out negative groups, even where their score is NaN, and counts the others", () => {
    const scores = Float32Array.of(3, Number.NaN, 1, 2, 5);
    const ranking = rank([{ scores, groups: Int32Array.of(2, -1, 0, 2, 4) }, { scores: Float32Array.of(0) }]);
    expect([...ranking.groupSizes]).toEqual([2, 0, 2, 0, 1]);
    expect([...ranking.anomalousGroups]).toEqual([2, 2, 4]);
    expect([...ranking.normalKeys].map(scoreOfKey)).toEqual([0, 1]);
  });

  test("names the place of a NaN and of labels that do not fit", () => {
    const good = { scores: Float32Array.of(1, 2) };
    expect(() => rank([good, { scores: Float32Array.of(1, 2, Number.NaN) }])).toThrow(/index 2 of chunk 1 is NaN/);
    expect(() => rank([good, { ...good, groups: Int32Array.of(1) }])).toThrow(/2 scores but 1 labels in chunk 1/);
  });
});

/** The Mann-Whitney statistic from mean ranks, over a sorted order of positions. */
const areaByMeanRank = (scores: Float32Array, groups: Int32Array): number => {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b]);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    let tiedPositives = 0;
    while (end < order.length && scores[order[end]] === scores[order[start]]) tiedPositives += groups[order[end++]];
    rankSum += tiedPositives * ((start + 1 + end) / 2);
    positives += tiedPositives;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (order.length - positives));
};
