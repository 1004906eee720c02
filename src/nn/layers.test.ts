import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { constant, GraphError, gradients, input, mul, program, reshape, sum, type Tensor } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime, type Value } from "../runtime/index.ts";
import {
  batchNorm,
  conv,
  convTranspose,
  dense,
  frozen,
  groupNorm,
  layerNorm,
  multiHeadAttention,
  Parameters,
  trainable,
  zeros,
} from "./index.ts";

type Numbers = { shape: number[]; data: number[] };
type Case = {
  name: string;
  x: Numbers;
  parameters: Record<string, Numbers>;
  y: Numbers;
  dy: Numbers;
  gradients: Record<string, Numbers>;
};
type Statistics = { batches: Numbers[]; after: Record<string, Numbers>[]; evaluated: Numbers };
/** Made by scripts/reference/layers.py with float64 PyTorch. */
const reference: { layers: Case[]; statistics: Statistics } = JSON.parse(
  readFileSync(new URL("./fixtures/layers.json", import.meta.url), "utf8"),
);

/** Two masks: none, and one that keeps the third token apart. */
const masks = constant(Float32Array.of(...new Array(9).fill(0), 0, 0, -100, 0, 0, -100, -100, -100, 0), [2, 3, 3]);

/** The layers of the reference, by name. */
const layers: Record<string, (p: Parameters, x: Tensor) => Tensor> = {
  conv: (p, x) => conv(p, x, 4, 3, { stride: 2, padding: 1 }),
  "conv without bias": (p, x) => conv(p, x, 3, 3, { padding: 1, bias: false }),
  convTranspose: (p, x) => convTranspose(p, x, 2, 4, { stride: 2, padding: 1 }),
  dense: (p, x) => dense(p, x, 4),
  batchNorm: (p, x) => batchNorm(p, x),
  "batchNorm of a constant channel": (p, x) => batchNorm(p, x),
  groupNorm: (p, x) => groupNorm(p, x, 2),
  layerNorm: (p, x) => layerNorm(p, x),
  "layerNorm of a constant vector": (p, x) => layerNorm(p, x),
  "attention with a bias": (p, x) => multiHeadAttention(p, x, { heads: 2, bias: p.weight("bias", [2, 3, 3], zeros) }),
  "attention with a bias and masks in turn": (p, x) =>
    multiHeadAttention(p, x, { heads: 2, bias: p.weight("bias", [2, 3, 3], zeros), mask: masks }),
  "attention to a context": (p, x) => multiHeadAttention(p, x, { heads: 2, context: p.weight("context", [2, 5, 3], zeros) }),
};

const toValue = ({ shape, data }: Numbers): Value => ({ shape, data: Float32Array.from(data) });

/** Largest difference, as a share of the largest expected value. */
const error = (found: Value, { shape, data }: Numbers): number => {
  expect(found.shape).toEqual(shape);
  const scale = Math.max(1e-3, ...data.map(Math.abs));
  return Math.max(...data.map((value, i) => Math.abs(value - Number(found.data[i])))) / scale;
};

describe.each(reference.layers)("$name agrees with PyTorch", ({ name, x, parameters, y, dy, gradients: expected }) => {
  test("result and gradients by the input and every parameter", async () => {
    const p = trainable();
    const [image, slope] = [input("x", x.shape), input("dy", dy.shape)];
    const result = layers[name](p, image);
    const weights = [...p.declarations].filter(([, { trained }]) => trained);
    expect(weights.map(([key, { tensor }]) => [key, tensor.shape])).toEqual(
      Object.entries(parameters).map(([key, { shape }]) => [key, shape]),
    );
    const slopes = gradients(sum(mul(result, slope)), [image, ...weights.map(([, { tensor }]) => tensor)]);
    const runtime = openLocalRuntime({ threads: 1 });
    const loaded = await runtime.load(
      program({
        feeds: [image, slope, ...[...p.declarations.values()].map(({ tensor }) => tensor)],
        results: { y: result, ...Object.fromEntries(slopes.map((tensor, i) => [`g${i}`, tensor])) },
      }),
    );
    const initial = [...p.declarations].map(([key, { initialise }]) => [key, initialise()] as const);
    const given = Object.entries({ x, dy, ...parameters }).map(([key, numbers]) => [key, toValue(numbers)] as const);
    const found = await loaded.run(Object.fromEntries([...initial, ...given]));
    await runtime.close();

    expect(error(found.y, y)).toBeLessThan(1e-5);
    for (const [i, key] of ["x", ...weights.map(([key]) => key)].entries()) {
      expect(error(found[`g${i}`], expected[key]), `gradient by ${key}`).toBeLessThan(1e-5);
    }
  });
});

test("batchNorm follows the statistics of its batches, and uses them when frozen, as PyTorch does", async () => {
  const { batches, after, evaluated } = reference.statistics;
  const { shape } = batches[0];
  const runtime = openLocalRuntime({ threads: 1 });
  const [p, x] = [trainable(), input("x", shape)];
  const y = batchNorm(p, x);
  const state = [...p.declarations.values()].map(({ tensor }) => tensor);
  const loaded = await runtime.load(program({ feeds: [x], state, updates: p.updates, results: { y } }));
  await runtime.writeState(new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()])));
  for (const [step, expected] of after.entries()) {
    await loaded.run({ x: toValue(batches[step]) });
    const found = await runtime.readState(Object.keys(expected));
    for (const [name, numbers] of Object.entries(expected)) expect(error(found.get(name)!, numbers), name).toBeLessThan(1e-6);
  }

  const constants = frozen(await runtime.readState());
  const exported = await runtime.load(program({ feeds: [x], results: { y: batchNorm(constants, x) } }));
  const found = await exported.run({ x: toValue(batches[2]) });
  expect(error(found.y, evaluated)).toBeLessThan(1e-5);
  expect(constants.updates.size).toBe(0);
  await runtime.close();
});

/** Parameters in training whose tensors are given, so that a gradient check can move them. */
const given = (tensors: Readonly<Record<string, Tensor>>): Parameters =>
  new Parameters({
    training: true,
    declarations: new Map(),
    updates: new Map(),
    declare: (name, shape, initialise, kind) => ({
      tensor: tensors[name] ?? input(name, shape),
      initialise: () => ({ data: initialise(shape, random(name)), shape }),
      ...kind,
    }),
  });

test.each([
  ["batchNorm", batchNorm, [3, 4, 5, 3]],
  ["batchNorm of one image with an odd number of positions", batchNorm, [1, 2, 3, 1]],
  ["batchNorm of large maps", batchNorm, [2, 2, 16, 17]],
  ["groupNorm", (p: Parameters, x: Tensor) => groupNorm(p, x, 2), [2, 4, 3, 5]],
  ["groupNorm of large groups on small maps", (p: Parameters, x: Tensor) => groupNorm(p, x, 2), [2, 12, 7, 8]],
  ["groupNorm of large maps", (p: Parameters, x: Tensor) => groupNorm(p, x, 2), [2, 4, 16, 17]],
  ["groupNorm with one channel per group", (p: Parameters, x: Tensor) => groupNorm(p, x, 3), [2, 3, 5, 1]],
  ["layerNorm", layerNorm, [3, 4, 5]],
] as const)("gradient of %s against finite differences", async (_, layer, shape) => {
  const build = (x: Tensor, weight: Tensor, bias: Tensor) => layer(given({ weight, bias }), x);
  const channels = shape.length === 4 ? shape[1] : shape[shape.length - 1];
  for (const seed of [1, 2]) {
    const found = await gradientError(build, [{ shape }, { shape: [channels] }, { shape: [channels] }], { seed, step: 3e-3 });
    expect(found).toBeLessThan(5e-3);
  }
});

test("group normalisation is blind to other images of the batch, batch normalisation is not", async () => {
  const runtime = openLocalRuntime({ threads: 1 });
  const x = input("x", [2, 2, 2, 2]);
  const build = async (layer: (p: Parameters, x: Tensor) => Tensor) => {
    const p = trainable();
    const first = reshape(layer(p, x), [2, 8]);
    const feeds = [x, ...[...p.declarations.values()].map(({ tensor }) => tensor)];
    const loaded = await runtime.load(program({ feeds, results: { first } }));
    const initial = Object.fromEntries([...p.declarations].map(([name, { initialise }]) => [name, initialise()]));
    return async (second: number) => {
      const data = Float32Array.of(3, 1, 4, 1, 5, 9, 2, 6, ...Array.from({ length: 8 }, (_, i) => second * i));
      return [...(await loaded.run({ ...initial, x: { data, shape: x.shape as number[] } })).first.data.slice(0, 8)];
    };
  };
  const group = await build((p, image) => groupNorm(p, image, 1));
  const batch = await build(batchNorm);
  expect(await group(5)).toEqual(await group(1));
  expect(await batch(5)).not.toEqual(await batch(1));
  await runtime.close();
});

test("mistakes in shape are named", () => {
  const p = trainable();
  expect(() => conv(p, input("x", [1, "channels", 4, 4]), 2, 3)).toThrow(/number of channels known/);
  expect(() => dense(p, input("x", [1, "inputs"]), 2)).toThrow(/dense: the last axis/);
  expect(() => layerNorm(p, input("x", [2, "channels"]))).toThrow(/layerNorm: needs a last axis of known size/);
  expect(() => batchNorm(p, input("x", [4, 3]))).toThrow(/batchNorm: needs \[batch, channels, height, width\], got \[4,3\]/);
  expect(() => groupNorm(p, input("x", [1, 6, 2, 2]), 4)).toThrow(
    new GraphError("groupNorm: 6 channels do not divide into 4 groups."),
  );
});
