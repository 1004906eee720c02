// One side of a comparison: runs a workload on request. Lines in: `train N`, `predict N`, `weights`, `peak`; lines out: JSON numbers.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { input, program, type TensorSpec } from "../src/graph/index.ts";
import { frozen } from "../src/nn/index.ts";
import { random } from "../src/random/index.ts";
import { openLocalRuntime, type Value, type Values } from "../src/runtime/index.ts";
import { workloads } from "./workloads.ts";

const [name, threads] = process.argv.slice(2);
const workload = workloads[name];
const runtime = openLocalRuntime({ threads: Number(threads) });

const sizeOf = ({ shape }: Pick<TensorSpec, "shape">): number =>
  shape.reduce<number>((product, length) => product * (length as number), 1);

/** Uniform noise, the classes 0 to 3 in turn, or, as a single number, 1. */
const noise = ({ name, shape, type }: TensorSpec): Value => {
  const rng = random("bench", name);
  const length = sizeOf({ shape });
  const data =
    type === "int64"
      ? BigInt64Array.from({ length }, (_, i) => BigInt(i % 4))
      : Float32Array.from({ length }, () => (shape.length === 0 ? 1 : rng.uniform()));
  return { data, shape: shape as readonly number[] };
};

const step = workload.step();
// The scheduled numbers among these are replaced at every step.
const feeds: Values = Object.fromEntries(
  step.runs.flatMap(({ program }) => program.feeds).map((spec) => [spec.name, noise(spec)]),
);
const image = input("image", workload.image);
for (const first of step.initialState()) await runtime.writeState(new Map([first]));
let trained: Awaited<ReturnType<typeof runtime.load>>[] | undefined;
let predicting: Awaited<ReturnType<typeof runtime.load>> | undefined;
let count = 0;

const timed = async (repeats: number, run: () => Promise<unknown>): Promise<number[]> => {
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
};

const answer = async (request: string, repeats: number): Promise<unknown> => {
  if (request === "train") {
    trained ??= await Promise.all(step.runs.map(({ program }) => runtime.load(program)));
    return timed(repeats, async () => {
      count++;
      for (const [i, { schedule }] of step.runs.entries()) await trained![i].run({ ...feeds, ...schedule?.(count, 1e-3, 0) });
    });
  }
  if (request === "predict") {
    if (predicting === undefined) {
      const weights = await runtime.readState(step.networkState);
      const found = [workload.predict(frozen(weights), image)].flat();
      predicting = await runtime.load(
        program({ feeds: [image], results: Object.fromEntries(found.map((y, i) => [`y${i}`, y])) }),
      );
    }
    const images = { image: noise({ name: "image", shape: workload.image, type: "float32" }) };
    return timed(repeats, () => predicting!.run(images));
  }
  if (request === "weights") {
    const state = new Map(step.runs.flatMap(({ program }) => program.state).map((spec) => [spec.name, spec]));
    const weights = step.networkState.filter((name) => !/running_\w+$/.test(name));
    return weights.reduce((total, name) => total + sizeOf(state.get(name)!), 0);
  }
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(peak?.[1] ?? Number.NaN) * 1024;
};

console.log(JSON.stringify("ready"));
for await (const line of createInterface({ input: process.stdin })) {
  const [request, repeats] = line.split(" ");
  console.log(JSON.stringify(await answer(request, Number(repeats))));
}
