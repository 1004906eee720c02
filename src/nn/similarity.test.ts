import { describe, expect, test } from "vitest";
import { gradients, input, program, sum, type Tensor } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import { cosineSimilarity, unitVectors } from "./similarity.ts";

interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
const noise = (shape: readonly number[], seed: number): Floats => {
  const rng = random("similarity", seed);
  return { shape, data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => rng.normal()) };
};
const times = (factor: number, { shape, data }: Floats): Floats => ({ shape, data: data.map((value) => factor * value) });

const compute = async (feeds: readonly Floats[], build: (...inputs: Tensor[]) => Record<string, Tensor>) => {
  const inputs = feeds.map(({ shape }, index) => input(`x${index}`, shape));
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: inputs, results: build(...inputs) }));
  const found = await loaded.run(Object.fromEntries(feeds.map((value, index) => [`x${index}`, value])));
  await runtime.close();
  return found as Record<string, Floats>;
};

/** The vectors along an axis, one after another. */
const vectorsAlong = ({ shape, data }: Floats, axis: number): number[][] => {
  const length = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return Array.from({ length: data.length / length }, (_, vector) => {
    const first = Math.floor(vector / inner) * inner * length + (vector % inner);
    return Array.from({ length }, (_, i) => data[first + i * inner]);
  });
};
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, value, i) => total + value * b[i], 0);
const lengthOf = (vector: readonly number[]): number => Math.sqrt(dot(vector, vector));

const shape = [3, 4, 2, 5];

describe.each([0, 1, 2, 3])("along axis %i", (axis) => {
  const [a, b] = [noise(shape, 1), noise(shape, 2)];

  test("the cosine is that of a loop in float64, and the axis becomes 1", async () => {
    const { cosine } = await compute([a, b], (x, y) => ({ cosine: cosineSimilarity(x, y, axis) }));
    expect(cosine.shape).toEqual(shape.map((size, i) => (i === axis ? 1 : size)));
    const [us, vs] = [vectorsAlong(a, axis), vectorsAlong(b, axis)];
    for (const [i, u] of us.entries()) {
      expect(Math.abs(cosine.data[i] - dot(u, vs[i]) / (lengthOf(u) * lengthOf(vs[i])))).toBeLessThan(1e-6);
    }
  });

  test("unit vectors have length 1 and the direction they had", async () => {
    const { unit } = await compute([a], (x) => ({ unit: unitVectors(x, axis) }));
    expect(unit.shape).toEqual(shape);
    for (const [i, vector] of vectorsAlong(unit, axis).entries()) {
      const before = vectorsAlong(a, axis)[i];
      expect(Math.abs(lengthOf(vector) - 1)).toBeLessThan(1e-6);
      for (const [j, value] of vector.entries()) expect(Math.abs(value - before[j] / lengthOf(before))).toBeLessThan(1e-6);
    }
  });

  test("gradients against finite differences", async () => {
    // Away from zero, where directions turn too fast for a finite step.
    const away = ({ data }: Floats): Floats => ({ shape, data: data.map((value) => value + Math.sign(value)) });
    for (const seed of [1, 2]) {
      const unit = await gradientError((x) => unitVectors(x, axis), [away(a)], { seed, step: 3e-3 });
      expect(unit).toBeLessThan(5e-3);
      const both = await gradientError((x, y) => cosineSimilarity(x, y, axis), [away(a), away(b)], { seed, step: 3e-3 });
      expect(both).toBeLessThan(5e-3);
    }
  });
});

test("cosines lie in [-1, 1], and are 1 and -1 for vectors of one line, whatever their length", async () => {
  const a = noise([6, 40], 3);
  const others = [times(1e-2, a), times(-1e4, a), noise([6, 40], 4)];
  for (const [i, b] of others.entries()) {
    const { cosine } = await compute([a, b], (x, y) => ({ cosine: cosineSimilarity(x, y, 1) }));
    for (const value of cosine.data) {
      expect(Math.abs(value)).toBeLessThan(1 + 1e-6);
      if (i < 2) expect(Math.abs(value - (i === 0 ? 1 : -1))).toBeLessThan(1e-6);
      else expect(Math.abs(value)).toBeLessThan(0.9);
    }
  }
});

test("a vector of zeros stays one: its cosine is 0 and nothing becomes infinite", async () => {
  const [zero, other] = [times(0, noise([2, 3], 5)), noise([2, 3], 6)];
  const found = await compute([zero, other], (x, y) => {
    const cosine = cosineSimilarity(x, y, 1);
    const itself = cosineSimilarity(x, x, 1);
    const [dx, dy] = gradients(sum(cosine), [x, y]);
    return { unit: unitVectors(x, 1), cosine, itself, dx, dy };
  });
  for (const name of ["unit", "cosine", "itself", "dy"]) expect(new Set(found[name].data.map(Math.abs))).toEqual(new Set([0]));
  expect(found.dx.data.every(Number.isFinite)).toBe(true);
});

test("the gradient of a cosine does not stretch: it is at right angles to the vector", async () => {
  const [a, b] = [noise([7, 9], 7), noise([7, 9], 8)];
  const { dx } = await compute([a, b], (x, y) => {
    const [slope] = gradients(sum(cosineSimilarity(x, y, 1)), [x]);
    return { dx: slope };
  });
  const [slopes, vectors] = [vectorsAlong(dx, 1), vectorsAlong(a, 1)];
  for (const [i, slope] of slopes.entries()) {
    expect(lengthOf(slope)).toBeGreaterThan(0.01);
    expect(Math.abs(dot(slope, vectors[i]))).toBeLessThan(1e-6);
  }
});
