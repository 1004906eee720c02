import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  changeBrightnessContrast,
  changeHueSaturationValue,
  downscale,
  type HueSaturationValue,
  type Move,
  move,
  sharpen,
  shiftChannels,
} from "./self-blend-transforms.ts";

interface Reference {
  readonly size: number;
  readonly image: number[];
  readonly hueSaturationValue: { change: HueSaturationValue; result: number[] }[];
  readonly sharpen: { alpha: number; lightness: number; result: number[] };
  readonly downscale: { ratio: number; result: number[] }[];
  readonly move: { move: Move; result: number[] };
}

/** Written by scripts/reference/self-blend.py with colorsys and SciPy. */
const reference: Reference = JSON.parse(readFileSync(new URL("./fixtures/self-blend.json", import.meta.url), "utf8"));
const { size } = reference;
const image = Float32Array.from(reference.image);

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, at) => Math.abs(value - b[at])));
};

describe("against an independent implementation", () => {
  test.each(reference.hueSaturationValue)("hue, saturation and value: $change", ({ change, result }) => {
    expect(largestDifference(changeHueSaturationValue(image, size, change), result)).toBeLessThan(1e-6);
  });

  test("sharpening", () => {
    const { alpha, lightness, result } = reference.sharpen;
    expect(largestDifference(sharpen(image, size, alpha, lightness), result)).toBeLessThan(2e-6);
  });

  test.each(reference.downscale)("down by $ratio and back", ({ ratio, result }) => {
    expect(largestDifference(downscale(image, size, ratio), result)).toBeLessThan(1e-6);
  });

  test("resizing and moving", () => {
    expect(largestDifference(move(image, size, reference.move.move), reference.move.result)).toBeLessThan(1e-6);
  });
});

test("a move by whole pixels is one, and the mirrored image comes in", () => {
  const line = Float32Array.from({ length: 9 }, (_, pixel) => (pixel % 3) / 2);
  const moved = [...move(line, 3, { scaleX: 1, scaleY: 1, right: 1 / 3, down: 0 })];
  expect(moved.map((value) => Number(value.toFixed(5)))).toEqual([0.5, 0, 0.5, 0.5, 0, 0.5, 0.5, 0, 0.5]);
});

test("shifts, brightness and contrast", () => {
  const planes = Float32Array.from([0.5, 0.5, 0.5, 0.5, 0.95, 0.5, 0.5, 0.5, 0.05, 0.5, 0.5, 0.5]);
  const shifted = [...shiftChannels(planes, 2, [0.25, 0.125, -0.125])];
  expect(shifted).toEqual([0.75, 0.75, 0.75, 0.75, 1, 0.625, 0.625, 0.625, 0, 0.375, 0.375, 0.375]);
  expect([...changeBrightnessContrast(planes.subarray(4, 6), 0.125, 0.5)][1]).toBe(0.375);
  expect([...changeBrightnessContrast(planes.subarray(4, 6), 0.125, 1)][0]).toBe(1);
});

test("a grey image of three channels stays grey, and one of one channel becomes the same", () => {
  const grey = image.subarray(0, size * size);
  const three = Float32Array.from([...grey, ...grey, ...grey]);
  const change = { hue: 0.2, saturation: 1.5, value: 0.8 };
  const changed = changeHueSaturationValue(three, size, change);
  for (const channel of [0, 1, 2]) {
    const plane = changed.subarray(channel * size * size, (channel + 1) * size * size);
    expect(largestDifference(plane, changeHueSaturationValue(grey, size, change))).toBeLessThan(1e-7);
  }
});
