import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ignoresPixels, type PreparedImages } from "../../detection/index.ts";
import type { Sample } from "../../imaging/index.ts";
import type { Values } from "../../runtime/index.ts";
import { runFiles } from "../../training/index.ts";
import { type ConfigInput, configSchema, type ModelConfig } from "./config.ts";
import { augments, batchMaker, flat, recalls, type View, viewOf } from "./data.ts";
import { teacherOf } from "./teacher.ts";
import { compute, largestDifference, noise } from "./testing/graphs.ts";
import { teacherFile, tinyTeacher } from "./testing/tiny-teacher.ts";

const size = 32;
const configOf = (given: ConfigInput = {}, channels: 1 | 3 = 3): ModelConfig => {
  const config = configSchema.parse({
    ...given,
    image: { size },
    teacher: { strides: [2, 4, 8], octaves: 1 },
    training: { batch: 3, steps: 20, ...given.training },
  });
  return { ...config, image: { ...config.image, channels, depth: 8 } };
};
const teacher = teacherOf(teacherFile(tinyTeacher()), configOf().teacher, size);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-batches-"));
});
afterAll(() => rm(folder, { recursive: true }));

const sample = (index: number, label: 0 | 1 = 0): Sample => ({
  path: `${index}.png`,
  name: `image ${index}`,
  split: "train",
  kind: label ? "scratch" : "good",
  label,
});
/** Image number n is n everywhere, whatever is kept of it, so that its number can be read off any value. */
const numbered = (count: number, view: View, defects: readonly number[] = []): PreparedImages => ({
  samples: Array.from({ length: count }, (_, index) => sample(index, defects.includes(index) ? 1 : 0)),
  skipped: [],
  get: async (index) => ({
    x: new Float32Array(view.shape.reduce((product, length) => product * length, 1)).fill(index),
    counts: undefined,
  }),
});
/** The numbers of the images in a batch, row by row. */
const numbersIn = ({ data, shape }: Values[string]): number[] =>
  Array.from({ length: shape[0] }, (_, row) => Number(data[row * (data.length / shape[0])]));
const makerOf = (images: PreparedImages, config: ModelConfig, view: View = viewOf(teacher, config)) =>
  batchMaker({ images, config, files: runFiles(folder) }, view);

describe("what training is fed", () => {
  test("is the teacher's features where images do not change, and pixels where they do", () => {
    expect(augments(configOf())).toBe(false);
    expect(viewOf(teacher, configOf()).shape).toEqual([4 * 256 + 5 * 64 + 6 * 16]);
    for (const augmentation of [{ flipVertical: true }, { shift: 0.1 }, { brightness: 0.01 }]) {
      expect(augments(configOf({ augmentation }))).toBe(true);
      expect(viewOf(teacher, configOf({ augmentation })).shape).toEqual([3, size, size]);
      expect(viewOf(teacher, configOf({ augmentation }, 1)).shape).toEqual([1, size, size]);
    }
  });

  test("kept features are those that the graph computes of the pixels, each of its scale", async () => {
    const images = [0, 1].map((index) => noise([1, 3, size, size], "image", index));
    const kept = await Promise.all(images.map(async (image) => compute([image], (x) => ({ kept: flat(teacher.features(x)) }))));
    const together = Float32Array.of(...kept[0].kept.data, ...kept[1].kept.data);
    const [cached, computed] = [configOf(), configOf({ augmentation: { flipHorizontal: true } })].map((config) =>
      viewOf(teacher, config),
    );
    expect(kept[0].kept.shape).toEqual(cached.shape);
    const read = await compute([{ shape: [2, ...cached.shape], data: together }], (x) =>
      Object.fromEntries(cached.features(x).map((feature, i) => [`f${i}`, feature])),
    );
    const pixels = { shape: [2, 3, size, size], data: Float32Array.of(...images[0].data, ...images[1].data) };
    const made = await compute([pixels], (x) => Object.fromEntries(computed.features(x).map((feature, i) => [`f${i}`, feature])));
    expect(Object.values(read).map(({ shape }) => shape)).toEqual([
      [2, 4, 16, 16],
      [2, 5, 8, 8],
      [2, 6, 4, 4],
    ]);
    for (const name of Object.keys(read)) expect(largestDifference(read[name].data, made[name].data)).toBeLessThan(1e-5);
  });
});

describe("batches", () => {
  const textured = (view: View): PreparedImages => ({
    ...numbered(7, view),
    get: async (index) => ({ x: noise(view.shape, "textured", index).data, counts: undefined }),
  });

  test.each([
    ["of features", {}],
    ["of pixels that augmentation changes", { augmentation: { flipHorizontal: true, shift: 0.2, contrast: 0.1 } }],
  ] as const)("%s are a function of seed and number alone, in whatever order they are asked for", async (_, given) => {
    const config = configOf({ ...given, seed: 3 });
    const images = textured(viewOf(teacher, config));
    const inOrder = await makerOf(images, config);
    const expected: Values[] = [];
    for (let number = 1; number <= 8; number++) expected.push(await inOrder(number));
    // A run that is resumed at step k makes its batches anew.
    const resumed = await makerOf(images, config);
    for (const number of [8, 3, 5, 1]) expect(await resumed(number)).toEqual(expected[number - 1]);
    const together = await Promise.all([6, 2, 7].map(await makerOf(images, config)));
    expect(together).toEqual([6, 2, 7].map((number) => expected[number - 1]));
    expect(new Set(expected.map(({ x }) => (x.data as Float32Array).join())).size).toBeGreaterThan(5);
    expect(await (await makerOf(images, { ...config, seed: 4 }))(1)).not.toEqual(expected[0]);
  });

  test("show every image once per epoch, in a new order each time, across the borders of batches", async () => {
    const config = configOf();
    const batch = await makerOf(numbered(7, viewOf(teacher, config)), config);
    const seen: number[] = [];
    for (let number = 1; number <= 7; number++) seen.push(...numbersIn((await batch(number)).x));
    const epochs = [seen.slice(0, 7), seen.slice(7, 14), seen.slice(14, 21)];
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(epochs.map(String)).size).toBe(3);
  });
});

describe("exemplars", () => {
  const memory = { exemplars: 6, exemplarsPerStep: 4 };

  test("come in turn, are normal ones only, and are recorded by name", async () => {
    const config = configOf({ memory, trainOn: "all" });
    const images = numbered(12, viewOf(teacher, config), [0, 3, 4, 9]);
    const batch = await makerOf(images, config);
    const recorded: string[] = JSON.parse(await readFile(join(folder, "exemplars.json"), "utf8"));
    const chosen = recorded.map((name) => Number(name.replace("image ", "")));
    expect(new Set(chosen).size).toBe(6);
    for (const index of chosen) expect([1, 2, 5, 6, 7, 8, 10, 11]).toContain(index);
    const seen: number[] = [];
    for (let number = 1; number <= 3; number++) seen.push(...numbersIn((await batch(number)).exemplars));
    expect(seen).toEqual([...chosen, ...chosen]);
    // Defects are trained on, if that is asked for, but never remembered.
    const trainedOn = new Set<number>();
    for (let number = 1; number <= 4; number++) for (const index of numbersIn((await batch(number)).x)) trainedOn.add(index);
    expect(trainedOn.size).toBe(12);
  });

  test("are drawn by the seed; of fewer images all are, over and over", async () => {
    const draws = new Set<string>();
    for (const seed of [1, 2, 3, 4]) {
      await makerOf(numbered(40, viewOf(teacher, configOf())), configOf({ memory, seed }));
      draws.add(await readFile(join(folder, "exemplars.json"), "utf8"));
    }
    expect(draws.size).toBe(4);
    const config = configOf({ memory });
    const batch = await makerOf(numbered(3, viewOf(teacher, config)), config);
    const { exemplars } = await batch(1);
    expect(exemplars.shape[0]).toBe(4);
    expect(new Set(numbersIn(exemplars))).toEqual(new Set([0, 1, 2]));
  });

  test("are shown as they are, also where augmentation changes images", async () => {
    const config = configOf({ memory, augmentation: { brightness: 1 } });
    const view = viewOf(teacher, config);
    const grey: PreparedImages = {
      ...numbered(6, view),
      get: async () => ({ x: new Float32Array(3 * size * size).fill(0.5), counts: undefined }),
    };
    const { x, exemplars } = await (await makerOf(grey, config))(1);
    expect(new Set(exemplars.data as Float32Array)).toEqual(new Set([0.5]));
    expect(new Set(x.data as Float32Array).size).toBe(3);
  });

  test("are neither chosen nor fed where nothing recalls", async () => {
    const config = configOf({ memory: { modules: ["none", "adaptive"] } });
    expect(recalls(config)).toBe(false);
    const empty = await mkdtemp(join(folder, "none-"));
    const images = numbered(5, viewOf(teacher, config));
    const batch = await batchMaker({ images, config, files: runFiles(empty) }, viewOf(teacher, config));
    expect(Object.keys(await batch(1))).toEqual(["x"]);
    await expect(readFile(join(empty, "exemplars.json"))).rejects.toThrow("ENOENT");
  });
});

describe("weights of pixels", () => {
  const ignoring = (view: View): PreparedImages => ({
    ...numbered(3, view),
    samples: [0, 1, 2].map((index) => ({ ...sample(index), ignorePath: "mask.png" })),
    // The image is white exactly where it is ignored.
    get: async (index) => {
      const white = Float32Array.from({ length: size * size }, (_, i) => (i % size < 3 + 2 * index ? 1 : 0));
      const x = view.shape.length === 1 ? new Float32Array(view.shape[0]) : Float32Array.of(...white, ...white, ...white);
      return { x, counts: white.map((value) => 1 - value) };
    },
  });

  test("are fed where some pixels are ignored, or there is a region, and only there", async () => {
    const config = configOf();
    const view = viewOf(teacher, config);
    expect(ignoresPixels(numbered(3, view), config)).toBe(false);
    expect(ignoresPixels(ignoring(view), config)).toBe(true);
    expect(ignoresPixels(numbered(3, view), { ...config, image: { ...config.image, roi: "region.png" } })).toBe(true);
    expect(Object.keys(await (await makerOf(numbered(3, view), config))(1))).not.toContain("weights");
    const { weights } = await (await makerOf(ignoring(view), config))(1);
    expect(weights.shape).toEqual([3, 1, size, size]);
    // Rows of pixels with 3, 5 and 7 ignored ones, whichever image stands where.
    const shares = [0, 1, 2].map((row) => {
      const own = (weights.data as Float32Array).subarray(row * size ** 2, (row + 1) * size ** 2);
      return own.reduce((sum, weight) => sum + (1 - weight), 0) / size;
    });
    expect(shares.sort()).toEqual([3, 5, 7]);
  });

  test("are fed of the exemplars too, where these are asked about", async () => {
    const of = async (given: ConfigInput) => {
      const config = configOf(given);
      return (await makerOf(ignoring(viewOf(teacher, config)), config))(1);
    };
    const { exemplars, exemplarWeights } = await of({ memory: { exemplarsPerStep: 2 } });
    expect(exemplarWeights.shape).toEqual([2, 1, size, size]);
    expect(exemplars.shape[0]).toBe(2);
    expect(new Set(exemplarWeights.data as Float32Array)).toEqual(new Set([0, 1]));
    const without = await of({ loss: { normality: 0 } });
    expect(Object.keys(without).sort()).toEqual(["weights", "x"]);
  });

  test("move with the pixels that augmentation moves", async () => {
    const augmentation = { flipHorizontal: true, quarterTurns: true, shift: 0.3 };
    const config = configOf({ augmentation, training: { batch: 6 } });
    const { x, weights } = await (await makerOf(ignoring(viewOf(teacher, config)), config))(1);
    const [pixels, counts] = [x.data as Float32Array, weights.data as Float32Array];
    const area = size * size;
    for (let row = 0; row < 6; row++) {
      const [own, red] = [counts.subarray(row * area, (row + 1) * area), pixels.subarray(3 * row * area, (3 * row + 1) * area)];
      expect(
        largestDifference(
          own,
          red.map((value) => 1 - value),
        ),
      ).toBe(0);
    }
    const rows = Array.from({ length: 6 }, (_, row) => counts.subarray(row * area, (row + 1) * area).join());
    expect(new Set(rows).size).toBeGreaterThan(3);
  });

  test("stay what they are where only brightness changes", async () => {
    const config = configOf({ augmentation: { brightness: 0.5, contrast: 0.5 }, training: { batch: 6 } });
    const { weights } = await (await makerOf(ignoring(viewOf(teacher, config)), config))(1);
    expect(new Set(weights.data as Float32Array)).toEqual(new Set([0, 1]));
  });
});
