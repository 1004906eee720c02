import { expect, test } from "vitest";
import { mean, mul, square, sum } from "../graph/index.ts";
import { openLocalRuntime, type Value } from "../runtime/index.ts";
import { adamW, batchNorm, fill, networkOf, sgd, type TrainingStep, type TrainingStepDefinition, trainingStep } from "./index.ts";
import { openSteps } from "./testing/steps.ts";

/** Takes steps with the given rates on x = 1, 2, ...; returns the state after each. */
const states = async (step: TrainingStep, rates: readonly number[], shape: readonly number[]) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const take = await openSteps(runtime, step);
  const size = shape.reduce((product, length) => product * length, 1);
  const found: Map<string, Value>[] = [];
  for (const [i, rate] of rates.entries()) {
    const batch = { x: { data: Float32Array.from({ length: size }, (_, j) => i + 1 + j), shape } };
    await take(() => batch, i + 1, rate);
    found.push(await runtime.readState());
  }
  await runtime.close();
  return found;
};
const numberOf = (state: ReadonlyMap<string, Value>, name: string): number => Number(state.get(name)!.data[0]);

/** The loss w x, whose gradient x is 1, 2, ... from step to step: with momentum 0 every step takes rate x off w, which starts at 5. */
const falling: TrainingStepDefinition = {
  batch: { x: [1] },
  objective: (p, { x }) => ({ loss: sum(mul(p.at("layer").weight("weight", [1], fill(5)), x)) }),
  optimiser: sgd({ momentum: 0 }),
};
const rates = new Array<number>(40).fill(0.01);

test("an average follows the weights by its decay, which grows as the training does", async () => {
  const after = await states(trainingStep({ ...falling, average: { decay: 0.6 } }), rates, [1]);
  let [weight, average] = [5, 5];
  for (const [i, state] of after.entries()) {
    const step = i + 1;
    const decay = Math.min(0.6, (1 + step) / (10 + step));
    weight -= 0.01 * step;
    average = decay * average + (1 - decay) * weight;
    expect(numberOf(state, "layer.weight")).toBeCloseTo(weight, 4);
    expect(numberOf(state, "average.layer.weight")).toBeCloseTo(average, 4);
    expect(average).toBeGreaterThan(weight + 0.001); // the weights only fall, so what follows them is above
  }
  // From step 13 on the decay is the one asked for, not the start's.
  const slower = await states(trainingStep({ ...falling, average: { decay: 0.99 } }), rates, [1]);
  expect(numberOf(slower[11], "average.layer.weight")).toBe(numberOf(after[11], "average.layer.weight"));
  expect(numberOf(slower[39], "average.layer.weight")).toBeGreaterThan(numberOf(after[39], "average.layer.weight") + 0.1);
});

test("an average of resting weights rests, bit for bit", async () => {
  const step = trainingStep({ ...falling, average: { decay: 0.9 } });
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(step.program);
  const third = { data: Float32Array.of(1 / 3), shape: [1] };
  await runtime.writeState(new Map([...step.initialState(), ["layer.weight", third], ["average.layer.weight", third]]));
  for (let i = 1; i <= 30; i++) await loaded.run({ x: { data: Float32Array.of(1), shape: [1] }, ...step.schedule(i, 0) });
  expect((await runtime.readState()).get("average.layer.weight")).toEqual(third);
  await runtime.close();
});

const normalised: TrainingStepDefinition = {
  batch: { x: [2, 1, 2, 2] },
  objective: (p, { x }) => ({ loss: mean(square(batchNorm(p.at("norm"), x))) }),
  optimiser: adamW(),
  clipNorm: 1,
};
const shape = [2, 1, 2, 2];

test("the training itself is the same with and without an average", async () => {
  const [without, averaged] = [trainingStep(normalised), trainingStep({ ...normalised, average: { decay: 0.9 } })];
  const [plain, beside] = [await states(without, rates, shape), await states(averaged, rates, shape)];
  for (const [name, value] of plain[39]) expect(beside[39].get(name), name).toEqual(value);
  expect([...beside[39].keys()].filter((name) => !plain[39].has(name))).toEqual([
    "average.norm.running_mean",
    "average.norm.running_variance",
    "average.norm.weight",
    "average.norm.bias",
  ]);
  expect(averaged.networkState).toEqual(without.networkState);
});

test.each([undefined, 2])("the network is its averages, running statistics among them; accumulating: %s", async (accumulate) => {
  const step = trainingStep({ ...normalised, accumulate, average: { decay: 0.9 } });
  const after = await states(step, rates, shape);
  const network = networkOf(after[39]);
  expect([...network.keys()]).toEqual(step.networkState);
  for (const [name, value] of network) {
    expect(value).toEqual(after[39].get(`average.${name}`));
    expect(value, name).not.toEqual(after[39].get(name));
  }
  // The average of the statistics as they were after each step, including this step's batches.
  let average = 0;
  for (const [i, state] of after.entries()) {
    const decay = Math.min(0.9, (2 + i) / (11 + i));
    average = decay * average + (1 - decay) * numberOf(state, "norm.running_mean");
  }
  expect(numberOf(network, "norm.running_mean")).toBeCloseTo(average, 4);
});

test("without averages the network is the weights and statistics", async () => {
  const step = trainingStep({ ...normalised, accumulate: 2 });
  const [state] = await states(step, [0.1], shape);
  const network = networkOf(state);
  expect([...network.keys()]).toEqual(step.networkState);
  for (const [name, value] of network) expect(value).toBe(state.get(name));
});

test("mistakes are named", () => {
  expect(() => trainingStep({ ...falling, average: { decay: 1 } })).toThrow(
    "trainingStep: the decay of an average must be at least 0 and below 1, but is 1.",
  );
  const named = (name: string): TrainingStepDefinition => ({
    ...falling,
    objective: (p, { x }) => ({ loss: sum(mul(p.at(name).weight("weight", [1], fill(5)), x)) }),
  });
  for (const name of ["optimiser", "average", "gradient"]) {
    expect(() => trainingStep(named(name))).toThrow(`trainingStep: "${name}.weight" is no name for a parameter`);
  }
  trainingStep(named("averages"));
});
