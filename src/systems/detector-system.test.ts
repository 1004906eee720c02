import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSurfaces } from "../imaging/index.ts";
import { type Config, configSchema, presets } from "./denoising/config.ts";
import { method } from "./denoising/train.ts";
import { type CompareRequest, detectorSystem } from "./detector-system.ts";

let folder: string;
let [data, run] = ["", ""];
const asked: Config[] = [];
const plain = {
  name: "denoising",
  summary: "For tests.",
  configSchema,
  presets,
  methodOf: async (config: Config) => {
    asked.push(config);
    return method;
  },
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-system-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 32, trainCount: 6, testPerKind: 1, seed: 1 });
  [data, run] = [join(folder, "tiles"), join(folder, "run")];
  const config = { image: { size: 32 }, network: { width: 2, depth: 2 }, training: { steps: 2, batch: 2, warmup: 1 } };
  await detectorSystem(plain).train({ data, out: run, config, threads: 1 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the method is made from the whole configuration", () => {
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ seed: 0, network: { width: 2, latent: 128 } });
});

test("evaluating for other data writes beside the run's own report, and shows what the method compares", async () => {
  const requests: CompareRequest[] = [];
  const system = detectorSystem({
    ...plain,
    compare: async (request) => {
      requests.push(request);
      return [{ title: "Variants", columns: [], rows: [] }];
    },
  });
  const own = await system.evaluateRun({ run, data, threads: 1, ablation: { minutes: 3 } });
  expect(requests).toMatchObject([{ run, data, minutes: 3, threads: 1 }]);
  expect(own.report).toBe(join(run, "report.html"));
  expect(own.page.comparisons).toEqual([{ title: "Variants", columns: [], rows: [] }]);
  const outlines = own.page.caseGroups?.map(({ title, mapScale }) => [title.split(" ").at(-1), mapScale?.outline?.label]);
  expect(outlines).toEqual([
    ["defects", "the true defect"],
    ["images", undefined],
  ]);
  // Few images: every one is shown, and once.
  const shown = own.page.caseGroups!.flatMap(({ cases }) => cases.map(({ name }) => name));
  expect(new Set(shown).size).toBe(shown.length);
  expect(shown).toHaveLength(own.images);
  expect(own.page.notices?.[0]).toEqual({ text: expect.stringContaining("rests on 1 normal image: 5.0 % "), tone: "caution" });
  expect(own.page.settings?.image).toMatchObject({ size: 32, channels: 3, depth: 8 });
  expect(own.page.defaults?.image).toMatchObject({ size: 128, channels: 3, depth: 8 });
  const comparisonsOf = async (ofData: string) => (await system.evaluateRun({ run, data: ofData, threads: 1 })).page.comparisons;
  expect(await comparisonsOf(data)).toEqual(own.page.comparisons);
  const other = join(folder, "other");
  await writeSurfaces(other, { categories: ["tiles"], size: 32, trainCount: 1, testPerKind: 1, seed: 2 });
  const elsewhere = await system.evaluateRun({ run, data: join(other, "tiles"), threads: 1 });
  expect(elsewhere.report).toBe(join(run, "evaluation-tiles", "report.html"));
  expect(elsewhere.page.comparisons).toBeUndefined();
  await rm(join(data, "ground_truth", "crack"), { recursive: true });
  expect(await comparisonsOf(data)).toBeUndefined();
  expect(requests).toHaveLength(1);
});

test("a system without variants says so", async () => {
  const refused = detectorSystem(plain).evaluateRun({ run, data, ablation: {} });
  await expect(refused).rejects.toThrow('The system "denoising" has no variants to compare');
});
