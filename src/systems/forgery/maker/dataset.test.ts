import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterEach, describe, expect, test } from "vitest";
import { decodeImage, decodeMask } from "../../../imaging/index.ts";
import { type ForgeryDatasetOptions, forgerySample, writeForgeryDataset } from "./dataset.ts";
import { fileStatistics } from "./statistics-model.ts";

const folders: string[] = [];
const temporary = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-forgery-"));
  folders.push(folder);
  return folder;
};
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const small: ForgeryDatasetOptions = { width: 64, height: 48, kinds: ["blur", "splice/alpha"] };
const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);

describe("writeForgeryDataset", () => {
  test("writes both classes alike, masks of the forgeries, and a table", async () => {
    const folder = await temporary();
    const seen: number[] = [];
    const images = { train: 4, test: 2 };
    const rows = await writeForgeryDataset(folder, { ...small, images, listener: ({ done }) => seen.push(done) });
    expect(seen).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(rows.slice(0, 4).map(({ path }) => path)).toEqual([
      "train/real/00000.jpg",
      "train/fake/blur/00000.jpg",
      "train/real/00001.jpg",
      "train/fake/splice/alpha/00001.jpg",
    ]);
    expect(rows[1].mask).toBe("train/masks/blur/00000.png");
    const table = parse(await readFile(join(folder, "images.csv")), { columns: true });
    expect(table).toEqual(rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, String(value)]))));

    for (const row of rows) {
      const bytes = await readFile(join(folder, row.path));
      const [, width, height, , , metadata] = fileStatistics(bytes, 64, 48);
      expect([width, height, metadata]).toEqual([64, 48, 0]);
      const { image } = await forgerySample(row.split, row.class, Number(row.path.match(/(\d+)\.jpg/)![1]), small);
      const decoded = await decodeImage(bytes);
      const difference =
        Array.from(image.data, (value, at) => Math.abs(value - decoded.data[at])).reduce((a, b) => a + b) / image.data.length;
      expect(difference).toBeLessThan(6);
      if (row.class === "fake") expect((await decodeMask(join(folder, row.mask), 64, 48)).data).toContain(1);
    }
  });

  test("gives every photograph to one split and one image", async () => {
    const folder = await temporary();
    const rows = await writeForgeryDataset(folder, {
      ...small,
      width: 32,
      height: 32,
      images: { train: 6, validation: 4, test: 4 },
    });
    const photographs = rows.flatMap(({ identity, donor }) => (donor === "" ? [identity] : [identity, donor]));
    expect(new Set(photographs).size).toBe(photographs.length);
    expect(photographs).toHaveLength(28 + 7);
  });

  test("writes the same bytes for the same seed, and others for another", async () => {
    const bytesOf = async (options: ForgeryDatasetOptions): Promise<Buffer[]> => {
      const folder = await temporary();
      const rows = await writeForgeryDataset(folder, { ...small, images: { test: 2 }, ...options });
      return Promise.all(rows.map(({ path }) => readFile(join(folder, path))));
    };
    expect(await bytesOf({})).toEqual(await bytesOf({}));
    expect((await bytesOf({ seed: 60 }))[0]).not.toEqual((await bytesOf({}))[0]);
  });

  test("as PNG loses nothing of what was made", async () => {
    const folder = await temporary();
    const options = { ...small, format: "png", images: { test: 1 } } as const;
    const [real] = await writeForgeryDataset(folder, options);
    expect(real).toMatchObject({ path: "test/real/00000.png", quality: "" });
    const { image } = await forgerySample("test", "real", 0, options);
    expect((await decodeImage(join(folder, real.path))).data).toEqual(image.data);
  });

  test("stopped in between leaves whole files and no table", async () => {
    const folder = await temporary();
    const stop = new AbortController();
    const writing = writeForgeryDataset(folder, {
      ...small,
      images: { train: 6 },
      signal: stop.signal,
      listener: ({ done }) => done === 3 && stop.abort(),
    });
    await expect(writing).rejects.toThrow(/abort/);
    const files = await filesIn(folder);
    expect(files.toSorted()).toEqual(["00000.jpg", "00000.jpg", "00000.png", "00001.jpg"]);
    for (const name of ["real/00000.jpg", "fake/blur/00000.jpg", "real/00001.jpg"]) {
      expect((await decodeImage(join(folder, "train", name))).width).toBe(64);
    }
  });

  test.each<[string, ForgeryDatasetOptions, string]>([
    ["a count", { images: { train: 1.5 } }, "train has 1.5 images"],
    ["a seed", { images: { test: 2 }, seed: 9_999_999 }, "test has 2 images from seed 9999999"],
    ["a kind", { images: { test: 2 }, kinds: ["smudge" as never] }, 'no manipulation "smudge"'],
    ["a quality", { images: { test: 2 }, quality: [90, 80] }, "not 90 and 80"],
  ])("refuses %s out of range, before anything is written", async (_, options, sentence) => {
    const folder = await temporary();
    await expect(writeForgeryDataset(folder, options)).rejects.toThrow(sentence);
    expect(await filesIn(folder)).toEqual([]);
  });
});
