import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import {
  createVolume,
  croppedVolume,
  dicomCode,
  type Grid,
  openDicom,
  readDicomLabels,
  SEGMENT_CATEGORY,
  uidFor,
  writeDicomSegmentation,
  writeDicomSeries,
} from "../index.ts";
import { slice } from "../testing/dicom.ts";
import { fileOf, filled, linearField, pathOf, turnedAffine } from "../testing/phantom.ts";
import { filledPixels } from "./contours.ts";
import { encodeDicom } from "./encode.ts";
import { identityOf } from "./identity.ts";

const fixture: { readonly grid: Grid; readonly labels: readonly number[]; readonly files: Readonly<Record<string, string>> } =
  JSON.parse(readFileSync(new URL("../fixtures/contours.json", import.meta.url), "utf8"));
const CLASSES: Readonly<Record<string, number>> = { Lumen: 1, "Outer wall": 2, Calcification: 3 };
const labelOf = (name: string): number | undefined => CLASSES[name];
const fixtureFile = (name: string): Promise<string> => fileOf(`${name}.dcm`, Buffer.from(fixture.files[name], "base64"));

describe("contours of a structure set", () => {
  test.each(Object.keys(fixture.files))(
    "written by pydicom (%s) enclose the pixels that a winding number finds",
    async (name) => {
      const { labels, notes } = await readDicomLabels(await fixtureFile(name), { grid: fixture.grid }, labelOf);
      expect([...labels.data]).toEqual(fixture.labels);
      expect(new Set(labels.data).size).toBe(3);
      expect(notes).toEqual([
        "What is drawn under 1 of 3 names was left out: they are no classes.",
        "What is drawn in 1 of 7 places was left out: they are outside of the reference sequence.",
      ]);
    },
  );

  test("that lie across the slices, elsewhere, or have other names are refused without a word of the file", async () => {
    const path = await fixtureFile("explicit");
    const { affine } = fixture.grid;
    const tilted = { ...fixture.grid, affine: affine.map((v, n) => (n === 8 ? 0.4 : v)) as unknown as Grid["affine"] };
    const away = { ...fixture.grid, affine: affine.map((v, n) => (n === 11 ? 500 : v)) as unknown as Grid["affine"] };
    for (const [grid, names, reason] of [
      [tilted, labelOf, "not drawn in the slices"],
      [away, labelOf, "lies outside of the reference"],
      [fixture.grid, () => undefined, "none of its 3 names"],
    ] as const) {
      const message = await readDicomLabels(path, { grid }, names).then(String, (error: Error) => error.message);
      expect(message).toContain(reason);
      expect(message).not.toMatch(/PLANTED/);
    }
  });

  test("of another frame of reference are refused, unless who made the file changed it", async () => {
    const path = await fixtureFile("explicit");
    const own = { grid: fixture.grid, identity: { key: "k" } };
    const frameOf = (uid: string): string => identityOf({ key: "k" }).uid(uid);
    const { labels } = await readDicomLabels(path, { ...own, frameOfReference: frameOf("1.2.826.3") }, labelOf);
    expect(labels.data.length).toBe(fixture.labels.length);
    await expect(readDicomLabels(path, { ...own, frameOfReference: frameOf("1.2.826.4") }, labelOf)).rejects.toThrow(
      /explicit.dcm": it was drawn on other images/,
    );
  });

  test("as they are filled: a square of whole numbers owns its first edges, a ring has a hole, what overlaps is one", () => {
    const square = (from: number, to: number) =>
      [
        [from, from],
        [to, from],
        [to, to],
        [from, to],
      ] as const;
    const size = { width: 8, height: 8 };
    expect(filledPixels([square(2, 4)], size).sort((a, b) => a - b)).toEqual([18, 19, 26, 27]);
    expect(filledPixels([square(1, 7), square(2, 6)], size).length).toBe(36 - 16);
    expect(filledPixels([square(-5, 20)], size).length).toBe(64);
    expect(filledPixels([square(1, 5), square(3, 7)], size).length).toBe(16 + 16 - 4); // two branches' walls that overlap
    expect(filledPixels([square(3, 5), square(0, 8), square(2, 6)], size).length).toBe(64 - 16 + 4);
  });
});

describe("a DICOM segmentation", () => {
  const prepared = async () => {
    const affine = turnedAffine([0.1, -0.25, 0.4], [0.5, 0.75, 2], [-12, 30, 5]);
    const volume = filled({ width: 9, height: 7, slices: 5, affine }, linearField);
    await writeDicomSeries(pathOf("drawn-on"), volume, {
      ...{ patientId: "1", study: uidFor("l", 1), series: uidFor("l", 2), frameOfReference: uidFor("l", 3), seriesNumber: 1 },
    });
    const [source] = (await openDicom(pathOf("drawn-on"), { key: "k" })).stacks;
    const rng = random("drawn labels", 1);
    const labels = createVolume(
      source.grid,
      Uint8Array.from({ length: 315 }, (_, n) => (n < 63 ? 0 : Math.floor(rng.uniform(0, 4)))),
    );
    const path = pathOf("drawn.dcm");
    await writeDicomSegmentation(path, labels, {
      segments: Object.entries(CLASSES).map(([name, label]) => ({
        ...{ name, label, category: SEGMENT_CATEGORY.tissue, type: dicomCode("99LYNCEUS", name, name) },
      })),
      ...{ source, algorithm: { type: "MANUAL" } },
    });
    return { labels, path };
  };

  test("comes back as it was written, and on a part of its grid as that part", async () => {
    const { labels, path } = await prepared();
    expect((await readDicomLabels(path, { grid: labels }, labelOf)).labels.data).toEqual(labels.data);
    const part = croppedVolume(labels, [2, 1, 2], { width: 5, height: 6, slices: 3 });
    expect((await readDicomLabels(path, { grid: part }, labelOf)).labels.data).toEqual(part.data);
  });

  test("of other pixels is refused", async () => {
    const { labels, path } = await prepared();
    for (const factor of [2, 1.03]) {
      const coarser = {
        ...labels,
        affine: labels.affine.map((v, n) => (n % 4 === 0 ? factor * v : v)) as unknown as Grid["affine"],
      };
      await expect(readDicomLabels(path, { grid: coarser }, labelOf)).rejects.toThrow(
        "its pixels are not those of the reference",
      );
    }
  });

  test("cut short, or another kind of file, is an error that names it", async () => {
    const image = await fileOf("image.dcm", encodeDicom(slice(0)));
    await expect(readDicomLabels(image, { grid: fixture.grid }, labelOf)).rejects.toThrow(
      `"${image}": it is neither a DICOM segmentation (SEG) nor a structure set (RTSTRUCT).`,
    );
    const text = await fileOf("text.dcm", Buffer.from("a text"));
    await expect(readDicomLabels(text, { grid: fixture.grid }, labelOf)).rejects.toThrow("not a DICOM file");
    const { labels, path } = await prepared();
    const whole = readFileSync(path);
    for (let length = 200; length < whole.length - 2; length += 401) {
      const cut = await fileOf("cut.dcm", whole.subarray(0, length));
      await expect(readDicomLabels(cut, { grid: labels }, labelOf)).rejects.toThrow(/cut\.dcm": .*\.$/s);
    }
  });
});
