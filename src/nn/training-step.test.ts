import { expect, test } from "vitest";
import { mean, square, sub } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime } from "../runtime/index.ts";
import { adamW, batchNorm, conv, dense, sgd, type TrainingStepDefinition, trainingStep } from "./index.ts";

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
  await runtime.writeState(step.initialState);
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
  expect([...step.initialState.keys()]).toEqual([
    "map.weight",
    "map.bias",
    "optimiser.first_moment.map.weight",
    "optimiser.second_moment.map.weight",
    "optimiser.first_moment.map.bias",
    "optimiser.second_moment.map.bias",
  ]);
  expect(step.program.updates.map(({ name }) => name)).toEqual([...step.initialState.keys()]);
  for (const [name, { data, shape }] of step.initialState) {
    expect(shape).toEqual(name.endsWith("weight") ? [2, 3] : [2]);
    if (name.startsWith("optimiser.")) expect(data.every((value) => value === 0)).toBe(true);
  }
});

test("the seed decides the first values", () => {
  const first = (seed: number) => [...trainingStep({ ...regression, seed }).initialState.get("map.weight")!.data];
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
  expect([...step.initialState.keys()]).toEqual([...network, ...memory]);
  expect(step.program.updates.map(({ name }) => name).sort()).toEqual([...network, ...memory].sort());
});

test("an objective without weights is an error", () => {
  expect(() =>
    trainingStep({ batch: { x: [2] }, objective: (_, { x }) => ({ loss: mean(square(x)) }), optimiser: sgd() }),
  ).toThrow(/trainingStep: the objective uses no weights/);
});
