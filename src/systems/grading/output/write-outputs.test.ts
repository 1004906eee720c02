import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openSlide, writeSlide } from "../../../imaging/index.ts";
import { renderReport } from "../../../report/index.ts";
import { NO_CLASS } from "../classes.ts";
import type { LabelMap, SlideResult } from "../result.ts";
import { evaluationReport } from "./evaluation-report.ts";
import { mostMalignant } from "./slide-report.ts";
import { temporaryFolder } from "./testing/folder.ts";
import { labelMap, resultOf } from "./testing/made-up.ts";
import { writeSlideOutputs } from "./write-outputs.ts";

const [width, height] = [160, 96];
const data = new Uint8Array(width * height).fill(1);
for (let y = 0; y < height; y++) {
  data.fill(NO_CLASS, y * width + 128, (y + 1) * width);
  if (y >= 10 && y < 60) data.fill(3, y * width + 10, y * width + 60);
  if (y >= 40 && y < 90) data.fill(5, y * width + 70, y * width + 120);
}
const labels: LabelMap = labelMap(width, height, data, 2);
let result: SlideResult;
beforeAll(async () => {
  result = await resultOf(labels, { patch: 64, name: "a <slide>.ome.tiff", warnings: ["A fold covers 3 % of the tissue."] });
});

const madeUpSlide = async (folder: string) => {
  const path = join(folder, "slide.tiff");
  const layout = { width: 2 * width, height: 2 * height, channels: 3, compression: "deflate", micronsPerPixel: 0.5 } as const;
  await writeSlide(path, layout, (_x, _y, across, down) => new Uint8Array(across * down * 3).fill(210));
  const slide = await openSlide(path);
  onTestFinished(() => slide.close());
  return slide;
};

test("writes every file whole, under the slide's name", async () => {
  const folder = await temporaryFolder();
  const slide = await madeUpSlide(folder);
  const paths = await writeSlideOutputs(join(folder, "out"), slide, result, labels);
  expect((await readdir(join(folder, "out"))).sort()).toEqual(
    ["geojson", "html", "json", "overlay.png", "patches.csv", "segmentation.tiff"].map((ending) => `a <slide>.${ending}`),
  );

  const said = JSON.parse(await readFile(paths.json, "utf8"));
  expect(said.patches).toHaveLength(result.patches.length);
  const { features } = JSON.parse(await readFile(paths.geojson, "utf8"));
  expect(features.map((feature: { properties: { measurements: unknown } }) => feature.properties.measurements)).toEqual(
    [2500, 2500].map((pixels) => ({ "Area px^2": 4 * pixels, "Area µm^2": pixels })),
  );
  expect(await sharp(paths.overlay).metadata()).toMatchObject({ format: "png", width: 2 * width, height: 2 * height });
  expect(await sharp(paths.segmentation).metadata()).toMatchObject({ width, height });
  expect((await readFile(paths.patches, "utf8")).trim().split("\n")).toHaveLength(result.patches.length + 1);

  const page = await readFile(paths.report, "utf8");
  const shown = ["research use only", "ISUP 2 or 3 cannot be excluded", "A fold covers", "5+3=8", "a &lt;slide&gt;"];
  expect(shown.filter((text) => !page.includes(text))).toEqual([]);
  expect(page.match(/data:image\/jpeg/g)).toHaveLength(2 + 2 * 6);
  expect(page.match(/(src|href)="(?!#|data:)/)).toBeNull();
});

test("a stopped writing leaves no file behind", async () => {
  const folder = await temporaryFolder();
  const slide = await madeUpSlide(folder);
  const signal = AbortSignal.abort(new Error("stopped"));
  await expect(writeSlideOutputs(join(folder, "out"), slide, result, labels, { signal })).rejects.toThrow("stopped");
  expect(await readdir(join(folder, "out"))).toEqual([]);
});

test("the most malignant patches come by grade, then by cancer, and hardly overlap", () => {
  const [patch] = result.patches;
  const at = (x: number, isup: 0 | 4 | 5, cancer: number) =>
    ({ ...patch, x, y: 0, gleason: { isup }, areas: [0, 100 - cancer, 0, 0, 0, cancer] }) as unknown as typeof patch;
  const patches = [at(0, 4, 90), at(32, 5, 20), at(64, 5, 40), at(120, 5, 10), at(200, 4, 50), at(400, 0, 0)];
  expect(mostMalignant({ ...result, patches }, 3).map(({ x }) => x)).toEqual([64, 120, 0]);
  expect(mostMalignant({ ...result, patches }, 9).map(({ x }) => x)).toEqual([64, 120, 0, 200]);
});

test("an evaluation shows what is sure and wrong first, and tables without what is undefined", () => {
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
  const slide = (name: string, isup: number, reference: number | undefined, sure: number) => {
    const probabilities = Array.from({ length: 6 }, (_, grade) => (grade === isup ? sure : (1 - sure) / 5));
    return {
      result: { ...result, name, grade: { ...result.grade!, isup, probabilities } },
      ...{ reference, overlay: jpeg, thumbnail: jpeg },
    };
  };
  const report = evaluationReport({
    title: "Test slides",
    measures: [{ name: "quadratic weighted kappa", value: 0.9, low: 0.8, high: 0.95 }],
    confusion: [
      [2, 0],
      [1, 3],
    ],
    perClass: [
      { name: "Gleason 5", dice: { value: Number.NaN }, iou: { value: Number.NaN } },
      { name: "stroma", dice: { value: 0.9, low: 0.8, high: 0.95 }, iou: { value: 0.8 } },
    ],
    perGrade: [
      { precision: 1, recall: { value: 0.5, low: 0.1, high: 0.9 }, f1: Number.NaN },
      { precision: 1, recall: 1, f1: 1 },
    ],
    slides: [
      slide("near", 2, 3, 0.9),
      slide("far, unsure", 0, 4, 0.3),
      slide("far, sure", 5, 1, 0.8),
      slide("right", 2, 2, 0.5),
      slide("right, surer", 2, 2, 0.7),
      slide("right, other grade", 4, 4, 0.4),
      slide("unknown", 1, undefined, 0.5),
    ],
  });
  expect(report.caseGroups?.map(({ cases }) => cases.map(({ name }) => name))).toEqual([
    ["far, sure", "far, unsure", "near"],
    ["right, surer", "right, other grade", "right"],
    ["unknown"],
  ]);
  expect(report.caseGroups?.[0].cases[0].label).toBe("ISUP 5, reference 1");
  const [grades, classes] = report.comparisons!;
  expect(grades.rows[0].cells).toEqual([2, { value: 1 }, { value: 0.5, low: 0.1, high: 0.9 }, null]);
  expect(classes.rows[0].cells).toEqual([null, null]);
  const page = renderReport(report);
  const shown = ["research use only", "quadratic weighted kappa", "reference ↓", "Farthest from the reference"];
  expect(shown.filter((text) => !page.includes(text))).toEqual([]);
});
