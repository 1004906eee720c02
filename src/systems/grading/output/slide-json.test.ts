import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { classTables } from "../classes.ts";
import { patchesCsv, slideJson } from "./slide-json.ts";
import { drawn, resultOf } from "./testing/made-up.ts";

const map = { ...drawn("0011", "0011", "3344", "3354", "....", "...."), downsample: 4 };
const made = (given = {}) => resultOf(map, { patch: 8, ...given });

test("areas are counted in pixels of the map, and shares in tissue and in tumour", async () => {
  const { composition, map: said, sampling } = slideJson(await made(), 4);
  expect(said).toEqual({ downsample: 4, micronsPerPixel: 2 });
  expect(composition).toMatchObject({
    tissuePixels: 12,
    tissueSquareMillimetres: expect.closeTo(12 * 4e-6, 12),
    tumourShare: 8 / 12,
    patternSharesOfTumour: { 3: 4 / 8, 4: 3 / 8, 5: 1 / 8 },
  });
  expect(composition.classes[0]).toEqual({
    name: "background",
    pattern: 0,
    pixels: 4,
    squareMillimetres: expect.closeTo(16e-6, 12),
    shareOfTissue: null,
  });
  expect(composition.classes[3]).toMatchObject({ name: "Gleason 3", pattern: 3, pixels: 4, shareOfTissue: 4 / 12 });
  expect(sampling).toEqual({
    patches: 5,
    byFrequency: { a: 4, b: 0, c: 0, d: 1, e: 0 },
    uniformAtFinestStride: 15,
    shareOfUniform: 1 / 3,
  });
});

test("the grade by both rules", async () => {
  const result = await made();
  expect(slideJson(result, 4).grade).toEqual({
    isup: 3,
    rule: "patches",
    byPatches: {
      isup: 3,
      probabilities: [0.02, 0.08, 0.31, 0.42, 0.12, 0.05],
      patchGradeShares: [0.5, 0, 0.2, 0.2, 0.1, 0],
    },
    byMap: { isup: 2, primary: 3, secondary: 4, gleasonScore: "3+4=7" },
    predictionSet: [2, 3],
    unsure: true,
  });
  const untrained = { rule: "map", isup: 2, map: result.grade!.map, proportions: [1, 0, 0, 0, 0, 0] } as const;
  expect(slideJson({ ...result, grade: untrained }, 4).grade).toMatchObject({
    isup: 2,
    byPatches: { isup: null, probabilities: null },
    predictionSet: null,
    unsure: null,
  });
});

test("what is unknown is null, and the whole survives JSON", async () => {
  const said = slideJson(await made({ micronsPerPixel: undefined, magnification: undefined, grade: undefined }), 4);
  expect(JSON.parse(JSON.stringify(said))).toEqual(said);
  expect(said).toMatchObject({
    schemaVersion: 1,
    notice: expect.stringContaining("research use only"),
    slide: { name: "made-up.tiff", width: 16, height: 24, micronsPerPixel: null },
    map: { micronsPerPixel: null },
    grade: null,
    composition: { tissueSquareMillimetres: null },
  });
  const nothing = slideJson(await made({ classes: classTables.karolinska, areas: [24, 0, 0] }), 4);
  expect(nothing.composition).toMatchObject({ tissuePixels: 0, tumourShare: null, patternSharesOfTumour: null });
});

test("patches are a table in both files", async () => {
  const result = await made();
  const rows = parse(patchesCsv(result), { columns: true }) as Record<string, string>[];
  expect(rows).toHaveLength(result.patches.length);
  expect(rows[2]).toEqual({
    ...{
      x: "8",
      y: "8",
      size: "8",
      density: "0.3",
      frequency: "a",
      isup: "5",
      gleason_score: "4+5=9",
      primary: "4",
      secondary: "5",
    },
    ...{ pixels_background: "0", pixels_stroma: "0", pixels_benign_gland: "0" },
    ...{ pixels_gleason_3: "0", pixels_gleason_4: "3", pixels_gleason_5: "1" },
  });
  expect(rows[0]).toMatchObject({ isup: "0", gleason_score: "", primary: "0" });
  expect(slideJson(result, 4).patches[2]).toEqual({
    ...{ x: 8, y: 8, size: 8, density: 0.3, frequency: "a", isup: 5, gleasonScore: "4+5=9" },
    pixels: { background: 0, stroma: 0, "benign gland": 0, "Gleason 3": 0, "Gleason 4": 3, "Gleason 5": 1 },
  });
});
