import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createImage,
  createMask,
  encodeJpeg,
  readDataset,
  type Sample,
  writeMaskPng,
  writePng,
  writeSurfaces,
} from "../imaging/index.ts";
import { openLocalRuntime, type Runtime, type Values } from "../runtime/index.ts";
import { configSchema } from "../systems/denoising/config.ts";
import { batchMaker } from "../systems/denoising/data.ts";
import type { Settled } from "./settings.ts";
import { foldsOfImages } from "./threshold.ts";
import { imagesAreGrey, type PreparedImages, prepareImages, splitTraining } from "./training-data.ts";

const size = 16;
const sample = (name: string, label: 0 | 1 = 0): Sample => ({
  path: name,
  name,
  split: "train",
  kind: label ? "scratch" : "good",
  label,
});
const samplesOf = (count: number, label: 0 | 1 = 0) => Array.from({ length: count }, (_, i) => sample(`${label}-${i}`, label));
const options = { workers: 2, region: undefined, onProgress: () => {} };

describe("images of a folder", () => {
  let folder: string;
  let samples: Sample[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-data-"));
    await writeSurfaces(folder, { categories: ["tiles"], size: 20, trainCount: 6, testPerKind: 0, seed: 1 });
    await writeFile(join(folder, "tiles", "train", "good", "002a.png"), "not a picture");
    samples = (await readDataset(join(folder, "tiles"))).train;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("the cache does not change the batches; what cannot be read is left out and named", async () => {
    const parsed = configSchema.parse({
      image: { size },
      network: { depth: 1 },
      training: { batch: 4 },
      augmentation: { shift: 0.2 },
    });
    const config: Settled<typeof parsed> = { ...parsed, image: { ...parsed.image, channels: 1, depth: 8 } };
    const runtime = openLocalRuntime({ threads: 1 });
    let prepared = 0;
    const counting: Runtime = {
      ...runtime,
      load: async (program) => {
        const { run } = await runtime.load(program);
        return {
          run: (feeds) => {
            prepared++;
            return run(feeds);
          },
        };
      },
    };
    const results: Values[][] = [];
    const decoded: number[] = [];
    for (const cacheBytes of [2 ** 20, 0, 2.5 * size * size * 4]) {
      prepared = 0;
      const progress: number[] = [];
      const images = await prepareImages(samples, counting, {
        ...options,
        image: config.image,
        cacheBytes,
        onProgress: (done) => progress.push(done),
      });
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

  test("the region of interest and an image's own ignore mask say together what counts", async () => {
    const write = async (name: string, ignored: boolean): Promise<Sample> => {
      const path = join(folder, `${name}.png`);
      await writePng(path, createImage(32, 16));
      if (!ignored) return { ...sample(name), path };
      const mask = createMask(32, 16);
      for (let i = 0; i < mask.data.length; i++) mask.data[i] = i % 32 < 8 ? 1 : 0; // the left quarter
      const ignorePath = join(folder, `${name}-ignore.png`);
      await writeMaskPng(ignorePath, mask);
      return { ...sample(name), path, ignorePath };
    };
    const given = [await write("plain", false), await write("partly", true)];
    const inside = Float32Array.from({ length: size * size }, (_, i) => (i < (size * size) / 2 ? 1 : 0)); // the upper half
    const region = { inside, proportions: 2 };
    const runtime = openLocalRuntime({ threads: 1 });
    const image = { size, channels: 1, aspect: "stretch", depth: 8 } as const;
    const countsOf = async (images: PreparedImages, index: number) => [...((await images.get(index)).counts ?? [])];
    const inRegion = await prepareImages(given, runtime, { ...options, image, region, cacheBytes: 2 ** 20 });
    expect(await countsOf(inRegion, 0)).toEqual([...inside]);
    expect(await countsOf(inRegion, 1)).toEqual([...inside].map((own, i) => (i % size < 4 ? 0 : own)));
    const square = { ...options, image, region: { inside, proportions: 1 }, cacheBytes: 0 };
    const { skipped } = await prepareImages(given, runtime, square);
    expect(skipped.map(({ reason }) => reason.includes("not those of the region of interest"))).toEqual([true, true]);
    const everywhere = await prepareImages(given, runtime, { ...options, image, cacheBytes: 0 });
    expect((await everywhere.get(0)).counts).toBeUndefined();
    expect((await countsOf(everywhere, 1)).filter((counts) => counts === 0)).toHaveLength(4 * size);
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

  test("keeps groups whole, and with folds keeps nothing: every normal image is left out of one network", () => {
    const samples = samplesOf(30).map((own, i) => ({ ...own, group: `lot ${i % 6}` }));
    const { training, validation } = splitTraining(samples, config);
    const lots = (given: readonly Sample[]) => new Set(given.map(({ group }) => group));
    expect([...lots(training)].filter((lot) => lots(validation).has(lot))).toEqual([]);
    expect(validation).toHaveLength(10);

    const folded = { ...config, validation: { ...config.validation, folds: 4 } };
    expect(splitTraining(samples, folded).validation).toEqual([]);
    const mixed = [...samples, ...samplesOf(3, 1)];
    const folds = foldsOfImages(
      { samples: mixed, skipped: [], get: async () => ({ x: new Float32Array(), counts: undefined }) },
      folded,
    );
    expect(folds).toHaveLength(4);
    expect(folds.flatMap(({ left }) => left).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    for (const { kept, left } of folds) {
      expect([...kept, ...left].sort((a, b) => a - b)).toEqual(Array.from({ length: 33 }, (_, i) => i));
      const lotsOf = (positions: readonly number[]) => lots(positions.map((position) => mixed[position]));
      expect([...lotsOf(left)].filter((lot) => lotsOf(kept).has(lot))).toEqual([]);
    }
  });
});
