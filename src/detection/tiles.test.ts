import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { constant, largest, max, mean, mul, reshape } from "../graph/index.ts";
import { createImage, createMask, decodeImage, type Image, imageInput, preprocess, writeSurfaces } from "../imaging/index.ts";
import { random } from "../random/index.ts";
import { configSchema } from "../systems/denoising/config.ts";
import { train } from "../systems/denoising/index.ts";
import { readMetrics, runFiles } from "../training/index.ts";
import { type DetectorDescription, readDetector, writeDetector } from "./contract.ts";
import { openDetector } from "./detector.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { predict } from "./predict.ts";

web.env.wasm.numThreads = 1;

const size = 16;
const noise = (width: number, height: number): Image => {
  const rng = random("tiles", width, height);
  const data = Uint8Array.from({ length: width * height * 3 }, () => rng.integer(0, 255));
  return createImage(width, height, data);
};
const grey = (width: number, height: number, shade: (x: number, y: number) => number): Image => {
  const image = createImage(width, height);
  for (let i = 0; i < width * height; i++) image.data.fill(shade(i % width, Math.floor(i / width)), 3 * i, 3 * i + 3);
  return image;
};
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
};

/** Finds a tile as anomalous as it is bright, more so where `gain` [size, size] is high. */
const brightness = ({
  tile,
  gain = new Float32Array(size * size).fill(1),
  imageScore = { kind: "max" },
  depth = 8,
}: {
  tile?: { pixels?: number; overlap: number };
  gain?: Float32Array;
  imageScore?: DetectorDescription["imageScore"];
  depth?: 8 | 16;
} = {}): Uint8Array => {
  const options = { size, channels: 1, aspect: "tile", depth, tile } as const;
  const image = imageInput(depth);
  const { x, toImage } = preprocess(image, options);
  const map = mul(mean(x, [1], { keepAxes: true }), constant(gain, [1, 1, size, size]));
  const score = imageScore.kind === "max" ? max(map) : mean(largest(reshape(map, [size * size]), 1));
  return writeDetector(
    { image, map: toImage(map), score },
    { system: "brightness", preprocess: options, imageScore, config: {}, threshold: { value: 0.5 }, provenance: {} },
  );
};
const detectWith = async (bytes: Uint8Array, image: Image, ignore?: ReturnType<typeof createMask>) => {
  const detector = await openDetector(bytes, { inThisThread: true, threads: 1 });
  const detection = await detector.detect(image, ignore);
  await detector.close();
  return detection;
};

describe("a detector of tiles", () => {
  test("gives a map of the image's size without seams, and its largest value as the score", async () => {
    for (const [width, height] of [
      [40, 28],
      [16, 16],
      [70, 5],
      [9, 33],
    ]) {
      const shade = (x: number, y: number) => 40 + 2 * x + y;
      const { map, score, anomalous, ignored, restored } = await detectWith(brightness(), grey(width, height, shade));
      const expected = Float32Array.from({ length: width * height }, (_, i) => shade(i % width, Math.floor(i / width)) / 255);
      expect(largestDifference(map, expected), `${width} x ${height}`).toBeLessThan(1e-5);
      expect(score).toBeCloseTo(shade(width - 1, height - 1) / 255, 5);
      expect(anomalous).toBe(score >= 0.5);
      expect([ignored, restored]).toEqual([undefined, undefined]);
    }
  });

  test("keeps a defect of one pixel in an image that is as long as many tiles", async () => {
    const speck = grey(200, 20, (x, y) => (x === 130 && y === 7 ? 255 : 20));
    const { map, score } = await detectWith(brightness(), speck);
    expect(score).toBeCloseTo(1, 5);
    expect(map.indexOf(score)).toBe(7 * 200 + 130);
  });

  test("does not judge what is ignored, and scores the mean of the top share of what is left", async () => {
    const image = grey(40, 20, (x, y) => (x < 20 ? 250 : x === 39 ? 100 + y : 10));
    const left = createMask(
      40,
      20,
      Uint8Array.from({ length: 800 }, (_, i) => (i % 40 < 20 ? 1 : 0)),
    );
    const highest = await detectWith(brightness(), image, left);
    expect(highest.ignored).toBe(left.data);
    expect(highest.score).toBeCloseTo(119 / 255, 5);
    expect(highest.anomalous).toBe(false);
    const top = brightness({ imageScore: { kind: "top", share: 0.01 } }); // 4 of 400 pixels
    expect((await detectWith(top, image, left)).score).toBeCloseTo(117.5 / 255, 5);
    expect((await detectWith(top, image)).score).toBeCloseTo(250 / 255, 5);
    const all = createMask(40, 20, new Uint8Array(800).fill(1));
    await expect(detectWith(brightness(), image, all)).rejects.toThrow("all of it is ignored");
  });

  test("takes images of 16 bits, and of 8 where it was made for 16", async () => {
    const [eight, sixteen] = [brightness(), brightness({ depth: 16 })];
    const image = noise(30, 20);
    const wide = createImage(
      30,
      20,
      Uint16Array.from(image.data, (value) => 257 * value),
    );
    const { map } = await detectWith(eight, image);
    for (const [bytes, given] of [
      [eight, wide],
      [sixteen, image],
      [sixteen, wide],
    ] as const) {
      expect(largestDifference((await detectWith(bytes, given)).map, map)).toBeLessThan(1e-6);
    }
  });

  test("says in its file all that cutting needs, and others say nothing of it", async () => {
    const preprocessOf = (bytes: Uint8Array) => readDetector(bytes).description.preprocess;
    expect(preprocessOf(brightness()).tile).toEqual({ pixels: size, overlap: 0.25 });
    expect(preprocessOf(brightness({ tile: { pixels: 24, overlap: 0.1 } })).tile).toEqual({ pixels: 24, overlap: 0.1 });
    const { model, description } = readDetector(brightness());
    expect(model.feeds).toEqual([{ name: "image", shape: ["height", "width", 3], type: "uint8" }]);
    const [image, map] = [imageInput(), constant(new Float32Array(1), [1, 1])];
    const settings = { ...description, preprocess: { ...description.preprocess, aspect: "fit" } as const };
    expect(preprocessOf(writeDetector({ image, map, score: max(map) }, settings))).not.toHaveProperty("tile");
  });

  test.each([
    ["of the network's size", 41, 30, { overlap: 0.25 }],
    ["that are reduced", 61, 50, { pixels: 24, overlap: 0.4 }],
    ["that are enlarged, three in one place", 21, 20, { pixels: 12, overlap: 0.5 }],
  ])("is the file and the formula of the contract, in any runtime: tiles %s", async (_, width, height, tile) => {
    const rng = random("gain");
    const bytes = brightness({ tile, gain: Float32Array.from({ length: size * size }, () => rng.uniform(0.5, 2)) });
    const image = noise(width, height);
    const { map, score } = await detectWith(bytes, image);

    // Written down again from `writeDetector`, `planTiles` and `blendTiles`.
    const { pixels = size, overlap } = readDetector(bytes).description.preprocess.tile!;
    const axis = (length: number) => {
      const shared = Math.ceil(overlap * pixels);
      const count = length <= pixels ? 1 : 1 + Math.ceil((length - pixels) / (pixels - shared));
      const side = Math.min(length, pixels);
      const starts = Array.from({ length: count }, (_, i) =>
        count === 1 ? 0 : Math.floor((i * (length - pixels)) / (count - 1)),
      );
      const raw = (i: number, x: number): number => {
        if (x < starts[i] || x >= starts[i] + side) return 0;
        const before = i > 0 ? (x - starts[i] + 0.5) / (starts[i - 1] + side - starts[i]) : 1;
        const after = i < count - 1 ? (starts[i] + side - x - 0.5) / (starts[i] + side - starts[i + 1]) : 1;
        return Math.min(1, before, after);
      };
      const total = (x: number) => starts.reduce((sum, _, i) => sum + raw(i, x), 0);
      return { side, starts, weight: (i: number, x: number) => raw(i, x) / total(x) };
    };
    const [columns, rows] = [axis(width), axis(height)];
    const session = await web.InferenceSession.create(bytes);
    const expected = new Float64Array(width * height);
    for (const [i, top] of rows.starts.entries()) {
      for (const [j, left] of columns.starts.entries()) {
        const at = (y: number, x: number) => (top + y) * width + left + x;
        const data = new Uint8Array(rows.side * columns.side * 3);
        for (let n = 0; n < data.length; n++) {
          const pixel = Math.floor(n / 3);
          data[n] = image.data[3 * at(Math.floor(pixel / columns.side), pixel % columns.side) + (n % 3)];
        }
        const { map: own } = await session.run({ image: new web.Tensor("uint8", data, [rows.side, columns.side, 3]) });
        for (let y = 0; y < rows.side; y++) {
          for (let x = 0; x < columns.side; x++) {
            const weight = rows.weight(i, top + y) * columns.weight(j, left + x);
            expected[at(y, x)] += weight * Number(own.data[y * columns.side + x]);
          }
        }
      }
    }
    await session.release();
    expect(rows.starts.length * columns.starts.length).toBeGreaterThan(8);
    expect(largestDifference(map, expected)).toBeLessThan(1e-5);
    expect(score).toBeCloseTo(Math.max(...expected), 5);
  });
});

test("a region of interest and tiles exclude each other, in a sentence; odd tiles are refused", () => {
  const messages = (image: object): string => {
    const parsed = configSchema.safeParse({ image });
    return parsed.success ? "fine" : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join();
  };
  expect(messages({ aspect: "tile" })).toBe("fine");
  expect(messages({ roi: "region.png" })).toBe("fine");
  expect(messages({ aspect: "tile", roi: "region.png" })).toMatch(
    /^image.roi: a region of interest is drawn on whole images.*ignore masks/,
  );
  expect(messages({ tile: { overlap: 0.6 } })).toContain("image.tile.overlap");
  expect(messages({ tile: { pixels: 0 } })).toContain("image.tile.pixels");
  expect(configSchema.parse({ image: { aspect: "tile" } }).image.tile).toEqual({ overlap: 0.25 });
});

describe("a training in tiles", () => {
  let folder: string;
  let data: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-tiles-"));
    await writeSurfaces(folder, { categories: ["tiles"], size: 48, trainCount: 8, testPerKind: 1, seed: 1 });
    data = join(folder, "tiles");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("ends with a threshold from whole images, and a model whose maps have the image's size", async () => {
    const config = configSchema.parse({
      image: { size, aspect: "tile", tile: { pixels: 24 } },
      network: { width: 2, depth: 2 },
      training: { steps: 6, batch: 2, warmup: 2 },
      validation: { folds: 2 },
    });
    const out = join(folder, "run");
    const summary = await train({ data, out, config, threads: 1 });
    expect(summary).toMatchObject({ finished: true, skipped: [] });
    expect(summary.threshold).toMatchObject({ normalImages: 8 }); // not 72 tiles
    expect(await readMetrics(runFiles(out).metrics)).not.toHaveLength(0);

    const model = await readFile(runFiles(out).model);
    expect(readDetector(model).description.preprocess).toMatchObject({ aspect: "tile", tile: { pixels: 24, overlap: 0.25 } });
    const detector = await openDetector(model, { threads: 1 });
    const path = join(data, "train", "good", "000.png");
    const image = await decodeImage(path);
    const { map, score } = await detector.detect(image);
    expect(map).toHaveLength(48 * 48);
    expect(score).toBe(Math.max(...map));
    const { predictions, failures } = await predict(detector, [path], { out: folder });
    expect(failures).toEqual([]);
    expect(predictions[0].score).toBe(score);
    const drawn = await decodeImage(predictions[0].heatmap!);
    expect([drawn.width, drawn.height]).toEqual([48, 48]);
    await detector.close();

    const { evaluation, measures } = await evaluateModel({
      model,
      data,
      out: join(folder, "evaluation"),
      runtime: { threads: 1 },
    });
    expect(evaluation.failures).toEqual([]);
    expect(Object.keys(measures)).toContain("pixel_auroc");
    for (const own of evaluation.maps) expect([own?.width, own?.height]).toEqual([48, 48]);
  });
});
