import sharp from "sharp";
import { expect, test } from "vitest";
import { createImage, createMask } from "../../../imaging/index.ts";
import { paintTissue } from "../../../imaging/testing/tissue.ts";
import { findBlur, type Raster, rasterOf } from "./index.ts";

test("regions out of focus are found, glass is not judged, and only samples are read", async () => {
  const image = paintTissue(400, 200, (x) => (x < 300 ? "nuclei" : "glass"));
  const { data } = await sharp(image.data, { raw: { width: 400, height: 200, channels: 3 } })
    .blur(2.5)
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (let at = 0; at < data.length; at++) if (Math.floor(at / 3) % 400 < 100) image.data[at] = data[at];
  const raster = rasterOf(createImage(400, 200, image.data));
  let pixels = 0;
  const watched: Raster = {
    ...raster,
    read: (region) => {
      pixels += region.width * region.height;
      return raster.read(region);
    },
  };
  const foreground = createMask(4, 2, Uint8Array.of(1, 1, 1, 0, 1, 1, 1, 0));
  const { mask, share } = await findBlur(watched, foreground, { region: 100, sample: 60 });
  expect([mask.width, mask.height, ...mask.data]).toEqual([4, 2, 1, 0, 0, 0, 1, 0, 0, 0]);
  expect(share).toBeCloseTo(1 / 3);
  expect(pixels).toBe(6 * 60 * 60);
  expect(await findBlur(raster, createMask(4, 2))).toMatchObject({ share: 0 });
});
