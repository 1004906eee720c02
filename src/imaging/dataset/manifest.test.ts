import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataset } from "./read.ts";
import { DatasetError } from "./sample.ts";
import { addTo, folderWith, numbered, relativeTo } from "./testing/folders.ts";

const manifestWith = async (text: string | Buffer, ...files: string[]) => {
  const root = await folderWith(...files);
  await addTo(root, { "parts.csv": text as string });
  return { root, dataset: await readDataset(join(root, "parts.csv")) };
};

test("columns by name in any order and case, labels, masks, splits and groups", async () => {
  const rows = [
    "Label,IMAGE,Group,Split,Mask,Ignore,Remark",
    "good,img/a.png,lot 1,train,,,first",
    "OK,img/b.png,lot 2,val,,edge.png,",
    "0,img/c.png,,test,,,",
    "Scratch,img/d.png,lot 3,TEST,m/d.png,,",
    "1,img/e.png,,test,,,",
    "anomaly,img/f.png,,train,,,",
  ];
  const files = ["a", "b", "c", "d", "e", "f"].map((name) => `img/${name}.png`);
  const { root, dataset } = await manifestWith(rows.join("\n"), ...files, "m/d.png", "edge.png");
  expect(dataset).toMatchObject({ layout: "manifest", source: join(root, "parts.csv"), skipped: [] });
  const of = ({ name, kind, label, group }: (typeof dataset.train)[number]) => [name, kind, label, group];
  expect(dataset.train.map(of)).toEqual([
    ["img/a.png", "good", 0, "lot 1"],
    ["img/b.png", "good", 0, "lot 2"],
    ["img/f.png", "anomaly", 1, undefined],
  ]);
  expect(dataset.test.map(of)).toEqual([
    ["img/c.png", "good", 0, undefined],
    ["img/d.png", "Scratch", 1, "lot 3"],
    ["img/e.png", "defect", 1, undefined],
  ]);
  expect(relativeTo(root, dataset.test[1].maskPath)).toBe("m/d.png");
  expect(relativeTo(root, dataset.train[1].ignorePath)).toBe("edge.png");
  expect(dataset.notes).toEqual(["1 images for validation are taken for training."]);
});

test.each([
  ["semicolons, a byte order mark and Windows line ends", "\ufefffile;label\r\nä, b.png;good\r\nc.png;bad\r\n"],
  ["tabs", 'filename\tlabel\n"ä, b.png"\tgood\nc.png\tbad'],
  ["quoted commas", '"path","label"\n"ä, b.png","good"\n\n"c.png","bad"\n'],
  ["UTF-16", Buffer.from("\ufeffpath\tlabel\nä, b.png\tgood\nc.png\tbad\n", "utf16le")],
  ["Windows-1252", Buffer.from("path;label\nä, b.png;good\nc.png;bad\n", "latin1")],
])("a table with %s is read", async (_, text) => {
  const { dataset } = await manifestWith(text, "ä, b.png", "c.png");
  expect([...dataset.train, ...dataset.test].map(({ name, label }) => [name, label])).toEqual([
    ["ä, b.png", 0],
    ["c.png", 1],
  ]);
  expect(dataset.skipped).toEqual([]);
});

test("every bad row is skipped with its line and reason", async () => {
  const rows = [
    "path,split,mask,label",
    "a.png,train,,",
    "gone.png,train,,",
    "b.png,exam,,",
    "c.png,test,gone.png,bad",
    "./a.png,test,,",
    "notes.txt,train,,",
    ",train,,",
    "d.png,train,,,surplus",
    "folder,train,,",
    '"e.png"x,train,,',
    ",,,",
    "f.png",
  ];
  const { root, dataset } = await manifestWith(
    rows.join("\n"),
    ...["a", "b", "c", "d", "e", "f"].map((name) => `${name}.png`),
    "notes.txt",
    "folder/x.png",
  );
  expect(dataset.train.map(({ name }) => name)).toEqual(["a.png", "f.png"]);
  expect(dataset.test).toEqual([]);
  expect(dataset.skipped.every(({ path }) => path === join(root, "parts.csv"))).toBe(true);
  expect(dataset.skipped.map(({ reason }) => reason)).toEqual([
    'line 3: "gone.png" does not exist',
    'line 4: the split "exam" is none of train, val and test',
    'line 5: the mask "gone.png" does not exist',
    'line 6: "a.png" is in line 2 already',
    'line 7: "notes.txt" is not an image by its extension',
    "line 8: it has no path",
    "line 9: it has 5 cells, but the header 4; quote a cell that holds the separator",
    'line 10: "folder" does not exist',
    'line 11: ""e.png"x" does not exist',
  ]);
});

test("a quotation mark that is never closed ends the table, not the program", async () => {
  const { dataset } = await manifestWith('path,label\na.png,good\nb.png,"good\nc.png,good\n', "a.png", "b.png", "c.png");
  expect(dataset.train.map(({ name }) => name)).toEqual(["a.png"]);
  expect(dataset.skipped.map(({ reason }) => reason)).toEqual([
    "line 3: a quotation mark is never closed, so the rest of the table cannot be read",
  ]);
});

test("paths are relative to the manifest, absolute or with the separators of Windows", async () => {
  const elsewhere = await folderWith("x.png");
  const root = await folderWith("sub/a.png", "b.png");
  await addTo(root, { "sub/list.csv": `path\na.png\n..\\b.png\n${join(elsewhere, "x.png")}\n` });
  const { train, skipped } = await readDataset(join(root, "sub", "list.csv"));
  expect(skipped).toEqual([]);
  expect(train.map(({ path }) => path).sort()).toEqual(
    [join(root, "sub", "a.png"), join(root, "b.png"), join(elsewhere, "x.png")].sort(),
  );
  expect(train.some(({ name }) => name === "../b.png")).toBe(true);
});

test("without split and labels all is for training; with a mask it is a defect; a normal image needs no mask", async () => {
  const plain = await manifestWith("image\nb.png\na.png", "a.png", "b.png");
  expect(plain.dataset.train.map(({ name, kind }) => [name, kind])).toEqual([
    ["a.png", "good"],
    ["b.png", "good"],
  ]);
  expect(plain.dataset.notes).toEqual([]);
  const masked = await manifestWith("path,mask\na.png,\nb.png,\nc.png,m.png", "a.png", "b.png", "c.png", "m.png");
  expect(masked.dataset.train.map(({ name }) => name)).toEqual(["a.png", "b.png"]);
  expect(masked.dataset.test.map(({ name, kind }) => [name, kind])).toEqual([["c.png", "defect"]]);
  const normal = await manifestWith("path,mask,label\na.png,m.png,good", "a.png", "m.png");
  expect(normal.dataset.train[0]).not.toHaveProperty("maskPath");
  expect(normal.dataset.notes).toEqual(["1 normal images have a mask, which is left out."]);
});

test("without a split, labelled images are divided and groups are not", async () => {
  const names = numbered("img", 60);
  const rows = names.map((name, index) => `${name},${index === 0 ? "bad" : index < 50 ? "good" : ""},lot ${index % 12}`);
  const { dataset } = await manifestWith(["path,label,group", ...rows].join("\n"), ...names);
  const { train, test: samples, notes } = dataset;
  const groups = (some: typeof train) => new Set(some.map(({ group }) => group));
  expect([...groups(train)].filter((group) => groups(samples).has(group))).toEqual([]);
  expect(groups(samples).has("lot 0")).toBe(true); // that of the defect
  expect(groups(train).has("lot 11")).toBe(true); // that of an image without a label
  expect(train.length + samples.length).toBe(60);
  expect(notes).toEqual([
    expect.stringMatching(/^No split is stated, so .*whole groups together/),
    "10 images have no label and count as normal.",
  ]);
});

test("rows without a split join their group; a group that the manifest divides is noted", async () => {
  const rows = ["path,label,split,group", "a.png,good,test,1", "b.png,good,,1", "c.png,good,train,2", "d.png,good,test,2"];
  const { dataset } = await manifestWith(rows.join("\n"), "a.png", "b.png", "c.png", "d.png");
  expect(dataset.train.map(({ name }) => name)).toEqual(["c.png"]);
  expect(dataset.test.map(({ name }) => name)).toEqual(["a.png", "b.png", "d.png"]);
  expect(dataset.notes).toContain("1 groups are in training and in test, as the manifest states: 2.");
});

test("a folder with one manifest is read by it, other tables left alone", async () => {
  const root = await folderWith("a.png", "b.png", { "parts.csv": "path\na.png\n", "sizes.csv": "width,height\n1,1\n" });
  const dataset = await readDataset(root);
  expect(dataset).toMatchObject({ layout: "manifest", source: root });
  expect(dataset.train.map(({ name }) => name)).toEqual(["a.png"]);
  await addTo(root, { "more.csv": "file\nb.png\n" });
  await expect(readDataset(root)).rejects.toThrow("holds several tables of images");
});

test("folders for training and test are read before a table beside them, which is noted", async () => {
  const root = await folderWith("train/a.png", "train/b.png", { "parts.csv": "path\ntrain/a.png\n" });
  const { layout, train, notes } = await readDataset(root);
  expect([layout, train.length]).toEqual(["mvtec", 2]);
  expect(notes[0]).toContain(join(root, "parts.csv"));
});

test("tables without images are errors in sentences", async () => {
  const root = await folderWith({
    "empty.csv": "",
    "other.csv": "width,height\n1,1\n",
    "gone.csv": "path\nx.png\n",
    "head.csv": "path\n",
  });
  const read = (name: string) => readDataset(join(root, name));
  await expect(read("empty.csv")).rejects.toThrow("has no column with the paths of the images (it is empty)");
  await expect(read("other.csv")).rejects.toThrow("(its columns are width, height)");
  await expect(read("gone.csv")).rejects.toThrow('(1 rows were skipped; the first: line 2: "x.png" does not exist)');
  await expect(read("head.csv")).rejects.toThrow("(it has no row)");
  await expect(read("head.csv")).rejects.toBeInstanceOf(DatasetError);
});
