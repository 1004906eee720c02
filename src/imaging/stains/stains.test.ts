import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { createImage, type Image } from "../image.ts";
import {
  colourNormaliser,
  colourOfStains,
  fitColours,
  fitStains,
  opticalDensity,
  ruifrokStains,
  type StainVectors,
  separateStains,
  stainNormaliser,
} from "./index.ts";

const reference = JSON.parse(readFileSync(new URL("fixtures/stains.json", import.meta.url), "utf8"));
const picture = createImage(reference.size, reference.size, Uint8Array.from(reference.image));

/** Nuclei and stroma of given stains, scaled by `strength`, with glass between. */
const slide = (stains: StainVectors, strength: number, seed: number): Image => {
  const image = createImage(64, 64);
  const numbers = random(seed, "slide");
  for (let pixel = 0; pixel < 64 * 64; pixel++) {
    const kind = numbers.uniform();
    const [h, e] =
      kind < 0.3 ? [numbers.uniform(0.5, 1), numbers.uniform(0, 0.1)] : [numbers.uniform(0, 0.1), numbers.uniform(0.3, 0.7)];
    image.data.set(kind > 0.8 ? [244, 244, 244] : colourOfStains(h * strength, e * strength, stains), 3 * pixel);
  }
  return image;
};

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at])), 0);

const meanDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, at) => sum + Math.abs(value - b[at]) / a.length, 0);

test("optical density: 0 on white, log10(255) on black, 1 where a tenth of the light comes through", () => {
  expect([...opticalDensity(createImage(1, 1, Uint8Array.of(255, 0, 26)))]).toEqual([
    0,
    expect.closeTo(2.4065, 4),
    expect.closeTo(0.9916, 4),
  ]);
});

test("colour deconvolution agrees with the reference, and undoes mixing", () => {
  expect(largestDifference(separateStains(picture), reference.deconvolution)).toBeLessThan(1e-6);
  const [red, green, blue] = colourOfStains(0.4, 0.25);
  const amounts = separateStains(createImage(1, 1, Uint8Array.of(Math.round(red), Math.round(green), Math.round(blue))));
  expect(amounts[0]).toBeCloseTo(0.4, 2);
  expect(amounts[1]).toBeCloseTo(0.25, 2);
  expect(amounts[2]).toBeCloseTo(0, 2);
});

test("Macenko: stains, strengths and the normalised picture agree with the reference", () => {
  const { haematoxylin, eosin, strength, image } = reference.macenko;
  const profile = fitStains(picture);
  expect(largestDifference(profile.haematoxylin, haematoxylin)).toBeLessThan(1e-5);
  expect(largestDifference(profile.eosin, eosin)).toBeLessThan(1e-5);
  expect(largestDifference(profile.strength, strength)).toBeLessThan(1e-5);
  expect(largestDifference(stainNormaliser(profile)(picture).data, image)).toBeLessThan(0.51);
});

test("Macenko: the same tissue, stained differently, looks the same afterwards", () => {
  const other: StainVectors = { haematoxylin: [0.55, 0.75, 0.36], eosin: [0.15, 0.85, 0.5] };
  const [pale, strong] = [slide(ruifrokStains, 0.7, 3), slide(other, 1.2, 3)];
  const [paleAfter, strongAfter] = [pale, strong].map((image) => stainNormaliser(fitStains(image))(image));
  const before = meanDifference(pale.data, strong.data);
  const after = meanDifference(paleAfter.data, strongAfter.data);
  expect(before).toBeGreaterThan(25);
  expect(after).toBeLessThan(before / 6);
});

test("Macenko: glass alone, or one colour alone, is said to be no stained slide", () => {
  const plain = (colour: readonly number[]): Image =>
    createImage(
      20,
      20,
      Uint8Array.from({ length: 1200 }, (_, at) => colour[at % 3]),
    );
  expect(() => fitStains(plain([243, 242, 244]))).toThrow(/0 pixels of 20 x 20 are as dark as tissue/);
  expect(() => fitStains(plain([200, 120, 160]))).toThrow(/one colour/);
});

test("Reinhard: profile and normalised picture agree with the reference", () => {
  const { target, mean, deviation, image } = reference.reinhard;
  const profile = fitColours(picture);
  expect(largestDifference(profile.mean, mean)).toBeLessThan(1e-9);
  expect(largestDifference(profile.deviation, deviation)).toBeLessThan(1e-9);
  expect(largestDifference(colourNormaliser(profile, target)(picture).data, image)).toBeLessThan(0.51);
});
