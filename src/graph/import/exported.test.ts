import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Value } from "../../runtime/index.ts";
import { input, program, readFunction, readModel, toOnnx } from "../index.ts";

type Packed = { shape: number[]; data: string };
/** Made by scripts/reference/exported.py with PyTorch and its exporter. */
const folder = new URL("../fixtures/", import.meta.url);
const reference: Record<string, { image: Packed; out: Packed }[]> = JSON.parse(
  readFileSync(new URL("exported.json", folder), "utf8"),
);
const files = readdirSync(folder).filter((file) => /^exported-.*\.onnx$/.test(file));

const unpacked = ({ shape, data }: Packed): Value => ({
  shape,
  data: new Float32Array(Uint8Array.from(Buffer.from(data, "base64")).buffer),
});

describe.each(files)("%s, written by PyTorch's exporter and imported", (file) => {
  const model = readFunction(readFileSync(new URL(file, folder)));
  const cases = reference[file.split("-")[1]];

  test("has its sizes open", () => {
    expect(model.inputs).toEqual([{ name: "image", shape: ["batch", 3, "height", "width"], type: "float32" }]);
    expect(model.outputs.map(({ name }) => name)).toEqual(["out"]);
  });

  test.each(cases)("gives PyTorch's numbers for $image.shape", async ({ image, out }) => {
    const x = input("image", image.shape);
    const results = model.call({ image: x });
    expect(results.out.shape).toEqual(out.shape);
    const runtime = openLocalRuntime({ threads: 1 });
    const found = await (await runtime.load(program({ feeds: [x], results }))).run({ image: unpacked(image) });
    await runtime.close();
    const expected = unpacked(out).data as Float32Array;
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, value] of expected.entries()) expect(Math.abs(Number(found.out.data[i]) - value) / largest).toBeLessThan(1e-5);
  });

  test("leaves no arithmetic on sizes to the runtime", () => {
    const image = input("image", cases[1].image.shape);
    const { operators } = readModel(toOnnx({ inputs: [image], outputs: model.call({ image }) }));
    const ofSizes = ["Shape", "Cast", "ConstantOfShape", "Equal", "Floor", "Range"];
    expect(ofSizes.filter((operator) => operator in operators)).toEqual([]);
  });
});
