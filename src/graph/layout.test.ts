import { expect, test } from "vitest";
import { gradientError, openLocalRuntime, type Value } from "../runtime/index.ts";
import { add, input, mul, pad, program, readModel, split, squeeze, type Tensor, toOnnx, transpose, unsqueeze } from "./index.ts";

const run = async (results: Record<string, Tensor>, x: Tensor, value: Value) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const found = await (await runtime.load(program({ feeds: [x], results }))).run({ x: value });
  await runtime.close();
  return Object.fromEntries(Object.entries(found).map(([name, { data, shape }]) => [name, { shape, values: [...data] }]));
};

test("split cuts an axis into parts by one operator", async () => {
  const x = input("x", [2, 4], "int64");
  const [a, b] = split(x, [1, 3], -1);
  expect([a.type, a.shape, b.shape]).toEqual(["int64", [2, 1], [2, 3]]);
  expect(readModel(toOnnx({ inputs: [x], outputs: { a, b } })).operators.Split).toBe(1);
  const data = BigInt64Array.from([1, 2, 3, 4, 5, 6, 7, 8], BigInt);
  expect(await run({ a, b }, x, { data, shape: [2, 4] })).toEqual({
    a: { shape: [2, 1], values: [1n, 5n] },
    b: { shape: [2, 3], values: [2n, 3n, 4n, 6n, 7n, 8n] },
  });
});

test.each<[string, (x: Tensor) => Tensor]>([
  ["all parts", (x) => split(x, [2, 2, 2], 1).reduce((a, b) => mul(a, b))],
  ["parts of which one is not used", (x) => mul(split(x, [1, 4, 1], 1)[0], split(x, [1, 4, 1], 1)[2])],
  ["one part", (x) => split(x, [6], 1)[0]],
])("gradient of split against finite differences: %s", async (_, build) => {
  for (const shape of [
    [2, 6],
    [3, 6, 2],
    [1, 6, 1, 3],
  ])
    expect(await gradientError(build, [{ shape }])).toBeLessThan(5e-3);
});

test("axes of size 1 come and go though several sizes are open", async () => {
  const x = input("x", ["height", "width"]);
  const image = unsqueeze(unsqueeze(x, 0), -1);
  expect(image.shape).toEqual([1, "height", "width", 1]);
  const back = squeeze(squeeze(transpose(image, [0, 2, 1, 3]), 0), -1);
  const found = await run({ image, back }, x, { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] });
  expect(found).toEqual({
    image: { shape: [1, 2, 3, 1], values: [1, 2, 3, 4, 5, 6] },
    back: { shape: [3, 2], values: [1, 4, 2, 5, 3, 6] },
  });
  const between = (a: Tensor, b: Tensor) => add(unsqueeze(a, 1), squeeze(b, 0));
  expect(await gradientError(between, [{ shape: [3, 2] }, { shape: [1, 3, 4, 1] }])).toBeLessThan(5e-3);
});

test("a known axis is padded though another is open", async () => {
  const x = input("x", ["batch", 2]);
  const padded = pad(x, 1, 0, 1);
  expect(padded.shape).toEqual(["batch", 3]);
  const found = await run({ padded }, x, { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] });
  expect(found).toEqual({ padded: { shape: [2, 3], values: [1, 2, 0, 3, 4, 0] } });
});

test("mistakes name the operator and the shape", () => {
  const x = input("x", [2, 6, "width"]);
  expect(() => split(x, [1, 4], 1)).toThrow("Split: parts of 1 + 4 do not fill axis 1 of [2, 6, width].");
  expect(() => split(x, [7, -1], 1)).toThrow("Split: parts of 7 + -1 do not fill axis 1 of [2, 6, width].");
  expect(() => split(x, [1, 1], 2)).toThrow("Split: parts of 1 + 1 do not fill axis 2 of [2, 6, width].");
  expect(() => pad(x, 2, 0, 1)).toThrow("Pad: needs sizes known when the graph is built, but got [width].");
  expect(() => unsqueeze(x, 4)).toThrow("Unsqueeze: no axis can be put at 4 of the shape [2, 6, width].");
  expect(() => squeeze(x, 0)).toThrow("Squeeze: axis 0 of [2, 6, width] is not of size 1.");
});
