import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { denoising } from "../systems/denoising/system.ts";
import { merge, parseAssignment, readSettings } from "./settings.ts";
import { UsageError } from "./usage.ts";

interface Settings {
  image: { size: number };
  training: { steps: number; batch: number };
  corruption: { kind: string; sigma?: number; shape?: string };
}
const read = async (options: { preset?: string; config?: string; set?: string[] }) =>
  (await readSettings(denoising, { set: [], ...options })) as Settings;

describe("settings", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-settings-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("the preset gives way to the file, the file to --set", async () => {
    const config = join(folder, "settings.json");
    await writeFile(config, JSON.stringify({ training: { steps: 7, batch: 3 } }));
    const settings = await read({ preset: "tiny", config, set: ["training.steps=9"] });
    expect(settings.image.size).toBe(64);
    expect(settings.training).toMatchObject({ steps: 9, batch: 3 });
  });

  test("another kind of corruption starts from its own defaults", async () => {
    const settings = await read({ set: ["corruption.kind=gaussian", "corruption.sigma=0.3"] });
    expect(settings.corruption).toEqual({ kind: "gaussian", sigma: 0.3 });
    expect((await read({ set: ["corruption.shape=perlin"] })).corruption).toMatchObject({ kind: "occlusion", shape: "perlin" });
  });

  test("mistakes are sentences for the user", async () => {
    await expect(read({ preset: "huge" })).rejects.toThrow(/no preset "huge".*tiny, small/s);
    await expect(read({ set: ["training.stepz=9"] })).rejects.toThrow(/stepz/);
    await expect(read({ set: ["training.steps=many"] })).rejects.toThrow(/training\.steps/);
    await expect(read({ set: ["image.size=100"] })).rejects.toThrow(/100 pixels cannot be halved/);
    await expect(read({ set: ["training.step=5"] })).rejects.toThrow(/In training there are: steps, batch/);
    await expect(read({ set: ["sede=5"] })).rejects.toThrow(/There are: seed, trainOn, image/);
    await expect(read({ set: ["image.rio=x.png"] })).rejects.toThrow(/In image there are: .*\broi\b/); // has no default
    await expect(read({ set: ["steps"] })).rejects.toBeInstanceOf(UsageError);
    await expect(read({ config: join(folder, "missing.json") })).rejects.toThrow(/missing\.json/);
  });

  test("values are JSON, or else text", () => {
    expect(parseAssignment("a.b=1")).toEqual({ a: { b: 1 } });
    expect(parseAssignment("a=true")).toEqual({ a: true });
    expect(parseAssignment("a=fit")).toEqual({ a: "fit" });
    expect(parseAssignment("a=x=y")).toEqual({ a: "x=y" });
    expect(merge({ a: { b: 1, c: 2 } }, { a: { b: 3 } })).toEqual({ a: { b: 3, c: 2 } });
  });
});
