import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { coreset, drawPositions } from "./coreset.ts";

const points = (count: number, dimensions: number, ...keys: (string | number)[]): Float32Array => {
  const rng = random("coreset", ...keys);
  return Float32Array.from({ length: count * dimensions }, () => rng.normal());
};
const distance = (vectors: Float32Array, dimensions: number, a: number, b: number): number => {
  let squared = 0;
  for (let i = 0; i < dimensions; i++) squared += (vectors[a * dimensions + i] - vectors[b * dimensions + i]) ** 2;
  return Math.sqrt(squared);
};
/** How far the farthest vector is from the nearest of the chosen. */
const radius = (vectors: Float32Array, dimensions: number, chosen: readonly number[]): number => {
  const each = Array.from({ length: vectors.length / dimensions }, (_, point) =>
    Math.min(...chosen.map((other) => distance(vectors, dimensions, point, other))),
  );
  return Math.max(...each);
};
const subsets = (count: number, size: number, from = 0): number[][] =>
  size === 0
    ? [[]]
    : Array.from({ length: count - from }, (_, i) => from + i).flatMap((first) =>
        subsets(count, size - 1, first + 1).map((rest) => [first, ...rest]),
      );

describe("without projection", () => {
  test.each([
    [8, 2, 3],
    [10, 3, 2],
    [9, 1, 4],
    [12, 5, 3],
  ])("of %i vectors of %i dimensions, %i cover all within twice the least radius", (count, dimensions, size) => {
    for (const seed of [1, 2, 3, 4]) {
      const vectors = points(count, dimensions, seed);
      const least = Math.min(...subsets(count, size).map((subset) => radius(vectors, dimensions, subset)));
      const found = radius(vectors, dimensions, coreset(vectors, dimensions, size, random("start", seed)));
      expect(found).toBeGreaterThanOrEqual(least - 1e-6);
      expect(found).toBeLessThanOrEqual(2 * least + 1e-6);
    }
  });

  test("each choice is the vector farthest from those before it", () => {
    const vectors = points(60, 4, "farthest");
    const chosen = coreset(vectors, 4, 12, random("start"));
    expect(new Set(chosen).size).toBe(12);
    for (let size = 1; size < 12; size++) {
      const before = chosen.slice(0, size);
      const own = Math.min(...before.map((other) => distance(vectors, 4, chosen[size], other)));
      expect(own).toBeCloseTo(radius(vectors, 4, before), 5);
    }
  });

  test("repetitions are not remembered twice, and no more is chosen than there is", () => {
    const three = points(3, 4, "three");
    const repeated = new Float32Array(7 * three.length);
    for (let copy = 0; copy < 7; copy++) repeated.set(three, copy * three.length);
    const chosen = coreset(repeated, 4, 10, random("start"));
    expect(chosen.map((index) => index % 3).sort()).toEqual([0, 1, 2]);
    expect(coreset(three, 4, 10, random("start")).sort()).toEqual([0, 1, 2]);
    expect(coreset(three, 4, 1, random("start"))).toHaveLength(1);
    expect(coreset(new Float32Array(0), 4, 10, random("start"))).toEqual([]);
  });
});

test("it is a function of vectors and stream, with a start drawn by the stream", () => {
  for (const dimensions of [6, 100]) {
    const vectors = points(50, dimensions, "same");
    const of = (seed: number) => coreset(vectors, dimensions, 10, random("start", seed));
    expect(of(1)).toEqual(of(1));
    expect(new Set([1, 2, 3, 4, 5].map((seed) => of(seed)[0])).size).toBeGreaterThan(2);
  }
});

test("in more than 64 dimensions it chooses by a projection, which keeps what is far apart apart", () => {
  // Ten clusters: one vector of each is to be chosen, in whatever order.
  const dimensions = 200;
  const middles = points(10, dimensions, "middles");
  const around = points(80, dimensions, "around");
  const vectors = around.map(
    (value, i) => 0.05 * value + middles[(Math.floor(i / dimensions) % 10) * dimensions + (i % dimensions)],
  );
  const before = vectors.slice();
  const chosen = coreset(vectors, dimensions, 10, random("start"));
  expect(chosen.map((index) => index % 10).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(vectors).toEqual(before);
});

test("positions are drawn without repetition, of those of which at least half counts", () => {
  const drawn = (counts: Float32Array | undefined, count = 100) => [...drawPositions(4, counts, count, random("draw"))];
  const byNumber = (a: number, b: number): number => a - b;
  expect(drawn(undefined).sort(byNumber)).toEqual(Array.from({ length: 16 }, (_, position) => position));
  expect(drawn(undefined)).not.toEqual(Array.from({ length: 16 }, (_, position) => position));
  expect(drawn(undefined, 5)).toEqual(drawn(undefined).slice(0, 5));
  // 8 x 8 pixels, of which the first three columns are ignored: half of every second position of a row.
  const counts = Float32Array.from({ length: 64 }, (_, i) => (i % 8 < 3 ? 0 : 1));
  expect(drawn(counts).sort(byNumber)).toEqual([1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15]);
  expect(drawn(new Float32Array(64))).toEqual([]);
});
