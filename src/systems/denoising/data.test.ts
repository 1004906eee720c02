import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeJpeg, type Image, readFolder, type Sample, writePng, writeSurfaces } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import { openLocalRuntime, type Values } from "../../runtime/index.ts";
import type { ModelConfig } from "./config.ts";
import { type ConfigInput, configSchema } from "./config.ts";
import { batchMaker, imagesAreGrey, openPreprocessor, type PreparedImages, prepareImages, splitTraining } from "./data.ts";

const size = 16;
const configOf = (given: ConfigInput): ModelConfig => {
  const config = configSchema.parse({ ...given, image: { size }, network: { depth: 1 } });
  return { ...config, image: { ...config.image, channels: 1 } };
};
const sample = (name: string, label: 0 | 1 = 0): Sample => ({
  path: name,
  name,
  split: "train",
  kind: label ? "scratch" : "good",
  label,
});
const samplesOf = (count: number, label: 0 | 1 = 0) => Array.from({ length: count }, (_, i) => sample(`${label}-${i}`, label));

/** Image number n is n + 1 sixteenths grey everywhere, so that its number can be read off any pixel. */
const numbered = (count: number): PreparedImages => ({
  samples: samplesOf(count),
  skipped: [],
  get: async (index) => new Float32Array(size * size).fill((index + 1) / 16),
});
const data = (values: Values, name: string) => values[name].data as Float32Array;
/** The numbers of the images in a batch, row by row. */
const imagesOf = (values: Values): number[] => {
  const target = data(values, "target");
  return Array.from({ length: target.length / size ** 2 }, (_, row) => target[row * size ** 2] * 16 - 1);
};

describe("batches", () => {
  const everything = configOf({
    seed: 3,
    training: { batch: 3 },
    augmentation: { flipHorizontal: true, shift: 0.2, brightness: 0.1 },
    loss: { maskWeight: 2 },
  });
  const textured: PreparedImages = {
    ...numbered(7),
    get: async (index) => {
      const rng = random("textured", index);
      return Float32Array.from({ length: size * size }, () => rng.uniform());
    },
  };

  test("are a function of seed and step alone, in whatever order they are asked for", async () => {
    const inOrder = batchMaker(textured, everything);
    const expected: Values[] = [];
    for (let step = 1; step <= 12; step++) expected.push(await inOrder(step));
    const jumping = batchMaker(textured, everything);
    for (const step of [12, 1, 7, 2, 7, 11, 3]) expect(await jumping(step)).toEqual(expected[step - 1]);
    const together = await Promise.all([5, 4, 6, 12].map(batchMaker(textured, everything)));
    expect(together).toEqual([5, 4, 6, 12].map((step) => expected[step - 1]));
    expect(new Set(expected.map((values) => data(values, "corrupted").join())).size).toBe(12);
    expect(await batchMaker(textured, { ...everything, seed: 4 })(1)).not.toEqual(expected[0]);
  });

  test("show every image once per epoch, in a new order each time, across the borders of batches", async () => {
    const batch = batchMaker(numbered(7), configOf({ training: { batch: 3 } }));
    const seen: number[] = [];
    for (let step = 1; step <= 7; step++) seen.push(...imagesOf(await batch(step)));
    const epochs = [seen.slice(0, 7), seen.slice(7, 14), seen.slice(14, 21)];
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(epochs.map(String)).size).toBe(3);
  });

  test("of k micro-batches show the images of one batch k times as large", async () => {
    const small = batchMaker(textured, everything);
    const large = batchMaker(textured, { ...everything, training: { ...everything.training, batch: 6 } });
    for (let step = 1; step <= 5; step++) {
      const [first, second, whole] = [await small(2 * step - 1), await small(2 * step), await large(step)];
      for (const name of Object.keys(whole)) {
        expect([...data(first, name), ...data(second, name)]).toEqual([...data(whole, name)]);
      }
    }
  });

  test("are full also when there are fewer images than a batch holds", async () => {
    const batch = batchMaker(numbered(2), configOf({ training: { batch: 5 } }));
    const seen = [...imagesOf(await batch(1)), ...imagesOf(await batch(2))];
    expect(seen).toHaveLength(10);
    for (let epoch = 0; epoch < 5; epoch++) expect(seen.slice(2 * epoch, 2 * epoch + 2).sort()).toEqual([0, 1]);
    const alone = batchMaker(
      numbered(1),
      configOf({ training: { batch: 3 }, corruption: { kind: "occlusion", fill: { texture: 1 } } }),
    );
    expect(imagesOf(await alone(1))).toEqual([0, 0, 0]);
  });

  test("corrupt an image anew in every epoch", async () => {
    const batch = batchMaker(numbered(1), configOf({ training: { batch: 2 } }));
    const [first, second] = [data(await batch(1), "corrupted"), data(await batch(2), "corrupted")];
    const rows = [first.subarray(0, 256), first.subarray(256), second.subarray(0, 256), second.subarray(256)];
    expect(new Set(rows.map((row) => row.join())).size).toBe(4);
  });

  test("weigh the pixels inside the corruption, and only when asked to", async () => {
    const weighted = await batchMaker(numbered(5), configOf({ training: { batch: 4 }, loss: { maskWeight: 2.5 } }))(1);
    expect(weighted.weights.shape).toEqual([4, 1, size, size]);
    const [corrupted, target, weights] = ["corrupted", "target", "weights"].map((name) => data(weighted, name));
    const share = weights.reduce((count, weight) => count + (weight === 3.5 ? 1 : 0), 0) / weights.length;
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.25);
    for (const [i, weight] of weights.entries()) {
      expect([1, 3.5]).toContain(weight);
      if (weight === 1) expect(corrupted[i]).toBe(target[i]);
    }
    expect(Object.keys(await batchMaker(numbered(5), configOf({}))(1))).toEqual(["corrupted", "target"]);
  });

  test("take textures from another image than the one they cover", async () => {
    const corruption = { kind: "occlusion", fill: { noise: 0, texture: 1 } } as const;
    const batch = batchMaker(numbered(6), configOf({ training: { batch: 6 }, corruption }));
    const sources = new Set<number>();
    for (let step = 1; step <= 5; step++) {
      const values = await batch(step);
      const [corrupted, images] = [data(values, "corrupted"), imagesOf(values)];
      for (const [row, own] of images.entries()) {
        const found = new Set(corrupted.subarray(row * size ** 2, (row + 1) * size ** 2));
        expect(found.size).toBe(2);
        found.delete(data(values, "target")[row * size ** 2]);
        const [other] = [...found].map((value) => value * 16 - 1);
        expect(other).not.toBe(own);
        sources.add(other);
      }
    }
    expect([...sources].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("images of a folder", () => {
  let folder: string;
  let samples: Sample[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-data-"));
    await writeSurfaces(folder, { categories: ["tiles"], size: 20, trainCount: 6, testPerKind: 0, seed: 1 });
    await writeFile(join(folder, "tiles", "train", "good", "002a.png"), "not a picture");
    samples = (await readFolder(join(folder, "tiles"))).train;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("the cache does not change the batches; what cannot be read is left out and named", async () => {
    const config = configOf({ training: { batch: 4 }, augmentation: { shift: 0.2 } });
    const runtime = openLocalRuntime({ threads: 1 });
    const prepare = await openPreprocessor(runtime, config.image);
    let prepared = 0;
    const counting = (image: Image) => {
      prepared++;
      return prepare(image);
    };
    const results: Values[][] = [];
    const decoded: number[] = [];
    for (const cacheBytes of [2 ** 20, 0, 2.5 * size * size * 4]) {
      prepared = 0;
      const progress: number[] = [];
      const images = await prepareImages(samples, counting, cacheBytes, (done) => progress.push(done));
      expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(images.samples.map(({ name }) => name)).toEqual(
        samples.map(({ name }) => name).filter((name) => !name.includes("2a")),
      );
      expect(images.skipped).toHaveLength(1);
      expect(images.skipped[0].path).toContain("002a.png");
      expect(images.skipped[0].reason).toContain("002a.png");
      const batch = batchMaker(images, config);
      results.push([await batch(1), await batch(2), await batch(3)]);
      decoded.push(prepared - 6);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    // Two of six images fit the third cache: of two epochs, four images each are decoded again.
    expect(decoded).toEqual([0, 12, 8]);
    await runtime.close();
  });

  test("grey pictures are told from coloured ones, JPEG rounding is no colour", async () => {
    const write = async (name: string, colour: (i: number) => [number, number, number], jpeg = false): Promise<Sample> => {
      const image = {
        width: 16,
        height: 16,
        data: Uint8Array.from({ length: 256 }, (_, i) => i).reduce((all, i) => {
          all.set(colour(i), 3 * i);
          return all;
        }, new Uint8Array(768)),
      };
      const path = join(folder, name);
      if (jpeg) await writeFile(path, await encodeJpeg(image, 90));
      else await writePng(path, image);
      return { ...sample(name), path };
    };
    const grey = await write("grey.png", (i) => [i, i, i]);
    const photo = await write("grey.jpg", (i) => [i, i, i], true);
    const tinted = await write("tinted.png", (i) => [i, i, i === 200 ? 100 : i]);
    const broken = samples.find(({ name }) => name.includes("2a"))!;
    expect(await imagesAreGrey([grey, photo, broken])).toBe(true);
    expect(await imagesAreGrey([grey, tinted])).toBe(false);
    expect(await imagesAreGrey(samples)).toBe(false);
  });
});

describe("the split", () => {
  const config = configSchema.parse({ validation: { share: 0.2 } });
  const names = (given: readonly Sample[]) => given.map(({ name }) => name);

  test("keeps a share of the normal images out of training, the same ones every time", () => {
    const samples = [...samplesOf(20), ...samplesOf(4, 1)];
    const { training, validation } = splitTraining(samples, config);
    expect(validation).toHaveLength(4);
    expect(names([...training, ...validation]).sort()).toEqual(names(samplesOf(20)).sort());
    expect(splitTraining(samples, config)).toEqual({ training, validation });
    expect(names(splitTraining(samples, { ...config, seed: 1 }).validation)).not.toEqual(names(validation));
    const all = splitTraining(samples, { ...config, trainOn: "all" });
    expect(all.validation).toEqual(validation);
    expect(names(all.training)).toEqual([...names(training), ...names(samplesOf(4, 1))]);
  });

  test.each([
    [0, 0.2, 0],
    [4, 0.5, 0],
    [5, 0.1, 1],
    [5, 0, 0],
    [10, 0.01, 1],
    [40, 0.5, 20],
    [100, 0.1, 10],
  ])("of %s normal images, a share of %s keeps %s", (count, share, kept) => {
    const { training, validation } = splitTraining(samplesOf(count), { ...config, validation: { ...config.validation, share } });
    expect([training.length, validation.length]).toEqual([count - kept, kept]);
  });
});
