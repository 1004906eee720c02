import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { addTo, folderWith, numbered, relativeTo } from "../../imaging/dataset/testing/folders.ts";
import { DatasetError } from "../../imaging/index.ts";
import { type ForgeryDataset, type ForgeryImage, isForgeryData, kindsOf, leaveOutKind, readForgeryDataset } from "./data.ts";

const of = ({ name, kind, label, group }: ForgeryImage) => [name, kind, label, group];
const groups = (samples: readonly ForgeryImage[]): Set<string> => new Set(samples.map(({ group }) => group));
const all = ({ train, validation, test }: ForgeryDataset): ForgeryImage[] => [...train, ...validation, ...test];
const counts = (dataset: ForgeryDataset): number[] =>
  [dataset.train, dataset.validation, dataset.test].map(({ length }) => length);

describe("folders", () => {
  test("are recognised with real images alone, to which a generator adds; kinds of defects are not", async () => {
    expect(await isForgeryData(await folderWith("real/a.jpg", "real/b.jpg"))).toBe(true);
    expect(await isForgeryData(await folderWith("good/a.jpg", "scratch/b.jpg"))).toBe(false);
  });

  test("splits, kinds of any depth, and masks in their places", async () => {
    const root = await folderWith(
      "train/real/a.jpg",
      "train/fake/b.png",
      "train/fake/splice/poisson/c.png",
      "train/masks/splice/poisson/c.png",
      "val/REAL/d.png",
      "val/1_fake/swap/e.jpg",
      "val/masks/swap/e_mask.bmp",
      "test/real/f.png",
      "test/fake/swap/g.png",
      "test/masks/fake/swap/g.webp",
    );
    const dataset = await readForgeryDataset(root);
    expect(dataset).toMatchObject({ source: root, layout: "folders", stated: true, skipped: [] });
    expect(dataset.train.map(of)).toEqual([
      ["train/fake/b.png", "fake", 1, "b"],
      ["train/fake/splice/poisson/c.png", "splice/poisson", 1, "c"],
      ["train/real/a.jpg", "real", 0, "a"],
    ]);
    expect(dataset.validation.map(of)).toEqual([
      ["val/1_fake/swap/e.jpg", "swap", 1, "e"],
      ["val/REAL/d.png", "real", 0, "d"],
    ]);
    expect(dataset.test.map(({ name, split }) => [name, split])).toEqual([
      ["test/fake/swap/g.png", "test"],
      ["test/real/f.png", "test"],
    ]);
    expect(all(dataset).flatMap(({ maskPath }) => relativeTo(root, maskPath) ?? [])).toEqual([
      "train/masks/splice/poisson/c.png",
      "val/masks/swap/e_mask.bmp",
      "test/masks/fake/swap/g.webp",
    ]);
    expect(dataset.notes).toEqual(["1 forged images have no mask, but others do: train/fake/b.png."]);
    expect(kindsOf(dataset.train)).toEqual(["fake", "splice/poisson"]);
  });

  test("what is left out is named with its reason, and masks of nothing are noted", async () => {
    const root = await folderWith("train/real/a.png", "train/fake/a.png", "real/b.png", "c.png", "train/masks/gone.png", {
      "train/real/notes.txt": "x",
    });
    const dataset = await readForgeryDataset(root);
    expect(all(dataset)).toHaveLength(2);
    expect(dataset.skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
      ["c.png", 'outside "real/", "fake/" and "masks/" of "train/", "validation/" and "test/"'],
      ["real/b.png", 'outside "real/", "fake/" and "masks/" of "train/", "validation/" and "test/"'],
      ["train/real/notes.txt", "not an image by its extension"],
    ]);
    expect(dataset.notes).toContain("1 masks belong to no forged image: train/masks/gone.png.");
  });

  test("other folders are refused with what is expected", async () => {
    const root = await folderWith("good/a.png", "bad/b.png");
    await expect(readForgeryDataset(root)).rejects.toThrow(/no real or forged images.*"real\/" and "fake\/"/);
    await expect(readForgeryDataset(join(root, "none"))).rejects.toThrow(DatasetError);
    await expect(readForgeryDataset(join(root, "good/a.png"))).rejects.toThrow(/is a file/);
  });
});

describe("division", () => {
  const pairs = (count: number): string[] => [...numbered("real", count), ...numbered("fake/splice", count)];

  test("by identity: a forged image and its source of the same name are never apart", async () => {
    const dataset = await readForgeryDataset(await folderWith(...pairs(60)));
    expect(dataset.stated).toBe(false);
    const [train, validation, test] = [dataset.train, dataset.validation, dataset.test].map(groups);
    expect(train.size + validation.size + test.size).toBe(60);
    expect(all(dataset)).toHaveLength(120);
    for (const size of [validation.size, test.size]) {
      expect(size).toBeGreaterThan(4);
      expect(size).toBeLessThan(20);
    }
    expect(dataset.validation.every(({ split }) => split === "train")).toBe(true);
    expect(dataset.test.every(({ split }) => split === "test")).toBe(true);
    expect(dataset.notes).toEqual([
      `No split is stated, so ${test.size} of 60 real and ${test.size} of 60 forged images (drawn by identity with seed 0) are for testing.`,
      `${validation.size} of ${60 - test.size} real and ${validation.size} of ${60 - test.size} forged images of training (drawn by identity with seed 0) are kept for validation.`,
    ]);
  });

  test("is drawn by the seed, and an added image moves no other", async () => {
    const root = await folderWith(...pairs(40));
    const dataset = await readForgeryDataset(root, { seed: 5 });
    expect(await readForgeryDataset(root, { seed: 5 })).toEqual(dataset);
    expect(groups((await readForgeryDataset(root, { seed: 6 })).test)).not.toEqual(groups(dataset.test));
    await addTo(root, "real/999.png");
    const more = await readForgeryDataset(root, { seed: 5 });
    for (const split of ["train", "validation", "test"] as const) {
      const names = more[split].map(({ name }) => name).filter((name) => name !== "real/999.png");
      expect(names).toEqual(dataset[split].map(({ name }) => name));
    }
  });

  test("shares can be chosen, down to nothing and up to all", async () => {
    const root = await folderWith(...pairs(40));
    const read = async (shares: { validation?: number; test?: number }) => counts(await readForgeryDataset(root, shares));
    expect(await read({ validation: 0, test: 0 })).toEqual([80, 0, 0]);
    expect(await read({ test: 1 })).toEqual([0, 0, 80]);
    const [train, validation] = await read({ validation: 0.5, test: 0 });
    expect(Math.abs(train - validation)).toBeLessThan(40);
    await expect(read({ test: 2 })).rejects.toThrow(RangeError);
  });

  test("a few identities still give both classes to each side", async () => {
    const root = await folderWith(...["a", "b", "c"].map((n) => `train/real/${n}.png`), "train/fake/x.png", "train/fake/y.png");
    for (let seed = 0; seed < 10; seed++) {
      const dataset = await readForgeryDataset(root, { seed });
      for (const samples of [dataset.train, dataset.validation]) {
        expect(new Set(samples.map(({ label }) => label))).toEqual(new Set([0, 1]));
      }
    }
  });

  test("a folder for validation is taken as it is", async () => {
    const dataset = await readForgeryDataset(await folderWith(...numbered("train/real", 20), "validation/real/a.png"));
    expect(counts(dataset)).toEqual([20, 1, 0]);
    expect(dataset.notes).toEqual([]);
  });
});

describe("identities", () => {
  test("by a pattern on the name of the file", async () => {
    const root = await folderWith("real/12_a.png", "real/12_b.png", "fake/swap/12_c.png", "real/7_a.png", "real/other.png");
    const dataset = await readForgeryDataset(root, { groups: String.raw`^(\d+)_` });
    expect(Object.fromEntries(all(dataset).map(({ name, group }) => [name, group]))).toEqual({
      "fake/swap/12_c.png": "12",
      "real/12_a.png": "12",
      "real/12_b.png": "12",
      "real/7_a.png": "7",
      "real/other.png": "file real/other.png",
    });
    expect(dataset.notes[0]).toBe(
      String.raw`1 of 5 images do not fit the pattern of identities ^(\d+)_, so that each of them stands alone: real/other.png.`,
    );
  });

  test("by a pattern on the path; two people of one image are one identity with all their images", async () => {
    const root = await folderWith(
      ...numbered("real/033", 3),
      ...numbered("real/097", 3),
      ...numbered("real/100", 3),
      ...numbered("fake/Deepfakes/033_097", 3),
    );
    const dataset = await readForgeryDataset(root, { groups: "(\\d+)(?:_(\\d+))?/[^/]+$" });
    expect(groups(all(dataset))).toEqual(new Set(["033", "100"]));
    expect(all(dataset).filter(({ group }) => group === "033")).toHaveLength(9);
    const unsaid = await readForgeryDataset(root);
    expect(unsaid.notes[0]).toMatch(/Real images lie in several folders/);
  });

  test("that cross the stated splits are refused, but equal names of files alone are not", async () => {
    const root = await folderWith("train/real/012_a.png", "train/fake/012_b.png", "test/real/012_a.png", "test/fake/13_a.png");
    await expect(readForgeryDataset(root, { groups: "^\\d+" })).rejects.toThrow(
      /1 identities .* such as "012" in train and test: what is measured would be too good/,
    );
    expect(all(await readForgeryDataset(root))).toHaveLength(4);
    await expect(readForgeryDataset(root, { groups: "(" })).rejects.toThrow(/no regular expression/);
  });
});

describe("a table", () => {
  const tableWith = async (rows: readonly string[], ...files: string[]) => {
    const root = await folderWith(...files);
    await addTo(root, { "images.csv": rows.join("\n") });
    return root;
  };

  test("labels, kinds, masks, identities and splits", async () => {
    const root = await tableWith(
      [
        "Label,Image,Kind,Mask,Identity,Split",
        "real,a.png,ignored,,person 1,train",
        "1,b.png,splice,m/b.png,person 1|person 2,train",
        "0,c.png,,m/b.png,person 2,train",
        "FAKE,d.png,,,,val",
        "fake,e.png,swap,,person 9,TEST",
      ],
      ...["a", "b", "c", "d", "e"].map((name) => `${name}.png`),
      "m/b.png",
    );
    const dataset = await readForgeryDataset(root);
    expect(dataset).toMatchObject({ layout: "table", stated: true, skipped: [] });
    expect(dataset.train.map(of)).toEqual([
      ["a.png", "real", 0, "person 1"],
      ["b.png", "splice", 1, "person 1"],
      ["c.png", "real", 0, "person 1"],
    ]);
    expect(dataset.validation.map(of)).toEqual([["d.png", "fake", 1, "d"]]);
    expect(dataset.test.map(of)).toEqual([["e.png", "swap", 1, "person 9"]]);
    expect(all(dataset).map(({ maskPath }) => relativeTo(root, maskPath))).toEqual([
      undefined,
      "m/b.png",
      undefined,
      undefined,
      undefined,
    ]);
    expect(dataset.notes).toEqual(["1 real images have a mask, which is left out."]);
    expect({ ...(await readForgeryDataset(join(root, "images.csv"))), source: root }).toEqual(dataset);
  });

  test("every bad row is skipped with its line and reason", async () => {
    const root = await tableWith(
      [
        "image;label;split;mask",
        "a.png;real;;",
        "gone.png;real;;",
        "b.png;maybe;;",
        "b.png;;;",
        "b.png;fake;exam;",
        "./a.png;1;;",
        "b.png;1;;gone.png",
      ],
      "a.png",
      "b.png",
    );
    const dataset = await readForgeryDataset(root);
    expect(all(dataset).map(({ name }) => name)).toEqual(["a.png"]);
    expect(dataset.skipped.map(({ reason }) => reason)).toEqual([
      'line 3: the image "gone.png" does not exist',
      'line 4: the label "maybe" is none of real, fake, 0 and 1',
      "line 5: it has no label",
      'line 6: the split "exam" is none of train, validation and test',
      'line 7: "a.png" is in the table already',
      'line 8: the mask "gone.png" does not exist',
    ]);
  });

  test("that divides an identity, names nothing, or lacks a column is refused", async () => {
    const torn = ["image,label,identity,split", "a.png,real,p,train", "b.png,fake,p,test"];
    await expect(readForgeryDataset(await tableWith(torn, "a.png", "b.png"))).rejects.toThrow(/"p" in train and test/);
    const empty = await tableWith(["image,label", "gone.png,real"]);
    await expect(readForgeryDataset(empty)).rejects.toThrow(/no image that can be used.*line 2/);
    const other = await tableWith(["image,grade", "a.png,3"], "a.png");
    await expect(readForgeryDataset(join(other, "images.csv"))).rejects.toThrow(/needs the columns "image" and "label"/);
  });

  test("beside folders is read instead of them, as it says more; what it leaves out is named", async () => {
    const files = ["train/real/a.png", "train/fake/swap/b.png", "train/fake/swap/c.png", "train/masks/swap/b.png"];
    const rows = [
      "path,class,kind,mask,identity,donor,split",
      "train/real/a.png,real,,,8,,train",
      "train/fake/swap/b.png,fake,swap,train/masks/swap/b.png,5,3,train",
    ];
    const root = await tableWith(rows, ...files);
    const dataset = await readForgeryDataset(root, { validation: 0 });
    expect(dataset.layout).toBe("table");
    expect(dataset.train.map(of)).toEqual([
      ["train/fake/swap/b.png", "swap", 1, "3"],
      ["train/real/a.png", "real", 0, "8"],
    ]);
    expect(dataset.skipped.map(({ path, reason }) => [relativeTo(root, path), reason])).toEqual([
      ["train/fake/swap/c.png", 'not in the table "images.csv" (or in a row that cannot be used)'],
    ]);
    await addTo(root, { "more.csv": rows.join("\n") });
    const folders = await readForgeryDataset(root, { validation: 0 });
    expect([folders.layout, folders.train.length]).toEqual(["folders", 3]);
    expect(folders.notes.join(" ")).toMatch(/not the tables of images beside them/);
  });
});

test("a left-out kind is nowhere in training and validation, and alone with real images in the test", async () => {
  const root = await folderWith(
    ...["train", "validation", "test"].flatMap((split) =>
      ["real", "fake/splice/alpha", "fake/splice/poisson", "fake/spliced", "fake/swap"].flatMap((kind) =>
        numbered(`${split}/${kind}`, 2),
      ),
    ),
  );
  const dataset = await readForgeryDataset(root);
  const left = leaveOutKind(dataset, "splice");
  expect(kindsOf(left.train)).toEqual(["spliced", "swap"]);
  expect(kindsOf(left.validation)).toEqual(["spliced", "swap"]);
  expect(kindsOf(left.test)).toEqual(["splice/alpha", "splice/poisson"]);
  expect(counts(left)).toEqual([6, 6, 6]);
  expect(() => leaveOutKind(dataset, "dub")).toThrow(/no test image .* "dub"; there are splice\/alpha/i);
});
