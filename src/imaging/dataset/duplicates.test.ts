import { copyFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { encodeJpeg, encodePng } from "../encode.ts";
import { createImage, type Image } from "../image.ts";
import { type SurfaceCategory, surface } from "../surfaces.ts";
import { type DuplicateReport, findDuplicates } from "./duplicates.ts";
import type { Sample } from "./sample.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-duplicates-"));
});

const sample = (name: string, split: Sample["split"] = "train"): Sample => ({
  path: join(folder, name),
  name,
  split,
  kind: "good",
  label: 0,
});

const write = async (name: string, bytes: Buffer, split?: Sample["split"]): Promise<Sample> => {
  await writeFile(join(folder, name), bytes);
  return sample(name, split);
};

const painted = new Map<string, Image>();
const paint = (category: SurfaceCategory, index: number, size = 256): Image => {
  const key = [category, index, size].join();
  const image = painted.get(key) ?? surface(category, { size, seed: 4, index }).image;
  painted.set(key, image);
  return image;
};

const pairsOf = ({ pairs }: Pick<DuplicateReport, "pairs">) =>
  pairs.map(({ first, second, kind }) => [first.name, second.name, kind]);

test("planted copies are found, and those across the split are leaks", async () => {
  const originals: Sample[] = [];
  for (let index = 0; index < 7; index++) originals.push(await write(`${index}.png`, await encodePng(paint("fabric", index))));
  await copyFile(join(folder, "0.png"), join(folder, "copy.png"));
  const report = await findDuplicates([
    ...originals,
    sample("copy.png", "test"),
    await write(
      "packed.png",
      await sharp(await readFile(join(folder, "1.png")))
        .png({ compressionLevel: 1 })
        .toBuffer(),
    ),
    await write("encoded.jpg", await encodeJpeg(paint("fabric", 2), 80), "test"),
    await write("half.jpg", await encodeJpeg(paint("fabric", 3), 80, 128), "test"),
    await write(
      "larger.png",
      await sharp(await readFile(join(folder, "4.png")))
        .resize(400)
        .png()
        .toBuffer(),
    ),
    await write(
      "mirrored.png",
      await sharp(await readFile(join(folder, "5.png")))
        .flop()
        .png()
        .toBuffer(),
      "test",
    ),
    await write(
      "turned.jpg",
      await sharp(await readFile(join(folder, "6.png")))
        .rotate(270)
        .jpeg({ quality: 80 })
        .toBuffer(),
    ),
  ]);
  expect(pairsOf(report)).toEqual([
    ["0.png", "copy.png", "identical file"],
    ["1.png", "packed.png", "identical pixels"],
    ["2.png", "encoded.jpg", "near-duplicate"],
    ["3.png", "half.jpg", "near-duplicate"],
    ["4.png", "larger.png", "near-duplicate"],
    ["5.png", "mirrored.png", "near-duplicate"],
    ["6.png", "turned.jpg", "near-duplicate"],
  ]);
  expect(report.leaks.map(({ second }) => second.name)).toEqual(["copy.png", "encoded.jpg", "half.jpg", "mirrored.png"]);
  expect(report).toMatchObject({ images: 14, skipped: [] });
  for (const { kind, distance } of report.pairs) {
    if (kind !== "near-duplicate") expect(distance).toBe(0);
    else expect(distance).toBeLessThan(report.threshold);
  }
});

test.each(["fabric", "tiles", "circuit", "grille"] as const)(
  "a series of the surface %s holds no duplicates",
  async (category) => {
    const samples: Sample[] = [];
    for (let index = 0; index < 10; index++)
      samples.push(await write(`${category}-${index}.png`, await encodePng(paint(category, index, 128))));
    expect(pairsOf(await findDuplicates(samples))).toEqual([]);
  },
);

test("before a fixed camera all images are alike, and only a true copy is found", async () => {
  const scene = paint("fabric", 0);
  const photograph = (number: number): Image => {
    const rng = random("photograph", number);
    const noise = Float64Array.from({ length: 256 * 256 }, () => rng.normal(0, 11));
    const image = createImage(256, 256);
    for (const [index, value] of scene.data.entries()) {
      image.data[index] = Math.min(255, Math.max(0, Math.round(value + noise[Math.floor(index / 3)])));
    }
    return image;
  };
  const samples: Sample[] = [];
  for (let index = 0; index < 12; index++) samples.push(await write(`camera-${index}.png`, await encodePng(photograph(index))));
  samples.push(
    await write(
      "camera-copy.png",
      await sharp(await readFile(join(folder, "camera-3.png")))
        .jpeg({ quality: 95 })
        .toBuffer(),
    ),
  );
  const report = await findDuplicates(samples);
  expect(report.threshold).toBeLessThan(0.75); // all are nearer than 3 grey levels to each other
  expect(pairsOf(report)).toEqual([["camera-3.png", "camera-copy.png", "near-duplicate"]]);
});

test("a test that is the training images encoded anew is a leak as a whole", async () => {
  const samples: Sample[] = [];
  for (let index = 0; index < 5; index++) {
    samples.push(await write(`train-${index}.png`, await encodePng(paint("fabric", index))));
    samples.push(await write(`test-${index}.jpg`, await encodeJpeg(paint("fabric", index), 80), "test"));
  }
  expect((await findDuplicates(samples)).leaks).toHaveLength(5);
});

test("three copies of every test image in training do not hide each other", async () => {
  const samples: Sample[] = [];
  for (let index = 0; index < 8; index++) {
    const image = paint("fabric", 300 + index);
    samples.push(await write(`tested-${index}.png`, await encodePng(image), "test"));
    for (const quality of [70, 80, 90])
      samples.push(await write(`copy-${index}-${quality}.jpg`, await encodeJpeg(image, quality)));
  }
  const { leaks } = await findDuplicates(samples);
  const tested = leaks.flatMap(({ first, second }) => [first, second]).filter(({ split }) => split === "test");
  expect(new Set(tested.map(({ name }) => name)).size).toBe(8);
});

test("of many copies each is one pair, in the test with one in training", async () => {
  const bytes = await encodePng(paint("fabric", 0));
  const names = ["a.png", "b.png", "c.png", "d.png"];
  const samples = await Promise.all(names.map((name, index) => write(name, bytes, index % 2 === 0 ? "test" : "train")));
  const near = await write("e.jpg", await encodeJpeg(paint("fabric", 0), 80), "test");
  const report = await findDuplicates([...samples, near]);
  expect(pairsOf(report)).toEqual([
    ["a.png", "b.png", "identical file"],
    ["a.png", "e.jpg", "near-duplicate"],
    ["b.png", "c.png", "identical file"],
    ["b.png", "d.png", "identical file"],
    ["b.png", "e.jpg", "near-duplicate"],
  ]);
  expect(report.leaks.map(({ first, second }) => first.name + second.name)).toEqual(["a.pngb.png", "b.pngc.png", "b.pnge.jpg"]);
});

test("what cannot be read is skipped, progress is told, and an interruption ends it", async () => {
  const good = await write("good.png", await encodePng(createImage(3, 2)));
  const bad = await write("bad.png", Buffer.from("not an image"));
  const seen: number[][] = [];
  const report = await findDuplicates([good, bad, sample("gone.png")], {
    onProgress: (...counts) => seen.push(counts),
    workers: 2,
  });
  expect(report).toMatchObject({ images: 1, pairs: [], leaks: [] });
  expect(report.skipped.map(({ path }) => path)).toEqual([bad.path, join(folder, "gone.png")]);
  expect(seen).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  expect(await findDuplicates([])).toMatchObject({ images: 0, pairs: [], skipped: [] });
  await expect(findDuplicates([good], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
});
