import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  digestOfFiles,
  type Environment,
  environment,
  environmentChanges,
  openMetricsLog,
  readJson,
  readMetrics,
  runFiles,
  writeJson,
} from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const lines = [1, 10, 20, 30].map((step) => ({ step, loss: 1 / step }));

test("a log opened again forgets what lies beyond the step it goes on from", async () => {
  const { metrics } = runFiles(join(folder, "run"));
  const log = await openMetricsLog(metrics, 0);
  for (const line of lines) await log.append(line);
  expect(await readMetrics(metrics)).toEqual(lines);

  const again = await openMetricsLog(metrics, 20);
  expect(again.lines).toEqual(lines.slice(0, 3));
  await again.append({ step: 30, loss: 0.5 });
  expect(await readMetrics(metrics)).toEqual([...lines.slice(0, 3), { step: 30, loss: 0.5 }]);

  expect((await openMetricsLog(metrics, 0)).lines).toEqual([]);
  expect(await readMetrics(metrics)).toEqual([]);
});

test("a last line cut by a crash is left out, and the next one starts on a line of its own", async () => {
  const { metrics } = runFiles(folder);
  await writeFile(metrics, `${JSON.stringify(lines[0])}\n${JSON.stringify(lines[1])}\n{"step":20,"lo`);
  expect(await readMetrics(metrics)).toEqual(lines.slice(0, 2));
  await (await openMetricsLog(metrics, 20)).append(lines[2]);
  expect((await readFile(metrics, "utf8")).split("\n")).toEqual([...lines.slice(0, 3).map((line) => JSON.stringify(line)), ""]);
});

test("JSON files: read back, undefined where missing, named where damaged", async () => {
  const path = join(folder, "deep", "config.json");
  expect(await readJson(path)).toBeUndefined();
  await writeJson(path, { a: [1, { b: "ü" }] });
  expect(await readJson(path)).toEqual({ a: [1, { b: "ü" }] });
  await writeFile(path, "{ half");
  await expect(readJson(path)).rejects.toThrow(`"${path}" is not valid JSON: `);
});

test("the digest of files depends on their names, contents and order, and on nothing else", async () => {
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return { name, path: join(folder, name) };
  };
  const [a, b, sameAsA] = [await write("a", "one"), await write("b", "two"), await write("c", "one")];
  const digest = await digestOfFiles([a, b]);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(await digestOfFiles([{ name: "a", path: sameAsA.path }, b])).toBe(digest);
  for (const other of [[b, a], [a], [a, b, b], [{ ...a, name: "A" }, b], [sameAsA, b]]) {
    expect(await digestOfFiles(other)).not.toBe(digest);
  }
  await write("b", "two!");
  expect(await digestOfFiles([a, b])).not.toBe(digest);
});

test("a changed environment is named, an unchanged one is not", () => {
  const now = environment(2);
  expect(environmentChanges(now, now)).toEqual([]);
  const before: Environment = { ...now, node: "v1.2.3", threads: now.threads + 1 };
  expect(environmentChanges(before, now)).toEqual([
    `node was v1.2.3 and is ${now.node} now: the last bits of the result may differ.`,
    `threads was ${now.threads + 1} and is ${now.threads} now: the last bits of the result may differ.`,
  ]);
});
