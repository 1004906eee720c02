import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { max, mean } from "../graph/index.ts";
import {
  createImage,
  createMask,
  type Image,
  imageInput,
  preprocess,
  type Sample,
  writeMaskPng,
  writePng,
} from "../imaging/index.ts";
import { runFiles } from "../training/index.ts";
import { type DetectorDescription, writeDetector } from "./contract.ts";
import { type Detector, openDetector } from "./detector.ts";
import { evaluate } from "./evaluate.ts";
import { type Region, regionOfRun, requireRegion, whereItCounts } from "./region.ts";

const size = 16;
const options = { size, channels: 1, aspect: "stretch", depth: 8 } as const;

/** Finds an image as anomalous as it is bright, where it counts. */
const brightness = (region: Region | undefined): Promise<Detector> => {
  const image = imageInput();
  const prepared = preprocess(image, options);
  const map = mean(prepared.x, [1], { keepAxes: true });
  const { scored, outputs } = whereItCounts(map, prepared, region);
  const description: DetectorDescription = {
    system: "brightness",
    preprocess: options,
    imageScore: { kind: "max" },
    config: {},
    threshold: undefined,
    provenance: {},
  };
  return openDetector(writeDetector({ image, ...outputs, score: max(scored) }, description), { inThisThread: true, threads: 1 });
};

/** 32 x 32, dark but for two bright squares of 8 pixels: one in the left half, one in the right. */
const squares = (left: number, right: number): Image => {
  const image = createImage(32, 32);
  for (let y = 12; y < 20; y++) {
    for (let x = 4; x < 12; x++) image.data.fill(left, (y * 32 + x) * 3, (y * 32 + x) * 3 + 3);
    for (let x = 20; x < 28; x++) image.data.fill(right, (y * 32 + x) * 3, (y * 32 + x) * 3 + 3);
  }
  return image;
};
const leftHalf = createMask(32, 32);
for (let i = 0; i < leftHalf.data.length; i++) leftHalf.data[i] = i % 32 < 16 ? 1 : 0;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-region-"));
  await writeMaskPng(join(folder, "region.png"), leftHalf);
  await writeMaskPng(join(folder, "black.png"), createMask(32, 32));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("what lies outside the region of interest neither scores nor shows, whatever it is", async () => {
  const files = runFiles(join(folder, "run"));
  const region = await regionOfRun(files, join(folder, "region.png"), options);
  expect([...region!.inside]).toEqual(Array.from({ length: size * size }, (_, i) => (i % size < size / 2 ? 1 : 0)));
  const everywhere = await brightness(undefined);
  const inside = await brightness(region);
  const [quiet, loud] = [squares(100, 0), squares(100, 255)];
  expect((await everywhere.detect(loud)).score).toBeCloseTo(1, 2);
  const found = await inside.detect(loud);
  expect(found.score).toBeCloseTo(100 / 255, 2);
  expect(found.score).toBe((await inside.detect(quiet)).score);
  expect(found.map[16 * 32 + 24]).toBeCloseTo(0, 5);
  expect(found.ignored?.filter((ignored) => ignored === 1)).toHaveLength(16 * 32);
  expect((await everywhere.detect(loud)).ignored).toBeUndefined();
  await everywhere.close();
  await inside.close();
});

test("the run keeps its own copy of the region; a black one is refused", async () => {
  const files = runFiles(join(folder, "copied"));
  const first = await regionOfRun(files, join(folder, "region.png"), options);
  expect(await regionOfRun(files, join(folder, "moved away.png"), options)).toEqual(first);
  expect(await regionOfRun(files, undefined, options)).toBeUndefined();
  await expect(regionOfRun(runFiles(join(folder, "none")), join(folder, "black.png"), options)).rejects.toThrow(
    "black everywhere",
  );
});

test("a region that cannot be used is refused with what is wrong", async () => {
  const image = async (name: string, width: number, height: number) => {
    const path = join(folder, name);
    await writePng(path, createImage(width, height));
    return { path };
  };
  const wide = [await image("wide-0.png", 24, 20), await image("wide-1.png", 36, 30)];
  const region = join(folder, "region.png");
  await expect(requireRegion(region, wide)).rejects.toThrow(
    `The region of interest "${region}" (32 x 32) fits none of the 2 images; the first is 24 x 20.`,
  );
  await requireRegion(region, [...wide, await image("square.png", 64, 64)]);
  await requireRegion(region, [{ path: join(folder, "gone.png") }]);
  await expect(requireRegion(join(folder, "black.png"), wide)).rejects.toThrow("black everywhere");
  await expect(requireRegion(join(folder, "none.png"), wide)).rejects.toMatchObject({
    name: "RegionError",
    message: expect.stringContaining("none.png"),
  });
});

test("ignored pixels count neither in an image's score nor in the measures", async () => {
  const detector = await brightness(undefined);
  const write = async (name: string, image: Image, ignored: boolean, defect: boolean): Promise<Sample> => {
    const path = join(folder, `${name}.png`);
    await writePng(path, image);
    const sample: Sample = { path, name, split: "test", kind: defect ? "spot" : "good", label: defect ? 1 : 0 };
    if (defect) {
      const mask = createMask(32, 32);
      for (let y = 12; y < 20; y++) mask.data.fill(1, y * 32 + 20, y * 32 + 28);
      await writeMaskPng(join(folder, `${name}-mask.png`), mask);
      sample.maskPath = join(folder, `${name}-mask.png`);
    }
    if (ignored) sample.ignorePath = join(folder, "region.png"); // the left half
    return sample;
  };
  // Normal images are brightest on the left, as is a timestamp; the defect is on the right.
  const samples = [
    await write("a", squares(255, 20), true, false),
    await write("b", squares(250, 10), true, false),
    await write("c", squares(255, 180), true, true),
    await write("d", squares(240, 190), true, true),
  ];
  const ignoring = await evaluate(detector, samples);
  // At the border a little of the grey that stands for what is ignored comes in: 40 of 255.
  expect(ignoring.samples.map(({ score }) => Math.round(score * 255))).toEqual([40, 40, 180, 190]);
  const [bright, dark] = [await detector.detect(squares(255, 20), leftHalf), await detector.detect(squares(0, 20), leftHalf)];
  expect(bright.score).toBe(dark.score);
  expect(ignoring.measures.imageAuroc!.value).toBe(1);
  expect(ignoring.measures.pixelAuroc!.value).toBeGreaterThan(0.97);
  const counting = await evaluate(
    detector,
    samples.map(({ ignorePath, ...sample }) => sample),
  );
  expect(counting.measures.imageAuroc!.value).toBeLessThan(0.5);
  expect(counting.measures.pixelAuroc!.value).toBeLessThan(0.96);
  await detector.close();
});

test("of an image that is ignored wholly there is no score, but a sentence", async () => {
  const detector = await brightness(undefined);
  const everything = createMask(32, 32, new Uint8Array(32 * 32).fill(1));
  await expect(detector.detect(squares(1, 2), everything)).rejects.toThrow("all of it is ignored");
  await detector.close();
});
