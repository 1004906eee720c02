import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, OperatorSetIdProtoSchema } from "onnx-buf";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { input, neg, toOnnx } from "../graph/index.ts";
import { createImage, type Image } from "../imaging/index.ts";
import { frozen } from "../nn/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime, type Value } from "../runtime/index.ts";
import { buildStep, type ConfigInput, configSchema, detector, type ModelConfig } from "../systems/denoising/index.ts";
import { readDetector, type Threshold, writeDetector } from "./contract.ts";
import { openDetector } from "./detector.ts";
import { imageScoreOf } from "./score.ts";

web.env.wasm.numThreads = 1;

const size = 16;
const noise = (length: number, ...keys: (string | number)[]): Float32Array => {
  const rng = random("exported", ...keys);
  return Float32Array.from({ length }, () => rng.uniform());
};
const picture = (width: number, height: number): Image => {
  const rng = random("picture", width, height);
  return createImage(
    width,
    height,
    Uint8Array.from({ length: width * height * 3 }, () => rng.integer(0, 255)),
  );
};

/** A tiny network after three steps of training on noise. */
const trained = async (config: ModelConfig): Promise<Map<string, Value>> => {
  const step = buildStep(config);
  const runtime = openLocalRuntime({ threads: 1 });
  await runtime.writeState(new Map(step.initialState()));
  const loaded = await runtime.load(step.program);
  const shape = [config.training.batch, config.image.channels, size, size];
  const length = shape.reduce((product, length) => product * length, 1);
  for (let number = 1; number <= 3; number++) {
    const [corrupted, target] = [noise(length, number, "corrupted"), noise(length, number, "target")];
    await loaded.run({ corrupted: { data: corrupted, shape }, target: { data: target, shape }, ...step.schedule(number, 0.01) });
  }
  const network = await runtime.readState(step.networkState);
  await runtime.close();
  return network;
};

const threshold: Threshold = { value: 0.3, falseAlarmRate: 0.05, attainedRate: 0.1, normalImages: 9, normalLevel: 0.1 };
const provenance = { data: "somewhere", node: "v20" };
const build = async (given: ConfigInput, channels: 1 | 3, calibrated = false) => {
  const parsed = configSchema.parse({
    ...given,
    image: { size, ...given.image },
    network: { width: 2, depth: 2, latent: 5, ...given.network },
    training: { batch: 2 },
  });
  const config: ModelConfig = { ...parsed, image: { ...parsed.image, channels, depth: 8 } };
  const network = await trained(config);
  const calibration = {
    mean: noise(size * size, "mean"),
    square: noise(size * size, "deviation").map((value) => value + 1.5),
  };
  const outputs = detector(frozen(network), config, calibrated ? calibration : undefined);
  return {
    config,
    bytes: writeDetector(outputs, {
      system: "denoising",
      preprocess: config.image,
      imageScore: imageScoreOf(config.score),
      config,
      threshold,
      provenance,
    }),
  };
};

const variants: [name: string, given: ConfigInput, channels: 1 | 3, calibrated?: boolean][] = [
  ["as configured by default, grey", {}, 1],
  ["colour, calibrated", {}, 3, true],
  ["fit", { image: { aspect: "fit" } }, 3],
  ["bottleneck with group normalisation", { network: { architecture: "bottleneck", normalisation: "group" } }, 1],
  ["occluded passes, mean of the top, no smoothing", { score: { passes: 3, image: "top", topShare: 0.05, sigma: 0 } }, 3],
  ["tiles, calibrated", { image: { aspect: "tile", tile: { pixels: 64 } } }, 3, true],
  ["every residual, fit and calibrated", { image: { aspect: "fit" }, score: { l1: 1, l2: 1, ssim: 1, msgms: 1 } }, 1, true],
];
const models = new Map<string, Awaited<ReturnType<typeof build>>>();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-exported-"));
  for (const [name, ...variant] of variants) models.set(name, await build(...variant));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(variants.map(([name]) => name))("the model file: %s", (name) => {
  test("says what it is, and uses ai.onnx of opset 17 alone", () => {
    const { bytes, config } = models.get(name)!;
    const { model, description } = readDetector(bytes);
    expect(description).toEqual({
      system: "denoising",
      preprocess: { ...config.image, tile: config.image.aspect === "tile" ? config.image.tile : undefined },
      imageScore: imageScoreOf(config.score),
      config,
      threshold,
      provenance,
    });
    expect(model.feeds).toEqual([{ name: "image", shape: ["height", "width", 3], type: "uint8" }]);
    expect(model.results.map(({ name, shape }) => [name, shape])).toEqual([
      ["map", ["height", "width"]],
      ["score", []],
      ["restored", [config.image.channels, size, size]],
    ]);
    expect(model.opset).toBe(17);
    expect(model.operators).not.toHaveProperty("FusedMatMul");
  });

  test("gives the same map and score in the browser's runtime, at every size of image", async () => {
    const { bytes, config } = models.get(name)!;
    const session = await web.InferenceSession.create(bytes);
    const local = await openDetector(bytes, { threads: 1 });
    const scores = new Set<number>();
    for (const [width, height] of [
      [16, 16],
      [23, 37],
      [9, 5],
      [64, 40],
      [1, 30],
    ]) {
      const image = picture(width, height);
      const { map, score } = await session.run({ image: new web.Tensor("uint8", image.data, [height, width, 3]) });
      const here = await local.detect(image);
      expect(map.dims).toEqual([height, width]);
      expect(here.map).toHaveLength(width * height);
      const theirs = map.data as Float32Array;
      const worst = here.map.reduce((largest, value, i) => Math.max(largest, Math.abs(value - theirs[i])), 0);
      expect(worst).toBeLessThan(1e-4);
      // The file judges a tile; the image's score is that of the map.
      const expected = config.image.aspect === "tile" ? Math.max(...theirs) : Number(score.data[0]);
      expect(Math.abs(here.score - expected)).toBeLessThan(1e-4);
      expect(Number.isFinite(here.score)).toBe(true);
      expect(here.anomalous).toBe(here.score >= threshold.value);
      scores.add(here.score);
    }
    expect(scores.size).toBe(5);
    await Promise.all([local.close(), session.release()]);
  });
});

const checker = fileURLToPath(new URL("../../scripts/check-onnx.py", import.meta.url));
const python = "/usr/bin/python3";
const pythonHasOnnx = (() => {
  try {
    execFileSync(python, ["-c", "import onnx"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
const check = (...paths: string[]): { output: string; ok: boolean } => {
  try {
    return { output: execFileSync(python, [checker, ...paths], { encoding: "utf8" }), ok: true };
  } catch (error) {
    return { output: (error as { stdout: string }).stdout, ok: false };
  }
};

describe(`the official checker${pythonHasOnnx ? "" : ` (skipped: ${python} has no module onnx)`}`, () => {
  test.skipIf(!pythonHasOnnx)("accepts every variant", async () => {
    const paths: string[] = [];
    for (const [index, { bytes }] of [...models.values()].entries()) {
      paths.push(join(folder, `${index}.onnx`));
      await writeFile(paths[index], bytes);
    }
    expect(check(...paths)).toEqual({ output: paths.map((path) => `${path}: ok\n`).join(""), ok: true });
  });

  test.skipIf(!pythonHasOnnx)("finds what is wrong with others", async () => {
    const x = input("x", [2, 3]);
    const model = fromBinary(ModelProtoSchema, toOnnx({ inputs: [x], outputs: { y: neg(x) } }));
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }));
    const paths = [join(folder, "own operators.onnx"), join(folder, "garbage.onnx")];
    await writeFile(paths[0], toBinary(ModelProtoSchema, model));
    await writeFile(paths[1], "not a model");
    const { output, ok } = check(...paths);
    expect(ok).toBe(false);
    expect(output.split("\n")).toHaveLength(3);
    expect(output).toContain("own operators.onnx: operator sets");
    expect(output).not.toContain(": ok");
  });
});

describe("an image that does not fill the network's square", () => {
  const detectWith = async (given: ConfigInput, mean: number, image: Image) => {
    const parsed = configSchema.parse({ ...given, image: { size, aspect: "fit" }, network: { width: 2, depth: 2 } });
    const config: ModelConfig = { ...parsed, image: { ...parsed.image, channels: 1, depth: 8 } };
    const [means, square] = [mean, mean * mean + 1].map((value) => new Float32Array(size * size).fill(value));
    const outputs = detector(frozen(new Map(buildStep(config).initialState())), config, { mean: means, square });
    const plain = {
      system: "denoising",
      preprocess: config.image,
      imageScore: imageScoreOf(config.score),
      config,
      threshold: undefined,
      provenance: undefined,
    };
    const opened = await openDetector(writeDetector(outputs, plain), { threads: 1 });
    const detection = await opened.detect(image);
    await opened.close();
    return detection;
  };

  test("is not dimmed at its border", async () => {
    // A residual is never negative, so with a mean of -1 everything is at least one deviation everywhere.
    const { map } = await detectWith({}, -1, picture(100, 40));
    expect(Math.min(...map)).toBeGreaterThan(Math.asinh(0.0999));
  });

  test("is scored by what it shows, not by what lies around it, also where its map is negative", async () => {
    for (const score of [{ image: "max" }, { image: "top", topShare: 0.2 }] as const) {
      const { map, score: found } = await detectWith({ score }, 30, picture(100, 40));
      expect(Math.max(...map)).toBeLessThan(Math.asinh(-1.5));
      expect(found).toBeLessThan(Math.asinh(-1.5));
      expect(found).toBeGreaterThanOrEqual(Math.min(...map));
    }
  });
});

describe("the verdict", () => {
  test("is anomalous from the threshold on, and open without one", async () => {
    const { bytes, config } = models.get("colour, calibrated")!;
    const image = picture(20, 20);
    const first = await openDetector(bytes, { threads: 1 });
    const { score } = await first.detect(image);
    await first.close();
    const network = await trained(config);
    for (const [value, verdict] of [
      [0, true],
      [1e-3, false],
      [undefined, undefined],
    ] as const) {
      const outputs = detector(frozen(network), config);
      const plain = {
        system: "denoising",
        preprocess: config.image,
        imageScore: imageScoreOf(config.score),
        config,
        provenance: undefined,
      };
      const at = async (given: Threshold | undefined) => {
        const opened = await openDetector(writeDetector(outputs, { ...plain, threshold: given }), { threads: 1 });
        const detection = await opened.detect(image);
        await opened.close();
        return detection;
      };
      const own = (await at(undefined)).score;
      expect(own).not.toBe(score);
      expect((await at(value === undefined ? undefined : { ...threshold, value: own + value })).anomalous).toBe(verdict);
    }
  });

  test("files that are no detector are refused in a sentence", async () => {
    const x = input("image", ["height", "width", 3]);
    const foreign = toOnnx({ inputs: [x], outputs: { map: x, score: x } });
    await expect(openDetector(foreign)).rejects.toThrow("The ONNX model is not a Lynceus image detector");
    await expect(openDetector(Uint8Array.of(1, 2, 3))).rejects.toThrow("The file is not an ONNX model");
  });
});
