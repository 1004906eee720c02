import { input, program, type Tensor } from "../../../../graph/index.ts";
import { trainingStep } from "../../../../nn/index.ts";
import { random } from "../../../../random/index.ts";
import { openLocalRuntime, type Value, type Values } from "../../../../runtime/index.ts";

// For tests alone: left out of the package.

export interface MadeUpOptions {
  readonly count: number;
  readonly side: number;
  /** Deviation of the noise, by which images of two kinds differ. */
  readonly noise: number;
}

/** Smooth colour fields with noise, a function of (name, number): [count, 3, side, side] around the middle of [0, 1]. */
export const madeUpImages = (name: string, number: number, { count, side, noise }: MadeUpOptions): Value => {
  const data = new Float32Array(count * 3 * side * side);
  for (let plane = 0; plane < 3 * count; plane++) {
    const rng = random("made-up images", name, number, plane);
    const [down, across, level] = [rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2), rng.uniform(0.3, 0.7)];
    for (let i = 0; i < side * side; i++) {
      const [row, column] = [Math.floor(i / side), i % side];
      data[plane * side * side + i] = level + down * Math.cos(row / 5) + across * Math.sin(column / 5) + rng.normal(0, noise);
    }
  }
  return { data, shape: [count, 3, side, side] };
};

/** Numbers of a graph whose tensors are named as they are fed. */
export const evaluate = async (
  of: (fed: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
  values: Values,
): Promise<Values> => {
  const fed = Object.fromEntries(Object.entries(values).map(([name, { shape }]) => [name, input(name, shape)]));
  const runtime = openLocalRuntime({ threads: 1 });
  const results = await (await runtime.load(program({ feeds: Object.values(fed), results: of(fed) }))).run(values);
  await runtime.close();
  return results;
};

/** Takes steps of a training; returns what the steps found and the state at the end. */
export const train = async (
  definition: Parameters<typeof trainingStep>[0],
  { steps, rate, batchOf }: { steps: number; rate: number; batchOf: (step: number) => Values },
) => {
  const step = trainingStep(definition);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(step.program);
  await runtime.writeState(new Map(step.initialState()));
  const found: Record<string, number>[] = [];
  for (let number = 1; number <= steps; number++) {
    const results = await loaded.run({ ...batchOf(number), ...step.schedule(number, rate) });
    found.push(Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Number(data[0])])));
  }
  const state = await runtime.readState();
  await runtime.close();
  return { found, state };
};
