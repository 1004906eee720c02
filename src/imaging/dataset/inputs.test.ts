import { join } from "node:path";
import { expect, test } from "vitest";
import { expandInputs } from "./inputs.ts";
import { folderWith, relativeTo } from "./testing/folders.ts";

const expand = async (root: string, ...names: string[]) => {
  const { paths, masks, skipped } = await expandInputs(names.map((name) => join(root, name)));
  return {
    paths: paths.map((path) => relativeTo(root, path)),
    masks: masks.map((path) => relativeTo(root, path)),
    skipped: skipped.map(({ path, reason }) => [relativeTo(root, path), reason]),
  };
};

test("inputs for prediction are files and folders mixed, each file once", async () => {
  const root = await folderWith("z.png", "in/b.png", "in/a.png", "in/notes.txt", "empty/readme");
  expect(await expand(root, "z.png", "in", "in/a.png", "gone.png", "in/notes.txt", "empty")).toEqual({
    paths: ["z.png", "in/a.png", "in/b.png"],
    masks: [],
    skipped: [
      ["in/notes.txt", "not an image by its extension"],
      ["gone.png", "does not exist or cannot be read"],
      ["in/notes.txt", "not an image by its extension"],
      ["empty/readme", "not an image by its extension"],
      ["empty", "folder without images"],
    ],
  });
});

test("patterns are expanded, once with what else is given", async () => {
  const root = await folderWith("in/b.png", "in/a.jpg", "in/c.txt", "in/deep/d.png");
  expect(await expand(root, "in/b.png", "in/*", "in/x*.png")).toEqual({
    paths: ["in/b.png", "in/a.jpg"],
    masks: [],
    skipped: [
      ["in/c.txt", "not an image by its extension"],
      ["in/x*.png", "no image matches this pattern"],
    ],
  });
});

test("the masks of data sets are set apart and no failures, unless they are given themselves", async () => {
  const mvtec = ["train/good/0.png", "test/bad/1.png", "ground_truth/bad/1_mask.png", "ignore/test/bad/1.png"];
  const root = await folderWith(
    ...mvtec,
    ...mvtec.map((name) => `many/bottle/${name}`),
    "many/pcb1/Data/Images/Anomaly/0.JPG",
    "many/pcb1/Data/Masks/Anomaly/0.png",
    "listed/a.png",
    "listed/a-defect.png",
    "listed/a-edge.png",
    { "listed/parts.csv": "path,mask,ignore\na.png,a-defect.png,a-edge.png\n" },
  );
  const one = await folderWith(...mvtec);
  expect(await expand(one, ".")).toEqual({
    paths: ["test/bad/1.png", "train/good/0.png"],
    masks: ["ground_truth/bad/1_mask.png", "ignore/test/bad/1.png"],
    skipped: [],
  });
  expect((await expand(root, "listed")).paths).toEqual(["listed/a.png"]);
  expect((await expand(root, "many")).paths).toEqual([
    "many/bottle/ignore/test/bad/1.png",
    "many/bottle/test/bad/1.png",
    "many/bottle/train/good/0.png",
    "many/pcb1/Data/Images/Anomaly/0.JPG",
  ]);
  expect((await expand(one, "ground_truth", "ignore/test/bad/1.png")).paths).toEqual([
    "ground_truth/bad/1_mask.png",
    "ignore/test/bad/1.png",
  ]);
});
