import { expect, test } from "vitest";
import { gradients, input, mean, mul, sigmoid, sub } from "../../../graph/index.ts";
import { adam, normal, trainable } from "../../../nn/index.ts";
import type { Value } from "../../../runtime/index.ts";
import { diversityLoss, maskAreaLoss, regionWeights, similarityLoss } from "./index.ts";
import { evaluate, train } from "./testing/images.ts";

const value = (shape: readonly number[], ...numbers: number[]): Value => ({ data: Float32Array.from(numbers), shape });
const floats = ({ data }: Value): number[] => Array.from(data as Float32Array);
const one = value([1], 1);

test("the diversity loss is the mean cosine between different kernels, and separates them when it is minimised", async () => {
  const { three, single } = await evaluate(({ x, y }) => ({ three: diversityLoss(x), single: diversityLoss(y) }), {
    x: value([3, 1, 1, 2], 1, 0, 3, 0, 0, 2),
    y: value([1, 1, 1, 2], 1, 2),
  });
  expect(three.data[0]).toBeCloseTo(1 / 3, 5);
  expect(single.data[0]).toBe(0);

  // Kernels that begin almost alike: a common part and a little of their own.
  const { found, state } = await train(
    {
      batch: { one: [1] },
      objective: (p, { one }) => {
        const own = p.weight("kernels", [4, 2, 3, 3], (shape, rng) => normal(0.1)(shape, rng).map((x) => x + 1));
        return { loss: mul(mean(one), diversityLoss(own)) };
      },
      optimiser: adam(),
    },
    { steps: 60, rate: 0.05, batchOf: () => ({ one }) },
  );
  expect(found[0].loss).toBeGreaterThan(0.9);
  expect(found[59].loss).toBeLessThan(-0.25);
  const kernels = floats(state.get("kernels")!);
  const vectors = [0, 1, 2, 3].map((i) => kernels.slice(18 * i, 18 * (i + 1)));
  const product = (a: number[], b: number[]): number => a.reduce((total, x, i) => total + x * b[i], 0);
  for (const [i, a] of vectors.entries()) {
    for (const b of vectors.slice(i + 1)) expect(product(a, b) / Math.sqrt(product(a, a) * product(b, b))).toBeLessThan(0.3);
  }
});

test("the mask-area term is 0 in the band, grows outside, and still has a slope where a mask has vanished", async () => {
  const masks = value([1, 4, 1, 1], 0.5, 0.3, 0.1, 0.95);
  const { inside, outside, slope } = await evaluate(
    ({ masks, logits }) => {
      const gone = maskAreaLoss(sigmoid(logits), [0.3, 0.9]);
      return {
        inside: maskAreaLoss(masks, [0.05, 0.97]),
        outside: maskAreaLoss(masks, [0.3, 0.9]),
        slope: gradients(gone, [logits])[0],
      };
    },
    { masks, logits: value([1, 2, 1, 1], -8, 8) },
  );
  expect(inside.data[0]).toBe(0);
  expect(outside.data[0]).toBeCloseTo((Math.log(0.3 / 0.1) + Math.log(0.1 / 0.05)) / 4, 4);
  const [vanished, everything] = floats(slope);
  expect(vanished).toBeLessThan(-0.4);
  expect(everything).toBeGreaterThan(0.4);
  expect(() => maskAreaLoss(input("m", [1, 1, 2, 2]), [0.5, 0.5])).toThrow("0 < low < high < 1, but is [0.5, 0.5]");
});

test("the similarity loss weighs the distances of the pairs", async () => {
  const regions = value([2, 2, 1, 2], 0.5, 0.5, 1, 0, 0, 0, 0.25, 0.75);
  const { each, all, weighted } = await evaluate(
    ({ target, whole, regions, weights }) => ({
      each: similarityLoss(target, regions),
      all: similarityLoss(whole, regions),
      weighted: similarityLoss(target, regions, weights),
    }),
    {
      target: value([2, 2, 1, 2], 1, 0, 1, 1, 0, 0, 0, 1),
      whole: value([2, 1, 1, 2], 1, 1, 0, 0),
      regions,
      weights: value([2, 2], 0.25, 0.75, 1, 0),
    },
  );
  expect(floats(each)).toEqual([0.5, 0.125]);
  expect(floats(all)).toEqual([0.5, 0.25]);
  expect(floats(weighted)).toEqual([0.5, 0]);
});

test("balanced, forged and untouched places count alike; the cross-entropy is that of the places", async () => {
  // One forged place of four, an untouched image, and one forged all over.
  const target = value([3, 1, 1, 4], 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1);
  const regions = value([3, 1, 1, 4], 0, 0, 0, 0, 0.5, 0, 0, 0.1, 0, 1, 1, 0.2);
  const found = await evaluate(
    ({ target, regions }) => ({
      plain: similarityLoss(target, regions),
      balanced: similarityLoss(target, regions, undefined, { balanced: true }),
      entropy: similarityLoss(target, regions, undefined, { norm: "crossEntropy" }),
    }),
    { target, regions },
  );
  const close = (name: string, expected: readonly number[]): void =>
    floats(found[name]).forEach((x, i) => {
      expect(x, name).toBeCloseTo(expected[i], 3);
    });
  close("plain", [0.25, 0.15, 0.45]);
  close("balanced", [0.5, 0.15, 0.45]);
  const sure = -Math.log(1e-4);
  close("entropy", [sure / 4, -(Math.log(0.5) + Math.log(0.9)) / 4, (sure - Math.log(0.2)) / 4]);
});

test("the weights of pairs begin equal, sum to 1, and are learnt from masks and regions", async () => {
  const p = trainable();
  const shape = [2, 3, 2, 2];
  const weights = regionWeights(p.at("weights"), input("m", shape), input("r", shape));
  expect(weights.shape).toEqual([2, 3]);
  expect([...p.declarations.keys()]).toEqual(["weights.weight", "weights.bias"]);
  const start = p.declarations.get("weights.weight")!.initialise();
  expect(start.shape).toEqual([3, 24]);
  expect(floats(start).every((x) => x === 0)).toBe(true);

  // Of two pairs the second always disagrees; a detector that minimises the weighted distance turns to the first.
  const { found } = await train(
    {
      batch: { target: [1, 2, 2, 2], regions: [1, 2, 2, 2] },
      objective: (p, { target, regions }) => ({
        loss: mean(similarityLoss(target, regions, regionWeights(p.at("weights"), sub(1, target), regions))),
      }),
      optimiser: adam(),
    },
    {
      steps: 30,
      rate: 0.1,
      batchOf: () => ({
        target: value([1, 2, 2, 2], 0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1),
        regions: value([1, 2, 2, 2], 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
      }),
    },
  );
  expect(found[0].loss).toBeCloseTo(0.25, 5);
  expect(found[29].loss).toBeLessThan(0.05);
  expect(() => regionWeights(trainable(), input("m", [2, 3, 2, 2]), input("r", [2, 2, 2, 2]))).toThrow(
    "give generator and detector as many kernels",
  );
});
