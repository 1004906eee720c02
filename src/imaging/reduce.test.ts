import { expect, test } from "vitest";
import { createImage, createMask } from "./image.ts";
import { reduceImage, resizeMask } from "./reduce.ts";

test("a reduced pixel is the mean of what it covers, by parts where it covers parts", () => {
  const row = createImage(3, 1, Uint8Array.of(0, 0, 0, 90, 30, 60, 255, 255, 255));
  expect([...reduceImage(row, 2).data]).toEqual([30, 10, 20, 200, 180, 190]);
  const square = createImage(
    4,
    4,
    new Uint8Array(48).map((_, at) => Math.floor(at / 3)),
  );
  const { width, height, data } = reduceImage(square, 2);
  expect([width, height, ...data.filter((_, at) => at % 3 === 0)]).toEqual([2, 2, 3, 5, 11, 13]);
});

test("proportions are kept, nothing is enlarged, and no side vanishes", () => {
  expect(reduceImage(createImage(300, 100), 150)).toMatchObject({ width: 150, height: 50 });
  expect(reduceImage(createImage(300, 1), 100)).toMatchObject({ width: 100, height: 1 });
  const small = createImage(3, 2);
  expect(reduceImage(small, 10)).toBe(small);
});

test("a mask is read under the centres of the new pixels", () => {
  const mask = createMask(2, 1, Uint8Array.of(1, 0));
  expect([...resizeMask(mask, 4, 2).data]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
  expect([...resizeMask(resizeMask(mask, 6, 3), 2, 1).data]).toEqual([1, 0]);
});
