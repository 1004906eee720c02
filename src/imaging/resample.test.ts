import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createImage } from "./image.ts";
import { gaussianBlur, resizeImage } from "./resample.ts";

interface Picture {
  width: number;
  height: number;
  data: number[];
}

/** Made by scripts/reference/resample.py with SciPy and Pillow. */
const reference: Picture & { blurred: { sigma: number; data: number[] }[]; resized: Picture[] } = JSON.parse(
  readFileSync(new URL("./fixtures/resample.json", import.meta.url), "utf8"),
);
const image = createImage(reference.width, reference.height, Uint8Array.from(reference.data));

/** Rounded once, a value is off by half a level, and no more than the digits of the fixture beside it. */
const expectRounded = (data: Uint8Array, expected: readonly number[]): void => {
  expect(data).toHaveLength(expected.length);
  expect(Math.max(...expected.map((value, i) => Math.abs(data[i] - value)))).toBeLessThan(0.501);
};

test.each(reference.blurred)("blurs like SciPy with sigma $sigma", ({ sigma, data }) => {
  expectRounded(gaussianBlur(image, sigma).data, data);
});

test.each(reference.resized)("resizes like Pillow to $width x $height", ({ width, height, data }) => {
  const resized = resizeImage(image, width, height);
  expect([resized.width, resized.height]).toEqual([width, height]);
  expectRounded(resized.data, data);
});

test("an image at its own size, or blurred by nothing, stays as it is", () => {
  expect(resizeImage(image, image.width, image.height).data).toEqual(image.data);
  expect(gaussianBlur(image, 0).data).toEqual(image.data);
  expect(() => gaussianBlur(image, -1)).toThrow(/sigma of a blur is -1/);
  expect(() => resizeImage(image, 0, 4)).toThrow(RangeError);
});
