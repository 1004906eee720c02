// One side of a comparison: runs a workload on request. Lines in: `train N`, `predict N`, `peak`; lines out: JSON numbers.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { input, program } from "../src/graph/index.ts";
import { frozen, trainingStep } from "../src/nn/index.ts";
import { random } from "../src/random/index.ts";
import { openLocalRuntime, type Value, type Values } from "../src/runtime/index.ts";
import { workloads } from "./workloads.ts";

const [name, threads] = process.argv.slice(2);
const { batch, network, loss, optimiser } = workloads[name];
const runtime = openLocalRuntime({ threads: Number(threads) });

/** Images of uniform noise, or the classes 0, 1, 2, ... in turn. */
const feeds: Values = Object.fromEntries(
  Object.entries(batch).map(([key, { shape, type }]): [string, Value] => {
    const rng = random("bench", key);
    const size = shape.reduce((product, length) => product * length, 1);
    const data =
      type === "int64"
        ? BigInt64Array.from({ length: size }, (_, i) => BigInt(i % 10))
        : Float32Array.from({ length: size }, () => rng.uniform());
    return [key, { data, shape }];
  }),
);

const step = trainingStep({ batch, objective: (p, fed) => ({ loss: loss(network(p, fed.image), fed) }), optimiser });
for (const first of step.initialState()) await runtime.writeState(new Map([first]));
let trained: Awaited<ReturnType<typeof runtime.load>> | undefined;
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
    trained ??= await runtime.load(step.program);
    return timed(repeats, () => trained!.run({ ...feeds, ...step.schedule(++count, 1e-3) }));
  }
  if (request === "predict") {
    if (predicting === undefined) {
      const image = input("image", batch.image.shape);
      const weights = await runtime.readState(step.networkState);
      predicting = await runtime.load(program({ feeds: [image], results: { y: network(frozen(weights), image) } }));
    }
    return timed(repeats, () => predicting!.run({ image: feeds.image }));
  }
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(peak?.[1] ?? Number.NaN) * 1024;
};

console.log(JSON.stringify("ready"));
for await (const line of createInterface({ input: process.stdin })) {
  const [request, repeats] = line.split(" ");
  console.log(JSON.stringify(await answer(request, Number(repeats))));
}
