import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blurredDifference } from "../detection/index.ts";
import { writeSurfaces } from "../imaging/index.ts";
import type { ProgressEvent } from "../training/index.ts";
import { type BenchmarkOptions, benchmark } from "./benchmark.ts";
import { denoising } from "./denoising/system.ts";

let folder: string;
let options: BenchmarkOptions;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-benchmark-"));
  const data = join(folder, "data");
  await writeSurfaces(data, { categories: ["tiles", "fabric"], size: 32, trainCount: 10, testPerKind: 2, seed: 1 });
  const config = {
    image: { size: 32 },
    network: { width: 4, depth: 2 },
    training: { steps: 6, batch: 2, warmup: 2 },
  };
  options = { data, out: join(folder, "out"), systems: [{ system: denoising, config }], seeds: [0], threads: 1 };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("interrupted in the middle, it goes on without repeating what is finished, to the table of an undisturbed one", async () => {
  const stop = new AbortController();
  const reason = new Error("Ctrl-C");
  const trained: string[] = [];
  const watch =
    (interrupt: boolean) =>
    (event: ProgressEvent): void => {
      if (event.kind === "stage" && /denoising/.test(event.text)) trained.push(event.text);
      const inSecond = trained.length === 2 && event.kind === "step" && event.step === 3;
      if (interrupt && inSecond) stop.abort(reason);
    };
  await expect(benchmark({ ...options, listener: watch(true), signal: stop.signal })).rejects.toThrow("Ctrl-C");
  expect(trained).toHaveLength(2);
  const firstModel = join(options.out, "fabric", "denoising", "seed-0", "model.onnx");
  const before = (await stat(firstModel)).mtimeMs;

  const steps: number[] = [];
  const { runs, files, tables } = await benchmark({
    ...options,
    listener: (event) => event.kind === "step" && steps.push(event.step),
  });
  // Of the first training nothing, of the second its last three steps.
  expect(steps).toEqual([4, 5, 6]);
  expect((await stat(firstModel)).mtimeMs).toBe(before);
  const undisturbed = await benchmark({ ...options, out: join(folder, "undisturbed") });
  const measures = (all: typeof runs) => all.map(({ trainingSeconds, millisecondsPerImage, ...run }) => run);
  expect(measures(runs)).toEqual(measures(undisturbed.runs));

  expect(runs.map(({ category, system, seed }) => [category, system, seed])).toEqual([
    ["fabric", "blurred difference", undefined],
    ["fabric", "denoising", 0],
    ["tiles", "blurred difference", undefined],
    ["tiles", "denoising", 0],
  ]);
  for (const { seed, trainingSeconds } of runs)
    expect(trainingSeconds ?? 0).toBeGreaterThanOrEqual(seed === undefined ? 0 : 0.001);
  const lines = parse(await readFile(files.csv), { columns: true }) as Record<string, string>[];
  expect(lines.map(({ image_auroc }) => Number(image_auroc))).toEqual(runs.map(({ measures }) => measures.image_auroc.value));
  expect(JSON.parse(await readFile(files.json, "utf8")).runs).toHaveLength(4);
  expect(await readFile(files.html, "utf8")).toContain("blurred difference");

  expect(tables[0].rows.at(-1)).toMatchObject({ name: "mean", summary: true });
});

test("a finished one takes further seeds, whose mean it shows, and refuses other settings", async () => {
  const { runs, tables } = await benchmark({ ...options, seeds: [0, 1] });
  expect(runs).toHaveLength(6);
  const ofFabric = runs.slice(1, 3).map(({ measures }) => measures.image_auroc.value);
  expect(tables[0].rows[0].cells[1]).toMatchObject({ value: (ofFabric[0] + ofFabric[1]) / 2 });
  const [{ system, config }] = options.systems;
  const other = { system, config: { ...config, training: { steps: 3, batch: 2, warmup: 2 } } };
  const before = await readFile(join(options.out, "benchmark.csv"), "utf8");
  await expect(benchmark({ ...options, systems: [other] })).rejects.toThrow("holds a result of other settings or other images");
  expect(await readFile(join(options.out, "benchmark.csv"), "utf8")).toBe(before);
});

test("a category that cannot be used is an error in its row, and the others are finished", async () => {
  const data = join(folder, "partly");
  await writeSurfaces(data, { categories: ["tiles"], size: 32, trainCount: 6, testPerKind: 1, seed: 1 });
  await writeSurfaces(data, { categories: ["grille"], size: 32, trainCount: 0, testPerKind: 1, seed: 1 });
  const { runs } = await benchmark({ ...options, data, out: join(folder, "partly-out") });
  const failed = runs.filter(({ error }) => error !== undefined);
  expect(failed.map(({ category, system }) => [category, system])).toEqual([["grille", "denoising"]]);
  expect(failed[0].error).toContain("no normal image to train on");
  expect(runs).toHaveLength(4);
});

test("a baseline that a system brings is a row of its own, fitted once for each category", async () => {
  const fitted: string[] = [];
  const model = async (data: string) => {
    fitted.push(basename(data));
    return blurredDifference(16);
  };
  const [{ system, config }] = options.systems;
  const own = { ...system, baselines: async () => [{ name: "nearest neighbours", model }] };
  const systems = [{ system: own, config }];
  const { runs, tables } = await benchmark({ ...options, systems });
  expect(runs.slice(0, 3).map(({ system: name, seed, error }) => [name, seed, error])).toEqual([
    ["blurred difference", undefined, undefined],
    ["nearest neighbours", undefined, undefined],
    ["denoising", 0, undefined],
  ]);
  expect(runs[1].trainingSeconds).toBeGreaterThan(0);
  expect(tables[0].columns.map(({ name }) => name)).toEqual(["blurred difference", "nearest neighbours", "denoising"]);
  await benchmark({ ...options, systems });
  expect(fitted).toEqual(["fabric", "tiles"]);
  const other = { ...config, image: { size: 64 } };
  await expect(benchmark({ ...options, systems: [{ system: own, config: other }] })).rejects.toThrow("other settings");
});
