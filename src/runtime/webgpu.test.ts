import { describe, expect, test } from "vitest";
import { add, input, matmul, max, mul, program, sum } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { buildStep, type ConfigInput, configSchema, type ModelConfig } from "../systems/denoising/index.ts";
import { openDeviceMemory } from "./device-memory.ts";
import { openLocalRuntime, openRuntime, type Provider, requireProvider, type Value } from "./index.ts";

const missing = await requireProvider("webgpu").then(
  () => undefined,
  (error: Error) => error.message,
);
const webgpu = missing === undefined ? "WebGPU" : `WebGPU (SKIPPED: ${missing})`;

describe.skipIf(missing)(`on ${webgpu}, the training of denoising`, () => {
  /** Loss and gradient norm of the first steps, each on a batch that its number decides. */
  const measuresOn = async (provider: Provider, settings: ConfigInput, steps: number) => {
    const step = buildStep(configSchema.parse(settings) as ModelConfig);
    const runtime = openLocalRuntime({ provider, threads: 1 });
    await runtime.writeState(new Map(step.initialState()));
    const loaded = await runtime.load(step.program);
    const measures: { loss: number; norm: number }[] = [];
    for (let number = 1; number <= steps; number++) {
      const rng = random("webgpu", number);
      const shape = step.program.feeds[0].shape as number[];
      const size = shape.reduce((product, length) => product * length, 1);
      const target: Value = { data: Float32Array.from({ length: size }, () => rng.uniform()), shape };
      const corrupted = { ...target, data: (target.data as Float32Array).map((value, i) => (i % 7 < 2 ? 0.5 : value)) };
      const { loss, gradient_norm } = await loaded.run({ corrupted, target, ...step.schedule(number, 2e-3) });
      measures.push({ loss: Number(loss.data[0]), norm: Number(gradient_norm.data[0]) });
    }
    await runtime.close();
    return measures;
  };
  /** Largest relative difference of a loss, and of a gradient norm. */
  const differences = async (settings: ConfigInput, steps: number) => {
    const [is, should] = [await measuresOn("webgpu", settings, steps), await measuresOn("cpu", settings, steps)];
    const largest = (measure: "loss" | "norm") =>
      Math.max(...is.map((measures, i) => Math.abs(measures[measure] / should[i][measure] - 1)));
    return { loss: largest("loss"), norm: largest("norm") };
  };
  const small: ConfigInput = { image: { size: 16, channels: 1 }, network: { width: 2, depth: 1 }, training: { batch: 1 } };

  test("has the processor's losses over 5 steps, to a thousandth", async () => {
    const { loss, norm } = await differences(
      { image: { size: 32, channels: 3 }, network: { width: 4, depth: 2 }, training: { batch: 2 } },
      5,
    );
    expect(loss).toBeLessThan(1e-3);
    expect(norm).toBeLessThan(1e-2);
  });

  test.each<[string, ConfigInput["network"]]>([
    ["U-Net", small.network],
    ["bottleneck autoencoder", { architecture: "bottleneck", width: 2, depth: 2, latent: 8 }],
  ])("follows them over 50 steps, to a twentieth: %s", async (_, network) => {
    const { loss, norm } = await differences({ ...small, network }, 50);
    expect(loss).toBeLessThan(0.05);
    expect(norm).toBeLessThan(0.05);
  });
});

describe.skipIf(missing)(`on ${webgpu}, state`, () => {
  const size = 1 << 18;
  const [w, x] = [input("w", [size]), input("x", [])];
  const step = program({
    feeds: [x],
    state: [w],
    updates: new Map([["w", add(mul(w, 0.5), x)]]),
    results: { first: max(w) },
  });
  const one: Value = { data: Float32Array.of(1), shape: [] };

  test("lies on the device", async () => {
    const memory = openDeviceMemory();
    const tensor = await memory.allocate({ name: "w", shape: [2, 3], type: "float32" }, Float32Array.of(1, 2, 3, 4, 5, 6));
    expect([tensor.location, tensor.dims]).toEqual(["gpu-buffer", [2, 3]]);
    expect(await memory.read(tensor)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    memory.free(tensor);
    await memory.close();
  });

  test("comes back bit by bit, of every shape and type", async () => {
    const runtime = openLocalRuntime({ provider: "webgpu", threads: 1 });
    const bits = Uint32Array.from({ length: 105 }, (_, i) => 0x7fc00123 + 0x1000193 * i); // NaNs, infinities, subnormals, ...
    const written = new Map<string, Value>([
      ["number", { data: Float32Array.of(-0), shape: [] }],
      ["row", { data: new Float32Array(bits.slice(0, 5).buffer), shape: [5] }],
      ["block", { data: new Float32Array(bits.buffer), shape: [3, 5, 7] }],
      ["nothing", { data: new Float32Array(0), shape: [0, 3] }],
      ["counts", { data: BigInt64Array.of(-(2n ** 62n), 3n), shape: [2] }],
      ["flags", { data: Uint8Array.of(1, 0, 255), shape: [3] }],
    ]);
    const bytesOf = (values: ReadonlyMap<string, Value>) =>
      [...values].map(([name, { data, shape }]) => [name, shape, data.constructor, [...new Uint8Array(data.buffer)]]);
    for (let time = 0; time < 2; time++) {
      await runtime.writeState(written);
      expect(bytesOf(await runtime.readState())).toEqual(bytesOf(written));
    }
    await runtime.close();
  });

  test("stays in its two buffers: the memory does not grow over 200 steps", async () => {
    const runtime = openLocalRuntime({ provider: "webgpu", threads: 1 });
    await runtime.writeState(new Map([["w", { data: new Float32Array(size), shape: [size] }]]));
    const loaded = await runtime.load(step);
    const resident = (): number => process.memoryUsage().rss / 2 ** 20;
    const after = async (steps: number): Promise<number> => {
      for (let count = 0; count < steps; count++) await loaded.run({ x: one });
      return resident();
    };
    const before = await after(40);
    // A megabyte per step would stay, were one buffer of each not given back.
    expect((await after(200)) - before).toBeLessThan(60);
    expect((await loaded.run({ x: one })).first.data[0]).toBe(2);
    await runtime.close();
  });

  test("runs of several runtimes and threads take turns", async () => {
    const open = [openLocalRuntime, openRuntime, openRuntime];
    const runtimes = open.map((start) => start({ provider: "webgpu", threads: 1 }));
    const totals = runtimes.map(async (runtime) => {
      await runtime.writeState(new Map([["w", { data: new Float32Array(size), shape: [size] }]]));
      const loaded = await runtime.load(step);
      const results = await Promise.all(Array.from({ length: 20 }, () => loaded.run({ x: one })));
      await runtime.close();
      return results.map(({ first }) => first.data[0]);
    });
    const expected = Array.from({ length: 20 }, (_, i) => Math.fround(2 - 2 ** (1 - i)));
    expect(await Promise.all(totals)).toEqual([expected, expected, expected]);
  });

  test("that is too large for a run leaves the runtime usable, and says what to do", async () => {
    const runtime = openLocalRuntime({ provider: "webgpu", threads: 1 });
    const length = 3_000_000;
    const [a, b] = [input("a", [length, 1]), input("b", [1, length])];
    const huge = await runtime.load(program({ feeds: [a, b], results: { y: sum(matmul(a, b)) } }));
    const data = new Float32Array(length);
    await expect(huge.run({ a: { data, shape: [length, 1] }, b: { data, shape: [1, length] } })).rejects.toThrow(
      /^The memory does not suffice.*\. Use smaller images, fewer of them at once, or a smaller network\.$/,
    );
    await runtime.writeState(new Map([["w", { data: new Float32Array(size).fill(3), shape: [size] }]]));
    expect((await (await runtime.load(step)).run({ x: one })).first.data[0]).toBe(3);
    await runtime.close();
  });
});
