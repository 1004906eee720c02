import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createImage, openSlide, writeSlide } from "../../../imaging/index.ts";
import { classTables, NO_CLASS } from "../classes.ts";
import { colourClasses, overviewPictures, partPictures } from "./overlay.ts";
import { temporaryFolder } from "./testing/folder.ts";
import { drawn, labelMap } from "./testing/made-up.ts";

const at = ({ width, data }: { width: number; data: Uint8Array }, x: number, y: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

test("classes with a colour shine through, cancer within a dark line, the rest is left", () => {
  const map = drawn("00222.", "33332.", "33332.", "33332.", "33332.");
  const grey = createImage(6, 5, new Uint8Array(90).fill(100));
  const shown = colourClasses(grey, map.data, classTables.radboud, 1);
  expect(at(shown, 0, 0)).toEqual([100, 100, 100]);
  expect(at(shown, 5, 0)).toEqual([100, 100, 100]);
  expect(at(shown, 3, 0)).toEqual([88, 124, 96]); // 0.4 of the colour
  expect(at(shown, 0, 3)).toEqual([175, 155, 80]); // half of it
  expect(at(shown, 3, 3)).toEqual([150, 126, 36]); // the line
  expect(at(grey, 0, 3)).toEqual([100, 100, 100]);
});

test("the overview and a part show each class where it lies on the slide", async () => {
  // 1 pixel of the map = 4 of the slide; the map ends beyond the slide's right rim.
  const [width, height] = [798, 400];
  const labels = new Uint8Array(200 * 100).fill(NO_CLASS);
  for (let y = 20; y < 60; y++) labels.fill(4, y * 200 + 150, y * 200 + 200);
  const map = labelMap(200, 100, labels, 4);
  const path = join(await temporaryFolder(), "slide.tiff");
  const layout = { width, height, channels: 3, compression: "deflate", micronsPerPixel: 0.5 } as const;
  await writeSlide(path, layout, (_x, _y, across, down) => new Uint8Array(across * down * 3).fill(200));
  const slide = await openSlide(path);
  onTestFinished(() => slide.close());

  const { image, overlay } = await overviewPictures(slide, map, classTables.radboud, { longest: 399 });
  expect([image.width, image.height, overlay.width, overlay.height]).toEqual([399, 200, 399, 200]);
  expect(at(image, 350, 80)).toEqual([200, 200, 200]);
  const inside = [220, 165, 120];
  expect(at(overlay, 350, 80)).toEqual(inside);
  expect(at(overlay, 350, 38)).toEqual([200, 200, 200]);
  expect(at(overlay, 350, 41)).toEqual([144, 78, 24]);
  expect(at(overlay, 298, 80)).toEqual([200, 200, 200]);
  expect(at(overlay, 304, 80)).toEqual(inside);
  expect(at(overlay, 398, 80)).toEqual(inside); // no line along the slide's own rim

  const part = await partPictures(slide, map, classTables.radboud, { x: 590, y: 40, width: 300, height: 300 }, 150);
  expect(part.overlay.width).toBe(150);
  expect(at(part.overlay, 3, 60)).toEqual([200, 200, 200]);
  expect(at(part.overlay, 8, 60)).toEqual(inside);
  expect(at(part.overlay, 130, 60)).toEqual([255, 255, 255]); // beyond the slide
});
