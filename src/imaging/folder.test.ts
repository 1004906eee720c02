import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { expect, test } from "vitest";
import { expandInputs, FolderError, readFolder } from "./folder.ts";

/** A new folder with these files; listing never opens them, so they hold one byte. */
const folderWith = async (...files: string[]): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), "lynceus-folder-"));
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), "x");
  }
  return root;
};

const relativeTo = (root: string, path: string | undefined) => path && relative(root, path).split(sep).join("/");

test("the MVTec layout gives splits, kinds, labels and masks", async () => {
  const root = await folderWith(
    "train/good/001.png",
    "train/good/000.png",
    "test/good/000.png",
    "test/crack/000.png",
    "test/crack/001.jpg",
    "test/cut/deep/7.tif",
    "ground_truth/crack/000_mask.png",
    "ground_truth/crack/001.png",
    "ground_truth/cut/deep/7_mask.bmp",
  );
  const dataset = await readFolder(root);
  expect(dataset.layout).toBe("mvtec");
  expect(dataset.train.map(({ name, kind, label }) => [name, kind, label])).toEqual([
    ["train/good/000.png", "good", 0],
    ["train/good/001.png", "good", 0],
  ]);
  expect(dataset.test.map(({ name, kind, label, maskPath }) => [name, kind, label, relativeTo(root, maskPath)])).toEqual([
    ["test/crack/000.png", "crack", 1, "ground_truth/crack/000_mask.png"],
    ["test/crack/001.jpg", "crack", 1, "ground_truth/crack/001.png"],
    ["test/cut/deep/7.tif", "cut", 1, "ground_truth/cut/deep/7_mask.bmp"],
    ["test/good/000.png", "good", 0, undefined],
  ]);
  expect(dataset.test[0]).toMatchObject({ path: join(root, "test", "crack", "000.png"), split: "test" });
  expect(dataset.skipped).toEqual([]);
  expect(dataset.notes).toEqual([]);
});

test("missing and orphan masks are noted, and the images kept", async () => {
  const root = await folderWith(
    "test/crack/0.png",
    "test/good/0.png",
    "ground_truth/crack/9_mask.png",
    "ground_truth/good/0_mask.png",
  );
  const { train, test: samples, notes } = await readFolder(root);
  expect(train).toEqual([]);
  expect(samples.map(({ name, label, maskPath }) => [name, label, maskPath])).toEqual([
    ["test/crack/0.png", 1, undefined],
    ["test/good/0.png", 0, undefined],
  ]);
  expect(notes).toEqual([
    '1 defect images of "test" have no mask in "ground_truth": test/crack/0.png.',
    '1 masks of "ground_truth" belong to no image: ground_truth/crack/9_mask.png.',
  ]);
});

test("known defects in train have label 1 and do not take the mask of a test image", async () => {
  const root = await folderWith(
    "train/good/0.png",
    "train/crack/0.png",
    "train/crack/5.png",
    "test/crack/0.png",
    "ground_truth/crack/0_mask.png",
    "ground_truth/crack/5_mask.png",
  );
  const { train, test: samples } = await readFolder(root);
  expect(train.map(({ name, label, maskPath }) => [name, label, relativeTo(root, maskPath)])).toEqual([
    ["train/crack/0.png", 1, undefined],
    ["train/crack/5.png", 1, "ground_truth/crack/5_mask.png"],
    ["train/good/0.png", 0, undefined],
  ]);
  expect(relativeTo(root, samples[0].maskPath)).toBe("ground_truth/crack/0_mask.png");
});

test("images directly in train are good", async () => {
  const { layout, train } = await readFolder(await folderWith("train/b.png", "train/a.JPG"));
  expect(layout).toBe("mvtec");
  expect(train.map(({ name, kind, label }) => [name, kind, label])).toEqual([
    ["train/a.JPG", "good", 0],
    ["train/b.png", "good", 0],
  ]);
});

test("any other folder is all training, in code-unit order", async () => {
  const root = await folderWith("b/1.png", "a10.png", "a2.png", "B.png", "ä.png", "b/c/2.webp", "a/z.tiff");
  const { layout, train, test: samples } = await readFolder(root);
  expect(layout).toBe("folder");
  expect(train.map(({ name }) => name)).toEqual(["B.png", "a/z.tiff", "a10.png", "a2.png", "b/1.png", "b/c/2.webp", "ä.png"]);
  expect(train.every(({ split, kind, label }) => split === "train" && kind === "good" && label === 0)).toBe(true);
  expect(samples).toEqual([]);
});

test("whatever is no image is skipped with a reason, one entry each", async () => {
  const root = await folderWith("a.png", ".hidden.png", ".cache/b.png", "Thumbs.db", "license.txt", "readme", "noextension");
  const { train, skipped } = await readFolder(root);
  expect(train.map(({ name }) => name)).toEqual(["a.png"]);
  expect(skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
    [".cache", "hidden folder"],
    [".hidden.png", "hidden file"],
    ["Thumbs.db", "file of the operating system"],
    ["license.txt", "not an image by its extension"],
    ["noextension", "not an image by its extension"],
    ["readme", "not an image by its extension"],
  ]);
});

test("images that have no place in the MVTec layout are skipped, not guessed", async () => {
  const root = await folderWith("train/good/0.png", "test/0.png", "preview.png");
  const { test: samples, skipped } = await readFolder(root);
  expect(samples).toEqual([]);
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["preview.png", "test/0.png"]);
  expect(skipped[1].reason).toContain('"test/good"');
});

test("links are followed, except in circles and to nowhere", async () => {
  const elsewhere = await folderWith("linked.png");
  const root = await folderWith("a.png");
  await symlink(elsewhere, join(root, "other"), "junction");
  await symlink(root, join(root, "self"), "junction");
  await symlink(join(root, "gone"), join(root, "broken.png"));
  const { train, skipped } = await readFolder(root);
  expect(train.map(({ name }) => name)).toEqual(["a.png", "other/linked.png"]);
  expect(skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
    ["broken.png", "broken link or unreadable"],
    ["self", "link to a folder that contains it"],
  ]);
});

test("unusable folders are errors in sentences", async () => {
  const root = await folderWith("file.txt", "many/bottle/train/good/0.png", "many/cable/test/bad/0.png");
  await mkdir(join(root, "empty"));
  await expect(readFolder(join(root, "gone"))).rejects.toThrow(
    `The folder "${join(root, "gone")}" does not exist. Check the path.`,
  );
  await expect(readFolder(join(root, "file.txt"))).rejects.toThrow("is a file. Give the folder");
  await expect(readFolder(join(root, "empty"))).rejects.toThrow("holds no image (0 other files were skipped)");
  await expect(readFolder(join(root, "many"))).rejects.toThrow(
    `(bottle, cable). Give one of them: "${join(root, "many", "bottle")}".`,
  );
  await expect(readFolder(join(root, "gone"))).rejects.toBeInstanceOf(FolderError);
});

test("inputs for prediction are files and folders mixed, each file once", async () => {
  const root = await folderWith("z.png", "in/b.png", "in/a.png", "in/notes.txt", "empty/readme");
  const at = (name: string) => join(root, name);
  const { paths, skipped } = await expandInputs([
    at("z.png"),
    at("in"),
    at("in/a.png"),
    at("gone.png"),
    at("in/notes.txt"),
    at("empty"),
  ]);
  expect(paths.map((path) => relativeTo(root, path))).toEqual(["z.png", "in/a.png", "in/b.png"]);
  expect(skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
    ["in/notes.txt", "not an image by its extension"],
    ["gone.png", "does not exist or cannot be read"],
    ["in/notes.txt", "not an image by its extension"],
    ["empty/readme", "not an image by its extension"],
    ["empty", "folder without images"],
  ]);
});
