import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { add, averagePool2d, concat, mul, reshape, stopGradient, type Tensor } from "../../graph/index.ts";
import {
  expectSameExport,
  expectSameStep,
  type FirstValues,
  type Packed,
  type ReferenceStep,
  unpack,
} from "../../nn/testing/reference.ts";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import { type Config, configSchema, type ModelConfig } from "./config.ts";
import { viewOf } from "./data.ts";
import { distillationLoss, normalityLoss, orthogonalityLoss } from "./losses.ts";
import { student, studentOptions } from "./model.ts";
import type { Scale } from "./teacher.ts";
import { buildStep, memoriesOf } from "./train.ts";

type Step = ReferenceStep & {
  student: Config["student"] & Omit<Config["memory"], "exemplars" | "exemplarsPerStep">;
  "loss weights": Config["loss"];
  "weighs pixels": boolean;
  "own values": FirstValues;
  terms: Record<"distillation" | "normality" | "orthogonality", number>;
  gradientNorm: number;
  map: string;
};
/** Made by scripts/reference/distillation.py: steps in float64 PyTorch. */
type Reference = {
  scales: Omit<Scale, "name">[];
  size: number;
  x: Packed;
  exemplars: Packed;
  pixels: Packed;
  values: FirstValues;
  steps: Step[];
};

const file = new URL("./fixtures/student.json", import.meta.url);
const { scales, size, values: common, steps, ...packed }: Reference = JSON.parse(readFileSync(file, "utf8"));
const [x, exemplars, pixels] = [packed.x, packed.exemplars, packed.pixels].map(unpack);
const nameOf = ({ student: { modules, blocks }, "loss weights": { form } }: Step): string =>
  `${modules.join(" and ")}, ${blocks} blocks, ${form}`;

describe.each(steps.map((step) => [nameOf(step), step] as const))("the student (%s) agrees with float64 PyTorch", (_, step) => {
  const { width, blocks, ...memory } = step.student;
  const values = { ...common, ...step["own values"] };
  const config = configSchema.parse({
    image: { size, channels: 3, depth: 8 },
    teacher: { strides: scales.map(({ stride }) => stride), octaves: 1 },
    student: { width, blocks },
    memory: { ...memory, exemplarsPerStep: exemplars.shape[0] },
    loss: step["loss weights"],
    score: { sigma: 0 },
    training: { batch: x.shape[0] },
  }) as ModelConfig;
  const named = scales.map((scale) => ({ ...scale, name: `stride ${scale.stride}`, offset: [0, 0] as const }));
  const view = viewOf({ scales: named, features: () => [] }, config);
  const options = studentOptions(config);
  const batch = { x, exemplars, ...(step["weighs pixels"] ? { weights: pixels } : {}) };

  test("loss, every gradient, running statistics", async () => {
    await expectSameStep(step, values, batch, (p, fed) => {
      const normality = normalityLoss(student(p, view.features(fed.exemplars), options, stopGradient).recollections);
      const features = view.features(fed.x);
      const counts = fed.weights && scales.map(({ stride }) => averagePool2d(fed.weights, stride));
      const distillation = distillationLoss(features, student(p, features, options).features, config.loss.form, counts);
      return [mul(normality, config.loss.normality), mul(orthogonalityLoss(memoriesOf(p)), config.loss.orthogonality)].reduce(
        (total, term) => add(total, term),
        distillation,
      );
    });
  });

  test("the step of a training: its terms, the norm of its gradient, the statistics it leaves", async () => {
    const built = buildStep(view, config, step["weighs pixels"]);
    const runtime = openLocalRuntime({ threads: 1 });
    await runtime.writeState(
      new Map([...built.initialState()].map(([name, first]) => [name, values[name] ? unpack(values[name]) : first])),
    );
    const loaded = await runtime.load(built.program);
    // Of the exemplars, all counts in the reference.
    const shape = [exemplars.shape[0], 1, size, size];
    const all = { shape, data: new Float32Array(shape[0] * size * size).fill(1) };
    const weighed: Record<string, Value> = step["weighs pixels"] ? { exemplarWeights: all } : {};
    const results = await loaded.run({ ...batch, ...weighed, ...built.schedule(1, 0) });
    const found = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Number(data[0])]));
    const statistics = await runtime.readState(Object.keys(step.statisticsAfter));
    await runtime.close();

    const expected = { ...step.terms, loss: step.loss, gradient_norm: step.gradientNorm };
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) expect(found[name] / value, name).toBeCloseTo(1, 4);
    for (const [name, { data }] of statistics) {
      const reference = unpack(step.statisticsAfter[name]).data;
      for (const [i, value] of data.entries()) expect(value, name).toBeCloseTo(Number(reference[i]), 5);
    }
  });

  test("the trained student's features", async () => {
    const joined = (features: readonly Tensor[]) =>
      concat(
        features.map((feature, i) => reshape(feature, [1, scales[i].channels * scales[i].size ** 2])),
        1,
      );
    await expectSameExport(step, values, x, (p, image) => joined(student(p, view.features(image), options).features));
  });

  test("the trained student's anomaly map", async () => {
    await expectSameExport({ ...step, evaluated: step.map }, values, x, (p, image) =>
      anomalyMap(p, view.features(image), named, config),
    );
  });
});
