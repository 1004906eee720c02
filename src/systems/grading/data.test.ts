import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { classesOf, classTables } from "./classes.ts";
import { readSlides } from "./data.ts";

const folders: string[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-slides-"));
  folders.push(folder);
});
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

const files = async (...names: string[]): Promise<void> => {
  for (const name of names) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), "");
  }
};
const table = (text: string): Promise<void> => writeFile(join(folder, "slides.csv"), text);

test("a table says image, mask, grade, patient and split; what does not exist is skipped", async () => {
  await files("a.tiff", "b.tiff", "c.tiff", "m.png");
  await table(
    "image,mask,grade,patient,split\na.tiff,m.png,3,P1,train\nb.tiff,,,P2,test\nc.tiff,m.png,0,,validation\ngone.tiff,,1,P9,test\n",
  );
  const { slides, skipped } = await readSlides(folder);
  expect(slides).toEqual([
    { name: "a.tiff", path: join(folder, "a.tiff"), maskPath: join(folder, "m.png"), grade: 3, patient: "P1", split: "train" },
    { name: "b.tiff", path: join(folder, "b.tiff"), maskPath: undefined, grade: undefined, patient: "P2", split: "test" },
    {
      name: "c.tiff",
      path: join(folder, "c.tiff"),
      maskPath: join(folder, "m.png"),
      grade: 0,
      patient: undefined,
      split: "validation",
    },
  ]);
  expect(skipped.map(({ reason }) => reason)).toEqual([`"${join(folder, "gone.tiff")}", of row 5 of the table, does not exist.`]);
  expect((await readSlides(join(folder, "slides.csv"))).slides).toEqual(slides);
});

test.each([
  ["image,grade\na.tiff,6\n", "Row 2 of"],
  ["image,grade\na.tiff,x\n", 'grade is "x"'],
  ["image,split\na.tiff,learn\n", 'split is "learn"'],
  ["picture\na.tiff\n", 'needs a column "image"; it has picture'],
  ["image\n", "has no rows"],
  ["image\nb.tiff\n", "None of the slides"],
  ["image,split\na.tiff,train\n./a.tiff,test\n", "stands in two splits, train and test"],
  ["image,patient,split\na.tiff,P,train\nc.tiff,P,test\n", 'Patient "P" of'],
])("a table that does not fit is refused: %j", async (text, message) => {
  await files("a.tiff", "c.tiff");
  await table(text);
  await expect(readSlides(folder)).rejects.toThrow(message);
});

test("folders of images and masks belong together by name", async () => {
  await files("image/one.jpg", "image/two.jpg", "mask/one.png", "image/notes.txt");
  const { slides } = await readSlides(folder);
  expect(slides.map(({ name, maskPath }) => [name, maskPath])).toEqual([
    ["one.jpg", join(folder, "mask", "one.png")],
    ["two.jpg", undefined],
  ]);
});

test("a folder of slides, a slide, and nothing", async () => {
  await files("x.svs", "y.tif");
  expect((await readSlides(folder)).slides.map(({ name }) => name)).toEqual(["x.svs", "y.tif"]);
  expect((await readSlides(join(folder, "x.svs"))).slides).toHaveLength(1);
  await expect(readSlides(join(folder, "none"))).rejects.toThrow("does not exist");
  await mkdir(join(folder, "empty"));
  await expect(readSlides(join(folder, "empty"))).rejects.toThrow("holds no slides");
});

test("patterns in a list of one's own have the colours of the tables, unless it gives others", () => {
  const own = [
    { name: "A", pattern: 3 as const, maskValues: [0] },
    { name: "B", pattern: 4 as const, maskValues: [1], colour: [1, 2, 3] as [number, number, number] },
    { name: "C", pattern: 0 as const, maskValues: [2] },
  ];
  expect(classesOf(own).map(({ colour }) => colour)).toEqual([classTables.radboud[3].colour, [1, 2, 3], undefined]);
});
