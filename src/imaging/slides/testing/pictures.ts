import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { random } from "../../../random/index.ts";
import { openSlide as openAndKeep, type Slide } from "../index.ts";

const folder = mkdtempSync(join(tmpdir(), "lynceus-slides-"));

/** A path for a file of a test. */
export const pathOf = (name: string): string => join(folder, name);

/** Writes a file of a test; gives its path. */
export const fileOf = async (name: string, bytes: Uint8Array): Promise<string> => {
  await writeFile(pathOf(name), bytes);
  return pathOf(name);
};

const opened: Slide[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((slide) => slide.close()));
});

/** Opens a slide until the test ends. */
export const openSlide: typeof openAndKeep = async (path, options) => {
  const slide = await openAndKeep(path, options);
  opened.push(slide);
  return slide;
};

/** Values that differ everywhere, but smoothly enough for JPEG, `[height, width, channels]`. */
export const texture = (width: number, height: number, channels: number): Uint8Array => {
  const rng = random("slide texture", width, height, channels);
  return Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return Math.round(110 + 60 * Math.sin(x / (9 + 4 * channel)) + 60 * Math.cos(y / (13 - 3 * channel)) + rng.uniform(0, 20));
  });
};

/** The part of `[height, width, channels]` that a region shows, as RGB; `empty` beyond the border. */
export const partOf = (
  { width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  region: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  empty = 255,
): Uint8Array => {
  const channels = data.length / (width * height);
  const result = new Uint8Array(region.width * region.height * 3).fill(empty);
  for (let y = Math.max(0, region.y); y < Math.min(height, region.y + region.height); y++) {
    for (let x = Math.max(0, region.x); x < Math.min(width, region.x + region.width); x++) {
      const to = ((y - region.y) * region.width + x - region.x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        result[to + channel] = data[(y * width + x) * channels + (channels === 1 ? 0 : channel)];
      }
    }
  }
  return result;
};
