import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataset } from "./read.ts";
import { folderWith, relativeTo } from "./testing/folders.ts";

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
  const dataset = await readDataset(root);
  expect(dataset).toMatchObject({ source: root, layout: "mvtec", skipped: [], notes: [] });
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
});

test("normal kinds have other names too, and are reported as good", async () => {
  const btad = await readDataset(
    await folderWith("train/ok/0.bmp", "test/ok/1.bmp", "test/ko/2.bmp", "ground_truth/ko/2.png", "ground_truth/ok/1.png"),
  );
  expect([...btad.train, ...btad.test].map(({ name, kind, label }) => [name, kind, label])).toEqual([
    ["train/ok/0.bmp", "good", 0],
    ["test/ko/2.bmp", "ko", 1],
    ["test/ok/1.bmp", "good", 0],
  ]);
  expect(btad.test[0].maskPath).toMatch(/2\.png$/);
  expect(btad.notes).toEqual([]);
  const { train } = await readDataset(await folderWith("train/OK/0.png", "train/Normal/0.png", "train/okay/0.png"));
  expect(train.map(({ kind, label }) => [kind, label])).toEqual([
    ["good", 0],
    ["good", 0],
    ["okay", 1],
  ]);
});

test("missing and orphan masks are noted, and the images kept", async () => {
  const root = await folderWith(
    "test/crack/0.png",
    "test/good/0.png",
    "ground_truth/crack/9_mask.png",
    "ground_truth/good/0_mask.png",
  );
  const { train, test: samples, notes } = await readDataset(root);
  expect(train).toEqual([]);
  expect(samples.map(({ name, label, maskPath }) => [name, label, maskPath])).toEqual([
    ["test/crack/0.png", 1, undefined],
    ["test/good/0.png", 0, undefined],
  ]);
  expect(notes).toEqual([
    '1 defect images of "test" have no mask: test/crack/0.png.',
    "1 masks belong to no image: ground_truth/crack/9_mask.png.",
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
  const { train, test: samples } = await readDataset(root);
  expect(train.map(({ name, label, maskPath }) => [name, label, relativeTo(root, maskPath)])).toEqual([
    ["train/crack/0.png", 1, undefined],
    ["train/crack/5.png", 1, "ground_truth/crack/5_mask.png"],
    ["train/good/0.png", 0, undefined],
  ]);
  expect(relativeTo(root, samples[0].maskPath)).toBe("ground_truth/crack/0_mask.png");
});

test("images directly in train are good", async () => {
  const { layout, train } = await readDataset(await folderWith("train/b.png", "train/a.JPG"));
  expect(layout).toBe("mvtec");
  expect(train.map(({ name, kind, label }) => [name, kind, label])).toEqual([
    ["train/a.JPG", "good", 0],
    ["train/b.png", "good", 0],
  ]);
});

test("images that have no place are skipped, not guessed", async () => {
  const root = await folderWith("train/good/0.png", "test/0.png", "preview.png");
  const { test: samples, skipped } = await readDataset(root);
  expect(samples).toEqual([]);
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["preview.png", "test/0.png"]);
  expect(skipped[1].reason).toContain('"test/good"');
});

test("ignore masks lie under the name of their image, in any format", async () => {
  const root = await folderWith(
    "train/good/1.jpg",
    "test/crack/3.png",
    "ground_truth/crack/3_mask.png",
    "ignore/train/good/1.png",
    "ignore/test/crack/3.png",
    "ignore/test/crack/4.png",
  );
  const { train, test: samples, skipped } = await readDataset(root);
  expect(relativeTo(root, train[0].ignorePath)).toBe("ignore/train/good/1.png");
  expect(relativeTo(root, samples[0].ignorePath)).toBe("ignore/test/crack/3.png");
  expect(relativeTo(root, samples[0].maskPath)).toBe("ground_truth/crack/3_mask.png");
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["ignore/test/crack/4.png"]);
});

test("the places of MVTec AD 2: a public test with its masks in it, validation for training", async () => {
  const root = await folderWith(
    "train/good/0.png",
    "validation/good/1.png",
    "test_public/good/2.png",
    "test_public/bad/3_regular.png",
    "test_public/ground_truth/bad/3_regular_mask.png",
    "test_private/4.png",
  );
  const { train, test: samples, skipped, notes } = await readDataset(root);
  expect(train.map(({ name }) => name)).toEqual(["train/good/0.png", "validation/good/1.png"]);
  expect(samples.map(({ name, label, maskPath }) => [name, label, relativeTo(root, maskPath)])).toEqual([
    ["test_public/bad/3_regular.png", 1, "test_public/ground_truth/bad/3_regular_mask.png"],
    ["test_public/good/2.png", 0, undefined],
  ]);
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["test_private/4.png"]);
  expect(notes).toEqual(["1 images of the validation folder are taken for training."]);
});

test("the places of MVTec 3D-AD and BMAD: masks beside the images of a kind", async () => {
  const root = await folderWith(
    "train/good/rgb/0.png",
    "train/good/xyz/0.tiff",
    "test/cut/rgb/1.png",
    "test/cut/gt/1.png",
    "test/good/rgb/2.png",
    "test/good/gt/2.png",
    "test/Ungood/img/3.png",
    "test/Ungood/label/3.png",
    "test/label/4.png",
  );
  const { train, test: samples, skipped, notes } = await readDataset(root);
  expect(train.map(({ name }) => name)).toEqual(["train/good/rgb/0.png"]);
  expect(samples.map(({ name, kind, maskPath }) => [name, kind, relativeTo(root, maskPath)])).toEqual([
    ["test/Ungood/img/3.png", "Ungood", "test/Ungood/label/3.png"],
    ["test/cut/rgb/1.png", "cut", "test/cut/gt/1.png"],
    ["test/good/rgb/2.png", "good", undefined],
    ["test/label/4.png", "label", undefined],
  ]);
  expect(skipped.map(({ path }) => relativeTo(root, path))).toEqual(["train/good/xyz/0.tiff"]);
  expect(notes).toEqual(['1 defect images of "test" have no mask: test/label/4.png.']);
});
