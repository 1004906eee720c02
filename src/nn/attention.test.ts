import { describe, expect, test } from "vitest";
import { constant, input, program, type Tensor } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import { type AttentionOptions, frozen, glorotUniform, multiHeadAttention, Parameters, trainable, zeros } from "./index.ts";

// Agreement with PyTorch: layers.test.ts.

const normals = (key: string, ...shape: number[]) => {
  const rng = random("attention", key);
  return { shape, data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => rng.normal()) };
};

/** Attention of x, [batch, tokens, 4], with first weights by name and every bias a little off 0. */
const attend = async (x: ReturnType<typeof normals>, options: Omit<AttentionOptions, "heads"> & { heads?: number }) => {
  const [p, image] = [trainable({ seed: 3 }), input("x", x.shape)];
  const y = multiHeadAttention(p, image, { heads: 2, ...options });
  const feeds = [image, ...[...p.declarations.values()].map(({ tensor }) => tensor)];
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds, results: { y } }));
  const weights = Object.fromEntries([...p.declarations].map(([name, { initialise }]) => [name, initialise()]));
  const results = await loaded.run({ x, ...weights });
  await runtime.close();
  return results.y.data as Float32Array;
};
const differences = (a: Float32Array, b: Float32Array): number[] => [...a].map((value, i) => Math.abs(value - b[i]));

/** [1, 3, 3], in which the third token and the first two do not see each other. */
const apart = constant(Float32Array.of(0, 0, -100, 0, 0, -100, -100, -100, 0), [1, 3, 3]);
const together = constant(new Float32Array(9), [1, 3, 3]);

describe("a mask", () => {
  const x = normals("x", 2, 3, 4);
  /** The same but for the third token of the first item. */
  const changed = { ...x, data: x.data.map((value, i) => (i >= 8 && i < 12 ? value + 1 : value)) };
  const tokenChanges = async (mask: Tensor) => {
    const found = differences(await attend(x, { mask }), await attend(changed, { mask }));
    return Array.from({ length: 6 }, (_, token) => Math.max(...found.slice(4 * token, 4 * token + 4)));
  };

  test("that blocks a token leaves nothing of it in the others, and another item is never seen", async () => {
    const [first, second, third, ...other] = await tokenChanges(apart);
    expect([first, second, ...other]).toEqual([0, 0, 0, 0, 0]);
    expect(third).toBeGreaterThan(0.01);
    expect(Math.min(...(await tokenChanges(together)).slice(0, 3))).toBeGreaterThan(0.001);
  });

  test("of several is taken in turn: item i by mask i mod their number", async () => {
    const both = constant(Float32Array.of(...new Array(9).fill(0), 0, 0, -100, 0, 0, -100, -100, -100, 0), [2, 3, 3]);
    const four = normals("four", 4, 3, 4);
    const [inTurn, free, blocked] = [
      await attend(four, { mask: both }),
      await attend(four, { mask: together }),
      await attend(four, { mask: apart }),
    ];
    for (const item of [0, 1, 2, 3]) {
      const part = (values: Float32Array) => values.slice(12 * item, 12 * item + 12);
      expect(part(inTurn)).toEqual(part(item % 2 === 0 ? free : blocked));
      expect(part(inTurn)).not.toEqual(part(item % 2 === 0 ? blocked : free));
    }
  });
});

test("a bias that favours one token makes all others copy its value", async () => {
  const x = normals("copied", 1, 3, 4);
  const towardsSecond = Float32Array.from({ length: 18 }, (_, i) => (i % 3 === 1 ? 100 : 0));
  const found = await attend(x, { bias: constant(towardsSecond, [2, 3, 3]) });
  for (const token of [0, 1, 2]) expect(found.slice(4 * token, 4 * token + 4)).toEqual(found.slice(0, 4));
  expect(Math.max(...found)).toBeGreaterThan(0.01);
});

test("scores are divided by the root of the head's size", async () => {
  // With equal queries and keys of ones, a head of size d sees scores of sqrt(d): shares of e^sqrt(d) : 1 for keys of 1 and 0.
  const p = frozen(
    new Map(
      Object.entries({
        "query.weight": { data: new Float32Array(16), shape: [4, 4] },
        "query.bias": { data: new Float32Array(4).fill(1), shape: [4] },
        "key_value.weight": { data: Float32Array.of(1, 1, 1, 1, 1, 0, 0, 0), shape: [8, 1] },
        "key_value.bias": { data: new Float32Array(8), shape: [8] },
        "output.weight": { data: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1), shape: [4, 4] },
        "output.bias": { data: new Float32Array(4), shape: [4] },
      }),
    ),
  );
  const context = constant(Float32Array.of(1, 0), [1, 2, 1]);
  const x = input("x", [1, 1, 4]);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [x], results: { y: multiHeadAttention(p, x, { heads: 1, context }) } }));
  const { y } = await loaded.run({ x: normals("any", 1, 1, 4) });
  await runtime.close();
  expect(y.data[0]).toBeCloseTo(Math.exp(2) / (Math.exp(2) + 1), 6);
});

/** Parameters whose weights are constants of the name, so that a gradient check moves x, context and bias alone. */
const fixed = (): Parameters =>
  new Parameters({
    training: true,
    declarations: new Map(),
    updates: new Map(),
    declare: (name, shape, _, kind) => {
      const initialise = () => ({ data: glorotUniform(4, 4)(shape, random(name)), shape });
      return { tensor: constant(initialise().data, shape), initialise, ...kind };
    },
  });

test.each<[string, (...inputs: Tensor[]) => Tensor, number[][]]>([
  ["x", (x) => multiHeadAttention(fixed(), x, { heads: 2 }), [[2, 3, 4]]],
  [
    "x, bias and mask",
    (x, bias, mask) => multiHeadAttention(fixed(), x, { heads: 2, bias, mask }),
    [
      [4, 3, 4],
      [2, 3, 3],
      [2, 3, 3],
    ],
  ],
  [
    "x and context",
    (x, context) => multiHeadAttention(fixed(), x, { heads: 1, context }),
    [
      [2, 3, 4],
      [2, 5, 3],
    ],
  ],
])("gradient by %s against finite differences", async (_, build, shapes) => {
  for (const seed of [1, 2]) {
    expect(
      await gradientError(
        build,
        shapes.map((shape) => ({ shape })),
        { seed, step: 5e-3 },
      ),
    ).toBeLessThan(5e-3);
  }
});

test("an open batch is allowed, with masks in turn as well", async () => {
  const x = input("x", ["batch", 3, 4]);
  const y = multiHeadAttention(fixed(), x, { heads: 2, mask: constant(new Float32Array(18), [2, 3, 3]) });
  expect(y.shape).toEqual(["batch", 3, 4]);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [x], results: { y } }));
  for (const batch of [2, 6]) expect((await loaded.run({ x: normals("open", batch, 3, 4) })).y.shape).toEqual([batch, 3, 4]);
  await runtime.close();
});

test("mistakes are named", () => {
  const p = trainable();
  const x = input("x", [3, 2, 6]);
  expect(() => multiHeadAttention(p, x, { heads: 4 })).toThrow("multiHeadAttention: 6 channels do not divide into 4 heads.");
  expect(() => multiHeadAttention(p, input("x", [3, 6]), { heads: 1 })).toThrow(/needs \[batch, tokens, channels\].*got \[3,6\]/);
  const mask = constant(zeros([2, 2, 2], random()), [2, 2, 2]);
  expect(() => multiHeadAttention(p, x, { heads: 2, mask })).toThrow("a batch of 3 cannot take 2 masks in turn");
});
