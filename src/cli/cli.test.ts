import { execFile, spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMask, writeMaskPng, writeSurfaces } from "../imaging/index.ts";
import { tinyTeacher } from "../systems/distillation/testing/tiny-teacher.ts";
import { writePhantomDataset } from "../systems/grading/index.ts";

/** The compiled command, as a user runs it on a machine without a graphics driver; without colours, which runners of tests ask for. */
const command = join(createRequire(import.meta.url).resolve("lynceus"), "..", "cli", "main.js");
const withoutDriver = { ...process.env, VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json", NO_COLOR: "1" };
const lynceus = (...words: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [command, ...words], { env: withoutDriver }, (error, out, err) => {
      if (error?.signal) reject(new Error(`lynceus ${words.join(" ")} was ended by ${error.signal}: ${err}`));
      else resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
const lastJson = (text: string) => JSON.parse(text.trim().split("\n").at(-1) as string);

describe("lynceus", () => {
  let folder: string;
  let data: string;
  let run: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lynceus-cli-"));
    await writeSurfaces(folder, { categories: ["tiles"], size: 32, trainCount: 12, testPerKind: 2, seed: 1 });
    data = join(folder, "tiles");
    run = join(folder, "run");
    const small = [
      "image.size=32",
      "network.width=4",
      "network.depth=2",
      "training.steps=6",
      "training.batch=2",
      "training.warmup=2",
    ];
    const trained = await lynceus(
      "train",
      "denoising",
      "--data",
      data,
      "--out",
      run,
      "--json",
      ...small.flatMap((set) => ["--set", set]),
    );
    expect(trained.code, trained.err).toBe(0);
    // Twelve images spare one for the threshold, which supports no rate of 5 %: said, and nothing else.
    expect(trained.err.split("\n").filter((line) => line.startsWith("warning:"))).toEqual([
      expect.stringContaining("The threshold rests on 1 normal image:"),
    ]);
    expect(Object.keys(lastJson(trained.out).metrics)).toContain("image_auroc");
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("help names every command and has examples; wrong use exits with 2", async () => {
    const help = await lynceus("--help");
    expect(help.code).toBe(0);
    for (const name of ["demo", "train", "predict", "evaluate", "export", "inspect"]) {
      expect(help.out).toContain(name);
      expect((await lynceus(name, "--help")).out).toMatch(/Example/);
    }
    for (const words of [
      ["fly"],
      ["train"],
      ["train", "flying", "--data", "x"],
      ["train", "denoising"],
      ["train", "progression", "--data", join(folder, "nowhere"), "--out", join(folder, "none")],
      ["train", "progression", "--data", folder, "--out", join(folder, "none"), "--tile"],
      ["predict", "nowhere", "x.png"],
    ]) {
      const wrong = await lynceus(...words);
      expect(wrong.code, words.join(" ")).toBe(2);
      expect(wrong.err).not.toMatch(/at .*\.js/);
    }
  });

  test("train leaves a run folder that explains itself, and refuses to overwrite it", async () => {
    const entries = await readdir(run);
    for (const name of [
      "config.json",
      "manifest.json",
      "metrics.jsonl",
      "checkpoints",
      "model.onnx",
      "report.html",
      "evaluation.json",
    ]) {
      expect(entries).toContain(name);
    }
    expect(await readFile(join(run, "report.html"), "utf8")).toContain("image AUROC");
    const again = await lynceus("train", "denoising", "--data", data, "--out", run);
    expect(again.code).toBe(2);
    expect(again.err).toContain("--resume");
    const resumed = await lynceus("train", "denoising", "--resume", "--out", run);
    expect(resumed.out).toMatch(/^Going on with denoising on .* at step 6 of 6; /);
    expect(resumed.code).toBe(0);
    const other = await lynceus("train", "distillation", "--resume", "--out", run);
    expect(other.code).toBe(2);
    expect(other.err).toMatch(
      new RegExp(`is a run of denoising: go on with (npx lynceus|node \\S+main\\.js) train denoising --resume --out ${run}\n$`),
    );
  });

  test("predict finishes the good images, names the bad one and exits with 1", async () => {
    const inputs = join(folder, "inputs");
    await cp(join(data, "test", "good"), inputs, { recursive: true });
    await writeFile(join(inputs, "broken.png"), "no image");
    const result = await lynceus("predict", run, inputs, "--out", join(folder, "heat"), "--json");
    expect(result.code).toBe(1);
    const { predictions, failures } = lastJson(result.out);
    expect(predictions).toHaveLength(2);
    expect(failures).toHaveLength(1);
    expect(failures[0].path).toContain("broken.png");
    expect((await readdir(join(folder, "heat"))).sort()).toEqual(["000.heatmap.png", "001.heatmap.png", "predictions.json"]);
  });

  test("predict leaves the masks of a data set out, says so once and exits with 0", async () => {
    const { code, out, err } = await lynceus("predict", run, data, "--out", join(folder, "all"));
    const masks = await readdir(join(data, "ground_truth"), { recursive: true });
    expect({ code, err }).toEqual({ code: 0, err: expect.not.stringContaining("skipped") });
    expect(out).toContain(`\n${masks.filter((name) => name.endsWith(".png")).length} masks of the data set were left out.\n`);
  });

  test("an image in the place of the model is wrong use", async () => {
    const image = join(data, "test", "good", "000.png");
    for (const words of [
      ["predict", image, run],
      ["evaluate", image, "--data", data],
      ["export", image, "--out", join(folder, "image.onnx")],
    ]) {
      expect(await lynceus(...words)).toMatchObject({
        code: 2,
        err: expect.stringContaining(
          `"${image}" cannot be used as a model. Give a run folder or a model.onnx as the first argument.`,
        ),
      });
    }
  });

  test("inspect exits with 1 where a file is broken, and with 0 where files only do not belong", async () => {
    const images = join(folder, "inspected");
    await cp(join(data, "test", "good"), images, { recursive: true });
    await writeFile(join(images, "notes.txt"), "no image");
    expect((await lynceus("inspect", images)).code).toBe(0);
    await writeFile(join(images, "broken.png"), "no image");
    const { code, out } = await lynceus("inspect", images, "--json");
    expect(code).toBe(1);
    expect(lastJson(out).failures).toEqual([expect.objectContaining({ path: join(images, "broken.png") })]);
  });

  test("a region of interest that there is not, or that no image fits, is wrong use and writes nothing", async () => {
    const roi = join(folder, "roi.png");
    await writeMaskPng(roi, createMask(30, 20, new Uint8Array(600).fill(1)));
    for (const [region, message] of [
      [join(folder, "missing.png"), "missing.png"],
      [roi, "(30 x 20) fits none of the 12 images; the first is 32 x 32."],
    ]) {
      const out = join(folder, "unframed");
      const wrong = await lynceus("train", "denoising", "--data", data, "--out", out, "--roi", region);
      expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining(message) });
      expect(await readdir(folder)).not.toContain("unframed");
    }
  });

  test("settings that no teacher fits are wrong use", async () => {
    const teacher = join(folder, "teacher.onnx");
    await writeFile(teacher, tinyTeacher());
    const missing = join(folder, "missing.onnx");
    for (const [file, set, message] of [
      [missing, "seed=1", `The teacher "${missing}" cannot be read: there is no such file.`],
      [join(run, "model.onnx"), "seed=1", "is a detector that Lynceus trained, not a pretrained network"],
      [teacher, "teacher.strides=[32]", 'The teacher "teacher.onnx" has no feature map of stride 32; it has '],
      [teacher, 'teacher.layers=["stride3"]', 'The model has no value "stride3"; the nearest names are '],
      [teacher, "image.size=100", "it must be a multiple of "],
    ]) {
      const out = join(folder, "untaught");
      const wrong = await lynceus("train", "distillation", "--data", data, "--out", out, "--teacher", file, "--set", set);
      expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining(message) });
      expect(await readdir(folder)).not.toContain("untaught");
    }
  });

  test.each(["denoising", "distillation"])("demo %s has a folder of its own", async (system) => {
    const child = spawn(process.execPath, [command, "demo", system], { cwd: folder, env: withoutDriver });
    const ended = new Promise((resolve) => child.on("close", resolve));
    const line = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(`${text}`)));
    child.kill("SIGKILL");
    await ended;
    expect(line).toContain(`into ${join("lynceus-demo", system, "data")} ...`);
  });

  test.skipIf(process.platform === "win32")(
    "a demo that is stopped says what is kept, and the same command goes on",
    async () => {
      const out = join(folder, "stopped-demo");
      const begin = () => spawn(process.execPath, [command, "demo", "--out", out, "--threads", "1"], { env: withoutDriver });
      const stopped = begin();
      let err = "";
      stopped.stderr.on("data", (text) => {
        err += text;
      });
      const code = new Promise((resolve) => stopped.on("close", resolve));
      for await (const text of stopped.stdout) if (`${text}`.includes("Surface 1 of 3, fabric: training ...")) break;
      while (!(await readdir(join(out, "fabric")).catch((): string[] => [])).includes("metrics.jsonl"))
        await new Promise((resolve) => setTimeout(resolve, 50));
      stopped.kill("SIGINT");
      expect(await code).toBe(130);
      expect(err).toContain(`Stopped. What was trained is kept in ${out}; the same command goes on.`);
      const again = begin();
      const line = await new Promise((resolve) => again.stdout.once("data", (text) => resolve(`${text}`)));
      again.kill("SIGKILL");
      expect(line).toContain("Going on with 3 surfaces");
    },
  );

  test("an unknown provider is wrong use, and an absent one a sentence", async () => {
    const image = join(data, "test", "good", "000.png");
    const out = join(folder, "nothing");
    const unknown = await lynceus("predict", run, image, "--provider", "metal");
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("Allowed choices are cpu, webgpu.") });
    if (process.platform !== "linux") return;
    for (const words of [
      ["predict", run, image, "--out", out],
      ["evaluate", run, "--out", out],
      ["train", "denoising", "--data", data, "--out", out],
    ]) {
      const { code, err } = await lynceus(...words, "--provider", "webgpu");
      expect([code, err]).toEqual([
        1,
        'lynceus: The provider "webgpu" found no graphics device on this machine (it needs a Vulkan, Metal or Direct3D 12 driver). Use --provider cpu.\n',
      ]);
      expect(await readdir(folder)).not.toContain("nothing");
    }
  });

  test("export, inspect and evaluate work from the exported file alone", async () => {
    const model = join(folder, "exported.onnx");
    expect((await lynceus("export", run, "--out", model)).code).toBe(0);
    const inspected = lastJson((await lynceus("inspect", model, "--json")).out);
    expect(inspected.metadata["lynceus.system"]).toBe("denoising");
    expect(inspected.opset).toBe(17);
    const evaluated = await lynceus("evaluate", model, "--data", data, "--out", join(folder, "evaluation"), "--json");
    const own = JSON.parse(await readFile(join(run, "evaluation.json"), "utf8"));
    expect(lastJson(evaluated.out).metrics).toEqual(own.metrics);
    expect((await lynceus("inspect", data)).out).toMatch(/test\/crack\s+2 images, 2 with masks/);
  });
});

test("slides are trained on, evaluated and predicted by the same commands", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-cli-slides-"));
  try {
    const [data, run] = [join(folder, "data"), join(folder, "run")];
    await writePhantomDataset(data, { slides: { train: 1, test: 1 }, width: 256, height: 256 });
    const small = [
      "patch=32",
      "network.width=8",
      "network.channels=8",
      "training.steps=2",
      "training.batch=2",
      "validation.folds=0",
    ];
    const trained = await lynceus("train", "grading", "--data", data, "--out", run, ...small.flatMap((set) => ["--set", set]));
    expect(trained.code, trained.err).toBe(0);
    expect(trained.out).toContain("quadratic weighted kappa");
    const evaluated = await lynceus("evaluate", run);
    expect(evaluated.code, evaluated.err).toBe(0);
    expect(evaluated.out).toMatch(/slides +1\n/);
    const out = join(folder, "out");
    const predicted = await lynceus("predict", run, join(data, "images"), "--out", out, "--json");
    expect(predicted.code, predicted.err).toBe(0);
    expect((await readdir(out)).filter((name) => name.endsWith(".geojson"))).toHaveLength(2);
  } finally {
    await rm(folder, { recursive: true });
  }
});
