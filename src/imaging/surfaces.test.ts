import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataset } from "./dataset/index.ts";
import { decodeImage, decodeMask } from "./decode.ts";
import { defectPixels, type Image } from "./image.ts";
import { type SurfaceCategory, surface, surfaceCategories, surfaceDefects, writeSurfaces } from "./surfaces.ts";

const everyDefect = surfaceCategories.flatMap((category) =>
  surfaceDefects(category).map((defect) => [category, defect] as const),
);

test("a surface is a function of its keys, and every key changes it", () => {
  const options = { size: 32, seed: 1, index: 2 };
  expect(surface("tiles", options)).toEqual(surface("tiles", options));
  const { data } = surface("tiles", options).image;
  expect(surface("tiles", { ...options, seed: 2 }).image.data).not.toEqual(data);
  expect(surface("tiles", { ...options, index: 3 }).image.data).not.toEqual(data);
  expect(surface("fabric", options).image.data).not.toEqual(data);
});

test("there are several categories, each with several kinds of defects", () => {
  expect(surfaceCategories.length).toBeGreaterThanOrEqual(3);
  for (const category of surfaceCategories) expect(surfaceDefects(category).length).toBeGreaterThanOrEqual(3);
});

test.each(everyDefect)("%s: %s changes what its mask covers and nothing else", (category, defect) => {
  for (const [size, count] of [
    [64, 5],
    [128, 1],
  ]) {
    for (let index = 0; index < count; index++) {
      const normal = surface(category, { size, seed: 5, index });
      const broken = surface(category, { size, seed: 5, index, defect });
      expect(defectPixels(normal.mask)).toBe(0);
      const covered = defectPixels(broken.mask);
      expect(covered).toBeGreaterThanOrEqual(10);
      expect(covered).toBeLessThan(0.25 * size * size);
      let changeInside = 0;
      let changeOutside = 0;
      for (let i = 0; i < normal.image.data.length; i++) {
        const change = Math.abs(broken.image.data[i] - normal.image.data[i]);
        if (broken.mask.data[Math.floor(i / 3)] === 1) changeInside += change / (3 * covered);
        else changeOutside += change;
      }
      expect(changeOutside).toBe(0);
      expect(changeInside).toBeGreaterThan(12); // mean levels: a person must see it above the grain
    }
  }
});

test.each(surfaceCategories)("%s: local detail does not give defects away (blurred difference is near chance)", (category) => {
  const normal = Array.from({ length: 60 }, (_, index) =>
    blurredDifferences(surface(category, { size: 64, seed: 3, index }).image),
  );
  const broken = surfaceDefects(category).flatMap((defect, kind) =>
    Array.from({ length: 20 }, (_, i) =>
      blurredDifferences(surface(category, { size: 64, seed: 3, index: 60 + 20 * kind + i, defect }).image),
    ),
  );
  for (const scale of blurScales.keys()) {
    const auroc = areaUnderRoc(
      normal.map((scores) => scores[scale]),
      broken.map((scores) => scores[scale]),
    );
    expect(auroc).toBeGreaterThan(0.3);
    expect(auroc).toBeLessThan(0.7);
  }
});

test("the written folders are datasets that read back", async () => {
  const root = await mkdtemp(join(tmpdir(), "lynceus-surfaces-"));
  await writeSurfaces(root, { categories: ["tiles"], size: 32, trainCount: 3, testPerKind: 2, seed: 7 });
  const dataset = await readDataset(join(root, "tiles"));
  expect(dataset.layout).toBe("mvtec");
  expect(dataset.train.map(({ name }) => name)).toEqual(["train/good/000.png", "train/good/001.png", "train/good/002.png"]);
  expect(new Set(dataset.test.map(({ kind }) => kind))).toEqual(new Set(["good", ...surfaceDefects("tiles")]));
  expect(dataset.test.length).toBe(2 * (1 + surfaceDefects("tiles").length));
  expect([dataset.skipped, dataset.notes]).toEqual([[], []]);
  const crack = dataset.test.find(({ name }) => name === "test/crack/001.png")!;
  const index = 3 + 2 + 2 * surfaceDefects("tiles").indexOf("crack") + 1;
  const painted = surface("tiles", { size: 32, seed: 7, index, defect: "crack" });
  expect(await decodeImage(crack.path)).toEqual(painted.image);
  expect(await decodeMask(crack.maskPath!, 32, 32)).toEqual(painted.mask);
});

test("unknown categories and defects are errors that name the known ones", () => {
  expect(() => surface("tiles", { seed: 1, index: 0, defect: "rust" })).toThrow(
    'The surface "tiles" has no defect "rust", but turned_tile,',
  );
  expect(() => surface("lava" as SurfaceCategory, { seed: 1, index: 0 })).toThrow('There is no surface "lava", but fabric,');
});

/** Width of the blur that is subtracted and of the one that gathers what is left, in pixels of a 64 x 64 image. */
const blurScales: readonly (readonly [number, number])[] = [
  [1, 0.5],
  [2, 1],
  [4, 2],
];

/** Scores of the baseline at each scale: the highest smoothed distance between a pixel and its blurred surroundings. */
const blurredDifferences = (image: Image): number[] =>
  blurScales.map(([background, gather]) => {
    const difference = new Float32Array(image.width * image.height);
    for (let channel = 0; channel < 3; channel++) {
      const plane = Float32Array.from(difference, (_, pixel) => image.data[pixel * 3 + channel]);
      const blurred = gaussianBlur(plane, image.width, background);
      for (let pixel = 0; pixel < plane.length; pixel++) difference[pixel] += Math.abs(plane[pixel] - blurred[pixel]);
    }
    return gaussianBlur(difference, image.width, gather).reduce((highest, value) => Math.max(highest, value), 0);
  });

/** Blurs a square plane along its rows and then, turned over, along its columns. */
const gaussianBlur = (plane: Float32Array, size: number, sigma: number): Float32Array =>
  blurTransposed(blurTransposed(plane, size, sigma), size, sigma);

const blurTransposed = (plane: Float32Array, size: number, sigma: number): Float32Array => {
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let sum = 0;
      for (let i = -reach; i <= reach; i++) sum += weights[i + reach] * plane[y * size + Math.min(size - 1, Math.max(0, x + i))];
      result[x * size + y] = sum / total;
    }
  }
  return result;
};

/** The share of pairs in which the broken surface scores higher than the normal one. */
const areaUnderRoc = (normal: number[], broken: number[]): number => {
  let higher = 0;
  for (const b of broken) for (const n of normal) higher += b > n ? 1 : b === n ? 0.5 : 0;
  return higher / (normal.length * broken.length);
};
