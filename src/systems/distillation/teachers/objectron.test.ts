import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { input, program, readFunction, readModel, readTflite, type Tensor } from "../../../graph/index.ts";
import { random } from "../../../random/index.ts";
import { openLocalRuntime, type Value } from "../../../runtime/index.ts";
import { objectronTrunk, TRUNK_SHA256 } from "./objectron.ts";

interface Maps {
  readonly shape: readonly [number, number, number];
  readonly places: readonly { readonly row: number; readonly column: number; readonly features: readonly number[] }[];
  readonly means: readonly number[];
}
/** Made by scripts/reference/tflite.py with PyTorch, from the package's file. */
const reference: { image: { shape: number[]; data: string }; features: Record<string, Maps> } = JSON.parse(
  readFileSync(new URL("fixtures/objectron.json", import.meta.url), "utf8"),
);

const { resolve } = createRequire(import.meta.url);
const ASSETS = "objectron_solution_packed_assets.data";
const assets = readFileSync(resolve(`@mediapipe/objectron/${ASSETS}`));

const run = async (image: Value, network: (image: Tensor) => Record<string, Tensor>) => {
  const x = input("image", image.shape);
  const runtime = openLocalRuntime({ threads: 1 });
  const found = await (await runtime.load(program({ feeds: [x], results: network(x) }))).run({ image });
  await runtime.close();
  return found;
};

/** To be compared at once: a list of all that differs would take minutes. */
const bytesOf = ({ data }: Value): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

test("the trunk is the same file every time, and says where it comes from", async () => {
  const [bytes, again] = [await objectronTrunk(), await objectronTrunk()];
  expect(Buffer.compare(bytes, again)).toBe(0);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(TRUNK_SHA256);
  const { feeds, results, metadata, operators, constantCount } = readModel(bytes);
  expect(feeds).toEqual([{ name: "image", shape: [1, 3, 256, 256], type: "float32" }]);
  expect(results).toEqual([
    { name: "stride4", shape: [1, 24, 64, 64], type: "float32" },
    { name: "stride8", shape: [1, 32, 32, 32], type: "float32" },
    { name: "stride16", shape: [1, 64, 16, 16], type: "float32" },
  ]);
  expect(metadata).toMatchObject({
    source: `@mediapipe/objectron 0.4.1675468480, ${ASSETS}, bytes 184 to 9987912`,
    source_sha256: createHash("sha256").update(assets.subarray(184, 9987912)).digest("hex"),
    license: "Apache-2.0",
  });
  // Ten blocks of three convolutions, of which the first has one less, and the stem.
  expect(operators).toEqual({ Conv: 30, Clip: 20, Add: 6 });
  expect(constantCount).toBeLessThan(240_000);
});

test("its features of a photograph are those that PyTorch computes", async () => {
  const { shape, data } = reference.image;
  const pixels = Buffer.from(data, "base64");
  const [height, width, channels] = shape;
  const planes = Float32Array.from({ length: pixels.length }, (_, i) => {
    const [channel, position] = [Math.floor(i / (height * width)), i % (height * width)];
    return pixels[position * channels + channel] / 127.5 - 1;
  });
  const model = readFunction(await objectronTrunk(), { anySize: true });
  const found = await run({ shape: [1, channels, height, width], data: planes }, (image) => model.call({ image }));
  for (const [name, { shape, places, means }] of Object.entries(reference.features)) {
    const [count, rows, columns] = shape;
    expect(found[name].shape).toEqual([1, ...shape]);
    const values = Array.from(found[name].data as Float32Array);
    const feature = (channel: number, row: number, column: number) => values[(channel * rows + row) * columns + column];
    const compare = (is: readonly number[], was: readonly number[]) => {
      const largest = Math.max(...was.map(Math.abs));
      expect(is.length).toBe(count);
      for (const [i, expected] of was.entries()) expect(Math.abs(is[i] - expected) / largest).toBeLessThan(1e-4);
    };
    for (const { row, column, features } of places) {
      compare(
        features.map((_, channel) => feature(channel, row, column)),
        features,
      );
    }
    const area = rows * columns;
    compare(
      means.map((_, channel) => values.slice(channel * area, (channel + 1) * area).reduce((sum, value) => sum + value, 0) / area),
      means,
    );
  }
});

test.each([
  [1, 128, 128],
  [1, 320, 320],
  [2, 64, 176],
])("built for 1 image of 256 x 256, it is right for %i of %i x %i too", async (batch, height, width) => {
  const rng = random("objectron", height, width);
  const shape = [batch, 3, height, width];
  const data = Float32Array.from({ length: batch * 3 * height * width }, () => rng.uniform(-1, 1));
  const image = { shape, data };
  const trunk = readFunction(await objectronTrunk(), { anySize: true });
  const original = readTflite(assets.subarray(184));
  const names = ["2", "5", "9"].map((block) => `FeatureExtractor/MobilenetV2/expanded_conv_${block}/add`);
  const found = await run(image, (x) => trunk.call({ image: x }));
  const expected = await run(image, (x) => original.call({ [original.inputs[0].name]: x }, names));
  for (const [i, value] of [found.stride4, found.stride8, found.stride16].entries()) {
    expect(value.shape).toEqual(expected[names[i]].shape);
    expect(Buffer.compare(bytesOf(value), bytesOf(expected[names[i]]))).toBe(0);
  }
  expect(found.stride16.shape).toEqual([batch, 64, height / 16, width / 16]);
});

test("a package that is not there, or holds other bytes, is named with what to do", async () => {
  const missing = objectronTrunk(() => {
    throw new Error("Cannot find module");
  });
  await expect(missing).rejects.toThrow(
    `The teacher comes with the package "@mediapipe/objectron", but "${ASSETS}" or "package.json" of it cannot be read. Run "npm install @mediapipe/objectron@0.4.1675468480", or give another teacher with --teacher FILE.`,
  );
  const folder = mkdtempSync(join(tmpdir(), "objectron-"));
  const harmed = Uint8Array.from(assets);
  harmed[5_000_000] ^= 1;
  writeFileSync(join(folder, ASSETS), harmed);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ version: "0.5.0" }));
  const other = objectronTrunk((file) => join(folder, basename(file)));
  await expect(other).rejects.toThrow(
    /^Bytes 184 to 9987912 of "objectron_solution_packed_assets\.data" in the package "@mediapipe\/objectron" 0\.5\.0 are not the expected teacher: their SHA-256 is [0-9a-f]{64}, not d0a5255b[0-9a-f]{56}\. Install version 0\.4\.1675468480 again, or give another teacher with --teacher FILE\.$/,
  );
  rmSync(folder, { recursive: true });
});
