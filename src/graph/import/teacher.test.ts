import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import { input, lastOfEachStride, program, readFunction, readModel } from "../index.ts";

/** A ResNet-18 up to its third stage, whose outputs are the stages: pretrained weights that only some machines have. */
const file = fileURLToPath(new URL("../../../../shared/weights/resnet18-trunk.onnx", import.meta.url));

const image = (...shape: number[]): Value => {
  const rng = random("teacher", ...shape);
  return { shape, data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => rng.normal()) };
};

describe.skipIf(!existsSync(file))(
  "a pretrained ResNet-18 (skipped where ../shared/weights/resnet18-trunk.onnx is not there)",
  () => {
    const bytes = existsSync(file) ? new Uint8Array(readFileSync(file)) : new Uint8Array();

    test.each([
      [1, 3, 64, 64],
      [2, 3, 97, 72],
    ])("imported gives the numbers of the file itself at %i x %i x %i x %i", async (...shape) => {
      const model = readFunction(bytes);
      const x = input("image", shape);
      const results = model.call({ image: x }, ["layer1", "layer2", "layer3", "stem.pool"]);
      const runtime = openLocalRuntime({ threads: 1 });
      const feeds = { image: image(...shape) };
      const expected = await (await runtime.load(readModel(bytes))).run(feeds);
      const found = await (await runtime.load(program({ feeds: [x], results }))).run(feeds);
      await runtime.close();
      for (const name of ["layer1", "layer2", "layer3"]) {
        const [wanted, given] = [expected, found].map((values) => values[name].data as Float32Array);
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(results[name].shape).toEqual(expected[name].shape);
        expect(wanted.reduce((worst, value, i) => Math.max(worst, Math.abs(value - given[i])), 0) / largest).toBeLessThan(1e-6);
      }
      expect(found["stem.pool"].shape).toEqual([shape[0], 64, ...shape.slice(2).map((size) => Math.ceil(size / 4))]);
    });

    test("shows the last feature map of each stride", () => {
      const found = lastOfEachStride(readFunction(bytes), input("image", [1, 3, 256, 192]));
      expect(found).toMatchObject([
        { stride: 2, name: "stem.relu", channels: 64, shape: [1, 64, 128, 96] },
        { stride: 4, name: "layer1", channels: 64, shape: [1, 64, 64, 48] },
        { stride: 8, name: "layer2", channels: 128, shape: [1, 128, 32, 24] },
        { stride: 16, name: "layer3", channels: 256, shape: [1, 256, 16, 12] },
      ]);
    });

    test("has the operators of the file and no more", () => {
      const x = input("image", [1, 3, 64, 64]);
      const { operators } = readModel(program({ feeds: [x], results: readFunction(bytes).call({ image: x }) }).model);
      expect(operators).toEqual(readModel(bytes).operators);
    });
  },
);
