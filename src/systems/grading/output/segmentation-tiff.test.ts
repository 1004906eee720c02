import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { openSlide } from "../../../imaging/index.ts";
import { classTables, NO_CLASS } from "../classes.ts";
import { writeSegmentation } from "./segmentation-tiff.ts";
import { temporaryFolder } from "./testing/folder.ts";
import { labelMap } from "./testing/made-up.ts";

const [width, height] = [400, 200];
const labels = Uint8Array.from({ length: width * height }, (_, p) =>
  p % width < 250 ? Math.floor(p / width / 32) % 6 : NO_CLASS,
);

test("class numbers, their colours and the size of a pixel survive, coarser levels by majority", async () => {
  const path = join(await temporaryFolder(), "map.tiff");
  await writeSegmentation(path, labelMap(width, height, labels, 4), classTables.radboud, 0.25);
  const numbers = await openSlide(path, { indices: true });
  expect(numbers.micronsPerPixel).toBeCloseTo(1, 6);
  expect(numbers.levels.map(({ downsample }) => downsample)).toEqual([1, 2]);
  const read = await numbers.read(0, { x: 0, y: 0, width, height });
  expect(read.data.filter((_, i) => i % 3 === 0)).toEqual(labels);
  const coarse = await numbers.read(1, { x: 0, y: 0, width: 200, height: 100 });
  const halved = Uint8Array.from({ length: 200 * 100 }, (_, p) => labels[2 * Math.floor(p / 200) * width + 2 * (p % 200)]);
  expect(coarse.data.filter((_, i) => i % 3 === 0)).toEqual(halved);
  await numbers.close();

  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const colourAt = (x: number, y: number) => [...data.subarray((y * width + x) * info.channels).subarray(0, 3)];
  expect(colourAt(10, 100)).toEqual([250, 210, 60]);
  expect(colourAt(10, 10)).toEqual([255, 255, 255]); // the background has no colour
  expect(colourAt(300, 10)).toEqual([255, 255, 255]);
});
