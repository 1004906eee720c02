import * as web from "onnxruntime-web";
import { beforeAll, describe, expect, test } from "vitest";
import { frozen } from "../../nn/index.ts";
import { random } from "../../random/index.ts";
import { type LoadedProgram, openLocalRuntime, type Value } from "../../runtime/index.ts";
import { buildStep, type ConfigInput, configSchema, detector, type ModelConfig } from "../../systems/denoising/index.ts";
import { OBSERVED, observing, quantisableValues, quantise, readModel, toHalf, toOnnx } from "../index.ts";
import { normal } from "./testing/networks.ts";

web.env.wasm.numThreads = 1;

const size = 32;

/** A detector whose network has weights as after a training: none is 0, and no two channels are alike. */
const detectorOf = (given: ConfigInput, channels: 1 | 3): Uint8Array => {
  const parsed = configSchema.parse({ ...given, image: { size }, network: { width: 8, depth: 2, latent: 16, ...given.network } });
  const config: ModelConfig = { ...parsed, image: { ...parsed.image, channels, depth: 8 } };
  const network = new Map<string, Value>();
  for (const [name, { data, shape }] of buildStep(config).initialState()) {
    const noise = normal(shape, 0.1, name);
    network.set(name, {
      data: noise.map((value, i) => Number(data[i]) + (name.includes("variance") ? Math.abs(value) : value)),
      shape,
    });
  }
  const positions = size * size;
  const calibration = { mean: new Float32Array(positions).fill(0.02), square: new Float32Array(positions).fill(0.0005) };
  const { image, ...outputs } = detector(frozen(network), config, calibration);
  return toOnnx({ inputs: [image], outputs, metadata: { "lynceus.system": '"denoising"' } });
};

/** Smooth pictures, as photographs are. */
const picture = (height: number, width: number, seed: number): Value => {
  const rng = random("smooth", seed);
  const waves = Array.from({ length: 6 }, () => [
    rng.uniform(0, 0.3),
    rng.uniform(0, 0.3),
    rng.uniform(0, 6),
    rng.uniform(5, 25),
  ]);
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width];
    return waves.reduce((sum, [a, b, phase, height]) => sum + height * Math.sin(a * row + b * column + phase + (i % 3)), 128);
  });
  return { data, shape: [height, width, 3] };
};
const pictures = [picture(40, 32, 1), picture(20, 51, 2)];

/** Euclidean distance in shares of the expected values' norm. */
const distance = (found: Float32Array, expected: Float32Array): number => {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return norm(found.map((value, i) => value - expected[i])) / norm(expected);
};

const load = async (bytes: Uint8Array): Promise<LoadedProgram> => openLocalRuntime({ threads: 1 }).load(readModel(bytes));

const variants: [name: string, given: ConfigInput, channels: 1 | 3][] = [
  ["U-Net, grey", {}, 1],
  ["bottleneck with group normalisation, colour", { network: { architecture: "bottleneck", normalisation: "group" } }, 3],
];

describe.each(variants)("a detector in reduced precision: %s", (_, given, channels) => {
  let full: Uint8Array;
  let whole: Uint8Array;
  beforeAll(async () => {
    full = detectorOf(given, channels);
    const names = quantisableValues(full);
    const observer = await load(observing(full, names));
    const lines = await Promise.all(
      pictures.map(async (image) => (await observer.run({ image }))[OBSERVED].data as Float32Array),
    );
    const ends = (i: number) => lines.map((line) => line[i]);
    const range = (i: number) => ({ low: Math.min(...ends(2 * i)), high: Math.max(...ends(2 * i + 1)) });
    whole = quantise(full, new Map(names.map((name, i) => [name, range(i)])));
  });

  test("tells nearly what it told, in either runtime", async () => {
    for (const [bytes, tolerance] of [
      [toHalf(full), 0.003],
      [whole, 0.1],
    ] as const) {
      expect(readModel(bytes).results).toEqual(readModel(full).results);
      const [before, after, session] = [await load(full), await load(bytes), await web.InferenceSession.create(bytes)];
      for (const image of pictures) {
        const [expected, here] = [await before.run({ image }), await after.run({ image })];
        const there = await session.run({ image: new web.Tensor("uint8", image.data as Uint8Array, image.shape) });
        for (const name of ["map", "restored"]) {
          const [exact, ours, theirs] = [expected[name], here[name], there[name]].map(({ data }) => data as Float32Array);
          expect(distance(ours, exact)).toBeLessThan(tolerance);
          expect(distance(theirs, ours)).toBeLessThan(1e-4);
        }
      }
      await session.release();
    }
  });
});
