import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openJournal } from "./journal.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-journal-"));
});
afterAll(() => rm(folder, { recursive: true }));

const record = (value: number): Uint8Array => new Uint8Array(1000).fill(value);
const write = async (path: string, values: readonly number[], identity = "work"): Promise<void> => {
  const journal = await openJournal(path, identity);
  for (const value of values) await journal.append(record(value));
  await journal.close();
};
const read = async (path: string, identity = "work"): Promise<number[]> => {
  const journal = await openJournal(path, identity);
  const found: number[] = [];
  for await (const data of journal.records()) {
    expect(data).toHaveLength(1000);
    expect(new Set(data).size).toBe(1);
    found.push(data[0]);
  }
  expect(journal.count).toBe(found.length);
  await journal.close();
  return found;
};

test("goes on after the records that were there", async () => {
  const path = join(folder, "goes on");
  await write(path, [1, 2]);
  await write(path, [3]);
  expect(await read(path)).toEqual([1, 2, 3]);
});

test("forgets what a crash cut off, and goes on from there", async () => {
  const path = join(folder, "cut");
  await write(path, [1, 2, 3]);
  const whole = (await readFile(path)).length;
  await truncate(path, whole - 2);
  expect(await read(path)).toEqual([1, 2]);
  await write(path, [4]);
  expect(await read(path)).toEqual([1, 2, 4]);
  await truncate(path, 3);
  expect(await read(path)).toEqual([]);
});

test("of other work is overwritten", async () => {
  const path = join(folder, "other");
  await write(path, [1, 2]);
  expect(await read(path, "another")).toEqual([]);
  expect(await read(path)).toEqual([]);
});
