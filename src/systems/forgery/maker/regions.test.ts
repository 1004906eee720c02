import { expect, test } from "vitest";
import { createImage, createMask, defectPixels, regionsOf } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";
import { movedRegion, objectRegions, randomBlob, randomRegion, shareOf, softEdge } from "./regions.ts";

test("a blob has exactly the area asked for, in one piece and without holes", () => {
  for (let index = 0; index < 40; index++) {
    const source = random("blobs", index);
    const pixels = source.integer(30, 1500);
    const blob = randomBlob(source, 80, 60, pixels);
    expect(defectPixels(blob)).toBe(pixels);
    expect(regionsOf(blob, 1, 8).areas.length - 1).toBe(1);
    const outside = regionsOf(blob, 0, 4);
    expect(outside.areas.every((_, label) => label === 0 || outside.atRim[label])).toBe(true);
  }
});

test("blobs follow from their keys and are no two alike", () => {
  const blob = (index: number) => randomBlob(random(index), 64, 64, 400).data;
  expect(blob(1)).toEqual(blob(1));
  expect(blob(1)).not.toEqual(blob(2));
});

test("objects within the range of area become regions with a rim; others do not", () => {
  const objects = new Uint8Array(40 * 40);
  for (let y = 10; y < 20; y++) objects.fill(1, y * 40 + 10, y * 40 + 20);
  objects[35 * 40 + 35] = 2;
  const photograph = { image: createImage(40, 40), objects };
  const regions = objectRegions(photograph, { low: 0.04, high: 0.25 });
  expect(regions.map(defectPixels)).toEqual([10 * 10 + 4 * 10]);
  expect(randomRegion(random(3), photograph, { low: 0.04, high: 0.25 }, 1)).toEqual(regions[0]);
  const share = shareOf(randomRegion(random(3), photograph, { low: 0.3, high: 0.4 }, 1));
  expect(share).toBeGreaterThan(0.299);
  expect(share).toBeLessThan(0.401);
});

test("a soft edge rises from above 0 at the rim to 1 inside, and is hard without width", () => {
  const region = createMask(21, 1);
  region.data.fill(1, 0, 15);
  const soft = [...softEdge(region, 3)];
  expect(soft.slice(0, 12)).toEqual(Array(12).fill(1));
  expect(soft.slice(11, 15).map((value) => value.toFixed(4))).toEqual(["1.0000", "0.8438", "0.5000", "0.1563"]);
  expect(soft.slice(15)).toEqual(Array(6).fill(0));
  expect([...softEdge(region, 0)]).toEqual([...region.data]);
});

test("a moved region loses what leaves the picture", () => {
  const region = createMask(5, 4);
  region.data.fill(1, 0, 5);
  const moved = movedRegion(region, 2, 1);
  expect([...moved.data]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});
