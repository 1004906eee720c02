import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSlide, writeSlide } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import { configSchema } from "./config.ts";
import { flawsOf, planPatches } from "./plan-patches.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-plan-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Where patches of 32 pixels at 10x lie on a slide of noise of that resolution, and what is said against it. */
const planned = async (micronsPerPixel: number, magnification: number) => {
  const path = join(folder, `${micronsPerPixel}-${magnification}.tif`);
  const layout = { width: 256, height: 256, channels: 3, compression: "deflate", micronsPerPixel, magnification } as const;
  await writeSlide(path, layout, (x, y, width, height) => {
    const rng = random("noise", x, y);
    return Uint8Array.from({ length: width * height * 3 }, () => Math.floor(rng.uniform(0, 255)));
  });
  const slide = await openSlide(path);
  try {
    const plan = await planPatches(slide, configSchema.parse({ patch: 32, slide: { foreground: "none" } }));
    return { downsample: plan.downsample, flaws: await flawsOf(slide, plan) };
  } finally {
    await slide.close();
  }
};

test("the size of pixels decides how large patches are; power that disagrees and enlarging are warned of", async () => {
  expect(await planned(0.499, 20)).toEqual({ downsample: 2, flaws: [] });
  const disagreeing = await planned(0.25, 20);
  expect(disagreeing.downsample).toBe(4);
  expect(disagreeing.flaws).toEqual([
    expect.stringContaining("The file says 20x, but its pixels of 0.25 micrometres are those of 40x"),
  ]);
  const coarse = await planned(2, 5);
  expect(coarse.downsample).toBe(0.5);
  expect(coarse.flaws[0]).toContain("The slide is of 5x, coarser than the 10x at which it is looked at");
});
