import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listPattern } from "./plain.ts";
import { readDataset } from "./read.ts";
import { DatasetError } from "./sample.ts";
import { folderWith, numbered, relativeTo } from "./testing/folders.ts";

test("folders of kinds: defects are for testing, normal images divided, masks and ignore masks found", async () => {
  const root = await folderWith(
    ...numbered("good", 20),
    ...numbered("scratch", 2),
    "Dent/deep/0.png",
    "ground_truth/scratch/000_mask.png",
    "ignore/scratch/001.png",
    "preview.png",
  );
  const { layout, train, test: samples, skipped, notes } = await readDataset(root);
  expect(layout).toBe("classes");
  const defects = samples.filter(({ label }) => label === 1);
  expect(defects.map(({ name, kind }) => [name, kind])).toEqual([
    ["Dent/deep/0.png", "Dent"],
    ["scratch/000.png", "scratch"],
    ["scratch/001.png", "scratch"],
  ]);
  expect(relativeTo(root, defects[1].maskPath)).toBe("ground_truth/scratch/000_mask.png");
  expect(relativeTo(root, defects[2].ignorePath)).toBe("ignore/scratch/001.png");
  const normal = samples.length - 3;
  expect(normal).toBeGreaterThan(0);
  expect(train.length + normal).toBe(20);
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["preview.png"]);
  expect(notes[0]).toContain(`${normal} of 20 normal images`);
  expect(notes[1]).toContain("2 defect images");
  expect((await readDataset(root, { seed: 1 })).test).not.toEqual(samples);
  expect((await readDataset(root, { seed: 0 })).test).toEqual(samples);
});

test("a normal folder alone, or kinds without a normal one, is one folder of images", async () => {
  for (const root of [await folderWith("good/0.png", "1.png"), await folderWith("a/0.png", "b/1.png")]) {
    const { layout, train } = await readDataset(root);
    expect([layout, train.length]).toEqual(["folder", 2]);
  }
});

test("any other folder is all training, in code-unit order", async () => {
  const root = await folderWith("b/1.png", "a10.png", "a2.png", "B.png", "ä.png", "b/c/2.webp", "a/z.tiff");
  const { layout, train, test: samples } = await readDataset(root);
  expect(layout).toBe("folder");
  expect(train.map(({ name }) => name)).toEqual(["B.png", "a/z.tiff", "a10.png", "a2.png", "b/1.png", "b/c/2.webp", "ä.png"]);
  expect(train.every(({ split, kind, label }) => split === "train" && kind === "good" && label === 0)).toBe(true);
  expect(samples).toEqual([]);
});

test("in one folder of images masks are no images", async () => {
  const root = await folderWith("a.png", "b.png", "ignore/a.png", "ignore/z.png", "ground_truth/b.png");
  const { train, skipped } = await readDataset(root);
  expect(train.map(({ name, ignorePath }) => [name, relativeTo(root, ignorePath)])).toEqual([
    ["a.png", "ignore/a.png"],
    ["b.png", undefined],
  ]);
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["ground_truth/b.png", "ignore/z.png"]);
});

test("whatever is no image is skipped with a reason, one entry each", async () => {
  const root = await folderWith("a.png", ".hidden.png", ".cache/b.png", "Thumbs.db", "license.txt", "readme", "table.csv");
  const { train, skipped } = await readDataset(root);
  expect(train.map(({ name }) => name)).toEqual(["a.png"]);
  expect(skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
    [".cache", "hidden folder"],
    [".hidden.png", "hidden file"],
    ["Thumbs.db", "file of the operating system"],
    ["license.txt", "not an image by its extension"],
    ["readme", "not an image by its extension"],
    ["table.csv", "not an image by its extension"],
  ]);
});

test("links are followed, except in circles and to nowhere", async () => {
  const elsewhere = await folderWith("linked.png");
  const root = await folderWith("a.png");
  await symlink(elsewhere, join(root, "other"), "junction");
  await symlink(root, join(root, "self"), "junction");
  await symlink(join(root, "gone"), join(root, "broken.png"));
  const { train, skipped } = await readDataset(root);
  expect(train.map(({ name }) => name)).toEqual(["a.png", "other/linked.png"]);
  expect(skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
    ["broken.png", "broken link or unreadable"],
    ["self", "link to a folder that contains it"],
  ]);
});

test("a pattern gives what it matches, with names from its first wildcard on", async () => {
  const root = await folderWith("photos/b.jpg", "photos/deep/a.jpg", "photos/deep/.a.jpg", "photos/c.png", "photos/d [1].jpg");
  const { layout, train, skipped } = await readDataset(`${root}/photos/**/*.jpg`);
  expect([layout, skipped]).toEqual(["glob", []]);
  expect(train.map(({ name, path }) => [name, path])).toEqual([
    ["b.jpg", join(root, "photos", "b.jpg")],
    ["d [1].jpg", join(root, "photos", "d [1].jpg")],
    ["deep/a.jpg", join(root, "photos", "deep", "a.jpg")],
  ]);
  const names = async (pattern: string, onWindows?: boolean) =>
    (await listPattern(pattern, onWindows)).images.map(({ name }) => name);
  expect(await names(`${root}\\photos\\**\\*.jpg`.replaceAll("/", "\\"), true)).toEqual(["b.jpg", "d [1].jpg", "deep/a.jpg"]);
  expect(await names(`${root}/photos/{b,c}.*`)).toEqual(["b.jpg", "c.png"]);
  expect(await names(`${root}/photos/d \\[1\\].*`)).toEqual(["d [1].jpg"]);
  await expect(readDataset(`${root}/photos/*.gif`)).rejects.toThrow("as a pattern it matches no image");
});

test("a folder whose name looks like a pattern is a folder", async () => {
  const root = await folderWith("set [a]/0.png");
  expect((await readDataset(join(root, "set [a]"))).layout).toBe("folder");
});

test("unusable sources are errors in sentences", async () => {
  const root = await folderWith("file.txt", "many/bottle/train/good/0.png", "many/cable/ok/0.png", "many/cable/bad/0.png");
  await mkdir(join(root, "empty"));
  await expect(readDataset(join(root, "gone"))).rejects.toThrow(
    `The folder "${join(root, "gone")}" does not exist. Check the path.`,
  );
  await expect(readDataset(join(root, "file.txt"))).rejects.toThrow("is a file. Give the folder");
  await expect(readDataset(join(root, "empty"))).rejects.toThrow("holds no image (0 other files were skipped)");
  await expect(readDataset(join(root, "many"))).rejects.toThrow(
    `(bottle, cable). Give one of them: "${join(root, "many", "bottle")}".`,
  );
  await expect(readDataset(join(root, "gone"))).rejects.toBeInstanceOf(DatasetError);
});
