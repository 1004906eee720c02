import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createImage, createMask, type Sample, writeMaskPng, writePng } from "../imaging/index.ts";
import type { ProgressEvent } from "../training/index.ts";
import type { Detector } from "./detector.ts";
import { evaluate } from "./evaluate.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-evaluate-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const [width, height] = [8, 6];
/** Finds an image as anomalous as it is red, pixel by pixel. */
const redness: Detector = {
  description: { system: "redness", preprocess: { depth: 8 } } as Detector["description"],
  detect: async ({ data }, ignore) => {
    if (data[1] === 99) throw new Error("The detector does not like this image.");
    const map = Float32Array.from({ length: data.length / 3 }, (_, i) => data[3 * i] / 255);
    const score = map.reduce((largest, value) => Math.max(largest, value), 0);
    return { map, score, anomalous: score >= 0.5, ignored: ignore?.data, restored: undefined };
  },
  close: async () => {},
};

/** An image of one redness, and another one where its defect is: the upper half. */
const write = async (
  name: string,
  kind: string,
  red: number,
  defect = red,
  { mask = defect !== red, green = 0 } = {},
): Promise<Sample> => {
  const image = createImage(width, height);
  const truth = createMask(width, height);
  for (let i = 0; i < width * height; i++) {
    const isDefect = i < (width * height) / 2;
    image.data.set([isDefect ? defect : red, green, 0], 3 * i);
    truth.data[i] = isDefect ? 1 : 0;
  }
  const path = join(folder, `${name}.png`);
  const maskPath = join(folder, `${name}_mask.png`);
  await writePng(path, image);
  if (mask) await writeMaskPng(maskPath, truth);
  return { path, name, split: "test", kind, label: kind === "good" ? 0 : 1, ...(mask ? { maskPath } : {}) };
};

test("a defect without a mask counts for its image, and none of its pixels counts as normal", async () => {
  const samples = [
    await write("good0", "good", 50),
    await write("good1", "good", 60),
    await write("masked", "stain", 55, 200),
    await write("unmasked", "stain", 255, 255),
  ];
  const { maps, measures, samples: evaluated } = await evaluate(redness, samples);
  expect(maps.map((map) => map !== undefined)).toEqual([true, true, true, false]);
  expect(evaluated.map(({ score }) => Math.round(score * 255))).toEqual([50, 60, 200, 255]);
  expect(evaluated.map(({ anomalous }) => anomalous)).toEqual([false, false, true, true]);
  // The unmasked image is the reddest everywhere: as normal pixels it would spoil these.
  expect(measures.pixelAuroc!.value).toBe(1);
  expect(measures.imageAuroc!.value).toBe(1);
});

test("what cannot be read or judged is named with its reason, and the rest is finished in order", async () => {
  const samples = [
    await write("good", "good", 50),
    await write("broken", "good", 50),
    await write("masked", "stain", 55, 200),
    await write("broken mask", "stain", 55, 200),
    await write("disliked", "good", 50, 50, { green: 99 }),
    { ...(await write("last", "good", 70)), name: "last" },
  ];
  await writeFile(samples[1].path, "not a picture");
  await writeFile(samples[3].maskPath!, "not a picture");
  await rm(samples[0].path);
  await writePng(samples[0].path, createImage(3, 2, new Uint8Array(18).fill(40)));
  const events: ProgressEvent[] = [];
  const evaluation = await evaluate(redness, samples, { listener: (event) => events.push(event) });
  expect(evaluation.samples.map(({ sample }) => sample.name)).toEqual(["good", "masked", "last"]);
  expect(evaluation.maps.map((map) => [map!.width, map!.height])).toEqual([
    [3, 2],
    [width, height],
    [width, height],
  ]);
  expect(evaluation.failures.map(({ path }) => path)).toEqual([samples[1].path, samples[3].path, samples[4].path]);
  expect(evaluation.failures[0].reason).toContain("broken.png");
  expect(evaluation.failures[1].reason).toContain("broken mask_mask.png");
  expect(evaluation.failures[2].reason).toBe("The detector does not like this image.");
  expect(evaluation.measures.imageAuroc!.value).toBe(1);
  expect(events.map((event) => event.kind === "count" && [event.done, event.total])).toEqual(
    [1, 2, 3, 4, 5, 6].map((done) => [done, 6]),
  );
});

test("one class alone, or nothing readable, leaves measures out instead of failing", async () => {
  const good = [await write("good0", "good", 50), await write("good1", "good", 60)];
  expect((await evaluate(redness, good)).measures).toEqual({});
  for (const { path } of good) await writeFile(path, "not a picture");
  const nothing = await evaluate(redness, good);
  expect(nothing).toMatchObject({ samples: [], maps: [], measures: {}, secondsPerImage: 0 });
  expect(nothing.failures).toHaveLength(2);
});
