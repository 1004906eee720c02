import { expect, test } from "vitest";
import { createImage, createMask, defectPixels, ImageError } from "./image.ts";

test("a new image is black and has three bytes a pixel", () => {
  expect(createImage(3, 2)).toEqual({ width: 3, height: 2, data: new Uint8Array(18) });
});

test("data that does not fit the size is refused", () => {
  expect(() => createImage(2, 2, new Uint8Array(4))).toThrow("An RGB image of 2 x 2 pixels has 12 bytes, not 4.");
  expect(() => createMask(2, 2, new Uint8Array(12))).toThrow("A mask of 2 x 2 pixels has 4 bytes, not 12.");
  expect(() => createImage(0, 2)).toThrow("positive whole numbers");
  expect(() => createMask(1.5, 2)).toThrow("positive whole numbers");
});

test("defect pixels are counted", () => {
  expect(defectPixels(createMask(2, 2, Uint8Array.of(0, 1, 1, 0)))).toBe(2);
});

test("an image error names its file", () => {
  const error = new ImageError("a.png", "the file is empty.");
  expect(error.file).toBe("a.png");
  expect(error.message).toBe('Cannot use the image "a.png": the file is empty.');
});
