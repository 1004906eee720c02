import { mkdir, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFileAtomic, writeFileAtomic } from "./index.ts";

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

test("a file written piece by piece stands there when it is finished, and leaves nothing when it is not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-files-"));
  const path = join(folder, "pieces");
  for (const finished of [true, false]) {
    const file = await createFileAtomic(path);
    await file.write(Buffer.from(finished ? "second" : "other!"), 6);
    await file.write(Buffer.from("first "), 0);
    if (finished) {
      expect(await readdir(folder)).not.toContain("pieces");
      await file.finish();
    }
    await file.discard();
    expect(await readFile(path, "utf8")).toBe("first second");
    expect(await readdir(folder)).toEqual(["pieces"]);
  }
});
