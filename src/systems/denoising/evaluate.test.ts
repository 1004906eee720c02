import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeSurfaces } from "../../imaging/index.ts";
import { type Config, configSchema } from "./config.ts";
import { type AblationRow, ablation, ablationTable } from "./evaluate.ts";
import { train } from "./train.ts";

describe("the comparison with the baselines", () => {
  let folder: string;
  let rows: AblationRow[];
  const configs: Record<string, Config> = {};
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-ablation-"));
    await writeSurfaces(folder, { categories: ["tiles"], size: 32, trainCount: 8, testPerKind: 2, seed: 1 });
    const run = join(folder, "run");
    const data = join(folder, "tiles");
    const config = configSchema.parse({
      image: { size: 32 },
      network: { width: 4, depth: 2, latent: 8 },
      corruption: { shape: "blobs" },
      training: { steps: 4, batch: 2, warmup: 1 },
    });
    await train({ data, out: run, config, threads: 1 });
    rows = (await ablation({ run, data, sigmas: [0.1], steps: 3, threads: 1 })) as AblationRow[];
    const runs = join(run, "ablation");
    for (const name of (await readdir(runs)).filter((entry) => entry !== "table.json"))
      configs[name] = JSON.parse(await readFile(join(runs, name, "config.json"), "utf8"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("trains every corruption on both networks", () => {
    const names = ["this run's occlusion", "rectangles of noise", "gaussian 0.1", "none"];
    expect(rows.map(({ group, name }) => `${group} ${name}`)).toEqual(
      ["unet", "bottleneck"].flatMap((architecture) => names.map((name) => `${architecture} ${name}`)),
    );
    for (const { measures, trainingLoss, cleanLoss } of rows) {
      expect(cleanLoss).toBeGreaterThanOrEqual(0);
      expect(measures.image_auroc.low).toBeLessThanOrEqual(measures.image_auroc.value);
      expect(trainingLoss).toBeGreaterThanOrEqual(0);
    }
  });

  test("differs in the corruption and the network, and in nothing else", () => {
    expect(Object.keys(configs)).toHaveLength(8);
    const rest = Object.values(configs).map(({ corruption: _, network, ...others }) => ({
      ...others,
      network: { ...network, architecture: "" },
    }));
    for (const other of rest) expect(other).toEqual(rest[0]);
    expect(new Set(Object.values(configs).map(({ corruption }) => JSON.stringify(corruption))).size).toBe(4);
  });

  test("the gain is the difference of the image AUROCs", () => {
    const [own, ...others] = rows.filter(({ group }) => group === "bottleneck");
    expect(own.gain).toBeUndefined();
    for (const { gain, measures } of others) {
      expect(gain?.value).toBeCloseTo(own.measures.image_auroc.value - measures.image_auroc.value, 6);
    }
    const { columns, rows: cells } = ablationTable(rows);
    for (const row of cells) expect(row.cells).toHaveLength(columns.length);
  });
});
