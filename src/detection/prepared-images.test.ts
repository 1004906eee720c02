import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concat, maxPool2d, mul, reshape } from "../graph/index.ts";
import {
  createImage,
  createMask,
  type Image,
  type Mask,
  readDataset,
  type Sample,
  writeMaskPng,
  writePng,
  writeSurfaces,
} from "../imaging/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime, type Runtime, type Values } from "../runtime/index.ts";
import { configSchema } from "../systems/denoising/config.ts";
import { batchMaker } from "../systems/denoising/data.ts";
import { type PreparationOptions, type PreparedImages, prepareImages } from "./prepared-images.ts";
import type { Settled } from "./settings.ts";
import { foldsOfImages, scoreNormal } from "./threshold.ts";

const size = 16;
const options = { workers: 2, region: undefined, onProgress: () => {} };
const sample = (name: string): Sample => ({ path: name, name, split: "train", kind: "good", label: 0 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-prepared-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A sample of an image, and where given of its ignore mask, in files. */
const write = async (name: string, image: Image, ignore?: Mask): Promise<Sample> => {
  const path = join(folder, `${name}.png`);
  await writePng(path, image);
  if (ignore === undefined) return { ...sample(name), path };
  const ignorePath = join(folder, `${name}-ignore.png`);
  await writeMaskPng(ignorePath, ignore);
  return { ...sample(name), path, ignorePath };
};
const noise = (width: number, height: number): Image => {
  const rng = random("prepared", width, height);
  const data = Uint8Array.from({ length: width * height * 3 }, () => rng.integer(0, 255));
  return createImage(width, height, data);
};
/** 1 where `inside` says so. */
const maskWhere = (width: number, height: number, inside: (x: number, y: number) => boolean): Mask =>
  createMask(
    width,
    height,
    Uint8Array.from({ length: width * height }, (_, i) => (inside(i % width, Math.floor(i / width)) ? 1 : 0)),
  );

test("masks of what is anomalous are prepared like their images where that is asked, cached or not", async () => {
  const left = await write("left", noise(40, 20));
  const maskPath = join(folder, "left-truth.png");
  await writeMaskPng(
    maskPath,
    maskWhere(40, 20, (x) => x < 20),
  );
  const samples: Sample[] = [{ ...left, label: 1, maskPath }, left];
  const runtime = openLocalRuntime({ threads: 1 });
  const image = { size, channels: 3, aspect: "stretch", depth: 8 } as const;
  for (const cacheBytes of [0, 1e9]) {
    const images = await prepareImages(samples, runtime, { ...options, image, truths: true, cacheBytes });
    const { truth } = await images.get(0);
    expect(Array.from({ length: 4 }, (_, i) => truth?.[size * 3 + 4 * i + 1].toFixed(2))).toEqual([
      "1.00",
      "1.00",
      "0.00",
      "0.00",
    ]);
    expect((await images.get(1)).truth).toBeUndefined();
  }
  const plain = await prepareImages(samples, runtime, { ...options, image, cacheBytes: 1e9 });
  expect((await plain.get(0)).truth).toBeUndefined();
  await runtime.close();
});

describe("images of a folder", () => {
  let samples: Sample[];
  beforeAll(async () => {
    await writeSurfaces(folder, { categories: ["tiles"], size: 20, trainCount: 6, testPerKind: 0, seed: 1 });
    await writeFile(join(folder, "tiles", "train", "good", "002a.png"), "not a picture");
    samples = (await readDataset(join(folder, "tiles"))).train;
  });

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
    const runs: { first: number; later: number }[] = [];
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
      const first = prepared;
      const batch = batchMaker(images, config);
      results.push([await batch(1), await batch(2), await batch(3)]);
      runs.push({ first, later: prepared - first });
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    // Two of six images fit the third cache: of two epochs, four images each are decoded again. Once it is full, none is prepared.
    expect(runs).toEqual([
      { first: 6, later: 0 },
      { first: 1, later: 12 },
      { first: 3, later: 8 },
    ]);
    await runtime.close();
  });

  test("the region of interest and an image's own ignore mask say together what counts", async () => {
    const image = createImage(32, 16);
    const leftQuarter = maskWhere(32, 16, (x) => x < 8);
    const given = [await write("plain", image), await write("partly", image, leftQuarter)];
    const inside = Float32Array.from({ length: size * size }, (_, i) => (i < (size * size) / 2 ? 1 : 0)); // the upper half
    const region = { inside, proportions: 2 };
    const runtime = openLocalRuntime({ threads: 1 });
    const input = { size, channels: 1, aspect: "stretch", depth: 8 } as const;
    const countsOf = async (images: PreparedImages, index: number) => [...((await images.get(index)).counts ?? [])];
    const inRegion = await prepareImages(given, runtime, { ...options, image: input, region, cacheBytes: 2 ** 20 });
    expect(await countsOf(inRegion, 0)).toEqual([...inside]);
    expect(await countsOf(inRegion, 1)).toEqual([...inside].map((own, i) => (i % size < 4 ? 0 : own)));
    const square = { ...options, image: input, region: { inside, proportions: 1 }, cacheBytes: 0 };
    const { skipped } = await prepareImages(given, runtime, square);
    expect(skipped.map(({ reason }) => reason.includes("not those of the region of interest"))).toEqual([true, true]);
    const everywhere = await prepareImages(given, runtime, { ...options, image: input, cacheBytes: 0 });
    expect((await everywhere.get(0)).counts).toBeUndefined();
    expect((await countsOf(everywhere, 1)).filter((counts) => counts === 0)).toHaveLength(4 * size);
    await runtime.close();
  });

  test("what is kept is computed from the input, in which nothing is to be seen outside the region", async () => {
    const given = [await write("kept", noise(23, 23))];
    const image = { size, channels: 3, aspect: "stretch", depth: 8 } as const;
    const inside = Float32Array.from({ length: size * size }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const runtime = openLocalRuntime({ threads: 1 });
    const prepared = async (region?: { inside: Float32Array; proportions: number }, keep?: PreparationOptions["keep"]) =>
      (await prepareImages(given, runtime, { ...options, image, region, keep, cacheBytes: 0 })).get(0);
    const { x: all } = await prepared();
    const { x } = await prepared({ inside, proportions: 1 });
    expect(x).toEqual(all.map((value, i) => (inside[i % inside.length] > 0.5 ? value : 0.5)));
    const { x: kept } = await prepared({ inside, proportions: 1 }, (input) => {
      const largest = maxPool2d(input, 2);
      return concat([reshape(mul(input, 2), [768]), reshape(largest, [192])], 0);
    });
    expect(kept).toHaveLength(3 * size * size * 1.25);
    expect(kept.subarray(0, x.length)).toEqual(x.map((value) => 2 * value));
    expect(kept[x.length]).toBe(Math.max(x[0], x[1], x[size], x[size + 1]));
    await runtime.close();
  });
});

describe("tiles", () => {
  const image = { size, channels: 3, aspect: "tile", depth: 8, tile: { overlap: 0.25 } } as const;
  const prepare = async (samples: readonly Sample[], cacheBytes: number, more: Partial<PreparationOptions> = {}) => {
    const runtime = openLocalRuntime({ threads: 1 });
    return { runtime, images: await prepareImages(samples, runtime, { ...options, ...more, image, cacheBytes }) };
  };

  test("are the image's own pixels, each at a position of its own, whether the cache holds them or not", async () => {
    const picture = noise(40, 28);
    const given = [await write("one tile", noise(16, 16)), await write("six tiles", picture)];
    for (const cacheBytes of [2 ** 20, 0]) {
      const progress: number[] = [];
      const { images, runtime } = await prepare(given, cacheBytes, {
        onProgress: (done) => progress.push(done),
      });
      expect(progress).toEqual([1, 2]);
      expect(images.samples.map(({ name }) => name)).toEqual(["one tile", ...new Array(6).fill("six tiles")]);
      const places = [0, 12].flatMap((top) => [0, 12, 24].map((left) => [left, top]));
      for (const [tile, [left, top]] of places.entries()) {
        const { x, counts } = await images.get(1 + tile);
        const expected = Float32Array.from({ length: 3 * size * size }, (_, i) => {
          const [channel, row, column] = [Math.floor(i / 256), Math.floor(i / 16) % 16, i % 16];
          return picture.data[((top + row) * 40 + left + column) * 3 + channel] / 255;
        });
        expect(x.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0)).toBeLessThan(1e-6);
        expect(counts).toBeUndefined();
      }
      await runtime.close();
    }
  });

  test("that are wholly ignored are left out, and the others know what is ignored in them", async () => {
    const [width, height] = [28, 28];
    const given = [
      await write(
        "corner",
        noise(width, height),
        maskWhere(width, height, (x, y) => x < 20 && y < 16),
      ),
      await write(
        "all",
        noise(width, height),
        maskWhere(width, height, () => true),
      ),
      await write(
        "none",
        noise(width, height),
        maskWhere(width, height, () => false),
      ),
    ];
    const { images, runtime } = await prepare(given, 2 ** 20);
    expect(images.samples.map(({ name }) => name)).toEqual([...new Array(3).fill("corner"), ...new Array(4).fill("none")]);
    expect(images.skipped).toEqual([{ path: given[1].path, reason: expect.stringContaining("all of it is ignored") }]);
    const [right, below, belowRight, plain] = await Promise.all([0, 1, 2, 3].map((index) => images.get(index)));
    const expected = (inside: (x: number, y: number) => boolean) =>
      Float32Array.from({ length: size * size }, (_, i) => (inside(i % size, Math.floor(i / size)) ? 1 : 0));
    expect(right.counts).toEqual(expected((x) => x >= 8));
    expect(below.counts).toEqual(expected((_, y) => y >= 4));
    expect(belowRight.counts).toEqual(expected((x, y) => x >= 8 || y >= 4));
    expect(plain.counts).toBeUndefined();
    // What is ignored is not to be seen either.
    expect(right.x[0]).toBeCloseTo(128 / 255, 6);
    await runtime.close();
  });

  test("of one image are decoded together when they are asked for one after another", async () => {
    const given = [await write("vanishing", noise(28, 16))];
    const { images, runtime } = await prepare(given, 0);
    const first = await images.get(0);
    await rm(given[0].path);
    expect((await images.get(1)).x).not.toEqual(first.x);
    await runtime.close();
  });

  test("of one image, or one group, lie in one fold, and their image is scored once", async () => {
    const lot = { group: "lot 1" };
    const given = [
      { ...(await write("a", noise(28, 28))), ...lot },
      { ...(await write("b", noise(28, 16))), ...lot },
      await write("c", noise(40, 16)),
      await write("d", noise(16, 40)),
    ];
    const { images, runtime } = await prepare(given, 2 ** 20);
    expect(images.samples).toHaveLength(4 + 2 + 3 + 3);
    const config = configSchema.parse({ validation: { folds: 3 } });
    const folds = foldsOfImages(images, config);
    const namesOf = (positions: readonly number[]) => [...new Set(positions.map((position) => images.samples[position].name))];
    expect(folds.map(({ left }) => namesOf(left).sort()).sort()).toEqual([["a", "b"], ["c"], ["d"]]);
    for (const { left, kept } of folds) {
      expect(left.length + kept.length).toBe(12);
      expect(namesOf(kept).filter((name) => namesOf(left).includes(name))).toEqual([]);
    }
    let judged = 0;
    const scores = await scoreNormal(
      {
        description: { preprocess: { depth: 8 } } as never,
        detect: async ({ width, height }) => {
          judged++;
          const map = new Float32Array(width * height).fill(0.25);
          return { score: width, anomalous: undefined, map, ignored: undefined, restored: undefined };
        },
        close: async () => {},
      },
      images.samples,
      { workers: 1 },
    );
    expect(judged).toBe(4);
    expect(scores).toEqual([28, 28, 40, 16].map((score) => ({ score, level: 0.25 })));
    await runtime.close();
  });
});
