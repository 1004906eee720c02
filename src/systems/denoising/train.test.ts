import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDetector, readDetector, splitTraining, writeDetector } from "../../detection/index.ts";
import { createImage, createMask, readDataset, surface, writeMaskPng, writeSurfaces } from "../../imaging/index.ts";
import { frozen } from "../../nn/index.ts";
import type { Value } from "../../runtime/index.ts";
import { type ProgressEvent, readMetrics, readTensors, runFiles } from "../../training/index.ts";
import { type ConfigInput, configSchema, type ModelConfig } from "./config.ts";
import { detector } from "./detector.ts";
import { readConfig, rebuildModel } from "./run.ts";
import { train } from "./train.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const steps = 24;
const input: ConfigInput = {
  seed: 5,
  image: { size: 32 },
  network: { width: 4, depth: 2 },
  augmentation: { flipHorizontal: true },
  training: { steps, batch: 2, warmup: 4, checkpointEvery: 4 },
};
const config = configSchema.parse(input);
/** The same images to a step, in two batches, and averaged weights. */
const inParts: ConfigInput = { ...input, training: { ...input.training, batch: 1, accumulate: 2, average: 0.9 } };

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-train-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 32, trainCount: 12, testPerKind: 0, seed: 1 });
  data = join(folder, "tiles");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const out = (name: string) => join(folder, "runs", name);
const run = (name: string, options: Partial<Parameters<typeof train>[0]> = {}) =>
  train({ data, out: out(name), config, threads: 2, ...options });
const resultOf = async (name: string) => {
  const files = runFiles(out(name));
  return {
    checkpoint: await readFile(files.checkpoint),
    model: await readFile(files.model),
    log: Buffer.from(JSON.stringify((await readMetrics(files.metrics)).map(({ seconds, ...line }) => line))),
  };
};
/** Fails with a short message: a difference of thousands of bytes helps nobody. */
const expectSameResult = async (name: string, expected: string) => {
  const [is, should] = [await resultOf(name), await resultOf(expected)];
  const differing = Object.keys(is).filter((key) => !is[key as keyof typeof is].equals(should[key as keyof typeof is]));
  expect(differing, `files of "${name}" that differ from those of "${expected}"`).toEqual([]);
};

/** A training in a process of its own that writes every event as a line. */
const start = (name: string, given = input): ChildProcess => {
  const driver = `
    import { configSchema, train } from "lynceus/systems/denoising";
    import { writeSync } from "node:fs";
    const listener = (event) => writeSync(1, JSON.stringify(event) + "\\n");
    await train({ ...${JSON.stringify({ data, out: out(name), threads: 2 })}, config: configSchema.parse(${JSON.stringify(given)}), listener });
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", driver], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
};

/** Kills the process with SIGKILL as soon as the moment has come. */
const killAt = async (name: string, moment: (event: ProgressEvent) => boolean, given = input): Promise<void> => {
  const child = start(name, given);
  let rest = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (lines.some((line) => moment(JSON.parse(line)))) child.kill("SIGKILL");
  });
  expect(await new Promise((resolve) => child.on("close", (_, killedBy) => resolve(killedBy)))).toBe("SIGKILL");
};
const reached = (step: number) => (event: ProgressEvent) => event.kind === "step" && event.step === step;
const inStage = (text: string) => (event: ProgressEvent) => event.kind === "stage" && event.text === text;

describe("a training", () => {
  test("is the same, byte for byte, in another process and another folder", async () => {
    const summary = await run("undisturbed");
    expect(summary).toMatchObject({ finished: true, step: steps, skipped: [] });
    await run("again");
    await expectSameResult("again", "undisturbed");
    const child = start("another process");
    child.stdout!.resume();
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    await expectSameResult("another process", "undisturbed");
  });

  test.each<[string, (event: ProgressEvent) => boolean]>([
    ["before the first checkpoint", reached(3)],
    ["right when a checkpoint is written", reached(8)],
    ["between checkpoints", reached(18)],
    ["after the last step, before the model is written", inStage("setting the threshold")],
  ])("killed with SIGKILL %s, it ends where it would have ended", async (name, moment) => {
    await killAt(name, moment);
    // Whatever was being written when the process died: a file under its final name is whole.
    const files = runFiles(out(name));
    const before = await readTensors(files.checkpoint).catch((error: NodeJS.ErrnoException) => {
      expect(error.code).toBe("ENOENT");
      return undefined;
    });
    const seen: number[] = [];
    await run(name, { resume: true, listener: (event) => event.kind === "step" && seen.push(event.step) });
    const from = Number(before?.metadata.step ?? 0);
    expect(seen).toEqual(Array.from({ length: steps - from }, (_, i) => from + 1 + i));
    await expectSameResult(name, "undisturbed");
  });

  test("killed and resumed over and over, it still ends where it would have ended", async () => {
    for (const step of [5, 13]) {
      const stop = new AbortController();
      const listener = (event: ProgressEvent) => reached(step)(event) && stop.abort();
      const part = await run("stopped", { resume: true, listener, signal: stop.signal });
      expect(part).toMatchObject({ finished: false, step, threshold: undefined });
    }
    await run("stopped", { resume: true });
    await expectSameResult("stopped", "undisturbed");
  });

  test("of several batches to a step and averaged weights, killed with SIGKILL, it ends where it would have ended", async () => {
    const options = { config: configSchema.parse(inParts) };
    await run("in parts", options);
    await killAt("killed in parts", reached(14), inParts);
    await run("killed in parts", { ...options, resume: true });
    await expectSameResult("killed in parts", "in parts");
  });

  test("of averaged weights makes its model of them, also before its end", async () => {
    const stop = new AbortController();
    const listener = (event: ProgressEvent) => reached(6)(event) && stop.abort();
    const options = { config: configSchema.parse(inParts), listener, signal: stop.signal };
    await run("unfinished", options);
    const { folder, checkpoint } = runFiles(out("unfinished"));
    const { tensors } = await readTensors(checkpoint);
    const averages = [...tensors].flatMap(([name, value]) =>
      name.startsWith("average.") ? [[name.slice("average.".length), value] as const] : [],
    );
    const config = (await readConfig(folder)) as ModelConfig;
    const modelOf = (network: ReadonlyMap<string, Value>) =>
      Buffer.from(
        writeDetector(detector(frozen(network), config), {
          system: "denoising",
          preprocess: config.image,
          imageScore: { kind: "max" },
          config,
          threshold: undefined,
          provenance: { unfinished: true },
        }),
      );
    const rebuilt = await rebuildModel(folder);
    expect(modelOf(new Map(averages)).equals(rebuilt)).toBe(true);
    expect(modelOf(tensors).equals(rebuilt)).toBe(false);
  });

  test("with folds, every image helps to set the threshold of a network trained on all; killed in any of them, it ends the same", async () => {
    const folded: ConfigInput = { ...input, validation: { folds: 3 }, training: { ...input.training, steps: 6 } };
    const options = { config: configSchema.parse(folded) };
    const { threshold } = await run("folded", options);
    expect(threshold).toMatchObject({ normalImages: 12, attainedRate: expect.closeTo(1 / 13, 9) });
    const { folds } = runFiles(out("folded"));
    const scores = [];
    for (const fold of ["1", "2", "3"]) {
      const scored = JSON.parse(await readFile(join(folds, fold, "evaluation.json"), "utf8")).scores as { score: number }[];
      expect(scored).toHaveLength(4);
      scores.push(...scored.map(({ score }) => score));
    }
    // Just above the highest score that any image got from the network that had not seen it.
    expect(threshold!.value).toBeGreaterThan(Math.max(...scores));
    expect(threshold!.value).toBeLessThan(Math.max(...scores) * (1 + 1e-6));
    const secondFold = (() => {
      let stage = "";
      return (event: ProgressEvent) => {
        if (event.kind === "stage" && event.text.startsWith("network")) stage = event.text;
        return stage.startsWith("network 2") && reached(5)(event);
      };
    })();
    await killAt("killed in a fold", secondFold, folded);
    const first = await readFile(join(runFiles(out("killed in a fold")).folds, "1", "evaluation.json"));
    const seen: number[] = [];
    await run("killed in a fold", {
      ...options,
      resume: true,
      listener: (event) => event.kind === "step" && seen.push(event.step),
    });
    expect(seen).toEqual([5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(await readFile(join(runFiles(out("killed in a fold")).folds, "1", "evaluation.json"))).toEqual(first);
    await expectSameResult("killed in a fold", "folded");
  });

  test("with a region of interest, it goes on with its own copy when the picture has gone, and keeps the way to it to itself", async () => {
    const roi = join(folder, "region.png");
    const mask = createMask(32, 32);
    mask.data.fill(1, 0, 16 * 32);
    await writeMaskPng(roi, mask);
    const given = { ...input, image: { size: 32, roi }, training: { ...input.training, steps: 8 } };
    const options = { config: configSchema.parse(given) };
    await run("with region", options);
    await killAt("killed with region", reached(6), given);
    await rm(roi);
    await run("killed with region", { ...options, resume: true });
    await expectSameResult("killed with region", "with region");
    const { model, description } = readDetector(await readFile(runFiles(out("with region")).model));
    expect(model.results.map(({ name }) => name)).toContain("inspected");
    expect(JSON.stringify(description)).not.toContain(folder);
    // Whatever is outside, right up to the border, changes nothing inside: not through windows, convolutions or smoothing.
    const opened = await openDetector(await readFile(runFiles(out("with region")).model), { inThisThread: true, threads: 1 });
    const plain = surface("tiles", { size: 32, seed: 1, index: 50 }).image;
    const junk = createImage(
      32,
      32,
      Uint8Array.from(plain.data, (value, i) => (i < 16 * 32 * 3 ? value : (i * 97) % 256)),
    );
    const [quiet, loud] = [await opened.detect(plain), await opened.detect(junk)];
    expect(loud.score).toBe(quiet.score);
    expect([...loud.map.slice(0, 16 * 32)]).toEqual([...quiet.map.slice(0, 16 * 32)]);
    await expect(opened.detect(createImage(64, 32))).rejects.toThrow("not those of the region of interest");
    await opened.close();
    // Another region is another training: the weights of pixels differ.
    await writeMaskPng(
      roi,
      createMask(
        32,
        32,
        mask.data.map((value) => 1 - value),
      ),
    );
    await run("other region", options);
    expect((await resultOf("other region")).checkpoint.equals((await resultOf("with region")).checkpoint)).toBe(false);
  });

  test("leaves a run folder that explains itself", async () => {
    const files = runFiles(out("undisturbed"));
    const stored = await readConfig(files.folder);
    expect(stored).toEqual({ ...config, image: { ...config.image, channels: 3, depth: 8 } });
    expect((await readMetrics(files.metrics)).map(({ step }) => step)).toEqual([1, 10, 20, 24]);
    const manifest = JSON.parse(await readFile(files.manifest, "utf8"));
    expect(manifest).toMatchObject({ system: "denoising", data, trainingImages: 11, validationImages: 1 });
    const { description } = readDetector(await readFile(files.model));
    // The way to the data stays on this machine.
    expect(description).toMatchObject({ system: "denoising", config: stored, provenance: { ...manifest, data: "tiles" } });
    expect(description.threshold).toMatchObject({ falseAlarmRate: 0.05, normalImages: 1 });
    expect((await readdir(files.folder)).sort()).toEqual([
      "checkpoints",
      "config.json",
      "manifest.json",
      "metrics.jsonl",
      "model.onnx",
    ]);
  });

  test("does not go on with other settings or other images", async () => {
    const message = "belongs to other settings or other images";
    await cp(out("undisturbed"), out("copy"), { recursive: true });
    const before = await readFile(runFiles(out("copy")).manifest, "utf8");
    await expect(run("copy", { resume: true, config: { ...config, seed: 6 } })).rejects.toThrow(message);
    const other = join(folder, "other");
    await cp(data, other, { recursive: true });
    const { training } = splitTraining((await readDataset(other)).train, config);
    await cp(training[0].path, training[1].path);
    await expect(run("copy", { resume: true, data: other })).rejects.toThrow(message);
    // Refused before anything is written: the right settings still go on.
    expect(await readFile(runFiles(out("copy")).manifest, "utf8")).toBe(before);
    await run("copy", { resume: true });
  });

  test("names what it skips, and says when nothing is left", async () => {
    const broken = join(folder, "broken");
    await cp(data, broken, { recursive: true });
    const { training } = splitTraining((await readDataset(broken)).train, config);
    await writeFile(training[0].path, "not a picture");
    const short = { ...config, training: { ...config.training, steps: 1 } };
    const { skipped } = await run("broken", { data: broken, config: short });
    expect(skipped.map(({ path }) => path)).toEqual([training[0].path]);
    expect(skipped[0].reason).toContain(training[0].path);
    for (const { path } of training) await writeFile(path, "not a picture");
    await expect(run("nothing", { data: broken, config: short })).rejects.toThrow(
      `None of the training images of "${broken}" could be read.`,
    );
  });
});
