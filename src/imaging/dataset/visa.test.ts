import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataset } from "./read.ts";
import { DatasetError } from "./sample.ts";
import { folderWith, relativeTo } from "./testing/folders.ts";

const image = (kind: string, name: string) => `candle/Data/Images/${kind}/${name}.JPG`;

const category = [
  image("Normal", "0000"),
  image("Normal", "0001"),
  image("Normal", "0002"),
  image("Anomaly", "000"),
  image("Anomaly", "001"),
  "candle/Data/Masks/Anomaly/000.png",
  "candle/Data/Masks/Anomaly/001.png",
];

const annotations = {
  "candle/image_anno.csv": [
    "image,label,mask",
    ...["0000", "0001", "0002"].map((name) => `${image("Normal", name)},normal,`),
    `${image("Anomaly", "000")},"wax melded, chunk missing",candle/Data/Masks/Anomaly/000.png`,
    `${image("Anomaly", "001")},"chunk missing,wax melded",candle/Data/Masks/Anomaly/001.png`,
  ].join("\n"),
};

const split = {
  "split_csv/1cls.csv": [
    "object,split,label,image,mask",
    `candle,train,normal,${image("Normal", "0002")},`,
    `candle,test,normal,${image("Normal", "0000")},`,
    `candle,test,anomaly,${image("Anomaly", "000")},candle/Data/Masks/Anomaly/000.png`,
    `candle,test,anomaly,${image("Anomaly", "001")},candle/Data/Masks/Anomaly/001.png`,
    `candle,test,normal,${image("Normal", "0009")},`,
    "pcb1,test,normal,pcb1/Data/Images/Normal/0001.JPG,",
    "",
  ].join("\r\n"),
};

test("a category of VisA with its published split, its kinds and its masks", async () => {
  const root = await folderWith(...category, annotations, split);
  const dataset = await readDataset(join(root, "candle"));
  expect(dataset.layout).toBe("visa");
  expect(dataset.train.map(({ name, kind, label }) => [name, kind, label])).toEqual([["Data/Images/Normal/0002.JPG", "good", 0]]);
  expect(dataset.test.map(({ name, kind, label, maskPath }) => [name, kind, label, relativeTo(root, maskPath)])).toEqual([
    ["Data/Images/Anomaly/000.JPG", "chunk missing, wax melded", 1, "candle/Data/Masks/Anomaly/000.png"],
    ["Data/Images/Anomaly/001.JPG", "chunk missing, wax melded", 1, "candle/Data/Masks/Anomaly/001.png"],
    ["Data/Images/Normal/0000.JPG", "good", 0, undefined],
  ]);
  expect(dataset.skipped).toEqual([
    {
      path: join(root, "candle", "Data", "Images", "Normal", "0001.JPG"),
      reason: 'not in the published split "split_csv/1cls.csv"',
    },
  ]);
  expect(dataset.notes).toEqual(["1 images of the published split are not there."]);
});

test("without its tables the kind is the folder, and the normal images are divided", async () => {
  const root = await folderWith(...category);
  const { train, test: samples, notes } = await readDataset(join(root, "candle"));
  expect(train.length).toBe(2);
  expect(samples.map(({ kind }) => kind)).toEqual(["anomaly", "anomaly", "good"]);
  expect(notes[0]).toMatch(/^No split is stated, so 1 of 3 normal images/);
});

test("the root of VisA is an error that names its categories", async () => {
  const root = await folderWith(...category, annotations, split);
  await expect(readDataset(root)).rejects.toThrow(/one level deeper \(candle\)/);
  await expect(readDataset(root)).rejects.toBeInstanceOf(DatasetError);
});
