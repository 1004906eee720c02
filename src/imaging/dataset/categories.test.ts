import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { listCategories } from "./categories.ts";
import { DatasetError } from "./sample.ts";
import { folderWith } from "./testing/folders.ts";

const inRoot = (root: string, ...names: string[]) => names.map((name) => ({ name, source: join(root, name) }));

test("the folders of a root that are data sets, of any layout", async () => {
  const root = await folderWith(
    "screw/train/good/0.png",
    "bottle/test/good/0.png",
    "bottle/ground_truth/broken/0_mask.png",
    "candle/Data/Images/Normal/0.JPG",
    "kinds/good/0.png",
    "kinds/bad/0.png",
    "table/0.png",
    { "table/parts.csv": "path\n0.png\n", "split_csv/1cls.csv": "object,split,label,image,mask\n", "readme.txt": "" },
    "plain/0.png",
  );
  expect(await listCategories(root)).toEqual(inRoot(root, "bottle", "candle", "kinds", "screw", "table"));
});

test("the manifests of a folder", async () => {
  const root = await folderWith("0.png", { "b.csv": "path\n0.png\n", "a.csv": "file\n0.png\n", "c.csv": "width\n1\n" });
  expect(await listCategories(root)).toEqual([
    { name: "a", source: join(root, "a.csv") },
    { name: "b", source: join(root, "b.csv") },
  ]);
});

test("one data set is its own only category", async () => {
  const root = await folderWith("train/good/0.png", "test/bad/0.png", { "parts.csv": "path\n" });
  expect(await listCategories(root)).toEqual([{ name: basename(root), source: root }]);
  expect(await listCategories(join(root, "parts.csv"))).toEqual([{ name: "parts", source: join(root, "parts.csv") }]);
  await expect(listCategories(join(root, "gone"))).rejects.toBeInstanceOf(DatasetError);
});
