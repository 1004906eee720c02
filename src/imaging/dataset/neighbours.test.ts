import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { findNearPairs, medianSpacing } from "./neighbours.ts";
import { createThumbnail, rootMeanSquare, squaredDistance } from "./thumbnail.ts";

/** [64, 64] of rows, for an implementation of its own. */
type Picture = number[][];

const turned = (picture: Picture): Picture => picture[0].map((_, column) => picture.map((row) => row[column]).reverse());
const mirrored = (picture: Picture): Picture => picture.map((row) => row.toReversed());
const forms = (picture: Picture): Picture[] => {
  const turns = [picture];
  for (let turn = 0; turn < 3; turn++) turns.push(turned(turns[turn]));
  return turns.flatMap((form) => [form, mirrored(form)]);
};
const distance = (a: Picture, b: Picture): number => {
  let sum = 0;
  for (let y = 0; y < 64; y++) for (let x = 0; x < 64; x++) sum += (a[y][x] - b[y][x]) ** 2;
  return Math.sqrt(sum / 4096);
};
const nearest = (a: Picture, b: Picture): number => Math.min(...forms(b).map((form) => distance(a, form)));

const thumbnailOf = (picture: Picture) => createThumbnail(Uint8Array.from(picture.flat()));

/** Waves and noise; every third is a form of an earlier one with a little noise of its own. */
const pictures = (count: number): Picture[] => {
  const made: Picture[] = [];
  for (let index = 0; index < count; index++) {
    const rng = random("picture", index);
    const [fx, fy, mean, height] = [rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.4), rng.uniform(90, 130), rng.uniform(5, 40)];
    const noise = rng.uniform(0, 3);
    const from = index % 3 === 2 ? forms(made[rng.integer(0, index - 1)])[rng.integer(0, 7)] : undefined;
    made.push(
      Array.from({ length: 64 }, (_, y) =>
        Array.from({ length: 64 }, (_, x) => {
          const value = from?.[y][x] ?? mean + height * Math.sin(fx * x + index) * Math.cos(fy * y);
          return Math.round(Math.min(255, Math.max(0, value + rng.normal(0, noise))));
        }),
      ),
    );
  }
  return made;
};

test("the pruned search finds exactly the pairs of a comparison of each with each", async () => {
  const some = pictures(45);
  const all = some.flatMap((a, first) =>
    some.slice(0, first).map((b, second) => ({ first: second, second: first, rms: nearest(a, b) })),
  );
  all.sort((a, b) => a.first - b.first || a.second - b.second);
  for (const radius of [1.5, 3, 9]) {
    const expected = all.filter(({ rms }) => rms < radius);
    const found = await findNearPairs(some.map(thumbnailOf), radius);
    expect(found.length).toBeGreaterThan(3);
    expect(found.map(({ first, second }) => [first, second])).toEqual(expected.map(({ first, second }) => [first, second]));
    for (const [index, pair] of found.entries()) expect(pair.distance).toBeCloseTo(expected[index].rms, 9);
  }
});

test("the spacing is the median distance to the eighth nearest, cut at the radius", async () => {
  const some = pictures(41);
  const eighths = some.map(
    (a) =>
      some
        .filter((b) => b !== a)
        .map((b) => distance(a, b))
        .sort((x, y) => x - y)[7],
  );
  const median = (radius: number) => eighths.map((value) => Math.min(value, radius)).sort((x, y) => x - y)[20];
  const thumbnails = some.map(thumbnailOf);
  expect(median(1000)).toBeGreaterThan(12);
  expect(await medianSpacing(thumbnails, 1000)).toBeCloseTo(median(1000), 9);
  expect(await medianSpacing(thumbnails, 12)).toBe(12);
  expect(await medianSpacing(thumbnails.slice(0, 2), 12)).toBe(12);
});

test("bounds never exceed the distance, also for extreme pictures", () => {
  const rng = random("extreme");
  const flat = (value: number): Picture => Array.from({ length: 64 }, () => Array(64).fill(value));
  const binary = (): Picture => Array.from({ length: 64 }, () => Array.from({ length: 64 }, () => 255 * rng.integer(0, 1)));
  const halves: Picture = flat(0).map((row, y) => row.map(() => (y < 32 ? 0 : 255)));
  const some = [flat(0), flat(255), flat(128), binary(), binary(), halves, turned(halves)];
  for (const a of some) {
    for (const b of some) {
      const exact = nearest(a, b);
      expect(rootMeanSquare(squaredDistance(thumbnailOf(a), thumbnailOf(b), 1e12))).toBeCloseTo(exact, 9);
      expect(rootMeanSquare(squaredDistance(thumbnailOf(a), thumbnailOf(b), 1e12, 1))).toBeCloseTo(distance(a, b), 9);
      const squares = Math.round(exact ** 2 * 4096);
      expect(squaredDistance(thumbnailOf(a), thumbnailOf(b), squares + 1)).toBe(squares);
      expect(squaredDistance(thumbnailOf(a), thumbnailOf(b), squares)).toBe(Number.POSITIVE_INFINITY);
    }
  }
});

test("a search can be interrupted", async () => {
  const thumbnails = Array.from({ length: 400 }, (_, index) =>
    createThumbnail(Uint8Array.from({ length: 4096 }, (_, pixel) => 100 + ((pixel * 31 + index * 17) % 7))),
  );
  const reason = new Error("enough");
  await expect(findNearPairs(thumbnails, 20, AbortSignal.abort(reason))).rejects.toBe(reason);
});
