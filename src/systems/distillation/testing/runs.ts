import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as web from "onnxruntime-web";
import { expect } from "vitest";
import { openDetector, trainDetector } from "../../../detection/index.ts";
import { type Image, writeSurfaces } from "../../../imaging/index.ts";
import { readTensors, runFiles } from "../../../training/index.ts";
import { type Config, type ConfigInput, configSchema } from "../config.ts";
import { methodOf } from "../train.ts";
import { largestDifference } from "./graphs.ts";
import { tinyTeacher } from "./tiny-teacher.ts";

// For tests alone: left out of the package.

web.env.wasm.numThreads = 1;

/** Pixels of images and network, and steps of a training. */
export const [size, steps] = [32, 6];

/** A folder with a few painted surfaces and a tiny teacher, and trainings from them. */
export const openRuns = async ({ pixels = size, trainCount = 8 } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-distillation-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: pixels, trainCount, testPerKind: 0, seed: 1 });
  const [data, teacher] = [join(folder, "tiles"), join(folder, "teachers", "tiny.onnx")];
  await mkdir(join(folder, "teachers"));
  await writeFile(teacher, tinyTeacher());

  const configOf = (given: ConfigInput = {}): Config =>
    configSchema.parse({
      seed: 5,
      ...given,
      image: { size: pixels, ...given.image },
      teacher: { model: teacher, strides: [4, 8], octaves: 1, ...given.teacher },
      student: { width: 4, blocks: 1 },
      memory: { modules: ["recall", "adaptive"], items: 5, adaptiveItems: 4, exemplars: 4, exemplarsPerStep: 2, ...given.memory },
      training: { steps, batch: 2, checkpointEvery: 2, ...given.training },
    });
  const filesOf = (name: string) => runFiles(join(folder, "runs", name));
  return {
    folder,
    data,
    configOf,
    filesOf,
    run: async (name: string, given?: ConfigInput, options: Partial<Parameters<typeof trainDetector<Config>>[1]> = {}) => {
      const config = configOf(given);
      return trainDetector(await methodOf(config, {}), { data, out: filesOf(name).folder, config, threads: 1, ...options });
    },
    modelOf: (name: string): Promise<Uint8Array> => readFile(filesOf(name).model),
    /** Weights, statistics and the optimiser's memory, by name. */
    stateOf: async (name: string): Promise<Map<string, Float32Array>> => {
      const { tensors } = await readTensors(filesOf(name).checkpoint);
      return new Map([...tensors].map(([tensor, { data: values }]) => [tensor, values as Float32Array]));
    },
    close: () => rm(folder, { recursive: true }),
  };
};

/** Judges images with the detector, and expects the file to give the same in the browser's runtime. */
export const expectAgreement = async (model: Uint8Array, images: readonly Image[]) => {
  const session = await web.InferenceSession.create(model);
  const detector = await openDetector(model, { threads: 1, inThisThread: true });
  const detections: Awaited<ReturnType<typeof detector.detect>>[] = [];
  for (const image of images) {
    const { map, score } = await session.run({ image: new web.Tensor("uint8", image.data, [image.height, image.width, 3]) });
    const here = await detector.detect(image);
    expect(map.dims).toEqual([image.height, image.width]);
    expect(here.map.every(Number.isFinite)).toBe(true);
    expect(largestDifference(here.map, map.data as Float32Array)).toBeLessThan(1e-4);
    expect(Math.abs(here.score - Number(score.data[0]))).toBeLessThan(1e-4);
    detections.push(here);
  }
  await Promise.all([session.release(), detector.close()]);
  return detections;
};
