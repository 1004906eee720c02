import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDetector, readDetector, splitTraining } from "../../detection/index.ts";
import { createImage, decodeImage, type Image, readDataset, surface, writeSurfaces } from "../../imaging/index.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { fitNeighbours, neighbours } from "./neighbours.ts";
import { teacherOf } from "./teacher.ts";
import { compute, type Floats, largestDifference } from "./testing/graphs.ts";
import { teacherFile, tinyTeacher } from "./testing/tiny-teacher.ts";

web.env.wasm.numThreads = 1;

const size = 64;
const bytes = tinyTeacher();
let folder: string;
let [data, teacher] = ["", ""];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-neighbours-"));
  await writeSurfaces(folder, { categories: ["tiles"], size, trainCount: 6, testPerKind: 2, seed: 1 });
  [data, teacher] = [join(folder, "tiles"), join(folder, "tiny.onnx")];
  await writeFile(teacher, bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const configOf = (given: ConfigInput = {}): Config =>
  configSchema.parse({
    ...given,
    image: { size, ...given.image },
    teacher: { model: teacher, strides: [4, 8, 16], octaves: 1, ...given.teacher },
  });
const modelFrom = (given: ConfigInput = {}, set = data): Promise<Uint8Array> =>
  fitNeighbours(set, configOf(given), { threads: 1 });

/** The patches of images: of each position of the teacher's second scale the means of its 3 x 3 neighbours in the second and third. */
const patchesOf = async (images: readonly Image[]): Promise<number[][][]> => {
  const network = teacherOf(teacherFile(bytes), configOf().teacher, size);
  const patches: number[][][] = [];
  for (const { data: pixels } of images) {
    const planes = Float32Array.from(
      { length: 3 * size * size },
      (_, i) => pixels[(i % (size * size)) * 3 + Math.floor(i / (size * size))] / 255,
    );
    const { fine, coarse } = await compute([{ shape: [1, 3, size, size], data: planes }], (x) => {
      const [, fine, coarse] = network.features(x);
      return { fine, coarse };
    });
    const [eight, four] = [meansOfNine(directions(fine)), resized(meansOfNine(directions(coarse)), 8)];
    patches.push(eight.map((vector, position) => [...vector, ...four[position]]));
  }
  return patches;
};
/** Every position's vector, brought to length 1. */
const directions = ({ shape, data: values }: Floats): Floats => {
  const [, channels, height, width] = shape;
  const positions = height * width;
  const lengthAt = (position: number): number =>
    Math.hypot(1e-6, ...Array.from({ length: channels }, (_, channel) => values[channel * positions + position]));
  return { shape, data: values.map((value, i) => value / lengthAt(i % positions)) };
};
/** [position][channel]: the mean of the neighbours that there are. */
const meansOfNine = ({ shape: [, channels, height, width], data: values }: Floats): number[][] =>
  Array.from({ length: height * width }, (_, position) =>
    Array.from({ length: channels }, (_, channel) => {
      let [sum, count] = [0, 0];
      for (let row = -1; row <= 1; row++) {
        for (let column = -1; column <= 1; column++) {
          const [y, x] = [Math.floor(position / width) + row, (position % width) + column];
          if (y < 0 || x < 0 || y >= height || x >= width) continue;
          sum += values[(channel * height + y) * width + x];
          count++;
        }
      }
      return sum / count;
    }),
  );
/**
 * A square map [position][channel] with `to` positions to a side, linearly between the middles of what its own look at: the tiny teacher pads
 * both sides alike, so that position i of stride s looks at pixel s i.
 */
const resized = (map: readonly (readonly number[])[], to: number): number[][] => {
  const side = Math.sqrt(map.length);
  const along = (place: number) => {
    const at = Math.min(side - 1, Math.max(0, (place * side) / to));
    const before = Math.min(side - 2, Math.floor(at));
    return { before, share: at - before };
  };
  return Array.from({ length: to * to }, (_, position) => {
    const [y, x] = [along(Math.floor(position / to)), along(position % to)];
    const value = (row: number, column: number, channel: number) => map[(y.before + row) * side + x.before + column][channel];
    return map[0].map((_, channel) => {
      const above = (1 - x.share) * value(0, 0, channel) + x.share * value(0, 1, channel);
      const below = (1 - x.share) * value(1, 0, channel) + x.share * value(1, 1, channel);
      return (1 - y.share) * above + y.share * below;
    });
  });
};
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0));

/** The normal images that training sees, by default: the others are kept for the threshold. */
const trainingImages = async (given: ConfigInput = {}): Promise<Image[]> => {
  const { training } = splitTraining((await readDataset(data)).train, configOf(given));
  return Promise.all(training.map(({ path }) => decodeImage(path)));
};

test("its map is the distance to the nearest patch of a normal training image, as a loop in float64 finds it", async () => {
  const remembered = (await patchesOf(await trainingImages())).flat();
  const model = await modelFrom({ score: { sigma: 0 } });
  expect(readDetector(model).description).toMatchObject({
    system: "nearest neighbours",
    config: { teacher: "tiny.onnx", remembered: 5 * 64 },
    provenance: { teacher: { name: "tiny.onnx", digest: teacherFile(bytes).digest } },
  });
  const detector = await openDetector(model, { threads: 1, inThisThread: true });
  const scores: number[] = [];
  for (const defect of [undefined, "crack"]) {
    const { image } = surface("tiles", { size, seed: 1, index: 60, defect });
    const { map, score } = await detector.detect(image);
    const [patches] = await patchesOf([image]);
    const nearest = patches.map((patch) => [Math.min(...remembered.map((other) => distance(patch, other)))]);
    expect(largestDifference(map, resized(nearest, size).flat())).toBeLessThan(1e-4);
    scores.push(score);
  }
  expect(scores[1]).toBeGreaterThan(scores[0]);
  await detector.close();
});

test("what is remembered is at no distance", async () => {
  const [image] = await trainingImages();
  const detector = await openDetector(await modelFrom(), { threads: 1, inThisThread: true });
  expect((await detector.detect(image)).score).toBeLessThan(1e-3);
  expect((await detector.detect(surface("tiles", { size, seed: 1, index: 70 }).image)).score).toBeGreaterThan(0.05);
  await detector.close();
});

test.each<[string, ConfigInput]>([
  ["by default", {}],
  ["fit, mean of the top", { image: { aspect: "fit" }, score: { image: "top", topShare: 0.1 } }],
  ["grey, one scale alone", { image: { channels: 1 }, teacher: { strides: [8] } }],
])("the file agrees with the browser's runtime to 1e-4: %s", async (_, given) => {
  const model = await modelFrom(given);
  expect(readDetector(model).model.opset).toBe(17);
  const [detector, session] = [
    await openDetector(model, { threads: 1, inThisThread: true }),
    await web.InferenceSession.create(model),
  ];
  const wide = createImage(
    90,
    37,
    Uint8Array.from({ length: 90 * 37 * 3 }, (_, i) => (i * 7919) % 256),
  );
  for (const image of [
    wide,
    surface("tiles", { size, seed: 1, index: 60, defect: "crack" }).image,
    ...(await trainingImages()),
  ]) {
    const found = await session.run({ image: new web.Tensor("uint8", image.data, [image.height, image.width, 3]) });
    const here = await detector.detect(image);
    expect(largestDifference(here.map, found.map.data as Float32Array)).toBeLessThan(1e-4);
    expect(Math.abs(here.score - Number(found.score.data[0]))).toBeLessThan(1e-4);
  }
  await Promise.all([detector.close(), session.release()]);
});

test("it is fitted to the same file every time, also beyond its memory, and is offered under a name", async () => {
  const first = await modelFrom();
  expect(Buffer.compare(first, await modelFrom())).toBe(0);
  expect(Buffer.compare(first, await modelFrom({ training: { cacheMegabytes: 0 } }))).toBe(0);
  const baseline = neighbours(configOf());
  expect(baseline.name).toBe("nearest neighbours");
  expect(Buffer.compare(first, await baseline.model(data, { threads: 1 }))).toBe(0);
});

test("it learns from what training learns from: not from images kept for the threshold", async () => {
  const all = await modelFrom({ validation: { share: 0 } });
  expect(readDetector(all).description.config).toMatchObject({ remembered: 6 * 64 });
});

test("a file that cannot be read is left out; where none can be, it says so", async () => {
  const broken = join(folder, "broken");
  await cp(data, broken, { recursive: true });
  const { training } = splitTraining((await readDataset(broken)).train, configOf());
  await writeFile(training[0].path, "not a picture");
  expect(readDetector(await modelFrom({}, broken)).description.config).toMatchObject({ remembered: 4 * 64 });
  for (const { path } of training) await writeFile(path, "not a picture");
  await expect(modelFrom({}, broken).then(() => "a model")).rejects.toThrow(
    `None of the training images of "${broken}" could be read.`,
  );
});
