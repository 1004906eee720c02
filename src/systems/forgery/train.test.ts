import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDetector, readDetector } from "../../detection/index.ts";
import { decodeImage } from "../../imaging/index.ts";
import { networkOf } from "../../nn/index.ts";
import { type Listener, readJson, readMetrics, readTensors, runFiles } from "../../training/index.ts";
import { configSchema, type ModelConfig } from "./config.ts";
import { readForgeryDataset } from "./data.ts";
import { inspectDataset } from "./inspect-dataset.ts";
import { writeForgeryDataset } from "./maker/index.ts";
import { evaluateRun, rebuildModel } from "./run.ts";
import { isBelow, trainForgeryDetector } from "./train.ts";

let folder: string;
let data: string;
const config = configSchema.parse({
  image: { size: 32 },
  network: {
    kernels: 2,
    generator: { width: 4, depths: [1, 1, 1] },
    detector: { width: 4, depths: [1, 1, 1], localFrequency: false },
  },
  alternation: { styleSteps: 3, generatorSteps: 2 },
  training: { steps: 6, batch: 4, checkpointEvery: 2, warmup: 1 },
});
const at = (name: string): string => join(folder, name);
const trained = (out: string, options: Partial<Parameters<typeof trainForgeryDetector>[0]> = {}) =>
  trainForgeryDetector({ data, out: at(out), config, threads: 1, ...options });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "forgery-"));
  data = at("data");
  await writeForgeryDataset(data, {
    images: { train: 6, validation: 4, test: 4 },
    kinds: ["splice/alpha", "noise"],
    width: 64,
    height: 64,
  });
  await trained("whole");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a run holds both networks in its checkpoint, and the detector alone in its model", async () => {
  const { tensors } = await readTensors(runFiles(at("whole")).checkpoint);
  const names = [...tensors.keys()];
  expect(names.some((name) => name.startsWith("generator.blend."))).toBe(true);
  expect(names.some((name) => name.startsWith("generator.style."))).toBe(true);
  expect(names.some((name) => name.startsWith("detector."))).toBe(true);
  const { model, description } = readDetector(await readFile(runFiles(at("whole")).model));
  const weights = [...tensors].filter(([name]) => /^detector\.(?!regions\.weights)/.test(name));
  const count = weights.reduce((sum, [name, { data: values }]) => sum + (name.includes("optimiser") ? 0 : values.length), 0);
  expect(model.constantCount).toBeLessThan(2 * count);
  expect(description).toMatchObject({ system: "forgery", imageScore: { kind: "classifier" } });
  expect(description.threshold?.normalImages).toBe(4);
});

test("the style branch begins with what it learnt alone, and is trained on", async () => {
  const [style, last] = await Promise.all(
    [at("whole/folds/style-branch"), at("whole")].map(async (run) => (await readTensors(runFiles(run).checkpoint)).tensors),
  );
  const name = [...style.keys()].find((key) => key.startsWith("generator.style.decoder") && last.has(key)) as string;
  const lines = await readMetrics(runFiles(at("whole")).metrics);
  expect(lines[0].generator_style).toBeDefined();
  expect(last.get(name)?.data).not.toEqual(style.get(name)?.data);
});

test("stopped in either stage and resumed, it ends with the same bits", async () => {
  const expected = await readFile(runFiles(at("whole")).checkpoint);
  const model = await readFile(runFiles(at("whole")).model);
  for (const stopAfter of [2, 3 + 3]) {
    const out = `stopped-${stopAfter}`;
    const stop = new AbortController();
    let steps = 0;
    const listener: Listener = ({ kind }) => {
      if (kind === "step" && ++steps === stopAfter) stop.abort();
    };
    expect((await trained(out, { listener, signal: stop.signal })).finished).toBe(false);
    expect((await trained(out, { resume: true })).finished).toBe(true);
    expect(await readFile(runFiles(at(out)).checkpoint)).toEqual(expected);
    expect(readDetector(await readFile(runFiles(at(out)).model)).description.threshold).toEqual(
      readDetector(model).description.threshold,
    );
  }
});

test("a run of other data or settings is not gone on with", async () => {
  await cp(at("whole"), at("other"), { recursive: true });
  await rm(runFiles(at("other")).model);
  const other = { ...config, loss: { ...config.loss, similarity: 2 } };
  await expect(trained("other", { config: other, resume: true })).rejects.toThrow(/checkpoint/);
});

test("the exported file judges alone: probability and map at the image's own size", async () => {
  const detector = await openDetector(await readFile(runFiles(at("whole")).model), { threads: 1, inThisThread: true });
  const { test: samples } = await readForgeryDataset(data);
  const image = await decodeImage(samples[0].path);
  const { score, map, anomalous } = await detector.detect(image);
  expect(score).toBeGreaterThan(0);
  expect(score).toBeLessThan(1);
  expect(map.length).toBe(64 * 64);
  expect(anomalous).toBe(score >= (detector.description.threshold?.value ?? Number.NaN));
  // What is ignored is greyed, and the score stays the classifier's, not a value of the map.
  const ignore = { width: 64, height: 64, data: new Uint8Array(64 * 64).fill(1, 0, 32 * 64) };
  const partly = await detector.detect(image, ignore);
  expect(partly.score).not.toBe(score);
  expect(Array.from(partly.map)).not.toContain(partly.score);
  await detector.close();
});

test("an evaluation measures images, regions and distorted images, and a report says so", async () => {
  const { measures, page, images } = await evaluateRun({ run: at("whole"), data, threads: 1 });
  expect(images).toBe(8);
  expect(Object.keys(measures)).toEqual(["auc", "eer", "ap", "accuracy", "balanced_accuracy", "region_iou", "region_ap"]);
  expect(page.robustness?.map(({ title }) => title)).toEqual(["JPEG", "blur", "resize", "noise", "crop"]);
  const stored = (await readJson(runFiles(at("whole")).evaluation)) as { images: unknown[]; robustness: { points: unknown[] } };
  expect(stored.images).toHaveLength(8);
  expect(stored.robustness.points).toHaveLength(27);
});

test("a model of an unfinished run has neither threshold nor calibration", async () => {
  await cp(at("whole"), at("unfinished"), { recursive: true });
  await rm(runFiles(at("unfinished")).model);
  const { description } = readDetector(await rebuildModel(at("unfinished")));
  expect(description.threshold).toBeUndefined();
  expect(description.provenance).toMatchObject({ unfinished: true });
});

test("without validation images of both classes there is a score and no verdict", async () => {
  const said: string[] = [];
  const listener: Listener = (event) => {
    if (event.kind === "warning") said.push(event.text);
  };
  const { finishDetector } = await import("./finish.ts");
  const { tensors } = await readTensors(runFiles(at("whole")).checkpoint);
  const stored = (await readJson(runFiles(at("whole")).config)) as ModelConfig;
  const { validation } = await readForgeryDataset(data);
  const ofReal = validation.filter(({ label }) => label === 0);
  const { model } = await finishDetector(networkOf(tensors), ofReal, { config: stored, provenance: {}, threads: 1, listener });
  expect(readDetector(model).description.threshold).toBeUndefined();
  expect(said.join()).toMatch(/no verdict/);
});

test("a kind that is left out is neither trained on nor validated with", async () => {
  const real = configSchema.parse({ ...config, trainOn: "real", data: { ...config.data, leaveOut: "noise" } });
  const { train, validation, test: tested } = await readForgeryDataset(data);
  expect(new Set([...train, ...validation, ...tested].map(({ group }) => group)).size).toBe(28);
  await trained("real", { config: { ...real, training: { ...real.training, steps: 1 } } });
  const { description } = readDetector(await readFile(runFiles(at("real")).model));
  expect(description.threshold).toBeDefined(); // splices are left for validation
  expect((await readJson(runFiles(at("real")).manifest)) as object).toMatchObject({ trainingImages: 9 });
});

test("training stops once the loss has been below the limit over ten lines", () => {
  const lines = (losses: readonly number[]) => losses.map((loss, step) => ({ step, loss }));
  expect(isBelow(lines(new Array(9).fill(0)), 1)).toBe(false);
  expect(isBelow(lines([9, ...new Array(10).fill(0.5)]), 1)).toBe(true);
  expect(isBelow(lines([9, 9, ...new Array(9).fill(0.5)]), 1)).toBe(false);
});

test("inspect says how the data are understood, and nothing of folders for other systems", async () => {
  const found = await inspectDataset({ path: data });
  expect(found?.lines.join("\n")).toMatch(/train\/noise +3 images, 3 with masks/);
  expect(found?.facts.test.real).toEqual({ images: 4, masks: 0, identities: 4 });
  expect(await inspectDataset({ path: join(data, "train", "masks") })).toBeUndefined();
});
