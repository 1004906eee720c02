import { afterAll, beforeAll, expect, test } from "vitest";
import { surface } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";
import type { Value } from "../../../runtime/index.ts";
import { readTensors } from "../../../training/index.ts";
import type { ConfigInput } from "../config.ts";
import { distillationLoss } from "../losses.ts";
import { student, studentOptions } from "../model.ts";
import { type Teacher, teacherOf } from "../teacher.ts";
import { readTeacher } from "../teachers/index.ts";
import { compute, cosine, type Floats, floats, frozenWith, largestDifference, vectorAt } from "../testing/graphs.ts";
import { openRuns } from "../testing/runs.ts";

const size = 64;
// A teacher that has seen the world: its features of noise are not those of surfaces.
const given: ConfigInput = {
  teacher: { model: "objectron", strides: [8, 16] },
  memory: { modules: ["recall", "none"], items: 40, exemplars: 20 },
  training: { steps: 60 },
};
let runs: Awaited<ReturnType<typeof openRuns>>;
let teacher: Teacher;
let trained: Map<string, Value>;
let begun: Map<string, Value>;
beforeAll(async () => {
  runs = await openRuns({ pixels: size, trainCount: 16 });
  const { teacher: settings } = runs.configOf(given);
  teacher = teacherOf(await readTeacher(settings.model), settings, size);
  const stateAfter = async (name: string, learningRate: number) => {
    await runs.run(name, { ...given, training: { ...given.training, learningRate } });
    return new Map((await readTensors(runs.filesOf(name).checkpoint)).tensors as Map<string, Value>);
  };
  // Without learning, the memory is what it began with.
  begun = await stateAfter("begun", 1e-30);
  trained = await stateAfter("trained", 5e-3);
});
afterAll(() => runs.close());

const pixelsOf = (values: ArrayLike<number>): Floats => {
  const area = size * size;
  return floats(
    [1, 3, size, size],
    Array.from({ length: 3 * area }, (_, i) => values[(i % area) * 3 + Math.floor(i / area)] / 255),
  );
};
const normal = (index: number): Floats => pixelsOf(surface("tiles", { size, seed: 1, index }).image.data);
const noiseImage = (index: number): Floats => {
  const rng = random("noise image", index);
  return pixelsOf(Array.from({ length: 3 * size * size }, () => 255 * rng.uniform()));
};

/** What the student with these weights recalls of an image, and how far it is from the teacher. */
const seenWith = async (weights: Map<string, Value>, image: Floats, replaced: Record<string, Value> = {}) => {
  const config = runs.configOf(given);
  const { asked, recalled, coarse, fine } = await compute([image], (x) => {
    const features = teacher.features(x);
    const made = student(frozenWith(weights, replaced), features, studentOptions(config));
    const [{ asked, recalled }] = made.recollections;
    const loss = (scale: number) => distillationLoss([features[scale]], [made.features[scale]], "position");
    return { asked, recalled, fine: loss(0), coarse: loss(1) };
  });
  const vectors = (map: Floats) =>
    Array.from({ length: map.shape[2] * map.shape[3] }, (_, position) => vectorAt(map, 0, position));
  return { asked: vectors(asked), recalled: vectors(recalled), fine: fine.data[0], coarse: coarse.data[0] };
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test("keys and values are learnt, beyond what they began with", () => {
  for (const name of ["scale0.memory.keys", "scale0.memory.values"]) {
    expect(
      largestDifference(trained.get(name)!.data as Float32Array, begun.get(name)!.data as Float32Array),
      name,
    ).toBeGreaterThan(0.01);
  }
});

test("without what is remembered, the trained student is no longer the teacher's image on normal images", async () => {
  const { shape, data } = trained.get("scale0.memory.values")!;
  const [items, channels] = shape;
  const emptied = { "scale0.memory.values": { shape, data: new Float32Array(items * channels) } };
  const values = data as Float32Array;
  const exchanged = {
    "scale0.memory.values": {
      shape,
      data: values.map((_, i) => values[((Math.floor(i / channels) + 7) % items) * channels + (i % channels)]),
    },
  };
  const own = await seenWith(trained, normal(3));
  for (const replaced of [emptied, exchanged]) {
    const without = await seenWith(trained, normal(3), replaced);
    expect(without.coarse).toBeGreaterThan(3 * own.coarse);
    expect(without.fine).toBeGreaterThan(own.fine);
  }
});

test("asked about an image of noise, it recalls features of normal images", async () => {
  const known = (await Promise.all([0, 1, 2, 3, 4, 5].map((index) => seenWith(trained, normal(index))))).flatMap(
    ({ asked }) => asked,
  );
  const nearest = (vector: number[]): number => Math.max(...known.map((feature) => cosine(vector, feature)));
  const noise = (await Promise.all([0, 1, 2].map((index) => seenWith(trained, noiseImage(index))))).flatMap(
    ({ asked, recalled }) => asked.map((vector, position) => ({ asked: nearest(vector), recalled: nearest(recalled[position]) })),
  );
  const own = (await Promise.all([20, 21].map((index) => seenWith(trained, normal(index))))).flatMap(({ recalled }) =>
    recalled.map(nearest),
  );
  const [asked, recalled, ofNormal] = [
    mean(noise.map((each) => each.asked)),
    mean(noise.map((each) => each.recalled)),
    mean(own),
  ];
  expect(asked).toBeLessThan(0.7);
  expect(recalled).toBeGreaterThan(0.85);
  expect(ofNormal - recalled).toBeLessThan(0.1);
});
