import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradients, input, program, type Tensor } from "../../graph/index.ts";
import { frozen, type ResidualName, trainable, weightedMean, weightedResidual } from "../../nn/index.ts";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import { type NetworkOptions, restore } from "./model.ts";

type Packed = { shape: number[]; data: string };
type Step = {
  normalisation: "batch" | "group";
  objective: Partial<Record<ResidualName, number>>;
  residual: boolean;
  loss: number;
  gradients: Record<string, string>;
  statisticsAfter: Record<string, Packed>;
  evaluated: string;
};
/** Made by scripts/reference/networks.py: one step in float64 PyTorch. */
type Reference = {
  options: Omit<NetworkOptions, "normalisation" | "residual">;
  shape: number[];
  x: string;
  target: string;
  values: Record<string, Packed>;
  steps: Step[];
};

const floats = (text: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
const toValue = ({ shape, data }: Packed): Value => ({ shape, data: floats(data) });
const lengthOf = (values: Float32Array): number => Math.sqrt(values.reduce((total, value) => total + value * value, 0));

/** ||found - expected|| / (||expected|| + floor), the floor standing for float32's noise on a vanishing tensor. */
const error = (found: Value, expected: Float32Array, floor = 1e-7): number => {
  expect(found.data).toHaveLength(expected.length);
  const difference = expected.map((value, i) => Number(found.data[i]) - value);
  return lengthOf(difference) / (lengthOf(expected) + floor * Math.sqrt(expected.length));
};

/** Runs a training step's forward and backward pass: loss, a gradient per weight, and the statistics after it. */
const runStep = async ({ options, shape, x, target, values }: Reference, { normalisation, objective, residual }: Step) => {
  const [images, targets] = [input("x", shape), input("target", shape)];
  const p = trainable();
  const loss = weightedMean(weightedResidual(objective)(targets, restore(p, images, { ...options, normalisation, residual })));
  const weights = [...p.declarations].filter(([, { trained }]) => trained);
  const slopes = gradients(
    loss,
    weights.map(([, { tensor }]) => tensor),
  );
  const results: Record<string, Tensor> = { loss };
  for (const [i, [name]] of weights.entries()) results[`d ${name}`] = slopes[i];

  const runtime = openLocalRuntime({ threads: 1 });
  const state = [...p.declarations.values()].map(({ tensor }) => tensor);
  const loaded = await runtime.load(program({ feeds: [images, targets], state, updates: p.updates, results }));
  await runtime.writeState(new Map([...p.declarations.keys()].map((name) => [name, toValue(values[name])])));
  const found = await loaded.run({
    x: { data: floats(x), shape },
    target: { data: floats(target), shape },
  });
  const statistics = await runtime.readState([...p.updates.keys()]);
  await runtime.close();
  const byName = Object.fromEntries(weights.map(([name]) => [name, found[`d ${name}`]]));
  return { loss: Number(found.loss.data[0]), gradients: byName, statistics };
};

/** What the network with constants, as it is exported, makes of the first image. */
const evaluate = async (
  { options, shape, x, values }: Reference,
  { normalisation, residual, statisticsAfter }: Step,
): Promise<Value> => {
  const trained = Object.entries({ ...values, ...statisticsAfter }).map(([name, value]) => [name, toValue(value)] as const);
  const first = { data: floats(x).slice(0, shape[1] * shape[2] * shape[3]), shape: [1, ...shape.slice(1)] };
  const image = input("x", first.shape);
  const y = restore(frozen(new Map(trained)), image, { ...options, normalisation, residual });
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [image], results: { y } }));
  const results = await loaded.run({ x: first });
  await runtime.close();
  return results.y;
};

describe.each(["unet", "bottleneck"] as const)("%s agrees with float64 PyTorch", (architecture) => {
  const file = new URL(`./fixtures/${architecture}.json`, import.meta.url);
  const reference: Reference = JSON.parse(readFileSync(file, "utf8"));
  const cases = reference.steps.map((step) => [step.normalisation, Object.keys(step.objective).join(" + "), step] as const);

  test.each(cases)("%s normalisation, %s: loss, every gradient, running statistics", async (_, __, step) => {
    const found = await runStep(reference, step);
    expect(Math.abs(found.loss / step.loss - 1)).toBeLessThan(1e-5);

    expect(Object.keys(found.gradients).sort()).toEqual(Object.keys(step.gradients).sort());
    for (const [name, expected] of Object.entries(step.gradients)) {
      expect(error(found.gradients[name], floats(expected)), `gradient of ${name}`).toBeLessThan(1e-4);
    }
    expect([...found.statistics.keys()].sort()).toEqual(Object.keys(step.statisticsAfter).sort());
    for (const [name, value] of found.statistics) {
      expect(error(value, floats(step.statisticsAfter[name].data)), name).toBeLessThan(1e-5);
    }
  });

  test.each(cases)("%s normalisation after %s: the exported network", async (_, __, step) => {
    expect(error(await evaluate(reference, step), floats(step.evaluated))).toBeLessThan(1e-5);
  });
});
