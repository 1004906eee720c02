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
  rowsOf,
  vectorAt,
} from "../testing/graphs.ts";
import { type RecallOptions, recall } from "./recall.ts";

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
/** The positions of a map that lie in the 3 x 3 square around one. */
const neighboursOf = (position: number, rows: number, columns: number): number[] =>
  Array.from({ length: rows * columns }, (_, other) => other).filter(
    (other) =>
      Math.abs(Math.floor(other / columns) - Math.floor(position / columns)) <= 1 &&
      Math.abs((other % columns) - (position % columns)) <= 1,
  );
/** Images of one position each, whose surroundings are themselves. */
const singles = (rows: readonly (readonly number[])[]): Floats => floats([rows.length, rows[0].length, 1, 1], rows.flat());

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
  const projection = noise([6, 6], "query");
  const found = await answer(x, options, { "query.weight": { ...projection, shape: [6, 6, 1, 1] } });
  const [keys, values] = ["keys", "values"].map((name) => weights.get(name)!);
  for (let image = 0; image < 2; image++) {
    for (let position = 0; position < 12; position++) {
      const feature = vectorAt(x, image, position);
      const near = neighboursOf(position, 3, 4).map((neighbour) => vectorAt(x, image, neighbour));
      const asked = rowsOf(projection).map((row, channel) => {
        const around = near.reduce((total, vector) => total + vector[channel], 0) / near.length;
        return around + row.reduce((total, weight, i) => total + weight * feature[i], 0) / Math.sqrt(6);
      });
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

test("the sharper the temperature, the more the answer is the value of the nearest key", async () => {
  const x = noise([30, 6, 1, 1], "sharp");
  const [keys, values] = [rowsOf(weights.get("keys")!), rowsOf(weights.get("values")!)];
  const distances: number[] = [];
  for (const temperature of [10, 1, 0.1, 1e-4]) {
    const found = await answer(x, { items: 9, temperature });
    const each = Array.from({ length: 30 }, (_, position) => {
      const asked = vectorAt(x, position, 0);
      const likeness = keys.map((key) => cosine(asked, key));
      const nearest = values[likeness.indexOf(Math.max(...likeness))];
      return largestDifference(vectorAt(found, position, 0), nearest);
    });
    distances.push(Math.max(...each));
  }
  for (const [i, distance] of distances.slice(1).entries()) expect(distance).toBeLessThan(distances[i]);
  expect(distances[3]).toBeLessThan(1e-5);
});

test("the direction that is asked about counts, not its length, and every position with its surroundings alone", async () => {
  const [first, second] = [noise([6], "first").data, noise([6], "second").data];
  const found = await answer(singles([[...first], [...second], [...first].map((value) => 50 * value)]), options);
  expect(largestDifference(vectorAt(found, 0, 0), vectorAt(found, 2, 0))).toBeLessThan(1e-5);
  expect(largestDifference(vectorAt(found, 0, 0), vectorAt(found, 1, 0))).toBeGreaterThan(1e-3);

  const x = noise([1, 6, 1, 5], "row");
  const elsewhere = { ...x, data: x.data.map((value, i) => (i % 5 === 4 ? 9 : value)) };
  const [here, there] = [await answer(x, options), await answer(elsewhere, options)];
  const changed = [0, 1, 2, 3, 4].map((position) => largestDifference(vectorAt(here, 0, position), vectorAt(there, 0, position)));
  for (const difference of changed.slice(0, 3)) expect(difference).toBeLessThan(1e-6);
  for (const difference of changed.slice(3)) expect(difference).toBeGreaterThan(1e-3);
});
