import { expect, test } from "vitest";
import { createImage, createMask, type Image, type Mask } from "../../../imaging/index.ts";
import { paintTissue } from "../../../imaging/testing/tissue.ts";
import { random } from "../../../random/index.ts";
import {
  type Feature,
  gradientEntropy,
  gridTensor,
  type Raster,
  type Region,
  rasterOf,
  runsOf,
  type SamplingTensor,
  semanticDensity,
  stainFeature,
} from "./index.ts";

const everywhere = (width: number, height: number): Mask => createMask(width, height, new Uint8Array(width * height).fill(1));

const noiseImage = (width: number, height: number, seed: number): Image => {
  const numbers = random(seed, "image");
  return createImage(
    width,
    height,
    new Uint8Array(width * height * 3).map(() => numbers.integer(20, 255)),
  );
};

const randomTensor = (height: number, width: number, channels: number, seed: number): SamplingTensor => {
  const numbers = random(seed, "tensor");
  return { height, width, channels, data: new Uint8Array(height * width * channels).map(() => numbers.integer(0, 1)) };
};

/** The formula, element by element. */
const byHand = (image: Image, mask: Mask, feature: Feature, tensor: SamplingTensor, left: number, top: number): number => {
  const measured = feature.channels.map((_, channel) => feature.measure(image, channel));
  let [sum, count] = [0, 0];
  for (let row = 0; row < tensor.height && top + row < image.height; row++) {
    for (let column = 0; column < tensor.width && left + column < image.width; column++) {
      const pixel = (top + row) * image.width + left + column;
      for (let channel = 0; channel < tensor.channels; channel++) {
        const selected = tensor.data[(row * tensor.width + column) * tensor.channels + channel] * mask.data[pixel];
        sum += selected * measured[channel][pixel];
        count += selected;
      }
    }
  }
  return count === 0 ? 0 : sum / count;
};

test.each([
  ["stains", stainFeature()],
  ["gradient entropy", gradientEntropy],
])("%s: the density is the mean of what S selects on tissue, in every window", async (_, feature) => {
  const image = noiseImage(61, 47, 1);
  const mask = createMask(
    61,
    47,
    new Uint8Array(61 * 47).map((_, pixel) => ((pixel % 61) + pixel / 61 < 60 ? 1 : 0)),
  );
  const tensor = randomTensor(9, 13, feature.channels.length, 2);
  const map = await semanticDensity(rasterOf(image), mask, { feature, tensor, step: 7 });
  expect([map.columns, map.rows]).toEqual([8, 7]);
  for (let v = 0; v < map.rows; v++) {
    for (let u = 0; u < map.columns; u++) {
      expect(map.values[v * map.columns + u]).toBeCloseTo(byHand(image, mask, feature, tensor, 7 * u, 7 * v), 5);
    }
  }
  expect(Math.max(...map.values)).toBeLessThanOrEqual(1);
  expect(map.values.at(-1)).toBe(0);
  expect(map.tissue[0]).toBe(1);
  expect(map.tissue.at(-1)).toBe(0);
});

test.each([
  ["stains", stainFeature()],
  ["gradient entropy", gradientEntropy],
])("%s: tiles change nothing, are small, and are read only where there is tissue", async (_, feature) => {
  const image = paintTissue(300, 200, (x) => (x < 150 ? "nuclei" : "glass"));
  const mask = createMask(
    30,
    20,
    new Uint8Array(600).map((_, pixel) => (pixel % 30 < 15 ? 1 : 0)),
  );
  const tensor = gridTensor(16, feature.channels.length, [0], 3);
  const regions: Region[] = [];
  const raster = rasterOf(image);
  const watched: Raster = {
    ...raster,
    read: (region) => {
      regions.push(region);
      return raster.read(region);
    },
  };
  const whole = await semanticDensity(raster, mask, { feature, tensor, step: 5 });
  const tiled = await semanticDensity(watched, mask, { feature, tensor, step: 5, tile: 40 });
  expect(tiled.values).toHaveLength(whole.values.length);
  tiled.values.forEach((value, at) => {
    expect(value).toBeCloseTo(whole.values[at], 5);
  });
  expect(regions.length).toBeGreaterThan(10);
  expect(regions.every(({ x, width, height }) => x < 150 && width <= 50 && height <= 50)).toBe(true);
});

test.each([
  ["haematoxylin", stainFeature()],
  ["gradient entropy", gradientEntropy],
])("%s: crowded nuclei are denser than stroma, stroma than glass", async (_, feature) => {
  const image = paintTissue(192, 64, (x) => (x < 64 ? "nuclei" : x < 128 ? "stroma" : "glass"));
  const tensor = gridTensor(48, feature.channels.length, [0]);
  const { values } = await semanticDensity(rasterOf(image), everywhere(192, 64), { feature, tensor, step: 64 });
  expect(values[0]).toBeGreaterThan(2 * values[1]);
  expect(values[1]).toBeGreaterThan(2 * values[2]);
});

test("S selects: without the elements on nuclei the density falls, and other channels are other densities", async () => {
  const image = paintTissue(64, 64, (x) => (x < 32 ? "nuclei" : "stroma"));
  const density = async (tensor: SamplingTensor) =>
    (await semanticDensity(rasterOf(image), everywhere(1, 1), { tensor })).values[0];
  const full = gridTensor(64, 3, [0]);
  const right = { ...full, data: full.data.map((value, at) => ((at / 3) % 64 < 32 ? 0 : value)) };
  expect(await density(right)).toBeLessThan(0.6 * (await density(full)));
  expect(await density(gridTensor(64, 3, [1]))).not.toBeCloseTo(await density(full), 2);
  expect(await density(gridTensor(64, 3, [0], 3))).toBeCloseTo(await density(full), 1);
});

test("gradient entropy: fibres in one direction are less than crossing ones of the same contrast, noise is hardly any", () => {
  const striped = (shadeAt: (x: number, y: number) => number): number => {
    const image = createImage(
      40,
      40,
      new Uint8Array(4800).map((_, at) => shadeAt(Math.floor(at / 3) % 40, Math.floor(at / 120))),
    );
    return gradientEntropy.measure(image, 0)[20 * 40 + 20];
  };
  const parallel = striped((x) => 128 + 60 * Math.sin(x));
  const crossing = striped((x, y) => 128 + 60 * Math.sin(x) * Math.sin(y));
  const numbers = random(4, "grain");
  expect(parallel).toBeLessThan(0.01);
  expect(crossing).toBeGreaterThan(0.6);
  expect(striped(() => 200 + numbers.normal(0, 2))).toBeLessThan(0.1);
});

test("a slide smaller than the window is one window", async () => {
  const map = await semanticDensity(rasterOf(paintTissue(20, 10, () => "nuclei")), everywhere(2, 1));
  expect([map.columns, map.rows]).toEqual([1, 1]);
  expect(map.values[0]).toBeGreaterThan(0.2);
  expect(map.tissue[0]).toBeCloseTo((20 * 10) / 64 ** 2, 6);
});

test("what does not fit is said", async () => {
  const raster = rasterOf(createImage(8, 8));
  const tensor = gridTensor(4, 2, [0]);
  await expect(semanticDensity(raster, everywhere(1, 1), { tensor })).rejects.toThrow(
    "has 2 channels, but the feature 3 (haematoxylin, eosin, residual)",
  );
  expect(() => runsOf({ ...tensor, data: new Uint8Array(32) })).toThrow("at least one element");
  expect(() => runsOf({ ...tensor, data: new Uint8Array(5) })).toThrow("has 32 elements, not 5");
  expect(() => runsOf({ ...tensor, data: new Uint8Array(32).fill(2) })).toThrow("only 0 and 1");
});
