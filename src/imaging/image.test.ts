import { expect, test } from "vitest";
import { bitsOf, createImage, createMask, defectPixels, ImageError, toEightBit, toSixteenBit } from "./image.ts";

test("a new image is black and has three bytes a pixel", () => {
  expect(createImage(3, 2)).toEqual({ width: 3, height: 2, data: new Uint8Array(18) });
});

test("data that does not fit the size is refused", () => {
  expect(() => createImage(2, 2, new Uint8Array(4))).toThrow("An RGB image of 2 x 2 pixels has 12 values, not 4.");
  expect(() => createMask(2, 2, new Uint8Array(12))).toThrow("A mask of 2 x 2 pixels has 4 bytes, not 12.");
  expect(() => createImage(0, 2)).toThrow("positive whole numbers");
  expect(() => createMask(1.5, 2)).toThrow("positive whole numbers");
});

test("8 bits become 16 and come back the same; 16 become the nearest 8", () => {
  const all = createImage(
    256,
    1,
    Uint8Array.from({ length: 768 }, (_, i) => i % 256),
  );
  const deep = toSixteenBit(all);
  expect([bitsOf(all), bitsOf(deep)]).toEqual([8, 16]);
  expect([...deep.data.subarray(0, 3), deep.data[255]]).toEqual([0, 257, 514, 65535]);
  expect(toEightBit(deep)).toEqual(all);
  expect(toEightBit(createImage(1, 1, Uint16Array.of(128, 129, 65535 - 128))).data).toEqual(Uint8Array.of(0, 1, 255));
  expect(toEightBit(all)).toBe(all);
  expect(toSixteenBit(deep)).toBe(deep);
});

test("defect pixels are counted", () => {
  expect(defectPixels(createMask(2, 2, Uint8Array.of(0, 1, 1, 0)))).toBe(2);
});

test("an image error names its file", () => {
  const error = new ImageError("a.png", "the file is empty.");
  expect(error.file).toBe("a.png");
  expect(error.message).toBe('Cannot use the image "a.png": the file is empty.');
});
