import { describe, expect, test } from "vitest";
import { mean, square, sub } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime, type Value, type Values } from "../runtime/index.ts";
import {
  adamW,
  batchNorm,
  conv,
  crossEntropy,
  dense,
  groupNorm,
  sgd,
  type TrainingStep,
  type TrainingStepDefinition,
  trainingStep,
} from "./index.ts";
import { openSteps } from "./testing/steps.ts";

/** Linear regression from 3 inputs to 2 outputs, 8 examples at a time. */
const regression: TrainingStepDefinition = {
  batch: { x: [8, 3], y: [8, 2] },
  objective: (p, { x, y }) => {
    const loss = mean(square(sub(dense(p.at("map"), x, 2), y)));
    return { loss, twice: square(loss) };
  },
  optimiser: adamW({ weightDecay: 0 }),
  seed: 4,
};

test("a small regression finds the map that made its examples", async () => {
  const step = trainingStep(regression);
  const [truth, offset] = [
    [1, -2, 0.5, 0.25, 3, -1],
    [0.5, -0.5],
  ];
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(step.program);
  await runtime.writeState(new Map(step.initialState()));
  let last = Number.POSITIVE_INFINITY;
  for (let i = 1; i <= 600; i++) {
    const rng = random("regression", i);
    const x = Float32Array.from({ length: 24 }, () => rng.normal());
    const output = (row: number, o: number) => [0, 1, 2].reduce((y, k) => y + truth[3 * o + k] * x[3 * row + k], offset[o]);
    const y = Float32Array.from({ length: 16 }, (_, j) => output(Math.floor(j / 2), j % 2));
    const feeds = { x: { data: x, shape: [8, 3] }, y: { data: y, shape: [8, 2] } };
    const results = await loaded.run({ ...feeds, ...step.schedule(i, i < 500 ? 0.05 : 0.005) });
    expect(Object.keys(results).sort()).toEqual(["gradient_norm", "loss", "twice"]);
    last = Number(results.loss.data[0]);
  }
  const state = await runtime.readState(step.networkState);
  await runtime.close();
  expect(last).toBeLessThan(1e-4);
  for (const [i, value] of truth.entries()) expect(state.get("map.weight")!.data[i]).toBeCloseTo(value, 2);
  for (const [i, value] of offset.entries()) expect(state.get("map.bias")!.data[i]).toBeCloseTo(value, 2);
});

test("the state is the network's own and the optimiser's memory, which starts at 0", () => {
  const step = trainingStep(regression);
  expect(step.networkState).toEqual(["map.weight", "map.bias"]);
  expect([...new Map(step.initialState()).keys()]).toEqual([
    "map.weight",
    "map.bias",
    "optimiser.gradient_sum.map.weight",
    "optimiser.square_sum.map.weight",
    "optimiser.gradient_sum.map.bias",
    "optimiser.square_sum.map.bias",
  ]);
  expect(step.program.updates.map(({ name }) => name)).toEqual([...new Map(step.initialState()).keys()]);
  for (const [name, { data, shape }] of new Map(step.initialState())) {
    expect(shape).toEqual(name.endsWith("weight") ? [2, 3] : [2]);
    if (name.startsWith("optimiser.")) expect(data.every((value) => value === 0)).toBe(true);
  }
});

test("the seed decides the first values", () => {
  const first = (seed: number) => [...new Map(trainingStep({ ...regression, seed }).initialState()).get("map.weight")!.data];
  expect(first(4)).toEqual(first(4));
  expect(first(5)).not.toEqual(first(4));
});

test("running statistics belong to the network and are updated by it, not by the optimiser", () => {
  const step = trainingStep({
    batch: { x: [2, 1, 4, 4] },
    objective: (p, { x }) => ({ loss: mean(square(batchNorm(p.at("norm"), conv(p.at("conv"), x, 2, 3, { bias: false })))) }),
    optimiser: sgd(),
  });
  const network = ["conv.weight", "norm.running_mean", "norm.running_variance", "norm.weight", "norm.bias"];
  const memory = ["conv.weight", "norm.weight", "norm.bias"].map((name) => `optimiser.velocity.${name}`);
  expect(step.networkState).toEqual(network);
  expect([...new Map(step.initialState()).keys()]).toEqual([...network, ...memory]);
  expect(step.program.updates.map(({ name }) => name).sort()).toEqual([...network, ...memory].sort());
});

test("an objective without weights is an error", () => {
  expect(() =>
    trainingStep({ batch: { x: [2] }, objective: (_, { x }) => ({ loss: mean(square(x)) }), optimiser: sgd() }),
  ).toThrow(/trainingStep: the objective uses no weights/);
});

describe("gradients accumulated over micro-batches", () => {
  /** Images [count, 1, 5, 5], number `first` and so on of one endless sequence. */
  const images = (first: number, count: number): Value => {
    const rngs = Array.from({ length: count }, (_, i) => random("image", first + i));
    return {
      data: Float32Array.from(rngs.flatMap((rng) => Array.from({ length: 25 }, () => rng.normal()))),
      shape: [count, 1, 5, 5],
    };
  };
  const definition = (batch: number, normalise: typeof batchNorm): TrainingStepDefinition => ({
    batch: { x: [batch, 1, 5, 5] },
    objective: (p, { x }) => {
      const y = normalise(p.at("norm"), conv(p.at("conv"), x, 4, 3, { padding: 1 }));
      return { loss: mean(square(sub(conv(p.at("last"), y, 1, 3, { padding: 1 }), x))), largest: mean(x) };
    },
    optimiser: sgd({ weightDecay: 0.1 }),
    clipNorm: 0.5,
    seed: 1,
  });
  const grouped: typeof batchNorm = (p, x) => groupNorm(p, x, 2);

  /** Takes steps over images in order; returns what each step reports last and all state at the end. */
  const train = async (step: TrainingStep, batch: number, steps: number, rate = 0.1) => {
    const runtime = openLocalRuntime({ threads: 1 });
    const take = await openSteps(runtime, step);
    const reports: Values[] = [];
    let seen = 0;
    const next = () => {
      seen += batch;
      return { x: images(seen - batch, batch) };
    };
    for (let number = 1; number <= steps; number++) reports.push(await take(next, number, rate));
    const state = await runtime.readState();
    await runtime.close();
    return { reports, state };
  };
  const floats = (value: Value) => [...(value.data as Float32Array)];
  const furthest = (a: Value, b: Value): number =>
    Math.max(...floats(a).map((value, i) => Math.abs(value - floats(b)[i]))) / Math.max(...floats(b).map(Math.abs));

  test("k micro-batches move the weights as one batch k times as large does", async () => {
    const parts = await train(trainingStep({ ...definition(2, grouped), accumulate: 3 }), 2, 5);
    const whole = await train(trainingStep(definition(6, grouped)), 6, 5);
    for (const [name, value] of whole.state) expect(furthest(parts.state.get(name)!, value), name).toBeLessThan(1e-6);
    for (const [i, { gradient_norm }] of whole.reports.entries()) {
      expect(furthest(parts.reports[i].gradient_norm, gradient_norm)).toBeLessThan(1e-6);
      expect(gradient_norm.data[0]).toBeGreaterThan(0.5); // the mean gradient is clipped, not each micro-batch's
    }
    const fewer = await train(trainingStep({ ...definition(2, grouped), accumulate: 2 }), 2, 5);
    expect(furthest(fewer.state.get("conv.weight")!, whole.state.get("conv.weight")!)).toBeGreaterThan(1e-3);
  });

  test("running statistics follow every micro-batch, and the sums are 0 again after the step", async () => {
    const step = trainingStep({ ...definition(3, batchNorm), accumulate: 2 });
    const { state } = await train(step, 3, 2, 0);
    const alone = await train(trainingStep(definition(3, batchNorm)), 3, 4, 0); // at rate 0 the weights stay
    for (const name of ["norm.running_mean", "norm.running_variance", "conv.weight"]) {
      expect(state.get(name)).toEqual(alone.state.get(name));
    }
    const sums = [...state].filter(([name]) => name.startsWith("gradient."));
    expect(sums.map(([name, { shape }]) => [name, shape])).toContainEqual(["gradient.conv.weight", [4, 1, 3, 3]]);
    for (const [, value] of sums) expect(floats(value).every((sum) => sum === 0)).toBe(true);
    expect(step.networkState.filter((name) => name.startsWith("gradient."))).toEqual([]);
    expect([...state.keys()].sort()).toEqual([...new Map(step.initialState()).keys()].sort());
  });

  test("one micro-batch is the fused program, byte for byte", () => {
    const plain = trainingStep(definition(2, batchNorm));
    const one = trainingStep({ ...definition(2, batchNorm), accumulate: 1 });
    expect(Buffer.from(one.program.model).equals(plain.program.model)).toBe(true);
    expect(one.runs).toHaveLength(1);
    expect([...new Map(one.initialState()).keys()]).toEqual([...new Map(plain.initialState()).keys()]);
  });

  test("a number of micro-batches that is none is refused", () => {
    for (const accumulate of [0, 1.5, -2]) {
      expect(() => trainingStep({ ...definition(2, batchNorm), accumulate })).toThrow(
        `trainingStep: ${accumulate} is not a number of micro-batches.`,
      );
    }
  });
});

test("a batch may hold class numbers", async () => {
  const step = trainingStep({
    batch: { x: [4, 2], label: { shape: [4], type: "int64" } },
    objective: (p, { x, label }) => ({ loss: crossEntropy(dense(p, x, 3), label) }),
    optimiser: sgd(),
  });
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(step.program);
  await runtime.writeState(new Map(step.initialState()));
  const x = { data: Float32Array.of(1, 0, 0, 1, -1, 0, 2, 1), shape: [4, 2] };
  const label = { data: BigInt64Array.of(0n, 1n, 2n, 0n), shape: [4] };
  const losses: number[] = [];
  for (let i = 1; i <= 100; i++) {
    const { loss } = await loaded.run({ x, label, ...step.schedule(i, 0.1) });
    losses.push(Number(loss.data[0]));
  }
  await runtime.close();
  expect(losses[99]).toBeLessThan(0.1 * losses[0]);
});
