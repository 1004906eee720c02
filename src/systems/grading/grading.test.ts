import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSlide } from "../../imaging/index.ts";
import { openRuntime, type Values } from "../../runtime/index.ts";
import type { ProgressEvent } from "../../training/index.ts";
import { runFiles } from "../../training/index.ts";
import { NO_CLASS } from "./classes.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { readSlides } from "./data.ts";
import { writePhantomDataset } from "./phantom/index.ts";
import { planPatches } from "./plan-patches.ts";
import { predictSlide } from "./predict.ts";
import type { SlideResult } from "./result.ts";
import { openSegmenter, readGrader } from "./segmenter.ts";
import { grading } from "./system.ts";
import { trainGrader } from "./train.ts";
import { type TrainingPatch, type TrainingPatches, trainingPatches } from "./training-patches.ts";
import { batchMaker, buildStep } from "./training-step.ts";

web.env.wasm.numThreads = 1;

const configOf = (given: ConfigInput = {}): Config =>
  configSchema.parse({
    patch: 32,
    network: { width: 8, heads: [1, 2, 2, 4], window: 4, channels: 8 },
    ...given,
    training: { steps: 4, batch: 2, checkpointEvery: 2, warmup: 1, ...given.training },
  });

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-grading-"));
  data = join(folder, "data");
  await writePhantomDataset(data, { slides: { train: 6, test: 2 }, width: 256, height: 256, slidesPerPatient: 1 });
  await trainGrader({ data, out: join(folder, "run"), config: configOf(), threads: 1 });
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

const modelOf = (run = "run"): Promise<Buffer> => readFile(runFiles(join(folder, run)).model);

describe("training", () => {
  test("batches are a function of their number: pixels, and the classes of the same pixels, turned alike", async () => {
    const config = configOf({ augmentation: { brightness: 0, contrast: 0 } });
    const { slides } = await readSlides(data);
    const patches = await trainingPatches(
      slides.filter(({ split }) => split === "train"),
      config,
    );
    const batch = batchMaker(patches, config);
    const [first, again] = [await batch(3), await batch(3)];
    expect(again).toEqual(first);
    expect((await batch(4)).x.data).not.toEqual(first.x.data);
    // White glass is background, whichever way a patch was turned: the classes go with the pixels.
    let [agree, all] = [0, 0];
    for (let number = 1; number <= 20; number++) {
      const { x, labels } = await batch(number);
      const area = 32 * 32;
      for (let row = 0; row < 2; row++) {
        for (let i = 0; i < area; i++) {
          const brightness = [0, 1, 2].reduce((sum, c) => sum + (x.data as Float32Array)[(row * 3 + c) * area + i] / 3, 0);
          if (brightness < 0.93) continue;
          all++;
          if ((labels.data as BigInt64Array)[row * area + i] === 0n) agree++;
        }
      }
    }
    await patches.close();
    expect(all).toBeGreaterThan(500);
    expect(agree / all).toBeGreaterThan(0.75);
  });

  test("classes go with their pixels, however a patch is turned; pixels without a class do not count", async () => {
    // Patches whose red says the class of each pixel.
    const patchOf = (index: number): TrainingPatch => {
      const labels = Uint8Array.from({ length: 32 * 32 }, (_, i) => [0, 1, 2, 3, NO_CLASS][(i * i + (i >> 5) * 7 + index) % 5]);
      return { labels, pixels: Uint8Array.from({ length: 3 * labels.length }, (_, i) => (i % 3 === 0 ? labels[i / 3] : 9)) };
    };
    const patches: TrainingPatches = {
      count: 6,
      slides: [],
      skipped: [],
      get: async (index) => patchOf(index),
      close: async () => {},
    };
    const batch = batchMaker(patches, configOf({ augmentation: { brightness: 0, contrast: 0, shift: 0.2 } }));
    const turned = new Set<string>();
    for (let number = 1; number <= 6; number++) {
      const { x, labels, counts } = await batch(number);
      for (let row = 0; row < 2; row++) {
        const red = (x.data as Float32Array)
          .subarray(row * 3 * 1024, row * 3 * 1024 + 1024)
          .map((value) => Math.round(255 * value));
        const own = (labels.data as BigInt64Array).subarray(row * 1024, (row + 1) * 1024);
        const counted = (counts.data as Float32Array).subarray(row * 1024, (row + 1) * 1024);
        expect(Array.from(own, Number)).toEqual(Array.from(red, (value) => (value === NO_CLASS ? 0 : value)));
        expect([...counted]).toEqual(Array.from(red, (value) => (value === NO_CLASS ? 0 : 1)));
        turned.add(red.join());
      }
    }
    expect(turned.size).toBeGreaterThan(6);
  });

  test("joint training: half a batch is of one slide, from some step on, and its grade's loss reaches the network's first layer", async () => {
    const config = configOf({ loss: { slide: 1, slideAfter: 0.5 }, validation: { folds: 0 }, training: { steps: 4 } });
    const { slides } = await readSlides(data);
    const patches = await trainingPatches(slides.slice(0, 3), config, {});
    const [batch, alone] = [batchMaker(patches, config), batchMaker(patches, configOf())];
    const [before, after] = [await batch(2), await batch(3)];
    expect(before.x).toEqual((await alone(2)).x);
    expect(before.slideWeight.data[0]).toBe(0);
    expect(after.slideWeight.data[0]).toBe(1);
    const size = 3 * 32 * 32;
    const row = ({ x }: Values, index: number) => [...(x.data as Float32Array).subarray(index * size, (index + 1) * size)];
    expect(row(after, 1)).toEqual(row(await alone(3), 1));
    expect(row(after, 0)).not.toEqual(row(await alone(3), 0));
    await patches.close();

    const firstLayerAfter = async (slideWeight: number) => {
      const step = buildStep(config);
      const runtime = openRuntime({ threads: 1 });
      await runtime.writeState(new Map(step.initialState()));
      const loaded = await runtime.load(step.program);
      const weight = { data: Float32Array.of(slideWeight), shape: [] };
      await loaded.run({ ...after, slideWeight: weight, ...step.schedule(1, 0.01) });
      const state = await runtime.readState();
      await runtime.close();
      return state.get("backbone.embed.conv.weight");
    };
    const without = await firstLayerAfter(0);
    expect(await firstLayerAfter(0)).toEqual(without);
    expect(await firstLayerAfter(1)).not.toEqual(without);
  });

  test("weights of a network of another width are refused with a reason", async () => {
    const weights = join(folder, "run", "checkpoints", "last.safetensors");
    const config = configOf({ network: { width: 16, heads: [1, 2, 2, 4], window: 4, channels: 8, weights } });
    await expect(trainGrader({ data, out: join(folder, "wide"), config, threads: 1 })).rejects.toThrow(
      /fit \d+ of the \d+ parameters of this network alone, since for ".+" its shape is/,
    );
  });

  test("without slides left out, joint training keeps the rule that it learnt", async () => {
    const config = configOf({ loss: { slide: 1, slideAfter: 0 }, validation: { folds: 0 } });
    const events: ProgressEvent[] = [];
    const out = join(folder, "joint");
    await trainGrader({ data, out, config, threads: 1, listener: (event) => events.push(event) });
    const lines = (await readFile(runFiles(out).metrics, "utf8")).trim().split("\n");
    const first = JSON.parse(lines[0]);
    expect(first.slide).toBeGreaterThan(0);
    expect(first.loss).toBeGreaterThan(first.slide);
    expect(events.some((event) => event.kind === "step" && event.step === 4)).toBe(true);
    // Without slides left out, the rule is the one that was learnt with the network; it began with 4 on the diagonal.
    const { weights } = readGrader(await modelOf("joint")).description.grading?.rule ?? { weights: [] };
    expect(weights.map((row) => row.length)).toEqual([6, 6, 6, 6, 6, 6]);
    expect(weights[0][0]).not.toBe(4);
    expect(Math.abs(weights[0][0] - 4)).toBeLessThan(0.5);
  });

  test("stopped and resumed, it ends with the same bits; the rule for the slide's grade is learnt from slides left out", async () => {
    const out = join(folder, "stopped");
    let steps = 0;
    for (let part = 0; part < 4; part++) {
      const controller = new AbortController();
      const listener = (event: ProgressEvent): void => {
        if (event.kind === "step" && ++steps % 3 === 0 && part < 3) controller.abort();
      };
      const { finished } = await trainGrader({
        data,
        out,
        config: configOf(),
        threads: 1,
        resume: true,
        listener,
        signal: controller.signal,
      });
      if (finished) break;
    }
    expect((await readFile(runFiles(out).model)).equals(await modelOf())).toBe(true);
    const { grading: rule } = await openSegmenter(await modelOf()).then(async (segmenter) => {
      await segmenter.close();
      return segmenter;
    });
    expect(rule?.rule.weights).toHaveLength(6);
    expect(rule?.calibration?.cases).toBe(6);
    expect(rule?.mapCalibration?.cases).toBe(6);
    // Six slides are too few to learn limits from.
    expect(rule?.limits).toEqual({ minimumCancer: 0.02, minimumPattern: 0.05 });
    const graded = (
      await Promise.all(
        [1, 2].map(async (fold) => JSON.parse(await readFile(join(out, "folds", `${fold}`, "graded.json"), "utf8")).found),
      )
    ).flat();
    expect(new Set(graded.map(({ name }: { name: string }) => name)).size).toBe(6);
  });
});

test("a data set's validation slides are not trained on: the rule and its calibration are learnt from them", async () => {
  const rows = (await readFile(join(data, "slides.csv"), "utf8")).split("\n");
  const divided = rows.map((row, index) => (index === 2 || index === 5 ? row.replace(",train", ",validation") : row));
  const table = join(data, "divided.csv");
  await writeFile(table, divided.join("\n"));
  const out = join(folder, "divided");
  await trainGrader({ data: table, out, config: configOf(), threads: 1 });
  expect(JSON.parse(await readFile(runFiles(out).manifest, "utf8")).trainingSlides).toBe(4);
  expect(await readdir(out)).not.toContain("folds");
  const { grading: learnt } = readGrader(await modelOf("divided")).description;
  expect(learnt?.calibration?.cases).toBe(2);
});

describe("first values and skipped branches", () => {
  test("a training begins with published values where there are any, and says what is wrong with their file", async () => {
    const name = "backbone.stage0.block0.mlp.first.weight";
    const seeded = new Map(buildStep(configOf()).initialState());
    const shape = seeded.get(name)?.shape ?? [];
    const value = { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5) };
    const first = new Map(buildStep(configOf(), new Map([[name, value]])).initialState());
    expect(first).toEqual(new Map([...seeded, [name, value]]));
    const config = configOf({ network: { weights: join(folder, "swin.safetensors") } });
    await expect(trainGrader({ data, out: join(folder, "published"), config })).rejects.toThrow(
      /swin.safetensors" cannot be read/,
    );
  });

  test("each step of a training skips branches of its own, and the network has their input", async () => {
    const patches = await trainingPatches((await readSlides(data)).slides.slice(0, 1), configOf());
    const config = configOf({ network: { stochasticDepth: 0.5 } });
    const batch = batchMaker(patches, config);
    const [one, two] = [(await batch(1)).kept, (await batch(2)).kept];
    await patches.close();
    expect(one.shape).toEqual([16, 2]);
    expect(one.data).not.toEqual(two.data);
    expect(buildStep(config).program.feeds.map(({ name }) => name)).toContain("kept");
    expect(buildStep(configOf()).program.feeds.map(({ name }) => name)).not.toContain("kept");
  });
});

describe("prediction", () => {
  const predict = async (path: string, place: string, signal?: AbortSignal, listener?: (event: ProgressEvent) => void) => {
    const segmenter = await openSegmenter(await modelOf(), { threads: 1 });
    let seen = 0;
    const segment = (patches: Uint8Array) => {
      seen += patches.length / (3 * 32 * 32);
      return segmenter.segment(patches);
    };
    try {
      const predicted = await predictSlide({ ...segmenter, segment }, path, {
        folder: join(folder, place),
        modelDigest: "model",
        signal,
        listener,
      });
      const { labels, result } = predicted;
      const map = await labels.read(0, 0, labels.width, labels.height);
      await predicted.close();
      return { map, result, seen };
    } finally {
      await segmenter.close();
    }
  };
  const timeless = ({ seconds: _, ...rest }: SlideResult) => rest;

  test("interrupted, it goes on after the finished patches, to the same result, and leaves nothing behind", async () => {
    const { slides } = await readSlides(data);
    const [{ path }] = slides;
    const whole = await predict(path, "whole");
    expect(whole.result.patches.length).toBeGreaterThan(16);
    expect(whole.result.areas.reduce((sum, area) => sum + area, 0)).toBe(whole.map.filter((label) => label !== 255).length);
    const controller = new AbortController();
    const stop = (event: ProgressEvent): void => {
      if (event.kind === "count" && event.text.endsWith("patches") && event.done === 9) controller.abort(new Error("enough"));
    };
    await expect(predict(path, "parts", controller.signal, stop)).rejects.toThrow("enough");
    const again = await predict(path, "parts");
    expect(whole.seen).toBe(whole.result.patches.length);
    expect(again.seen).toBe(whole.seen - 16); // the two batches that had begun were finished
    expect(again.map).toEqual(whole.map);
    expect(timeless(again.result)).toEqual(timeless(whole.result));
    expect(await readdir(join(folder, "parts"))).toEqual([]);
  });

  test("the exported network agrees with the browser's runtime", async () => {
    const model = await modelOf();
    const session = await web.InferenceSession.create(model);
    const segmenter = await openSegmenter(model, { threads: 1 });
    const slide = await openSlide((await readSlides(data)).slides[0].path);
    const { patches } = await planPatches(slide, segmenter.config);
    const { data: pixels } = await slide.read(0, { x: patches[3].x, y: patches[3].y, width: 32, height: 32 });
    const { probabilities } = await session.run({ patches: new web.Tensor("uint8", pixels, [1, 32, 32, 3]) });
    const here = await segmenter.segment(pixels);
    let largest = 0;
    for (const [i, value] of here.entries())
      largest = Math.max(largest, Math.abs(value - (probabilities.data as Float32Array)[i]));
    expect(largest).toBeLessThan(1e-4);
    await Promise.all([session.release(), segmenter.close(), slide.close()]);
  });

  test("a run is evaluated on slides that were not trained on, with grades by both rules", async () => {
    const run = join(folder, "run");
    const { measures, images, report } = await grading.evaluateRun({ run, data, threads: 1 });
    expect(images).toBe(2);
    expect(measures).toHaveProperty("quadratic_kappa_map");
    expect(measures).toHaveProperty("dice_gleason_4");
    expect(await readFile(report, "utf8")).toContain("For research use only");
  });
});
