import { mkdir, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeFileAtomic } from "./index.ts";

test("a file is written with its folders, replaced whole, and no temporary file stays", async () => {
  const folder = join(await mkdtemp(join(tmpdir(), "lynceus-files-")), "a", "b");
  const path = join(folder, "result.txt");
  await writeFileAtomic(path, "first and long");
  await writeFileAtomic(path, new TextEncoder().encode("second"));
  expect(await readFile(path, "utf8")).toBe("second");
  expect(await readdir(folder)).toEqual(["result.txt"]);
});

test("writers at the same time leave one whole file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-files-"));
  const contents = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
  await Promise.all(contents.map((content) => writeFileAtomic(join(folder, "x"), content)));
  expect(contents).toContain(await readFile(join(folder, "x"), "utf8"));
  expect(await readdir(folder)).toEqual(["x"]);
});

test("a failure names the file and leaves nothing behind", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-files-"));
  const path = join(folder, "taken");
  await mkdir(join(path, "by-a-folder"), { recursive: true });
  await expect(writeFileAtomic(path, "x")).rejects.toThrow(`Cannot write "${path}" (`);
  expect(await readdir(folder)).toEqual(["taken"]);
});
