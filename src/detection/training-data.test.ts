import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeJpeg, readDataset, type Sample, writePng, writeSurfaces } from "../imaging/index.ts";
import { configSchema } from "../systems/denoising/config.ts";
import { foldsOfImages } from "./threshold.ts";
import { imagesAreGrey, splitTraining } from "./training-data.ts";

const sample = (name: string, label: 0 | 1 = 0): Sample => ({
  path: name,
  name,
  split: "train",
  kind: label ? "scratch" : "good",
  label,
});
const samplesOf = (count: number, label: 0 | 1 = 0) => Array.from({ length: count }, (_, i) => sample(`${label}-${i}`, label));

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
