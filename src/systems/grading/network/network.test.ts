import { describe, expect, test } from "vitest";
import { gradients, input, program, type Tensor } from "../../../graph/index.ts";
import { adamW, frozen, type Parameters, trainable, trainingStep } from "../../../nn/index.ts";
import { random } from "../../../random/index.ts";
import { openLocalRuntime, type Value } from "../../../runtime/index.ts";
import { presets, type SegmentationOptions, segmentation, segmentationLoss, stochasticDepth } from "./index.ts";
import { parametersOf } from "./pretrained.ts";
import { swinFeatures } from "./swin.ts";

const { tiny, base } = presets;
const countOf = (options: SegmentationOptions, patch: number, part = ""): number =>
  [...parametersOf(options, [patch, patch])]
    .filter(([name]) => name.startsWith(part) && !/running_\w+$/.test(name))
    .reduce((total, [, shape]) => total + shape.reduce((product, size) => product * size, 1), 0);

const noise = (shape: readonly number[]): Value => {
  const rng = random("network test", ...shape);
  const length = shape.reduce((product, size) => product * size, 1);
  return { data: Float32Array.from({ length }, () => rng.uniform()), shape };
};

/** First values of a network for patches of the tiny preset. */
const firstValues = (options: SegmentationOptions): Map<string, Value> => {
  const p = trainable({ seed: 3 });
  segmentation(p, input("x", [1, 3, tiny.patch, tiny.patch]), options);
  return new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()]));
};

const evaluate = async (network: (x: Tensor) => Tensor, x: Value, batch: number | string = x.shape[0]) => {
  const image = input("x", [batch, ...x.shape.slice(1)]);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [image], results: { y: network(image) } }));
  const { y } = await loaded.run({ x });
  await runtime.close();
  return y;
};
const floats = ({ data }: Value): number[] => Array.from(data as Float32Array);
const furthest = (a: Value, b: Value): number => {
  const others = floats(b);
  return Math.max(...floats(a).map((value, i) => Math.abs(value - others[i])));
};

describe("the base preset", () => {
  test("has the backbone of Swin-B: 87,768,224 weights with its classifier of 1000 classes", () => {
    const norms = 2 * (128 + 256 + 512); // of the first three stages, which a classifier does not look at
    const classifier = 1000 * 1024 + 1000;
    expect(countOf({ ...base.network, position: "none" }, 64, "backbone.") - norms + classifier).toBe(87_768_224);
  });

  test("takes patches of 512 pixels, whose token grids no window of 7 divides", () => {
    const features = swinFeatures(trainable(), input("x", [1, 3, 512, 512]), base.network);
    expect(features.map(({ shape }) => shape)).toEqual([
      [1, 128, 128, 128],
      [1, 256, 64, 64],
      [1, 512, 32, 32],
      [1, 1024, 16, 16],
    ]);
  });
});

test("the small preset has a few hundred thousand weights", () => {
  expect(countOf(presets.small.network, presets.small.patch)).toBe(769_270);
});

describe("the embedding of absolute positions", () => {
  const outputOf = (options: SegmentationOptions) => {
    const values = firstValues({ ...options, position: "concat" });
    return evaluate((x) => segmentation(frozen(values), x, options).logits, noise([1, 3, 32, 32]));
  };

  test("summed, joined along channels, or absent: three networks", async () => {
    const [sum, concat, none] = await Promise.all(
      (["sum", "concat", "none"] as const).map((position) => outputOf({ ...tiny.network, position })),
    );
    for (const [a, b] of [
      [sum, concat],
      [sum, none],
      [concat, none],
    ])
      expect(furthest(a, b)).toBeGreaterThan(1e-4);
  });

  test("gets a gradient either way", () => {
    for (const position of ["sum", "concat"] as const) {
      const p = trainable();
      const loss = segmentationLoss(
        segmentation(p, input("x", [1, 3, 32, 32]), { ...tiny.network, position }),
        input("t", [1, 32, 32], "int64"),
      ).loss;
      const { tensor } = p.declarations.get("backbone.position.embedding")!;
      expect(gradients(loss, [tensor])[0].shape).toEqual([8, 8, 8]);
    }
  });
});

test("an exported network takes any number of patches, each by itself, grey ones as three equal channels", async () => {
  const network = (p: Parameters) => (x: Tensor) => segmentation(p, x, tiny.network).logits;
  const p = frozen(firstValues(tiny.network));
  const three = noise([3, 1, 32, 32]);
  const all = await evaluate(network(p), three, "batch");
  expect(all.shape).toEqual([3, 4, 32, 32]);
  const last = { data: three.data.slice(2 * 32 * 32) as Float32Array, shape: [1, 1, 32, 32] };
  const colours = { data: Float32Array.from([last, last, last].flatMap(floats)), shape: [1, 3, 32, 32] };
  for (const x of [last, colours]) {
    const alone = await evaluate(network(p), x, "batch");
    expect(furthest(alone, { data: all.data.slice(2 * 4 * 32 * 32) as Float32Array, shape: alone.shape })).toBeLessThan(1e-5);
  }
});

test("a few steps learn a picture by heart", async () => {
  const options = tiny.network;
  const [image, target] = [noise([2, 3, 32, 32]), { shape: [2, 32, 32], type: "int64" as const }];
  const kept = [16, 2];
  const step = trainingStep({
    batch: { image: image.shape, target, kept },
    objective: (p, fed) => segmentationLoss(segmentation(p, fed.image, options, fed.kept), fed.target),
    optimiser: adamW({ weightDecay: 0 }),
  });
  const runtime = openLocalRuntime({ threads: 1 });
  await runtime.writeState(new Map(step.initialState()));
  const loaded = await runtime.load(step.program);
  // Quadrants of four classes.
  const classes = BigInt64Array.from({ length: 2 * 32 * 32 }, (_, i) =>
    BigInt(2 * (Math.floor(i / 512) % 2) + (Math.floor(i / 16) % 2)),
  );
  const losses: number[] = [];
  for (let count = 1; count <= 32; count++) {
    const dropped = stochasticDepth({ depths: options.depths, rate: 0.1, batch: 2, seed: 1 }, count);
    const results = await loaded.run({
      image,
      target: { data: classes, shape: target.shape },
      kept: dropped,
      ...step.schedule(count, 2e-2),
    });
    losses.push(Number(results.loss.data[0]));
  }
  await runtime.close();
  expect(losses[31]).toBeLessThan(0.3 * losses[0]);
});

describe("stochastic depth", () => {
  const options = { depths: [2, 2], rate: 0.4, batch: 2000, seed: 1 };

  test("leaves out later blocks more often, and keeps the mean", () => {
    const { data, shape } = stochasticDepth(options, 1);
    expect(shape).toEqual([8, 2000]);
    const means = Array.from({ length: 8 }, (_, branch) => {
      const row = data.slice(2000 * branch, 2000 * (branch + 1)) as Float32Array;
      const rate = 0.4 * (Math.floor(branch / 2) / 3);
      expect(row.filter((value) => value === 0).length / 2000).toBeCloseTo(rate, 1);
      return row.reduce((total, value) => total + value, 0) / 2000;
    });
    for (const mean of means) expect(mean).toBeCloseTo(1, 1);
    expect(data.slice(0, 4000).every((value) => Number(value) === 1)).toBe(true);
  });

  test("is a function of seed and step", () => {
    expect(stochasticDepth(options, 7)).toEqual(stochasticDepth(options, 7));
    expect(stochasticDepth(options, 7)).not.toEqual(stochasticDepth(options, 8));
    expect(stochasticDepth(options, 7)).not.toEqual(stochasticDepth({ ...options, seed: 2 }, 7));
  });

  test("refuses a rate that is no share", () => {
    expect(() => stochasticDepth({ ...options, rate: 1 }, 1)).toThrow("must be at least 0 and below 1, but is 1.");
  });
});

test("mistakes are named", () => {
  const build = (options: Partial<SegmentationOptions>, shape: readonly (number | string)[] = [1, 3, 32, 32]) =>
    segmentation(trainable(), input("x", shape), { ...tiny.network, ...options });
  expect(() => build({}, [1, 4, 32, 32])).toThrow(
    "segmentation: needs float32 images [batch, 3 or 1, height, width] of known height and width, got float32 [1, 4, 32, 32].",
  );
  expect(() => build({}, [1, 3, "height", 32])).toThrow("of known height and width");
  expect(() => build({ depths: [2, 2, 2] })).toThrow("segmentation: needs depths and heads of four stages, got 3 and 4.");
  expect(() => build({ depths: [2, 2, 3, 2] })).toThrow("segmentation: blocks come in pairs, but depths has a stage of 3.");
  expect(() => build({ heads: [1, 2, 3, 4] })).toThrow(
    "segmentation: the 32 channels of stage 3 do not divide into 3 heads; change width or heads.",
  );
});
