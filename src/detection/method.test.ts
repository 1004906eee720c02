import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { input, matmul, mul, program } from "../graph/index.ts";
import { writeSurfaces } from "../imaging/index.ts";
import { constantRate } from "../nn/index.ts";
import { random } from "../random/index.ts";
import { type Config, configSchema } from "../systems/denoising/config.ts";
import { method } from "../systems/denoising/train.ts";
import { foldFiles, type RunFiles, readMetrics, readTensors, runFiles } from "../training/index.ts";
import { readDetector } from "./contract.ts";
import type { Method } from "./method.ts";
import { openPreparingRuntime } from "./preparing-runtime.ts";
import { rebuildModel } from "./run.ts";
import { trainDetector } from "./train.ts";

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-method-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 32, trainCount: 6, testPerKind: 0, seed: 1 });
  data = join(folder, "tiles");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configOf = (given: object = {}): Config =>
  configSchema.parse({
    image: { size: 32 },
    network: { width: 2, depth: 2 },
    training: { steps: 2, batch: 2, warmup: 1, ...given },
    validation: { folds: 2 },
  });
const train = (name: string, own: Method<Config>, given: object = {}) =>
  trainDetector(own, { data, out: join(folder, name), config: configOf(given), threads: 2 });

describe("a method of detection", () => {
  test("finds in prepared images what it keeps, and knows the folder of each network", async () => {
    const work: { folder: string; x: Float32Array }[] = [];
    const watched: Method<Config> = {
      ...method,
      batches: async ({ images, config, files }) => {
        work.push({ folder: files.folder, x: (await images.get(0)).x });
        return method.batches({ images, config, files });
      },
    };
    await train("plain", watched);
    // Beyond the cache, images are prepared again while training runs.
    await train("kept", { ...watched, keep: () => (x) => mul(x, 2) }, { cacheMegabytes: 0 });
    const foldersOf = (files: RunFiles) => [foldFiles(files, 1), foldFiles(files, 2), files].map((own) => own.folder);
    expect(work.map((own) => own.folder)).toEqual(["plain", "kept"].flatMap((name) => foldersOf(runFiles(join(folder, name)))));
    const [plain, kept] = [work.slice(0, 3), work.slice(3)];
    for (const [network, { x }] of plain.entries()) expect(kept[network].x).toEqual(x.map((value) => 2 * value));
  });

  test("has the settings' learning rate and image score, or its own", async () => {
    const constant: Method<Config> = {
      ...method,
      learningRate: () => constantRate(1e-5),
      imageScore: () => ({ kind: "top", share: 0.25 }),
    };
    await train("own", constant);
    await train("default", method);
    const ratesOf = async (name: string) =>
      (await readMetrics(runFiles(join(folder, name)).metrics)).map((line) => line.learning_rate);
    expect(await ratesOf("own")).toEqual([1e-5, 1e-5]);
    expect(await ratesOf("default")).toEqual([2e-3, 0]);
    const scoreOf = async (name: string) =>
      readDetector(await readFile(runFiles(join(folder, name)).model)).description.imageScore;
    expect(await scoreOf("own")).toEqual({ kind: "top", share: 0.25 });
    expect(await scoreOf("default")).toEqual({ kind: "max" });
  });

  test("says where it comes from in the manifest, in the model and in the model of an unfinished training", async () => {
    const teacher = { name: "objectron", digest: "0123" };
    const taught: Method<Config> = { ...method, provenance: { teacher } };
    const stop = new AbortController();
    const out = join(folder, "taught");
    const options = { data, out, config: { ...configOf(), validation: configSchema.parse({}).validation }, threads: 1 };
    await trainDetector(taught, {
      ...options,
      signal: stop.signal,
      listener: (event) => event.kind === "step" && stop.abort(),
    });
    const files = runFiles(out);
    expect((await readTensors(files.checkpoint)).metadata.step).toBe("1");
    expect(JSON.parse(await readFile(files.manifest, "utf8"))).toMatchObject({ system: "denoising", teacher });
    const rebuilt = await rebuildModel(out, { schema: configSchema, methodOf: async () => taught });
    expect(readDetector(rebuilt).description).toMatchObject({
      provenance: { teacher, unfinished: true },
      imageScore: { kind: "max" },
    });
    expect(readDetector(rebuilt).description.threshold).toBeUndefined();
    await trainDetector(taught, { ...options, resume: true });
    expect(readDetector(await readFile(files.model)).description.provenance).toMatchObject({ teacher, dataDigest: /^/ });
  });
});

test("preparing gives the same values before and after it leaves its threads to the training", async () => {
  const runtime = openPreparingRuntime(2);
  const [x, w] = [input("x", [40, 60]), input("w", [60, 50])];
  const loaded = await runtime.load(program({ feeds: [x, w], results: { y: matmul(x, w) } }));
  const rng = random("preparing");
  const values = (rows: number, columns: number) => ({
    data: Float32Array.from({ length: rows * columns }, () => rng.normal()),
    shape: [rows, columns],
  });
  const feeds = { x: values(40, 60), w: values(60, 50) };
  const before = await loaded.run(feeds);
  await runtime.leaveThreads();
  const after = await Promise.all([loaded.run(feeds), loaded.run(feeds)]);
  for (const { y } of after) expect(y).toEqual(before.y);
  await runtime.close();
});
