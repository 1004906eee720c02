import { expect, test } from "vitest";
import { input } from "../../../graph/index.ts";
import { trainable } from "../../../nn/index.ts";
import { random } from "../../../random/index.ts";
import {
  compute,
  cosine,
  type Floats,
  firstValues,
  frozenWith,
  largestDifference,
  networkGradientError,
  noise,
  vectorAt,
} from "../testing/graphs.ts";
import { type AdaptiveOptions, adaptiveMemory } from "./adaptive.ts";

const shape = [2, 7, 3, 5];
const positions = 15;
const options: AdaptiveOptions = { items: 4, temperature: 0.5 };
const projectionOf = (given: AdaptiveOptions, channels = 7): number[][] => {
  const { data } = firstValues((p) => adaptiveMemory(p, input("x", [1, channels, 1, 1]), given)).get("projection")!;
  return Array.from({ length: given.items }, (_, item) => [...data.slice(item * channels, (item + 1) * channels)]);
};

const answer = async (x: Floats, given: AdaptiveOptions = options): Promise<Floats> => {
  const values = firstValues((p) => adaptiveMemory(p, input("x", x.shape), given));
  return (await compute([x], (asked) => ({ y: adaptiveMemory(frozenWith(values), asked, given) }))).y;
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, value, i) => total + value * b[i], 0);
const softmax = (values: readonly number[]): number[] => {
  const shares = values.map((value) => Math.exp(value - Math.max(...values)));
  const total = shares.reduce((sum, share) => sum + share);
  return shares.map((share) => share / total);
};
const mixture = (shares: readonly number[], vectors: readonly (readonly number[])[]): number[] =>
  vectors[0].map((_, i) => shares.reduce((sum, share, item) => sum + share * vectors[item][i], 0));
const featuresOf = (x: Floats, image: number): number[][] =>
  Array.from({ length: x.shape[2] * x.shape[3] }, (_, position) => vectorAt(x, image, position));

/** The items of an image and its answer, position by position, in float64. */
const byLoop = (x: Floats, image: number, given: AdaptiveOptions) => {
  const features = featuresOf(x, image);
  const items = projectionOf(given, x.shape[1]).map((row) =>
    mixture(softmax(features.map((feature) => dot(row, feature))), features),
  );
  const answers = features.map((feature) =>
    mixture(softmax(items.map((item) => cosine(feature, item) / given.temperature)), items),
  );
  return { items, answers };
};

test("it stores a projection to as many numbers as it makes items", () => {
  const p = trainable();
  expect(adaptiveMemory(p, input("x", shape), options).shape).toEqual(shape);
  expect([...p.declarations].map(([name, { trained, tensor }]) => [name, trained, tensor.shape])).toEqual([
    ["projection", true, [4, 7]],
  ]);
});

test("its answer is that of a loop in float64, image by image", async () => {
  const x = noise(shape, "x");
  const found = await answer(x);
  for (const image of [0, 1]) {
    const { answers } = byLoop(x, image, options);
    for (const [position, expected] of answers.entries()) {
      expect(largestDifference(vectorAt(found, image, position), expected)).toBeLessThan(1e-5);
    }
  }
});

test("gradients of feature and projection against finite differences", async () => {
  for (const seed of [1, 2]) {
    const error = await networkGradientError((p, x) => adaptiveMemory(p, x, options), [noise([2, 5, 2, 3], seed)], {
      seed,
      step: 3e-3,
    });
    expect(error).toBeLessThan(5e-3);
  }
});

test("permuting positions permutes the answer alike", async () => {
  const x = noise(shape, "permuted");
  const order = random("order").permutation(positions);
  const permuted = ({ data }: Floats): Floats => ({
    shape,
    data: data.map((_, i) => data[i - (i % positions) + order[i % positions]]),
  });
  const [plain, other] = [await answer(x), await answer(permuted(x))];
  expect(largestDifference(other.data, permuted(plain).data)).toBeLessThan(1e-5);
  expect(largestDifference(other.data, plain.data)).toBeGreaterThan(1e-3);
});

test("the answers of an image lie on as few dimensions as there are items, and between them", async () => {
  const given = { items: 2, temperature: 0.1 };
  const x = noise([1, 7, 3, 5], "rank");
  const found = await answer(x, given);
  const [[first, second]] = [byLoop(x, 0, given).items];
  const line = second.map((value, i) => value - first[i]);
  const shares = featuresOf(found, 0).map((vector) => {
    const from = vector.map((value, i) => value - first[i]);
    const share = dot(from, line) / dot(line, line);
    expect(
      largestDifference(
        from,
        line.map((value) => share * value),
      ),
    ).toBeLessThan(1e-5);
    return share;
  });
  expect(Math.min(...shares)).toBeGreaterThan(-1e-6);
  expect(Math.max(...shares)).toBeLessThan(1 + 1e-6);
  expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.2);
  // The features themselves have more dimensions than two.
  const rest = featuresOf(x, 0).map((feature) => {
    const from = feature.map((value, i) => value - first[i]);
    const share = dot(from, line) / dot(line, line);
    return largestDifference(
      from,
      line.map((value) => share * value),
    );
  });
  expect(Math.min(...rest)).toBeGreaterThan(0.1);
});

test("another image has other items: the same feature is answered otherwise in it", async () => {
  const [one, other] = [noise([1, 7, 3, 5], "one"), noise([1, 7, 3, 5], "other")];
  const data = other.data.map((value, i) => (i % positions === 0 ? one.data[i] : value));
  const [first, second] = [await answer(one), await answer({ shape: one.shape, data })];
  expect(largestDifference(vectorAt(first, 0, 0), vectorAt(second, 0, 0))).toBeGreaterThan(0.1);
  const together = await answer({ shape: [2, 7, 3, 5], data: Float32Array.of(...one.data, ...data) });
  expect(largestDifference(together.data, [...first.data, ...second.data])).toBeLessThan(1e-5);
});

test("with a sharp temperature a position is answered by the item most like it", async () => {
  const given = { items: 4, temperature: 1e-4 };
  const x = noise([1, 7, 3, 5], "sharp");
  const found = await answer(x, given);
  const { items } = byLoop(x, 0, given);
  for (const [position, feature] of featuresOf(x, 0).entries()) {
    const likeness = items.map((item) => cosine(feature, item));
    const nearest = items[likeness.indexOf(Math.max(...likeness))];
    expect(largestDifference(vectorAt(found, 0, position), nearest)).toBeLessThan(1e-4);
  }
});
