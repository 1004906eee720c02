import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, describe, expect, test } from "vitest";
import { firstSeed, phantomOf, writePhantomDataset } from "./dataset.ts";
import { phantom } from "./phantom.ts";

const folders: string[] = [];
const temporary = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-phantom-"));
  folders.push(folder);
  return folder;
};
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const size = { width: 400, height: 384, micronsPerPixel: 2 };

describe("writePhantomDataset", () => {
  test("writes slides, masks of classes and a table", { timeout: 60_000 }, async () => {
    const folder = await temporary();
    const seen: number[] = [];
    const rows = await writePhantomDataset(folder, {
      slides: { train: 2, test: 1 },
      ...size,
      listener: ({ done }) => seen.push(done),
    });
    expect(seen).toEqual([1, 2, 3]);
    expect(rows.map(({ split, patient }) => `${split} ${patient}`)).toEqual(["train P0", "train P0", "test P1000000"]);
    const table = (await readFile(join(folder, "slides.csv"), "utf8")).trimEnd().split("\n");
    expect(table[0]).toBe("image,mask,grade,patient,split");
    expect(table[3]).toBe(`images/test-0000.tiff,masks/test-0000.tiff,${rows[2].grade},P1000000,test`);

    const plan = phantomOf("test", 0, size);
    const slide = phantom(plan.seed, plan.options);
    expect(slide.grade).toBe(rows[2].grade);
    const mask = sharp(join(folder, rows[2].mask));
    expect((await mask.metadata()).channels).toBe(1);
    expect(Buffer.compare(await mask.toColourspace("b-w").raw().toBuffer(), slide.paintMask(0, 0, size.width, size.height))).toBe(
      0,
    );
    const image = await sharp(join(folder, rows[2].image)).raw().toBuffer();
    const painted = slide.paint(0, 0, size.width, size.height).image;
    const difference = painted.reduce((sum, value, index) => sum + Math.abs(value - image[index]), 0) / painted.length;
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(8);
    const { density } = await sharp(join(folder, rows[2].image)).metadata();
    expect(density).toBe(Math.round(25_400 / size.micronsPerPixel));
  });

  test("takes a writer, and stops when it is told to, without a table", { timeout: 60_000 }, async () => {
    const folder = await temporary();
    const paths: string[] = [];
    const write = async (path: string): Promise<void> => void paths.push(path);
    const writer = { extension: "svs", image: write, mask: write };
    const stop = new AbortController();
    const writing = writePhantomDataset(folder, {
      ...size,
      slides: { train: 6 },
      writer,
      signal: stop.signal,
      listener: ({ done }) => done === 2 && stop.abort(),
    });
    await expect(writing).rejects.toThrow(/abort/);
    expect(paths.map((path) => path.slice(-20))).toContain("masks/train-0001.svs");
    expect(paths).toHaveLength(4);
    await expect(readFile(join(folder, "slides.csv"))).rejects.toThrow();
  });

  test("all grades are there equally often, and test slides are never training slides", () => {
    const plans = Array.from({ length: 24 }, (_, index) => phantomOf("train", index));
    for (let grade = 0; grade <= 5; grade++) expect(plans.filter(({ options }) => options.grade === grade)).toHaveLength(4);
    expect(plans.every(({ seed }) => seed < firstSeed.test)).toBe(true);
    expect(phantomOf("test", 0).seed).toBe(1_000_000);
  });

  test("refuses more slides than there are seeds", async () => {
    await expect(writePhantomDataset("nowhere", { slides: { train: 2 }, seed: 999_999 })).rejects.toThrow(
      /train has 2 slides from seed 999999/,
    );
    await expect(writePhantomDataset("nowhere", { slidesPerPatient: 0 })).rejects.toThrow(/slidesPerPatient/);
  });
});
