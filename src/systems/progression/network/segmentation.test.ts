import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradients, input, program, type Tensor } from "../../../graph/index.ts";
import { frozen, trainable } from "../../../nn/index.ts";
import {
  expectSameExport,
  expectSameStep,
  type FirstValues,
  type Packed,
  type ReferenceStep,
  unpack,
} from "../../../nn/testing/reference.ts";
import { openLocalRuntime, type Value, type Values } from "../../../runtime/index.ts";
import { type SegmentationLossOptions, type SegmentationOptions, segmentationLogits, segmentationLoss } from "./index.ts";

type Step = ReferenceStep & {
  normalisation: SegmentationOptions["normalisation"];
  logits: string;
  crossEntropy: number;
  dice: number;
};
/** Made by scripts/reference/vessel-segmentation.py: steps in float64 PyTorch, whose loss sees nothing but the pixels that count. */
type Reference = {
  options: Omit<SegmentationOptions, "normalisation">;
  weights: SegmentationLossOptions;
  x: Packed;
  target: { shape: number[]; numbers: string };
  counts: Packed;
  values: FirstValues;
  steps: Step[];
};

const file = new URL("./fixtures/segmentation.json", import.meta.url);
const { options, weights, values, steps, ...given }: Reference = JSON.parse(readFileSync(file, "utf8"));
const [x, counts] = [given.x, given.counts].map(unpack);
const target = { shape: given.target.shape, data: BigInt64Array.from(given.target.numbers, BigInt) };
const classes = options.classes;

/** Values of what is built from the fed ones. */
const evaluate = async (fed: Values, build: (feeds: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>) => {
  const feeds = Object.fromEntries(
    Object.entries(fed).map(([name, { data, shape }]) => [
      name,
      input(name, shape, data instanceof BigInt64Array ? "int64" : "float32"),
    ]),
  );
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: Object.values(feeds), results: build(feeds) }));
  const results = await loaded.run(fed);
  await runtime.close();
  return results;
};

const floats = ({ data }: Value): Float32Array => data as Float32Array;

describe.each(steps.map((step) => [step.normalisation, step] as const))("with %s normalisation, float64 PyTorch's", (_, step) => {
  const { normalisation, logits, crossEntropy, dice } = step;
  const network = { ...options, normalisation };
  const expected = unpack({ shape: [x.shape[0], classes, ...x.shape.slice(2)], data: logits });

  test("logits in training", async () => {
    const p = trainable();
    const fed = input("x", x.shape);
    const y = segmentationLogits(p, fed, network);
    const runtime = openLocalRuntime({ threads: 1 });
    const state = [...p.declarations.values()].map(({ tensor }) => tensor);
    const loaded = await runtime.load(program({ feeds: [fed], state, updates: p.updates, results: { y } }));
    await runtime.writeState(new Map([...p.declarations.keys()].map((name) => [name, unpack(values[name])])));
    const found = floats((await loaded.run({ x })).y);
    await runtime.close();
    expect(Math.max(...floats(expected).map((value, i) => Math.abs(value - found[i])))).toBeLessThan(1e-5);
  });

  test("loss, every gradient, running statistics", () =>
    expectSameStep(
      step,
      values,
      { x, target, counts },
      (p, fed) => segmentationLoss(segmentationLogits(p, fed.x, network), fed.target, fed.counts, weights).loss,
    ));

  test("both terms of the loss", async () => {
    const found = await evaluate({ logits: expected, target, counts }, (fed) =>
      segmentationLoss(fed.logits, fed.target, fed.counts, weights),
    );
    expect(found.cross_entropy.data[0]).toBeCloseTo(crossEntropy, 5);
    expect(found.dice.data[0]).toBeCloseTo(dice, 5);
  });

  test("logits of the exported network", () =>
    expectSameExport(step, values, x, (p, fed) => segmentationLogits(p, fed, network)));
});

test("pixels of weight 0 count for nothing, whatever their logits and their class", async () => {
  const shape = [x.shape[0], classes, ...x.shape.slice(2)];
  const logits = unpack({ shape, data: steps[0].logits });
  const area = shape[2] * shape[3];
  const off = (pixel: number): boolean => floats(counts)[pixel] === 0;
  const pixelOf = (at: number): number => Math.floor(at / (classes * area)) * area + (at % area);
  const altered = {
    logits: { shape, data: floats(logits).map((value, at) => (off(pixelOf(at)) ? 3 - 2 * value : value)) },
    target: { shape: target.shape, data: target.data.map((label, pixel) => (off(pixel) ? BigInt(classes) - 1n - label : label)) },
  };
  const run = (fed: Values) =>
    evaluate({ ...fed, counts }, (feeds) => {
      const all = segmentationLoss(feeds.logits, feeds.target, feeds.counts, weights);
      return { ...all, slope: gradients(all.loss, [feeds.logits])[0] };
    });
  const [found, changed] = [await run({ logits, target }), await run(altered)];
  for (const [name, value] of Object.entries(found)) {
    const other = floats(changed[name]);
    expect(floats(value).filter((number, at) => number !== other[at])).toHaveLength(0);
  }
  expect(floats(found.slope).every((number, at) => (number === 0) === off(pixelOf(at)))).toBe(true);
});

describe("how far a pixel is felt", () => {
  const SIDE = 80;
  const MIDDLE = SIDE / 2;

  /** Distance from the middle pixel, along an axis, of the furthest pixel whose logits depend on it; `without` names weights that are 0. */
  const reach = async (depth: number, without = /^$/): Promise<number> => {
    const shape = [1, 1, SIDE, SIDE];
    const network = { width: 4, depth, normalisation: "batch", classes: 2 } as const;
    const p = trainable({ seed: 5 });
    segmentationLogits(p, input("x", shape), network);
    const first = [...p.declarations].map(([name, { initialise }]) => {
      const value = initialise();
      return [name, without.test(name) ? { ...value, data: new Float32Array(value.data.length) } : value] as const;
    });
    const kept = frozen(new Map(first));
    const flat = Float32Array.from({ length: SIDE * SIDE }, (_, at) => Math.sin(at));
    const dotted = Float32Array.from(flat, (value, at) => (at === MIDDLE * SIDE + MIDDLE ? value + 5 : value));
    const { plain, changed } = await evaluate({ a: { shape, data: flat }, b: { shape, data: dotted } }, (fed) => ({
      plain: segmentationLogits(kept, fed.a, network),
      changed: segmentationLogits(kept, fed.b, network),
    }));
    return Math.max(
      ...Array.from(plain.data as Float32Array, (value, at) => {
        const [i, j] = [Math.floor(at / SIDE) % SIDE, at % SIDE];
        return value === changed.data[at] ? 0 : Math.max(Math.abs(i - MIDDLE), Math.abs(j - MIDDLE));
      }),
    );
  };

  // A level of twice the pixel makes 2 r + 1 of a reach of r, and two convolutions after it add 2; without a level r is 2.
  test("from below 5 2^depth - 3 pixels", async () => {
    expect([await reach(1), await reach(2), await reach(3)]).toEqual([7, 17, 37]);
  });

  test("through the skip over four convolutions, where nothing comes from below", async () => {
    expect(await reach(3, /^up0\./)).toBe(4);
  });
});
