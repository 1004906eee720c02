import { expect, test } from "vitest";
import { add, mean, mul, neg, square, sub } from "../graph/index.ts";
import { openLocalRuntime, type Value, type Values } from "../runtime/index.ts";
import { adamW, alternatingStep, batchNorm, fill, sgd, trainingStep } from "./index.ts";
import { openSteps } from "./testing/steps.ts";

const batch: Values = { x: { data: Float32Array.of(1), shape: [1] } };

/** The game a b: a climbs, b descends; each sees what the other has become. Both begin at 1. */
const game = (trained: "climber" | "faller") =>
  trainingStep({
    batch: { x: [1] },
    trains: (name) => name.startsWith(`${trained}.`),
    objective: (p, { x }) => {
      const product = mul(mul(p.at("climber").weight("a", [1], fill(1)), p.at("faller").weight("b", [1], fill(1))), x);
      return { loss: mean(trained === "climber" ? neg(product) : product) };
    },
    optimiser: sgd({ momentum: 0, weightDecay: 0 }),
  });

const numbers = (state: ReadonlyMap<string, Value>) => ["climber.a", "faller.b"].map((name) => Number(state.get(name)!.data[0]));

test("each part moves its own weights alone, and sees what the other has moved", async () => {
  const step = alternatingStep([
    { name: "climber", step: game("climber"), count: 2 },
    { name: "faller", step: game("faller"), rate: 0.5 },
  ]);
  expect(step.networkState).toEqual(["climber.a", "faller.b"]);
  expect([...new Map(step.initialState()).keys()].sort()).toEqual([
    "climber.a",
    "faller.b",
    "optimiser.velocity.climber.a",
    "optimiser.velocity.faller.b",
  ]);
  const runtime = openLocalRuntime({ threads: 1 });
  const take = await openSteps(runtime, step);
  let [a, b] = [1, 1];
  for (let number = 1; number <= 3; number++) {
    let batches = 0;
    const { loss } = await take(
      () => {
        batches++;
        return batch;
      },
      number,
      0.1,
    );
    for (let i = 0; i < 2; i++) a += 0.1 * b;
    expect(loss.data[0]).toBeCloseTo(a * b, 5); // the faller's, after the climber's two steps
    b -= 0.05 * a;
    const found = numbers(await runtime.readState());
    expect(found[0]).toBeCloseTo(a, 5);
    expect(found[1]).toBeCloseTo(b, 5);
    expect(batches).toBe(3);
  }
  await runtime.close();
});

test("what is held stays byte for byte, running statistics included", async () => {
  const step = trainingStep({
    batch: { x: [4, 1, 2, 2] },
    trains: (name) => name.startsWith("moved."),
    objective: (p, { x }) => {
      const held = add(batchNorm(p.at("held"), x), 3);
      return { loss: mean(square(sub(batchNorm(p.at("moved"), held), add(x, 1)))) };
    },
    optimiser: adamW(),
  });
  const runtime = openLocalRuntime({ threads: 1 });
  const take = await openSteps(runtime, step);
  const x = { data: Float32Array.from({ length: 16 }, (_, i) => i), shape: [4, 1, 2, 2] };
  const before = await runtime.readState();
  for (let number = 1; number <= 2; number++) await take(() => ({ x }), number, 0.1);
  const after = await runtime.readState();
  await runtime.close();
  for (const [name, value] of before) {
    if (name.startsWith("held.")) expect(after.get(name), name).toEqual(value);
    if (name.startsWith("moved.")) expect(after.get(name), name).not.toEqual(value);
  }
  expect([...after.keys()].filter((name) => name.startsWith("optimiser.") && name.includes("held"))).toEqual([]);
});

test("the optimiser of each part counts its own steps", () => {
  const counts: number[] = [];
  const counted = game("climber");
  const step = alternatingStep([
    {
      name: "climber",
      step: {
        ...counted,
        runs: counted.runs.map((run) => ({
          ...run,
          schedule: (number: number) => ({ counted: { data: Float32Array.of(counts.push(number)), shape: [] } }),
        })),
      },
      count: 3,
    },
    { name: "faller", step: game("faller") },
  ]);
  for (const number of [1, 2]) for (const { schedule } of step.runs) schedule?.(number, 0.1, 0);
  expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
  expect(step.runs.map(({ prefix }) => prefix)).toEqual(["climber_", "climber_", "climber_", undefined]);
});
