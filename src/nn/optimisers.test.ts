import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { add, mul, sum } from "../graph/index.ts";
import { openLocalRuntime } from "../runtime/index.ts";
import { adam, adamW, fill, type Optimiser, sgd, trainingStep } from "./index.ts";

type Step = { norm: number; matrix: number[]; vector: number[] };
type Case = { name: "sgd" | "adam" | "adamW"; weightDecay: number; clipNorm?: number; steps: Step[] };
type Reference = {
  start: Record<"matrix" | "vector", { shape: number[]; data: number[] }>;
  gradients: Record<"matrix" | "vector", number[]>[];
  rates: number[];
  cases: Case[];
};
/** Made by scripts/reference/optimisers.py with torch.optim in float64. */
const { start, gradients, rates, cases }: Reference = JSON.parse(
  readFileSync(new URL("./fixtures/optimisers.json", import.meta.url), "utf8"),
);
const names = ["matrix", "vector"] as const;

/** Parameters and gradient norm after each step, under the loss `sum(w g)`, whose gradient is the given g. */
const train = async (optimiser: Optimiser, clipNorm?: number): Promise<Step[]> => {
  const step = trainingStep({
    batch: Object.fromEntries(names.map((name) => [`slope of ${name}`, start[name].shape])),
    objective: (p, batch) => {
      const [a, b] = names.map((name) => sum(mul(p.weight(name, start[name].shape, fill(0)), batch[`slope of ${name}`])));
      return { loss: add(a, b) };
    },
    optimiser,
    clipNorm,
  });
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(step.program);
  await runtime.writeState(new Map(step.initialState()));
  await runtime.writeState(
    new Map(names.map((name) => [name, { ...start[name], data: Float32Array.from(start[name].data) }] as const)),
  );
  const found: Step[] = [];
  for (const [i, slopes] of gradients.entries()) {
    const batch = names.map((name) => [`slope of ${name}`, { shape: start[name].shape, data: Float32Array.from(slopes[name]) }]);
    const results = await loaded.run({ ...Object.fromEntries(batch), ...step.schedule(i + 1, rates[i]) });
    const state = await runtime.readState(names);
    const [matrix, vector] = names.map((name) => [...(state.get(name)!.data as Float32Array)]);
    found.push({ norm: Number(results.gradient_norm.data[0]), matrix, vector });
  }
  await runtime.close();
  return found;
};

const largest = (found: number[], expected: number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs(value - found[i]) / Math.max(1, Math.abs(value))));

describe.each(cases)("$name, weight decay $weightDecay, gradient limit $clipNorm, agrees with torch.optim", (expected) => {
  const { name, weightDecay, clipNorm, steps } = expected;
  const optimiser = { sgd: sgd({ weightDecay }), adam: adam(), adamW: adamW({ weightDecay }) }[name];

  test("after each of five steps", async () => {
    const found = await train(optimiser, clipNorm);
    for (const [i, step] of steps.entries()) {
      expect(largest(found[i].matrix, step.matrix), `matrix after step ${i + 1}`).toBeLessThan(1e-5);
      expect(largest(found[i].vector, step.vector), `vector after step ${i + 1}`).toBeLessThan(1e-5);
      expect(found[i].norm / step.norm).toBeCloseTo(1, 5); // reported before clipping
    }
  });
});

test.each([
  ["sgd", (weightDecay: number) => sgd({ weightDecay })],
  ["adamW", (weightDecay: number) => adamW({ weightDecay })],
])("%s decays matrices, not biases and scales", async (_, make) => {
  const [without, decayed] = [await train(make(0)), await train(make(0.5))];
  expect(decayed[4].vector).toEqual(without[4].vector);
  expect(largest(decayed[4].matrix, without[4].matrix)).toBeGreaterThan(1e-3);
});

test("a global norm below the limit leaves the gradients as they are", async () => {
  expect(await train(sgd(), 1e3)).toEqual(await train(sgd()));
});
