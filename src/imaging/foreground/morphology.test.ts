import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createMask, type Mask } from "../image.ts";
import { closing, dilation, erosion, fillHoles, opening, removeSpecks, sharedPart, subtract } from "./morphology.ts";
import { otsuThreshold } from "./otsu.ts";

interface MorphologyCase {
  readonly [result: string]: string | number;
  readonly width: number;
  readonly height: number;
  readonly radius: number;
  readonly mask: string;
}

const reference = JSON.parse(readFileSync(new URL("fixtures/foreground.json", import.meta.url), "utf8"));
const bits = ({ data }: Mask): string => data.join("");

test.each(reference.otsu as { histogram: number[]; threshold: number }[])(
  "Otsu's threshold agrees with trying all of them ($threshold)",
  ({ histogram, threshold }) => {
    expect(otsuThreshold(histogram)).toBe(threshold);
  },
);

test("there is no threshold where all values are equal, or there are none", () => {
  expect(otsuThreshold([0, 0, 7, 0])).toBeUndefined();
  expect(otsuThreshold(new Uint32Array(256))).toBeUndefined();
});

test.each(reference.morphology as MorphologyCase[])(
  "morphology agrees with scipy at $width x $height, radius $radius",
  (expected) => {
    const mask = createMask(expected.width, expected.height, Uint8Array.from(expected.mask, Number));
    expect(bits(dilation(mask, expected.radius))).toBe(expected.dilated);
    expect(bits(erosion(mask, expected.radius))).toBe(expected.eroded);
    expect(bits(opening(mask, expected.radius))).toBe(expected.opened);
    expect(bits(closing(mask, expected.radius))).toBe(expected.closed);
    expect(bits(removeSpecks(mask, 10))).toBe(expected.without10);
    expect(bits(fillHoles(mask, 6))).toBe(expected.filled6);
  },
);

test("empty and full masks stay what they are", () => {
  const [empty, full] = [createMask(7, 5), createMask(7, 5, new Uint8Array(35).fill(1))];
  for (const mask of [empty, full]) {
    for (const change of [dilation, erosion, opening, closing, removeSpecks, fillHoles]) expect(change(mask, 3)).toEqual(mask);
  }
  expect(bits(subtract(full, empty))).toBe(bits(full));
  expect(sharedPart(full, full)).toBe(1);
  expect(sharedPart(empty, full)).toBe(0);
});
