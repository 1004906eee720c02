import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createImage, encodePng } from "../../imaging/index.ts";
import { paintTissue } from "../../imaging/testing/tissue.ts";
import type { ProgressEvent } from "../../training/index.ts";
import { predict, stemsOf } from "./predict-files.ts";
import { colourConfig, colourGrader } from "./testing/colour-grader.ts";

test("results of slides with equal names do not meet, and a slide given twice is one", () => {
  expect([...stemsOf(["a/1.svs", "b/1.tiff", "b/1.ome.tif", "1-2.svs", "a/1.svs", "C/X.png", "x.jpg"]).values()]).toEqual([
    "1",
    "1-2",
    "1-3",
    "1-2-2",
    "X",
    "x-2",
  ]);
});

describe("predicting files", () => {
  const grading = {
    rule: { weights: [1, 2, 3, 4, 5, 6].map(() => [0, 0, 0, 0, 0, 0]), bias: [0, 0, 0, 0, 0, 0] },
    limits: { minimumCancer: 0.03, minimumPattern: 0.07 },
    calibration: { threshold: 0.9, missRate: 0.1, cases: 40 },
  };
  const config = colourConfig({ slide: { magnification: 8 }, sampling: { thinning: "sparse" } });
  const model = colourGrader(config, { grading, provenance: { seed: 7, data: "training slides" } });
  let folder: string;
  let out: string;
  let inputs: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-predict-files-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    out = join(folder, "out");
    inputs = [];
    for (const name of ["a", "b"]) {
      const path = join(folder, `${name}.png`);
      const image = paintTissue(96, 96, (x) => (x < 24 ? "glass" : x < 60 ? "stroma" : "nuclei"), { seed: name.charCodeAt(0) });
      await writeFile(path, await encodePng(image));
      inputs.push(path);
    }
  });

  const ask = (request: Partial<Parameters<typeof predict>[0]> = {}) => predict({ model, inputs, out, threads: 1, ...request });
  const hidden = async () => (await readdir(out)).filter((name) => name.startsWith("."));
  const already = ({ predictions }: Awaited<ReturnType<typeof predict>>) =>
    (predictions as { alreadyPredicted: boolean }[]).map(({ alreadyPredicted }) => alreadyPredicted);
  /** Stops when the last patch of a slide is done: before its results are written. */
  const stopAt = (name: string) => {
    const controller = new AbortController();
    const listener = (event: ProgressEvent): void => {
      if (event.kind === "count" && event.text.startsWith(name) && event.done === event.total)
        controller.abort(new Error("enough"));
    };
    return { signal: controller.signal, listener };
  };

  test("stopped while results are written, a slide keeps its patches, and finished slides are not predicted again", async () => {
    await expect(ask(stopAt("b.png"))).rejects.toThrow("enough");
    expect(await readdir(out)).toContain("a.json");
    expect(await readdir(out)).not.toContain("b.json");
    expect(await hidden()).toEqual([".b.journal"]);
    const counted = new Set<string>();
    const { lines, predictions } = await ask({ listener: (event) => event.kind === "count" && counted.add(event.text) });
    expect([...counted]).toEqual(["b.png: patches"]);
    expect(lines[0]).toMatch(/^ISUP \d.*a\.png {2}\(already predicted\)/);
    expect(lines[1]).toMatch(/b\.png {2}\(\d+ patches of \d+ on the finest grid/);
    expect(await hidden()).toEqual([]);
    const again = await ask();
    expect(already(again)).toEqual([true, true]);
    const plain = (of: readonly unknown[]) =>
      of.map((prediction) => ({ ...(prediction as object), alreadyPredicted: undefined }));
    expect(plain(again.predictions)).toEqual(plain(predictions));
  });

  test("a slide whose results cannot be written is named, and keeps its patches until they can", async () => {
    const blocked = join(out, "a.overlay.png", "in the way");
    await mkdir(blocked, { recursive: true });
    const { failures, predictions } = await ask();
    expect(failures).toEqual([{ path: inputs[0], reason: expect.stringContaining("a.overlay.png") }]);
    expect(predictions).toHaveLength(1);
    expect(await hidden()).toEqual([".a.journal"]);
    await rm(join(out, "a.overlay.png"), { recursive: true });
    expect(already(await ask())).toEqual([false, true]);
    expect(await hidden()).toEqual([]);
  });

  test("what is asked again is not predicted again, unless the model, the slide, the settings or the files differ", async () => {
    inputs = inputs.slice(0, 1);
    await ask();
    const { mtimeMs } = await stat(join(out, "a.html"));
    expect(already(await ask())).toEqual([true]);
    expect((await stat(join(out, "a.html"))).mtimeMs).toBe(mtimeMs);
    expect(already(await ask({ micronsPerPixel: 1.2 }))).toEqual([false]);
    expect(already(await ask())).toEqual([false]);
    await utimes(inputs[0], 1, 1);
    expect(already(await ask())).toEqual([false]);
    await rm(join(out, "a.geojson"));
    expect(already(await ask())).toEqual([false]);
    await writeFile(join(out, "a.json"), "{");
    expect(already(await ask())).toEqual([false]);
    const other = colourGrader(config, { grading, provenance: { seed: 8 } });
    expect(already(await ask({ model: other }))).toEqual([false]);
  });

  test("results that are replaced are not taken for those of the earlier model when that is interrupted", async () => {
    inputs = inputs.slice(0, 1);
    await ask();
    const other = colourGrader(config, { grading, provenance: { seed: 8 } });
    await rm(join(out, "a.html"));
    await mkdir(join(out, "a.html", "in the way"), { recursive: true });
    expect((await ask({ model: other })).failures).toHaveLength(1);
    expect(await readdir(out)).not.toContain("a.json");
  });

  test("what was left of a prediction that was killed after its results stood is removed", async () => {
    inputs = inputs.slice(0, 1);
    await ask();
    for (const name of [".a.journal", ".a.labels"]) await writeFile(join(out, name), "left");
    expect(already(await ask())).toEqual([true]);
    expect(await hidden()).toEqual([]);
  });

  test("results say which model and settings they come from, and not where anything lay", async () => {
    inputs = inputs.slice(0, 1);
    await ask({ micronsPerPixel: 1.1 });
    const { origin } = JSON.parse(await readFile(join(out, "a.json"), "utf8"));
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(origin).toMatchObject({
      lynceus: expect.stringMatching(/^\d+\.\d+\.\d+/),
      digests: { model: digest, slide: digest, settings: digest },
      provenance: { seed: 7, data: "training slides" },
      settings: {
        slide: { magnification: 8, micronsPerPixel: 1.1, foreground: "otsu", stains: "as they are" },
        patch: 32,
        sampling: { thinning: "sparse", density: "haematoxylin" },
        crf: { use: false },
        grade: { rule: "map", secondary: "second-most", ...grading.limits },
        learnt: { rule: true, limits: true, calibration: grading.calibration },
      },
    });
    const page = await readFile(join(out, "a.html"), "utf8");
    const shown = [origin.digests.model, "training slides", "magnification", "sparse", "minimumCancer", "0.03", "missRate"];
    expect(shown.filter((text) => !page.includes(text))).toEqual([]);
    for (const name of await readdir(out)) expect(await readFile(join(out, name), "latin1")).not.toContain(folder);
  });

  test("the report of an unfinished training's model says so", async () => {
    inputs = inputs.slice(0, 1);
    await ask({ model: colourGrader(config, { provenance: { unfinished: true } }) });
    expect(await readFile(join(out, "a.html"), "utf8")).toContain("unfinished training");
  });

  test("a blank slide has results, too: no tissue, no grade, with stains=macenko as well", async () => {
    const blank = createImage(96, 96);
    blank.data.fill(245);
    inputs = [join(folder, "blank.png")];
    await writeFile(inputs[0], await encodePng(blank));
    const { lines, failures } = await ask({ model: colourGrader(colourConfig({ slide: { stains: "macenko" } })) });
    expect(failures).toEqual([]);
    expect(lines[0]).toMatch(/^no grade .*\n {2}No tissue was found on this slide\.$/);
    expect(JSON.parse(await readFile(join(out, "blank.json"), "utf8"))).toMatchObject({ grade: null, patches: [] });
  });
});
