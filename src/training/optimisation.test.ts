import { expect, test } from "vitest";
import { optimisationSettings, optimiserOf, scheduleOf } from "./optimisation.ts";

const settings = optimisationSettings({
  steps: 7,
  batch: 3,
  optimiser: "adam",
  learningRate: 0.01,
  schedule: "one-cycle",
  beta1: 0.5,
});

test("a system's defaults hold where nothing is set, and a misspelt setting is refused", () => {
  expect(settings.parse({})).toMatchObject({
    steps: 7,
    batch: 3,
    optimiser: "adam",
    schedule: "one-cycle",
    beta1: 0.5,
    warmup: 50,
  });
  expect(settings.parse({ steps: 2, beta1: 0.8 })).toMatchObject({ steps: 2, beta1: 0.8 });
  expect(settings.safeParse({ beta: 0.5 }).success).toBe(false);
  expect(settings.safeParse({ beta1: 1 }).success).toBe(false);
});

test("beta1 and weight decay reach the optimiser", () => {
  // The first step of Adam has the size of the rate whatever beta1 is; the second one's correction tells it.
  const sizes = [0.5, 0.9].map((beta1) => optimiserOf(settings.parse({ beta1 })).schedule(2, 0.01).step_size);
  const expected = [0.5, 0.9].map((b1) => (0.01 * (1 - b1)) / (1 - b1 ** 2) / Math.sqrt(0.001 / (1 - 0.999 ** 2)));
  for (const [index, size] of sizes.entries()) expect(size).toBeCloseTo(expected[index], 12);
  const decaying = optimiserOf(settings.parse({ optimiser: "adamw", weightDecay: 0.1 }));
  expect(decaying.schedule(1, 0.01).shrink).toBeCloseTo(1 - 0.001, 12);
  expect(optimiserOf(settings.parse({ optimiser: "sgd" })).memory).toEqual(["velocity"]);
});

test("the schedule is the one that is named", () => {
  const rates = (schedule: string) => [1, 50, 100].map((step) => scheduleOf(settings.parse({ schedule, warmup: 10 }))(step, 100));
  expect(rates("constant")).toEqual([0.01, 0.01, 0.01]);
  expect(rates("cosine")[0]).toBeCloseTo(0.001, 12);
  expect(rates("cosine")[2]).toBeCloseTo(0, 12);
  expect(rates("one-cycle")[0]).toBeCloseTo(0.01 / 25, 12);
});
