import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createImage, encodePng, findForeground, fitStains, type ImageOf, stainNormaliser } from "../../imaging/index.ts";
import { paintTissue } from "../../imaging/testing/tissue.ts";
import { random } from "../../random/index.ts";
import { classTables, NO_CLASS } from "./classes.ts";
import type { ConfigInput } from "./config.ts";
import { readPatch } from "./patch-pixels.ts";
import { gradeSlide, predictSlide } from "./predict.ts";
import type { PatchResult } from "./result.ts";
import { type GradingRule, openSegmenter } from "./segmenter.ts";
import { colourConfig, colourGrader } from "./testing/colour-grader.ts";

const SIDE = 256;
const PATCH = 32;
let folder: string;
const paths = { tissue: "", blank: "" };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-predict-"));
  // From left to right: glass, glass that becomes stroma in a grainy blur, stroma, crowded nuclei.
  const tissue = paintTissue(SIDE, SIDE, (x) => (x < 96 ? "glass" : x < 160 ? "stroma" : "nuclei"));
  const grain = random("grain");
  for (let i = 0; i < tissue.data.length; i++) {
    const along = (Math.floor(i / 3) % SIDE) / 64 - 0.5;
    if (along >= 0 && along < 1) tissue.data[i] = Math.min(255, 244 + along * [-12, -64, -9][i % 3] + grain.normal(0, 12));
  }
  const blank = createImage(SIDE, SIDE);
  blank.data.fill(244);
  for (const [name, image] of Object.entries({ tissue, blank }) as ["tissue" | "blank", ImageOf<Uint8Array>][]) {
    paths[name] = join(folder, `${name}.png`);
    await writeFile(paths[name], await encodePng(image));
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** Predicts, and says what the network was shown. */
const predict = async (
  path: string,
  { config: given = {}, place = "one", keep = false }: { config?: ConfigInput; place?: string; keep?: boolean } = {},
) => {
  const segmenter = await openSegmenter(colourGrader(colourConfig(given)), { threads: 1 });
  const shown: Uint8Array[] = [];
  const segment = (patches: Uint8Array) => {
    const one = 3 * PATCH * PATCH;
    for (let at = 0; at < patches.length; at += one) shown.push(Uint8Array.from(patches.subarray(at, at + one)));
    return segmenter.segment(patches);
  };
  try {
    const predicted = await predictSlide({ ...segmenter, segment }, path, { folder: join(folder, place), modelDigest: "model" });
    const { labels, plan, result, slide } = predicted;
    const map = await labels.read(0, 0, labels.width, labels.height);
    const first = shown.length === 0 ? undefined : (await readPatch(slide, plan.patches[0], PATCH)).data;
    await predicted.close({ keep });
    return { map, plan, result, shown, first };
  } finally {
    await segmenter.close();
  }
};
type Prediction = Awaited<ReturnType<typeof predict>>;

/** How many neighbours in a row are of different classes. */
const borders = (map: Uint8Array): number =>
  map.reduce((sum, label, i) => sum + (i % SIDE > 0 && label !== map[i - 1] ? 1 : 0), 0);
const unseen = (map: Uint8Array): number => map.filter((label) => label === NO_CLASS).length;

describe("settings of prediction", () => {
  let plain: Prediction;
  beforeAll(async () => {
    plain = await predict(paths.tissue);
  });

  test("without any: each pixel is of the class whose colour it has; glass is not looked at", () => {
    const { map, result, shown, first } = plain;
    expect(unseen(map)).toBeGreaterThan(1000);
    const right = map.filter((_, i) => i % SIDE >= 192);
    expect(right.filter((label) => label === 3 || label === 4).length / right.length).toBeGreaterThan(0.95);
    expect(shown).toHaveLength(result.patches.length);
    expect(shown[0]).toEqual(Uint8Array.from(first as Uint8Array));
    expect(result.areas.reduce((sum, area) => sum + area, 0)).toBe(SIDE * SIDE - unseen(map));
  });

  const cases: readonly [string, ConfigInput, (found: Prediction) => void][] = [
    [
      "crf.use smooths the map of the same patches",
      { crf: { use: true } },
      ({ map, plan }) => {
        expect(plan.patches).toEqual(plain.plan.patches);
        expect(borders(map)).toBeLessThan(0.9 * borders(plain.map));
      },
    ],
    [
      "slide.stains=macenko shows the same patches to the network, normalised by the slide's own stains",
      { slide: { stains: "macenko" } },
      ({ map, plan, shown, first }) => {
        expect(plan.patches).toEqual(plain.plan.patches);
        const patch = createImage(PATCH, PATCH, Uint8Array.from(first as Uint8Array));
        expect(shown[0]).toEqual(Uint8Array.from(stainNormaliser(fitStains(plan.thumbnail))(patch).data));
        expect(shown[0]).not.toEqual(plain.shown[0]);
        expect(map).not.toEqual(plain.map);
      },
    ],
    ["slide.foreground=none looks at everything", { slide: { foreground: "none" } }, ({ map }) => expect(unseen(map)).toBe(0)],
    [
      "slide.foreground=grabCut finds tissue by its method",
      { slide: { foreground: "grabCut" } },
      ({ plan }) => {
        expect(plan.pen.share).toBe(0);
        expect(plan.foreground).toEqual(findForeground(plan.thumbnail, { method: "grabCut", micronsPerPixel: 4 }));
        expect(plan.foreground).not.toEqual(plain.plan.foreground);
      },
    ],
    [
      "sampling.density=gradientEntropy takes other places of the same tissue",
      { sampling: { density: "gradientEntropy" } },
      ({ plan }) => {
        expect(plan.foreground).toEqual(plain.plan.foreground);
        expect(plan.density.values).not.toEqual(plain.plan.density.values);
        expect(plan.patches).not.toEqual(plain.plan.patches);
      },
    ],
  ];
  test.each(cases)("%s", async (_, config, check) => check(await predict(paths.tissue, { config })));

  test("the slide's grade is that of its patches and its map", () => {
    const { result } = plain;
    expect(result.grade).toEqual(
      gradeSlide({ config: colourConfig(), classes: result.classes, grading: undefined }, result.patches, result.areas),
    );
    expect(result.grade?.isup).toBeGreaterThan(0);
  });
});

describe("the slide's grade", () => {
  const patch = { gleason: { primary: 4, secondary: 4, isup: 4 } } as PatchResult;
  /** Of the tissue 70 % are stroma, 18 % Gleason 3, 7 % Gleason 4 and 5 % Gleason 5. */
  const areas = [500, 700, 0, 180, 70, 50];
  const probabilities = [0.01, 0.02, 0.3, 0.6, 0.05, 0.02];
  const rule = { weights: probabilities.map(() => [0, 0, 0, 0, 0, 0]), bias: probabilities.map(Math.log) };
  const calibrated = (threshold: number): GradingRule => ({ rule, calibration: { threshold, missRate: 0.1, cases: 50 } });
  const ofMap = (threshold: number): GradingRule => ({ rule, mapCalibration: { threshold, missRate: 0.1, cases: 50 } });
  const gradeBy = (grade: ConfigInput["grade"], grading?: GradingRule) =>
    gradeSlide({ config: colourConfig({ grade }), classes: classTables.radboud, grading }, [patch], areas);

  const limits = { minimumCancer: 0.02, minimumPattern: 0.05 };
  const cases: readonly [string, ConfigInput["grade"], GradingRule | undefined, object][] = [
    [
      "of a model without a rule",
      limits,
      undefined,
      { rule: "map", isup: 2, probabilities: undefined, set: undefined, unsure: undefined },
    ],
    ["by the map, beside the rule's probabilities", limits, { rule }, { rule: "map", isup: 2, set: undefined }],
    [
      "by rule=patches",
      { ...limits, rule: "patches" },
      { rule },
      { rule: "patches", isup: 3, map: { primary: 3, secondary: 4, isup: 2 } },
    ],
    ["by rule=patches of a model without a rule", { ...limits, rule: "patches" }, undefined, { rule: "map", isup: 2 }],
    ["by the configuration's least cancer, a share of the tissue", { ...limits, minimumCancer: 0.31 }, undefined, { isup: 0 }],
    ["by the configuration's least pattern, a share of the cancer", { ...limits, minimumPattern: 0.34 }, undefined, { isup: 1 }],
    ["by secondary=worst", { ...limits, secondary: "worst" }, undefined, { isup: 4 }],
    [
      "by learnt limits instead of the configuration's",
      limits,
      { rule, limits: { minimumCancer: 0.31, minimumPattern: 0 } },
      { isup: 0 },
    ],
    ["by a learnt least pattern", limits, { rule, limits: { minimumCancer: 0, minimumPattern: 0.34 } }, { isup: 1 }],
    ["sure, where the set is the grade", { ...limits, rule: "patches" }, calibrated(0.5), { isup: 3, set: [3], unsure: false }],
    ["without a set, where only the other rule is calibrated", limits, calibrated(0.5), { isup: 2, set: undefined }],
    ["by the map and sure, where nothing else is plausible", limits, ofMap(0.05), { isup: 2, set: [2], unsure: false }],
    ["by the map and unsure, where other grades are near", limits, ofMap(0.8), { isup: 2, unsure: true }],
    ["unsure, where the set has two grades", { ...limits, rule: "patches" }, calibrated(0.75), { set: [2, 3], unsure: true }],
    ["unsure, where the set is empty", { ...limits, rule: "patches" }, calibrated(0.3), { set: [], unsure: true }],
  ];
  test.each(cases)("%s", (_, grade, grading, expected) => expect(gradeBy(grade, grading)).toMatchObject(expected));
});

test.each(["as they are", "macenko"] as const)(
  "a slide without tissue has no patches and no grade, stains %s",
  async (stains) => {
    const { map, result, shown } = await predict(paths.blank, { config: { slide: { stains } } });
    expect(result).toMatchObject({ patches: [], grade: undefined, warnings: ["No tissue was found on this slide."] });
    expect([unseen(map), shown.length]).toEqual([SIDE * SIDE, 0]);
  },
);

test("closed to be kept, finished patches do not go through the network again; closed otherwise, they are forgotten", async () => {
  const place = "kept";
  await mkdir(join(folder, place), { recursive: true });
  const first = await predict(paths.tissue, { place, keep: true });
  expect(await readdir(join(folder, place))).toEqual([".tissue.journal"]);
  const again = await predict(paths.tissue, { place });
  expect([first.shown.length, again.shown.length]).toEqual([first.result.patches.length, 0]);
  expect(again.map).toEqual(first.map);
  expect(await readdir(join(folder, place))).toEqual([]);
  expect((await predict(paths.tissue, { place })).shown).toHaveLength(first.shown.length);
});
