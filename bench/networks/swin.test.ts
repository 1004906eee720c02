import { describe, expect, test } from "vitest";
import { input, program } from "../../src/graph/index.ts";
import { trainable } from "../../src/nn/index.ts";
import { random } from "../../src/random/index.ts";
import { openLocalRuntime } from "../../src/runtime/index.ts";
import { windowAttention } from "./swin.ts";

/** Rows and columns of the tokens that a change of one token reaches, in an image of rows x columns tokens. */
const reachOf = async ([row, column]: [number, number], shift: number, [rows, columns]: [number, number]) => {
  const channels = 4;
  const [p, x] = [trainable({ seed: 2 }), input("x", [1, rows, columns, channels])];
  const y = windowAttention(p, x, { heads: 2, window: 3, shift });
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(
    program({ feeds: [x, ...[...p.declarations.values()].map(({ tensor }) => tensor)], results: { y } }),
  );
  const weights = Object.fromEntries([...p.declarations].map(([name, { initialise }]) => [name, initialise()]));
  const evaluate = async (data: Float32Array) =>
    (await loaded.run({ x: { data, shape: x.shape as number[] }, ...weights })).y.data as Float32Array;
  const rng = random("tokens");
  const before = Float32Array.from({ length: rows * columns * channels }, () => rng.normal());
  const token = row * columns + column;
  const after = before.map((value, i) => (Math.floor(i / channels) === token ? -value : value));
  const [first, second] = [await evaluate(before), await evaluate(after)];
  await runtime.close();
  const reached = Array.from({ length: rows * columns }, (_, i) => i).filter((i) =>
    first.subarray(channels * i, channels * (i + 1)).some((value, j) => value !== second[channels * i + j]),
  );
  return {
    rows: [...new Set(reached.map((i) => Math.floor(i / columns)))],
    columns: [...new Set(reached.map((i) => i % columns))].sort((a, b) => a - b),
    count: reached.length,
  };
};

describe("windows of 3 x 3 tokens", () => {
  test("at rest, a token reaches its window", async () => {
    expect(await reachOf([5, 4], 0, [6, 9])).toEqual({ rows: [3, 4, 5], columns: [3, 4, 5], count: 9 });
  });

  test("shifted, it reaches across the borders of windows at rest", async () => {
    expect(await reachOf([2, 4], 1, [6, 9])).toEqual({ rows: [1, 2, 3], columns: [4, 5, 6], count: 9 });
  });

  test("shifted, it does not reach across the image's edges, where the windows are smaller", async () => {
    expect(await reachOf([5, 4], 1, [6, 9])).toEqual({ rows: [4, 5], columns: [4, 5, 6], count: 6 });
    expect(await reachOf([5, 8], 1, [6, 9])).toEqual({ rows: [4, 5], columns: [7, 8], count: 4 });
    expect(await reachOf([0, 0], 1, [6, 9])).toEqual({ rows: [0], columns: [0], count: 1 });
  });

  test("are not shifted where one holds a whole side of the image", async () => {
    expect(await reachOf([0, 0], 1, [3, 9])).toEqual({ rows: [0, 1, 2], columns: [0, 1, 2], count: 9 });
  });
});

test("tokens that do not divide into windows are refused", () => {
  const x = input("x", [1, 7, 9, 4]);
  expect(() => windowAttention(trainable(), x, { heads: 2, window: 3, shift: 0 })).toThrow(
    "windowAttention: 7 x 9 tokens do not divide into windows of 3 x 3.",
  );
});
