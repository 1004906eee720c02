import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runFiles, writeJson } from "../../training/index.ts";
import { compareForgery } from "./compare.ts";
import { configSchema } from "./config.ts";
import { writeForgeryDataset } from "./maker/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "forgery-compare-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("every variant is trained, and what was trained is not trained again", {
  timeout: 300_000,
}, async () => {
  const [data, run] = [join(folder, "data"), join(folder, "run")];
  await writeForgeryDataset(data, {
    images: { train: 2, validation: 2, test: 2 },
    kinds: ["noise", "blur"],
    width: 64,
    height: 64,
  });
  const config = configSchema.parse({
    image: { size: 16 },
    network: {
      kernels: 1,
      generator: { width: 4, depths: [1, 1, 1], style: false },
      detector: { width: 4, depths: [1, 1, 1], localFrequency: false },
    },
    training: { batch: 2 },
  });
  await writeJson(runFiles(run).config, config);
  const trained: string[] = [];
  const compare = () =>
    compareForgery({
      run,
      data,
      steps: 1,
      leaveOut: [],
      threads: 1,
      listener: (event) => {
        if (event.kind === "step") trained.push(`${event.step}`);
      },
    });
  const { table, robustness } = await compare();
  expect(table.rows.map(({ name }) => name)).toEqual([
    "this method",
    "spatial branch only",
    "no generator",
    "neither",
    "self-blending",
  ]);
  expect(trained).toHaveLength(5);
  for (const { cells } of table.rows) {
    expect(cells[0]).toMatchObject({ value: expect.any(Number) });
    expect(cells[3]).toBeNull(); // no kind was left out
  }
  expect(robustness).toHaveLength(5);
  const again = await compare();
  expect(trained).toHaveLength(5);
  expect(again.table).toEqual(table);
  await expect(compareForgery({ run, data, leaveOut: ["nois"] })).rejects.toThrow(/there are blur, noise/);
  await expect(compareForgery({ run, data, sigmas: [1] })).rejects.toThrow(/leave out --sigmas/);
});
