import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDetector } from "../../detection/index.ts";
import { stopGradient } from "../../graph/index.ts";
import { type Sample, surface } from "../../imaging/index.ts";
import { frozen, sgd, trainingStep } from "../../nn/index.ts";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import type { ProgressEvent } from "../../training/index.ts";
import type { Config, ConfigInput, ModelConfig } from "./config.ts";
import { chooseExemplars, viewOf } from "./data.ts";
import { normalityLoss } from "./losses.ts";
import { rememberExemplars } from "./memory/first-memory.ts";
import { student, studentOptions } from "./model.ts";
import { distillation } from "./system.ts";
import { teacherOf } from "./teacher.ts";
import { compute, type Floats, largestDifference, noise, rowsOf, vectorAt } from "./testing/graphs.ts";
import { expectAgreement, openRuns, size, steps } from "./testing/runs.ts";
import { teacherFile, tinyTeacher } from "./testing/tiny-teacher.ts";
import { buildStep } from "./train.ts";

const bytes = tinyTeacher();
let runs: Awaited<ReturnType<typeof openRuns>>;
beforeAll(async () => {
  runs = await openRuns();
});
afterAll(() => runs.close());

const settledOf = (config: Config): ModelConfig => ({ ...config, image: { ...config.image, channels: 3, depth: 8 } });
/** The step of a configuration, without training it, and what it is fed. */
const stepOf = (config: Config) => {
  const settled = settledOf(config);
  const view = viewOf(teacherOf(teacherFile(bytes), config.teacher, size), settled);
  return { view, step: buildStep(view, settled) };
};
const bitsOf = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");
/** The constants of a model, bit by bit. */
const constantsOf = (model: Uint8Array): Map<string, string> =>
  new Map(
    fromBinary(ModelProtoSchema, model).graph!.initializer.map(({ rawData, name }) => [
      Buffer.from(rawData).toString("base64"),
      name,
    ]),
  );
/** Of the tiny teacher, what its map of stride 8 takes: weights and biases of three convolutions. */
const teacherWeights = (): string[] => {
  const weights = constantsOf(tinyTeacher({ channels: [4, 5, 6] }));
  expect(weights.size).toBe(6);
  return [...weights.keys()];
};
const isOfNetwork = (name: string): boolean => /^(embedding|scale\d)\./.test(name);

describe("a training", () => {
  beforeAll(async () => {
    expect(await runs.run("plain")).toMatchObject({ finished: true, step: steps, skipped: [] });
  });

  test("changes keys, values and projections, and saves them in checkpoint and model", async () => {
    // Without learning, the memory is what it began with: features of exemplars.
    await runs.run("begun", { training: { learningRate: 1e-30 } });
    const [before, state] = [await runs.stateOf("begun"), await runs.stateOf("plain")];
    const saved = constantsOf(await runs.modelOf("plain"));
    for (const name of ["scale0.memory.keys", "scale0.memory.values", "scale1.memory.projection"]) {
      const [first, last] = [before.get(name)!, state.get(name)!];
      expect(largestDifference(last, first), name).toBeGreaterThan(1e-4);
      expect(saved.has(bitsOf(last)), name).toBe(true);
      expect(saved.has(bitsOf(first)), name).toBe(false);
    }
  });

  test.each([
    ["cached features", "plain", {}],
    // An augmentation that is on, and changes nothing that is seen.
    ["pixels", "on pixels", { augmentation: { shift: 1e-9 } }],
  ])("on %s keeps none of the teacher's weights as state, and writes them as they were", async (view, name, given) => {
    const { step } = stepOf(runs.configOf(given));
    const weights = teacherWeights();
    for (const [, { data }] of step.initialState()) expect(weights).not.toContain(bitsOf(data as Float32Array));
    expect(step.networkState.filter((state) => !isOfNetwork(state))).toEqual([]);
    const inProgram = constantsOf(step.program.model);
    for (const weight of weights) expect(inProgram.has(weight)).toBe(view === "pixels");
    if (view === "pixels") await runs.run(name, given);
    const inModel = constantsOf(await runs.modelOf(name));
    for (const weight of weights) expect(inModel.has(weight)).toBe(true);
  });

  test("on cached features sees what it sees on pixels", async () => {
    const [cached, seen] = [await runs.stateOf("plain"), await runs.stateOf("on pixels")];
    for (const [name, values] of cached) {
      if (isOfNetwork(name)) expect(largestDifference(values, seen.get(name)!), name).toBeLessThan(1e-3);
    }
  });

  test("stopped before, between and at checkpoints and resumed, it ends with the same bits", async () => {
    const seen: number[] = [];
    for (const stop of [1, 4, steps]) {
      const controller = new AbortController();
      const listener = (event: ProgressEvent) => {
        if (event.kind !== "step") return;
        seen.push(event.step);
        if (event.step === stop && stop < steps) controller.abort();
      };
      const part = await runs.run("stopped", {}, { resume: true, listener, signal: controller.signal });
      expect(part).toMatchObject({ finished: stop === steps, step: stop });
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    for (const file of ["model", "checkpoint"] as const) {
      const [is, should] = await Promise.all(["stopped", "plain"].map((name) => readFile(runs.filesOf(name)[file])));
      expect(is.equals(should), file).toBe(true);
    }
  });

  test("goes on with the same teacher wherever it lies, and not with another", async () => {
    const [moved, other] = ["moved.onnx", "other.onnx"].map((name) => join(runs.folder, name));
    await writeFile(moved, bytes);
    await writeFile(other, tinyTeacher({ seed: 1 }));
    const { folder, checkpoint } = runs.filesOf("copy");
    await cp(runs.filesOf("plain").folder, folder, { recursive: true });
    const before = await readFile(checkpoint);
    const message = "belongs to other settings or other images";
    await expect(runs.run("copy", { teacher: { model: other } }, { resume: true })).rejects.toThrow(message);
    await expect(runs.run("copy", { teacher: { scaling: "unit" } }, { resume: true })).rejects.toThrow(message);
    await runs.run("copy", { teacher: { model: moved } }, { resume: true });
    expect(before.equals(await readFile(checkpoint))).toBe(true);
  });

  test("says whom it learnt from, and not where that lies", async () => {
    const { description, model } = readDetector(await runs.modelOf("plain"));
    const teacher = {
      name: "tiny.onnx",
      digest: teacherFile(bytes).digest,
      features: [
        { name: "stride4", stride: 4, channels: 5 },
        { name: "stride8", stride: 8, channels: 6 },
      ],
    };
    expect(description.provenance).toMatchObject({ teacher });
    expect((description.config as Config).teacher.model).toBe("tiny.onnx");
    expect(Object.values(model.metadata).join()).not.toContain(runs.folder);
    const { manifest, folder } = runs.filesOf("plain");
    expect(JSON.parse(await readFile(manifest, "utf8"))).toMatchObject({ teacher });
    const exemplars: string[] = JSON.parse(await readFile(join(folder, "exemplars.json"), "utf8"));
    expect(new Set(exemplars).size).toBe(4);
    expect(exemplars.join()).not.toContain(runs.folder);
  });

  test("unfinished gives a model of its last checkpoint", async () => {
    const controller = new AbortController();
    const listener = (event: ProgressEvent) => event.kind === "step" && event.step === 3 && controller.abort();
    await runs.run("unfinished", {}, { listener, signal: controller.signal });
    const rebuilt = await distillation.rebuildModel(runs.filesOf("unfinished").folder);
    expect(readDetector(rebuilt).description).toMatchObject({
      system: "distillation",
      provenance: { teacher: { name: "tiny.onnx" }, unfinished: true },
    });
    expect(readDetector(rebuilt).description.threshold).toBeUndefined();
    const keys = bitsOf((await runs.stateOf("unfinished")).get("scale0.memory.keys")!);
    expect(constantsOf(rebuilt).has(keys)).toBe(true);
    await expectAgreement(rebuilt, [surface("tiles", { size, seed: 1, index: 30 }).image]);
    const { config, folder } = runs.filesOf("unfinished");
    const [stored, other] = [await readFile(config, "utf8"), join(runs.folder, "swapped.onnx")];
    await writeFile(other, tinyTeacher({ seed: 1 }));
    await writeFile(config, stored.replace(/"[^"]*tiny.onnx"/, JSON.stringify(other)));
    await expect(distillation.rebuildModel(folder)).rejects.toThrow("was begun with another teacher");
    const finished = await distillation.rebuildModel(runs.filesOf("plain").folder);
    expect(Buffer.compare(finished, await runs.modelOf("plain"))).toBe(0);
  });
});

/** Trains on noise in place of features, without files: what each step reports, and the last state. */
const trainOnNoise = async (given: ConfigInput, count: number) => {
  const config = settledOf(runs.configOf(given));
  const { view, step } = stepOf(config);
  const runtime = openLocalRuntime({ threads: 1 });
  const first = new Map(step.initialState());
  await runtime.writeState(first);
  const loaded = await runtime.load(step.program);
  const lines: Record<string, number>[] = [];
  const feeds = (number: number) => ({
    x: noise([config.training.batch, ...view.shape], "image", number % 3),
    exemplars: noise([config.memory.exemplarsPerStep, ...view.shape], "exemplar", number % 2),
  });
  const names = new Set(step.program.feeds.map(({ name }) => name));
  for (let number = 1; number <= count; number++) {
    const wanted = Object.fromEntries(Object.entries(feeds(number)).filter(([name]) => names.has(name)));
    const found = await loaded.run({ ...wanted, ...step.schedule(number, config.training.learningRate) });
    lines.push(Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, Number(data[0])])));
  }
  const last = await runtime.readState();
  await runtime.close();
  const weights = step.networkState.filter((name) => !/running_(mean|variance)$/.test(name));
  const changed = weights.filter(
    (name) => largestDifference(last.get(name)!.data as Float32Array, first.get(name)!.data as Float32Array) > 0,
  );
  return { lines, weights, changed };
};

describe("what is learnt", () => {
  const recalled = ["scale0.memory.query.weight", "scale0.memory.keys", "scale0.memory.values"];

  test("from the exemplars: the memory's keys, values and query, and nothing else", async () => {
    const config = settledOf(runs.configOf({}));
    const { view } = stepOf(config);
    const step = trainingStep({
      batch: { exemplars: [2, ...view.shape] },
      objective: (p, { exemplars }) => ({
        loss: normalityLoss(student(p, view.features(exemplars), studentOptions(config), stopGradient).recollections),
      }),
      optimiser: sgd(),
    });
    const runtime = openLocalRuntime({ threads: 1 });
    const first = new Map(step.initialState());
    await runtime.writeState(first);
    const loaded = await runtime.load(step.program);
    await loaded.run({ exemplars: noise([2, ...view.shape], "exemplar"), ...step.schedule(1, 1) });
    const last = await runtime.readState(step.networkState);
    await runtime.close();
    const changed = [...last].filter(([name, { data }]) => {
      return !name.includes("running") && largestDifference(data as Float32Array, first.get(name)!.data as Float32Array) > 0;
    });
    expect(changed.map(([name]) => name).sort()).toEqual([...recalled].sort());
  });

  test("before the first step: features of exemplars are remembered, each as it is, beside what asks for it", async () => {
    const config = settledOf(runs.configOf({ memory: { items: 6, exemplars: 3 } }));
    const { view, step } = stepOf(config);
    const samples = Array.from(
      { length: 5 },
      (_, i): Sample => ({ split: "train", kind: "good", label: 0, name: `${i}`, path: `${i}` }),
    );
    const images = {
      samples,
      skipped: [],
      get: async (index: number) => ({ x: noise(view.shape, "image", index).data, counts: undefined }),
    };
    const runtime = openLocalRuntime({ threads: 1 });
    const first = new Map(step.initialState());
    await runtime.writeState(first);
    await rememberExemplars(runtime, view, config, images);
    const state = await runtime.readState();
    await runtime.close();
    const other = [...state].filter(
      ([name, { data }]) => largestDifference(data as Float32Array, first.get(name)!.data as Float32Array) > 0,
    );
    expect(other.map(([name]) => name).sort()).toEqual(["scale0.memory.keys", "scale0.memory.values"]);

    // Each pair is what one position of an exemplar is asked with, and its feature; no position is remembered twice.
    const p = frozen(state as ReadonlyMap<string, Value>);
    const [keys, values] = ["keys", "values"].map((name) => rowsOf(state.get(`scale0.memory.${name}`) as Floats));
    const seen: string[] = [];
    for (const exemplar of chooseExemplars(images, 3, config.seed)) {
      const x = { shape: [1, ...view.shape], data: (await images.get(exemplar)).x };
      const { asked, query } = await compute([x], (given) => {
        const [{ asked, query }] = student(p, view.features(given), studentOptions(config)).recollections;
        return { asked, query };
      });
      const positions = asked.shape[2] * asked.shape[3];
      for (let position = 0; position < positions; position++) {
        seen.push([vectorAt({ ...query, shape: asked.shape }, 0, position), vectorAt(asked, 0, position)].flat().join());
      }
    }
    const remembered = keys.map((key, item) => [...key, ...values[item]].join());
    expect(new Set(remembered).size).toBe(6);
    for (const pair of remembered) expect(seen).toContain(pair);
  });

  test("before the first step: of what is ignored, nothing is remembered", async () => {
    const config = settledOf(runs.configOf({ memory: { items: 40, exemplars: 5 } }));
    const { view, step } = stepOf(config);
    const counts = Float32Array.from({ length: size * size }, (_, i) => (i < (size * size) / 2 ? 1 : 0));
    const sample: Sample = { split: "train", kind: "good", label: 0, name: "0", path: "0" };
    const x = noise(view.shape, "image").data;
    const images = { samples: [sample], skipped: [], get: async () => ({ x, counts }) };
    const runtime = openLocalRuntime({ threads: 1 });
    await runtime.writeState(new Map(step.initialState()));
    await rememberExemplars(runtime, view, config, images);
    const state = await runtime.readState();
    await runtime.close();
    const { asked } = await compute([{ shape: [1, ...view.shape], data: x }], (given) => {
      const [{ asked }] = student(
        frozen(state as ReadonlyMap<string, Value>),
        view.features(given),
        studentOptions(config),
      ).recollections;
      return { asked };
    });
    const positions = asked.shape[2] * asked.shape[3];
    const seen = Array.from({ length: positions }, (_, position) => vectorAt(asked, 0, position).join());
    const remembered = rowsOf(state.get("scale0.memory.values") as Floats).map((row) => row.join());
    // Fewer positions than items: all that count are there, more than once.
    expect(new Set(remembered)).toEqual(new Set(seen.slice(0, positions / 2)));
  });

  test("afterwards: everything, the memory also from the teacher's features alone", async () => {
    const { changed, weights } = await trainOnNoise({ loss: { normality: 0, orthogonality: 0 } }, 2);
    expect(changed).toEqual(weights);
    expect(changed).toEqual(expect.arrayContaining([...recalled, "scale1.memory.projection"]));
  });
});

describe("the loss", () => {
  test("is L_KD + l1 L_NM + l2 L_ORTH, of which each can be left out", async () => {
    const losses = async (given: ConfigInput) => (await trainOnNoise(given, 1)).lines[0];
    const all = await losses({ loss: { normality: 0.3, orthogonality: 0.2 } });
    expect(all.loss).toBeCloseTo(all.distillation + 0.3 * all.normality + 0.2 * all.orthogonality, 5);
    const kd = await losses({ loss: { normality: 0, orthogonality: 0 } });
    expect(kd.loss).toBeCloseTo(kd.distillation, 6);
    expect(kd.distillation).toBeCloseTo(all.distillation, 5);
    const plain = await losses({ memory: { modules: ["none"] } });
    expect(Object.keys(plain).sort()).toEqual(["distillation", "gradient_norm", "loss"]);
    expect(plain.loss).toBe(plain.distillation);
  });

  test.each(["position", "flattened"] as const)("falls, %s", async (form) => {
    const { lines } = await trainOnNoise({ memory: { items: 60 }, loss: { form }, training: { learningRate: 1e-2 } }, 60);
    const [first, last] = [lines[2], lines[59]];
    expect(last.distillation).toBeLessThan(0.8 * first.distillation);
    expect(last.normality).toBeLessThan(0.8 * first.normality);
    expect(last.orthogonality).toBeLessThan(first.orthogonality);
  });
});
