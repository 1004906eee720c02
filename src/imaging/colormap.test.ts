import { expect, test } from "vitest";
import { heatmap, infernoColour, overlay } from "./colormap.ts";
import { createImage, toSixteenBit } from "./image.ts";

const luminance = ([red, green, blue]: readonly number[]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;

test("inferno runs from black to pale yellow and only ever gets brighter", () => {
  expect(infernoColour(0)).toEqual([0, 0, 4]);
  expect(infernoColour(1)).toEqual([252, 255, 164]);
  const brightness = Array.from({ length: 101 }, (_, i) => luminance(infernoColour(i / 100)));
  for (let i = 1; i < brightness.length; i++) expect(brightness[i]).toBeGreaterThan(brightness[i - 1]);
});

test("a heat map clamps at its limits and survives NaN", () => {
  const image = heatmap(Float32Array.of(-5, 1, 2, 3, 99, Number.NaN), 3, 2, 1, 3);
  const pixel = (i: number) => [...image.data.subarray(i * 3, i * 3 + 3)];
  expect(pixel(0)).toEqual(pixel(1));
  expect(pixel(5)).toEqual(pixel(1));
  expect(pixel(2)).toEqual(infernoColour(0.5));
  expect(pixel(4)).toEqual(pixel(3));
  expect(pixel(3)).toEqual(infernoColour(1));
});

test("a constant map is all low and divides nothing by zero", () => {
  expect([...heatmap(Float32Array.of(2, 2), 2, 1, 2, 2).data]).toEqual([0, 0, 4, 0, 0, 4]);
});

test("an overlay leaves normal pixels as they are and covers the highest by its opacity", () => {
  const image = createImage(3, 1, Uint8Array.of(10, 20, 30, 10, 20, 30, 10, 20, 30));
  const result = overlay(image, Float32Array.of(0, 0.5, 1), 0, 1, 0.5);
  expect([...result.data.subarray(0, 3)]).toEqual([10, 20, 30]);
  expect([...result.data.subarray(6)]).toEqual([131, 138, 97]);
  const change = (i: number) => Math.abs(result.data[i] - image.data[i]);
  expect(change(3)).toBeGreaterThan(0);
  expect(change(3)).toBeLessThan(change(6));
  expect([...image.data.subarray(6)]).toEqual([10, 20, 30]);
});

test("a 16-bit image is drawn on over its 8 bits", () => {
  const image = createImage(3, 1, Uint8Array.of(10, 20, 30, 10, 20, 30, 10, 20, 30));
  const map = Float32Array.of(0, 0.5, 1);
  expect(overlay(toSixteenBit(image), map, 0, 1, 0.5)).toEqual(overlay(image, map, 0, 1, 0.5));
});

test("sizes that do not fit are refused", () => {
  expect(() => heatmap(new Float32Array(3), 2, 2, 0, 1)).toThrow(
    "An anomaly map of 3 values does not fit an image of 2 x 2 pixels.",
  );
  expect(() => overlay(createImage(2, 2), new Float32Array(3), 0, 1, 1)).toThrow("does not fit");
});
