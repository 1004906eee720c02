import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSlide } from "../../imaging/index.ts";
import type { ProgressEvent } from "../../training/index.ts";
import { compareGraders } from "./compare.ts";
import { configSchema } from "./config.ts";
import { readSlides } from "./data.ts";
import { writePhantomDataset } from "./phantom/index.ts";
import { planPatches } from "./plan-patches.ts";
import { rebuildModel } from "./run.ts";
import { trainGrader } from "./train.ts";

const config = configSchema.parse({
  patch: 32,
  network: { width: 8, heads: [1, 2, 2, 4], window: 4, channels: 8 },
  training: { steps: 2, batch: 2, warmup: 1 },
  validation: { folds: 0 },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-compare-"));
  await writePhantomDataset(join(folder, "data"), {
    slides: { train: 2, test: 2 },
    width: 256,
    height: 256,
    slidesPerPatient: 1,
  });
  await trainGrader({ data: join(folder, "data"), out: join(folder, "run"), config, threads: 1 });
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

test("the uniform grid takes as many patches as adaptive sampling, the finest one more, each on its own places", async () => {
  const [{ path }] = (await readSlides(join(folder, "data"))).slides;
  const slide = await openSlide(path);
  const planOn = async (grid: "adaptive" | "finest" | "uniform") =>
    (await planPatches(slide, { ...config, sampling: { ...config.sampling, grid } })).patches;
  const [adaptive, finest, uniform] = [await planOn("adaptive"), await planOn("finest"), await planOn("uniform")];
  await slide.close();
  expect(finest.length).toBeGreaterThan(1.2 * adaptive.length);
  expect(Math.abs(uniform.length - adaptive.length)).toBeLessThanOrEqual(Math.max(1, 0.03 * adaptive.length));
  const places = new Set(finest.map(({ x, y }) => `${x},${y}`));
  expect(adaptive.every(({ x, y }) => places.has(`${x},${y}`))).toBe(true);
  expect(uniform.every(({ x, y }) => places.has(`${x},${y}`))).toBe(false);
});

test("a run is compared with other grids, with the CRF and with joint training; what is compared is kept", async () => {
  const [run, data] = [join(folder, "run"), join(folder, "data")];
  const model = await rebuildModel(run);
  const compare = async () => {
    const events: ProgressEvent[] = [];
    const table = await compareGraders(model, { run, data, threads: 1, listener: (event) => events.push(event) });
    return { table, events };
  };
  const { table, events } = await compare();
  const patches = Object.fromEntries(table.rows.map(({ name, cells }) => [name, cells[0] as number]));
  expect(patches["uniform grid at the finest stride"]).toBeGreaterThan(patches["this run"]);
  expect(patches["adaptive, sparse"]).toBeLessThan(patches["this run"]);
  expect(patches["with CRF"]).toBe(patches["this run"]);
  const joint = table.rows.find(({ name }) => name === "trained jointly");
  expect(joint?.cells[0]).toBe(patches["this run"]);
  expect(events.some((event) => event.kind === "step")).toBe(true);
  const again = await compare();
  expect(again.table).toEqual(table);
  expect(again.events.filter(({ kind }) => kind !== "stage")).toEqual([]);
  await expect(compareGraders(model, { run, data, minutes: 1 })).rejects.toThrow("leave out --minutes");
});
