import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMask, readDataset, writeMaskPng, writeSurfaces } from "../imaging/index.ts";
import { configSchema } from "../systems/denoising/config.ts";
import { digestOfData, planTraining } from "./plan.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-plan-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 16, trainCount: 6, testPerKind: 2, seed: 1 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const planOf = (data: string) =>
  planTraining(data, join(folder, "run"), configSchema.parse({ image: { size: 16 }, network: { depth: 2 } }), ({ seed }) => seed);
const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

test("the data's digest is that of the names and contents of training images and of their ignore masks", async () => {
  const data = join(folder, "masked");
  await cp(join(folder, "tiles"), data, { recursive: true });
  const [{ name }] = (await planOf(data)).training;
  await writeMaskPng(join(data, "ignore", name), createMask(16, 16));
  const { training, dataDigest } = await planOf(data);
  const lines = await Promise.all(training.map(async (sample) => `${sample.name}\0${sha256(await readFile(sample.path))}\n`));
  const ignored = training.flatMap((sample) => (sample.ignorePath === undefined ? [] : [sample]));
  expect(ignored).toHaveLength(1);
  for (const sample of ignored) lines.push(`${sample.name}, ignored\0${sha256(await readFile(sample.ignorePath as string))}\n`);
  expect(dataDigest).toBe(sha256(lines.join("")));
  expect(await digestOfData(training)).toBe(dataDigest);
});

test("warns of test images that are training images under another name", async () => {
  const data = join(folder, "leaking");
  await cp(join(folder, "tiles"), data, { recursive: true });
  expect((await planOf(data)).warnings).toEqual([]);
  const { test: tested } = await readDataset(data);
  const { training } = await planOf(data);
  await cp(training[1].path, tested[0].path);
  const { warnings } = await planOf(data);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`1 test images are training images as well (${tested[0].name}`);
});
