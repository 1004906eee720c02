import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NO_CLASS } from "./classes.ts";
import { stitch } from "./stitching.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-stitching-"));
});
afterAll(() => rm(folder, { recursive: true }));

const patch = 4;
/** Probabilities [2, 4, 4] in 255ths: of class 1, the same everywhere or by position. */
const sure = (of: number | ((row: number, column: number) => number)): Uint8Array => {
  const one = Array.from({ length: 16 }, (_, i) => (typeof of === "number" ? of : of(Math.floor(i / 4), i % 4)));
  return Uint8Array.from([...one.map((value) => 255 - value), ...one]);
};
const mapOf = async (
  size: { width: number; height: number; downsample?: number },
  patches: readonly { x: number; y: number; of: Parameters<typeof sure>[0] }[],
) => {
  const { width, height, downsample = 1 } = size;
  const stitching = await stitch(join(folder, "labels"), { width, height, downsample, patch, classes: 2 });
  for (const { x, y, of } of patches) await stitching.add({ x, y, size: patch * downsample }, sure(of));
  const { labels, areas } = await stitching.finish();
  const all = await labels.read(0, 0, labels.width, labels.height);
  const rows = Array.from({ length: labels.height }, (_, y) =>
    [...all.subarray(y * labels.width, (y + 1) * labels.width)].map((label) => (label === NO_CLASS ? "." : label)).join(""),
  );
  const part = labels.width > 2 && labels.height > 2 ? await labels.read(1, 1, 2, 2) : undefined;
  await stitching.remove();
  return { rows, areas, part };
};

test("a patch gives its classes, and where none was seen there is none", async () => {
  const { rows, areas, part } = await mapOf({ width: 7, height: 6 }, [
    { x: 1, y: 1, of: (row, column) => (row > column ? 255 : 0) },
  ]);
  expect(rows).toEqual([".......", ".0000..", ".1000..", ".1100..", ".1110..", "......."]);
  expect(areas).toEqual([10, 6]);
  expect([...(part as Uint8Array)]).toEqual([0, 0, 1, 0]);
});

test("where patches overlap, each counts less towards its border", async () => {
  // Equally sure of opposite classes: the nearer middle decides.
  const { rows } = await mapOf({ width: 6, height: 4 }, [
    { x: 0, y: 0, of: 255 },
    { x: 2, y: 0, of: 0 },
  ]);
  expect(rows).toEqual(["111000", "111000", "111000", "111000"]);
  const surer = await mapOf({ width: 6, height: 4 }, [
    { x: 0, y: 0, of: 140 },
    { x: 2, y: 0, of: 0 },
  ]);
  expect(surer.rows[1]).toBe("110000");
});

test("rows of patches follow each other beyond the rows that are held at once; patches may reach beyond the slide", async () => {
  const patches = Array.from({ length: 8 }, (_, i) => ({ x: 0, y: 3 * i, of: i % 2 === 0 ? 255 : 0 }));
  const { rows, areas } = await mapOf({ width: 3, height: 22 }, patches);
  expect(rows).toHaveLength(22);
  expect(rows.every((row) => new Set(row).size === 1)).toBe(true);
  for (let i = 0; i < 7; i++) expect(rows[3 * i + 1]).toBe(i % 2 === 0 ? "111" : "000");
  expect(areas[0] + areas[1]).toBe(3 * 22);
});

test("at a downsample the map is smaller than the slide", async () => {
  const { rows } = await mapOf({ width: 20, height: 10, downsample: 2.5 }, [{ x: 10, y: 0, of: 255 }]);
  expect(rows).toEqual(["....1111", "....1111", "....1111", "....1111"]);
});

test("patches that go back up are refused; the file is removed at the end", async () => {
  const stitching = await stitch(join(folder, "labels"), { width: 8, height: 12, downsample: 1, patch, classes: 2 });
  await stitching.add({ x: 0, y: 6, size: 4 }, sure(0));
  await expect(stitching.add({ x: 0, y: 2, size: 4 }, sure(0))).rejects.toThrow("came after rows up to 6 were finished");
  const { labels } = await stitching.finish();
  await expect(labels.read(5, 0, 4, 2)).rejects.toThrow("is not on the map of 8 x 12");
  await stitching.remove();
  expect(await readdir(folder)).toEqual([]);
});
