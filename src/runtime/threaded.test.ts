import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { add, input, matmul, mul, program, reshape, sum } from "../graph/index.ts";
import { adamW, batchNorm, conv, l2, type Parameters, trainingStep, weightedMean } from "../nn/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime, openRuntime, type Runtime, RuntimeError, type Value } from "./index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const values = (...numbers: number[]): Value => ({ data: Float32Array.from(numbers), shape: [numbers.length] });
const state = new Map([["total", values(0, 0)]]);
const [total, x] = [input("total", [2]), input("x", [2])];
const accumulate = program({
  feeds: [x],
  state: [total],
  updates: new Map([["total", add(total, x)]]),
  results: { before: total },
});

const shape = [2, 3, 16, 16];
const step = trainingStep({
  batch: { image: shape },
  objective: (p: Parameters, { image }) => {
    const hidden = batchNorm(p.at("norm"), conv(p.at("first"), image, 4, 3, { padding: 1 }));
    return { loss: weightedMean(l2(image, conv(p.at("last"), hidden, 3, 3, { padding: 1 }))) };
  },
  optimiser: adamW(),
  clipNorm: 1,
});

const afterTraining = async (runtime: Runtime) => {
  await runtime.writeState(new Map(step.initialState()));
  const loaded = await runtime.load(step.program);
  const results: unknown[] = [];
  for (let number = 1; number <= 4; number++) {
    const rng = random("image", number);
    const image = Float32Array.from({ length: 2 * 3 * 16 * 16 }, () => rng.uniform());
    results.push(await loaded.run({ image: { data: image, shape }, ...step.schedule(number, 0.01) }));
  }
  const end = await runtime.readState();
  await runtime.close();
  return { results, end };
};

test("gives what a runtime in this thread gives, bit by bit", async () => {
  const local = await afterTraining(openLocalRuntime({ threads: 1 }));
  const threaded = await afterTraining(openRuntime({ threads: 1 }));
  expect(threaded).toEqual(local);
  const first = new Map(step.initialState()).get("first.weight")!;
  expect(local.end.get("first.weight")).not.toEqual(first);
});

test("leaves this thread free while a program runs", async () => {
  const size = 384;
  const start = input("start", [size, size]);
  let product = start;
  for (let count = 0; count < 60; count++) product = mul(matmul(product, start), 1 / size);
  const runtime = openRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [start], results: { y: sum(product) } }));
  let ticks = 0;
  const clock = setInterval(() => ticks++, 1);
  await loaded.run({ start: { data: new Float32Array(size * size).fill(1), shape: [size, size] } });
  clearInterval(clock);
  await runtime.close();
  expect(ticks).toBeGreaterThan(5); // a run in this thread allows one at most
});

test("answers requests in the order they were made, without waiting in between", async () => {
  const runtime = openRuntime({ threads: 1 });
  const loaded = await runtime.load(accumulate);
  const finished: number[] = [];
  const requests = [
    runtime.writeState(state),
    loaded.run({ x: values(1, 2) }),
    runtime.readState(),
    loaded.run({ x: values(10, 20) }),
    runtime.writeState(new Map([["total", values(5, 5)]])),
    loaded.run({ x: values(1, 1) }),
    runtime.readState(),
  ].map(async (request, index) => {
    const answer = await request;
    finished.push(index);
    return answer;
  });
  const answers = await Promise.all(requests);
  expect(finished).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(answers[2]).toEqual(new Map([["total", values(1, 2)]]));
  expect(answers[3]).toEqual({ before: values(1, 2) });
  expect(answers[6]).toEqual(new Map([["total", values(6, 6)]]));
  await runtime.close();
});

test("carries errors over the border and goes on after them", async () => {
  const open = input("open", ["n"]);
  const failing = program({ feeds: [open], results: { y: reshape(open, [3]) } });
  const runtime = openRuntime({ threads: 1 });
  const local = openLocalRuntime({ threads: 1 });
  const messageOf = async (from: Runtime): Promise<string> => {
    const loaded = await from.load(failing);
    return loaded.run({ open: values(1, 2) }).then(
      () => "no error",
      (error: unknown) => (error instanceof RuntimeError ? error.message : "another error"),
    );
  };
  expect(await messageOf(runtime)).toBe(await messageOf(local));
  expect(await messageOf(runtime)).toMatch(/^The program failed: /);
  await runtime.writeState(state);
  const loaded = await runtime.load(accumulate);
  expect((await loaded.run({ x: values(1, 1) })).before).toEqual(values(0, 0));
  await Promise.all([runtime.close(), local.close()]);
});

test("close answers what was asked before it and rejects what is asked later", async () => {
  const runtime = openRuntime({ threads: 1 });
  await runtime.writeState(state);
  const loaded = await runtime.load(accumulate);
  const early = loaded.run({ x: values(1, 1) });
  const closed = runtime.close();
  const late = loaded.run({ x: values(1, 1) });
  await expect(late).rejects.toThrow(RuntimeError);
  expect((await early).before).toEqual(values(0, 0));
  await closed;
  for (const request of [() => loaded.run({ x: values(1, 1) }), () => runtime.load(accumulate), () => runtime.readState()]) {
    await expect(request()).rejects.toThrow("The runtime is closed.");
  }
  await runtime.close();
});

const runNode = (script: string) =>
  promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: root, timeout: 30_000 });

test("an idle runtime does not keep the process alive, a pending request does", async () => {
  const { stdout } = await runNode(`
    import { openRuntime } from "lynceus/runtime";
    const runtime = openRuntime({ threads: 1 });
    process.on("exit", () => console.log("exit"));
    const state = new Map([["a", { data: Float32Array.of(1), shape: [1] }]]);
    runtime.writeState(state).then(() => runtime.readState()).then((read) => console.log("answered", read.get("a").data[0]));
  `);
  expect(stdout).toBe("answered 1\nexit\n");
  const idle = await runNode(`import { openRuntime } from "lynceus/runtime"; openRuntime(); console.log("end of the script");`);
  expect(idle.stdout).toBe("end of the script\n");
});
