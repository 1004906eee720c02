import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeSurfaces } from "../imaging/index.ts";
import { type Config, configSchema } from "../systems/denoising/config.ts";
import { method } from "../systems/denoising/train.ts";
import type { ProgressEvent } from "../training/index.ts";
import { blurredDifference } from "./baseline.ts";
import { compareVariants, type VariantRow, type VariantsOptions } from "./variants.ts";
import { variantsTable } from "./variants-table.ts";

const configOf = (latent: number, sigma = 1) =>
  configSchema.parse({
    image: { size: 32 },
    network: { architecture: "bottleneck", width: 2, depth: 2, latent },
    training: { steps: 5, batch: 2, warmup: 1 },
    score: { sigma },
  });

let folder: string;
let options: VariantsOptions<Config>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-variants-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 32, trainCount: 6, testPerKind: 2, seed: 1 });
  const variants = [
    { name: "narrow", group: "latent", config: configOf(4) },
    { name: "wide", group: "latent", config: configOf(8) },
    { name: "smooth", group: "sigma", config: configOf(4, 3) },
  ];
  options = { run: join(folder, "run"), data: join(folder, "tiles"), variants, methodOf: async () => method, threads: 1 };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const stepsOf = (events: readonly ProgressEvent[]) => events.flatMap((event) => (event.kind === "step" ? [event.step] : []));

describe("a comparison of variants", () => {
  let rows: VariantRow[];
  test("interrupted in the second one, it goes on there, to the rows of an undisturbed one", async () => {
    const stop = new AbortController();
    const reason = new Error("Ctrl-C");
    let variant = "";
    const interrupt = (event: ProgressEvent): void => {
      if (event.kind === "stage" && event.text.includes(" of 3: ")) variant = event.text;
      if (variant === "2 of 3: latent, wide" && event.kind === "step" && event.step === 3) stop.abort(reason);
    };
    await expect(compareVariants({ ...options, listener: interrupt, signal: stop.signal })).rejects.toBe(reason);
    const events: ProgressEvent[] = [];
    rows = await compareVariants({ ...options, listener: (event) => events.push(event) });
    expect(stepsOf(events)).toEqual([4, 5, 1, 2, 3, 4, 5]);

    const undisturbed = await compareVariants({ ...options, run: join(folder, "undisturbed") });
    const comparable = (all: readonly VariantRow[]) =>
      all.map(({ name, group, measures, gain, steps }) => ({ name, group, measures, gain, steps }));
    expect(comparable(rows)).toEqual(comparable(undisturbed));
    for (const [index, { files, metrics, steps, seconds }] of rows.entries()) {
      expect((await readFile(files.model)).equals(await readFile(undisturbed[index].files.model)), files.folder).toBe(true);
      expect(steps).toBe(5);
      expect(metrics.at(-1)?.step).toBe(5);
      expect(seconds).toBeGreaterThan(0);
    }
  });

  test("gains are those of each group's first variant", () => {
    expect(rows.map(({ gain }) => gain === undefined)).toEqual([true, false, true]);
    const auroc = (row: number) => rows[row].measures.image_auroc.value;
    expect(rows[1].gain?.value).toBeCloseTo(auroc(0) - auroc(1), 9);

    const columns = [{ name: "latent", cell: ({ files }: VariantRow) => files.folder }];
    const table = variantsTable(rows, { title: "t", note: "n", columns });
    expect(table.columns.map(({ name }) => name)).not.toContain("steps");
    expect(table.rows.map(({ name, emphasis }) => [name, emphasis])).toEqual([
      ["latent, narrow", true],
      ["latent, wide", false],
      ["sigma, smooth", true],
    ]);
    expect(table.rows[1].cells).toEqual([
      rows[1].measures.image_auroc,
      rows[1].measures.pixel_auroc,
      rows[1].measures.pro,
      rows[1].files.folder,
      { value: 100 * rows[1].gain!.value, low: 100 * rows[1].gain!.low, high: 100 * rows[1].gain!.high },
      Number(((100 * rows[1].gain!.value) / auroc(1)).toFixed(1)),
    ]);
    const longer = variantsTable([rows[0], { ...rows[1], steps: 6 }], { title: "t", note: "n" });
    expect(longer.columns.map(({ name }) => name)).toContain("steps");
  });

  test("with minutes, a variant gets the steps that fit at the speed first measured, also when it goes on", async () => {
    const run = join(folder, "timed");
    const variants = options.variants.slice(0, 1);
    const first: ProgressEvent[] = [];
    const timed = { ...options, run, variants, budget: { minutes: 0.002 } };
    const [row] = await compareVariants({ ...timed, listener: (event) => first.push(event) });
    expect(first.filter((event) => event.kind === "stage").map(({ text }) => text)).toContain("timing 20 steps");
    const [name] = (await readdir(join(run, "ablation"))).filter((entry) => entry.endsWith(".timing.json"));
    const path = join(run, "ablation", name);
    const measured = JSON.parse(await readFile(path, "utf8"));
    expect(measured.secondsPerStep).toBeGreaterThan(0);
    expect(row.steps).toBe(Math.max(1, Math.floor(0.12 / measured.secondsPerStep)));
    // The steps that are reported are those of the training alone, not those that were timed.
    expect(stepsOf(first)).toEqual(Array.from({ length: row.steps }, (_, index) => index + 1));

    const before = (await stat(row.files.model)).mtimeMs;
    const again: ProgressEvent[] = [];
    const [repeated] = await compareVariants({ ...timed, listener: (event) => again.push(event) });
    expect(repeated.steps).toBe(row.steps);
    expect(stepsOf(again)).toEqual([]);
    expect((await stat(row.files.model)).mtimeMs).toBe(before);

    await writeFile(path, JSON.stringify({ ...measured, secondsPerStep: 0.015 }));
    const [slower] = await compareVariants(timed);
    expect(slower.steps).toBe(8);
    expect(slower.metrics.at(-1)?.step).toBe(8);
  });

  test("a model that is not trained is fitted on the data, and its gain is that over the ungrouped first variant", async () => {
    const fitted: string[] = [];
    const model = async (data: string) => {
      fitted.push(data);
      return blurredDifference(16);
    };
    const variants = [{ name: "narrow", config: configOf(4) }];
    const [narrow, plain] = await compareVariants({ ...options, variants, untrained: [{ name: "not trained", model }] });
    expect(fitted).toEqual([options.data]);
    expect(plain).toMatchObject({ name: "not trained", steps: 0, metrics: [] });
    expect(plain.seconds).toBeGreaterThan(0);
    expect(plain.gain?.value).toBeCloseTo(narrow.measures.image_auroc.value - plain.measures.image_auroc.value, 9);
  });

  test("needs normal and defective test images", async () => {
    await writeSurfaces(join(folder, "untested"), { categories: ["tiles"], size: 32, trainCount: 2, testPerKind: 0, seed: 1 });
    const data = join(folder, "untested", "tiles");
    await expect(compareVariants({ ...options, data })).rejects.toThrow(`"${data}" needs normal and defective test images`);
  });
});
