import { expect, test } from "vitest";
import { input } from "../../../graph/index.ts";
import { trainable } from "../../../nn/index.ts";
import {
  compute,
  cosine,
  type Floats,
  firstValues,
  floats,
  frozenWith,
  largestDifference,
  networkGradientError,
  noise,
  sizeOf,
  vectorAt,
} from "../testing/graphs.ts";
import { fuse, type RecallOptions, recall } from "./recall.ts";

const shape = [2, 6, 3, 4];
const options: RecallOptions = { items: 9, temperature: 0.3 };
const weights = firstValues((p) => recall(p, input("x", shape), options));

/** Its answer, with some weights replaced. */
const answer = async (x: Floats, given: RecallOptions, replaced: Record<string, Floats> = {}): Promise<Floats> => {
  const values = firstValues((p) => recall(p, input("x", x.shape), given));
  return (await compute([x], (asked) => ({ recalled: recall(frozenWith(values, replaced), asked, given).recalled }))).recalled;
};

const identity = (size: number): Floats => ({
  shape: [size, size],
  data: Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
});
/** A query that is the feature itself. */
const asItIs = (channels: number): Record<string, Floats> => ({
  "query.weight": { ...identity(channels), shape: [channels, channels, 1, 1] },
});
const rowsOf = ({ shape: [count, width], data }: Floats): number[][] =>
  Array.from({ length: count }, (_, row) => [...data.slice(row * width, (row + 1) * width)]);
const mapOfRows = (rows: readonly (readonly number[])[]): Floats =>
  floats(
    [1, rows[0].length, 1, rows.length],
    rows[0].flatMap((_, channel) => rows.map((row) => row[channel])),
  );

test("it keeps keys, values and the query's projection as weights", () => {
  const p = trainable();
  const { asked, recalled } = recall(p, input("x", shape), options);
  expect([...p.declarations].map(([name, { trained, tensor }]) => [name, trained, tensor.shape])).toEqual([
    ["query.weight", true, [6, 6, 1, 1]],
    ["keys", true, [9, 6]],
    ["values", true, [9, 6]],
  ]);
  expect([asked.shape, recalled.shape]).toEqual([shape, shape]);
});

test("its answer is that of a loop in float64", async () => {
  const x = noise(shape, "x");
  const found = await answer(x, options);
  const [query, keys, values] = ["query.weight", "keys", "values"].map((name) => weights.get(name)!);
  const projection = rowsOf({ shape: [6, 6], data: query.data });
  for (let image = 0; image < 2; image++) {
    for (let position = 0; position < 12; position++) {
      const feature = vectorAt(x, image, position);
      const asked = projection.map((row) => row.reduce((total, weight, i) => total + weight * feature[i], 0));
      const shares = rowsOf(keys).map((key) => Math.exp(cosine(asked, key) / 0.3));
      const total = shares.reduce((sum, share) => sum + share);
      const expected = feature.map((_, i) =>
        rowsOf(values).reduce((sum, value, item) => sum + (shares[item] / total) * value[i], 0),
      );
      expect(largestDifference(vectorAt(found, image, position), expected)).toBeLessThan(1e-5);
    }
  }
});

test("gradients of feature, query, keys and values against finite differences", async () => {
  for (const seed of [1, 2]) {
    const error = await networkGradientError((p, x) => recall(p, x, options).recalled, [noise([2, 5, 2, 3], seed)], {
      seed,
      step: 3e-3,
    });
    expect(error).toBeLessThan(5e-3);
  }
});

test("whatever is asked, the answer is a mixture of the values: weights of at least 0 that sum to 1", async () => {
  // Where the values are the unit vectors, the answer shows its weights.
  for (const strength of [1e-3, 1, 1e3]) {
    const x = { shape, data: noise(shape, "asked").data.map((value) => strength * value) };
    const found = await answer(x, { items: 6, temperature: 0.2 }, { values: identity(6) });
    for (let position = 0; position < 24; position++) {
      const shares = vectorAt(found, Math.floor(position / 12), position % 12);
      expect(Math.min(...shares)).toBeGreaterThan(0);
      expect(Math.abs(shares.reduce((total, share) => total + share) - 1)).toBeLessThan(1e-5);
    }
  }
});

test("asked about noise, a memory of normal features recalls what is like them", async () => {
  const channels = 16;
  const common = noise([channels], "normal").data;
  const normal = rowsOf(noise([12, channels], "around")).map((row) => row.map((value, i) => common[i] + 0.4 * value));
  const memory = floats([12, channels], normal.flat());
  const x = noise([1, channels, 1, 200], "noise");
  const found = await answer(x, { items: 12, temperature: 1 }, { ...asItIs(channels), keys: memory, values: memory });
  const nearest = (vector: number[]): number => Math.max(...normal.map((feature) => cosine(vector, feature)));
  for (let position = 0; position < 200; position++) {
    const [asked, recalled] = [vectorAt(x, 0, position), vectorAt(found, 0, position)];
    expect(nearest(recalled)).toBeGreaterThan(0.9);
    expect(nearest(asked)).toBeLessThan(0.85);
    expect(nearest(recalled)).toBeGreaterThan(nearest(asked));
  }
});

test("the sharper the temperature, the more the answer is the value of the nearest key", async () => {
  const x = noise([1, 6, 1, 30], "sharp");
  const [keys, values] = [rowsOf(weights.get("keys")!), rowsOf(weights.get("values")!)];
  const distances: number[] = [];
  for (const temperature of [10, 1, 0.1, 1e-4]) {
    const found = await answer(x, { items: 9, temperature }, asItIs(6));
    const each = Array.from({ length: 30 }, (_, position) => {
      const asked = vectorAt(x, 0, position);
      const likeness = keys.map((key) => cosine(asked, key));
      const nearest = values[likeness.indexOf(Math.max(...likeness))];
      return largestDifference(vectorAt(found, 0, position), nearest);
    });
    distances.push(Math.max(...each));
  }
  for (const [i, distance] of distances.slice(1).entries()) expect(distance).toBeLessThan(distances[i]);
  expect(distances[3]).toBeLessThan(1e-5);
});

test("the direction that is asked about counts, not its length, and every position alone", async () => {
  const [first, second] = [noise([6], "first").data, noise([6], "second").data];
  const asked = mapOfRows([[...first], [...second], [...first].map((value) => 50 * value)]);
  const found = await answer(asked, options);
  expect(largestDifference(vectorAt(found, 0, 0), vectorAt(found, 0, 2))).toBeLessThan(1e-5);
  expect(largestDifference(vectorAt(found, 0, 0), vectorAt(found, 0, 1))).toBeGreaterThan(1e-3);
  const alone = await answer(mapOfRows([[...second]]), options);
  expect(largestDifference(vectorAt(found, 0, 1), vectorAt(alone, 0, 0))).toBeLessThan(1e-6);
});

test("fusion mixes the feature and its recollection, each by weights of its own", async () => {
  const [asked, recalled] = [noise(shape, "asked"), noise(shape, "recalled")];
  const values = firstValues((p) => fuse(p, { asked: input("a", shape), recalled: input("r", shape) }));
  expect(values.get("fusion.weight")!.shape).toEqual([6, 12, 1, 1]);
  const onlyThat = (from: number): Record<string, Floats> => ({
    "fusion.weight": {
      shape: [6, 12, 1, 1],
      data: Float32Array.from({ length: sizeOf([6, 12]) }, (_, i) => (i % 12 === from + Math.floor(i / 12) ? 1 : 0)),
    },
  });
  for (const [from, expected] of [
    [0, asked],
    [6, recalled],
  ] as const) {
    const { mixed } = await compute([asked, recalled], (a, r) => ({
      mixed: fuse(frozenWith(values, onlyThat(from)), { asked: a, recalled: r }),
    }));
    expect(largestDifference(mixed.data, expected.data)).toBeLessThan(1e-6);
  }
});
