import { describe, expect, test } from "vitest";
import { input, program } from "../../../graph/index.ts";
import { trainable } from "../../../nn/index.ts";
import { random } from "../../../random/index.ts";
import { openLocalRuntime } from "../../../runtime/index.ts";
import { windowAttention, windowPositions } from "./windows.ts";

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

describe("an image that does not divide into windows", () => {
  test("is padded: the windows at its end hold fewer tokens", async () => {
    expect(await reachOf([6, 6], 0, [7, 8])).toEqual({ rows: [6], columns: [6, 7], count: 2 });
    expect(await reachOf([6, 6], 1, [7, 8])).toEqual({ rows: [4, 5, 6], columns: [4, 5, 6], count: 9 });
  });

  test("keeps tokens of opposite sides apart when it is turned", async () => {
    expect(await reachOf([0, 0], 1, [7, 8])).toEqual({ rows: [0], columns: [0], count: 1 });
    expect(await reachOf([6, 7], 1, [7, 8])).toEqual({ rows: [4, 5, 6], columns: [7], count: 3 });
  });
});

test("windows put back where they were cut give the image, and padding nothing", () => {
  const positions = windowPositions({ rows: 5, columns: 7, window: 3, shift: 1 });
  expect(positions).toHaveLength(6 * 9);
  expect(positions.filter((position) => position >= 0).sort((a, b) => a - b)).toEqual(Array.from({ length: 35 }, (_, i) => i));
});

test("a batch whose size is open", () => {
  const x = input("x", ["batch", 7, 9, 4]);
  expect(windowAttention(trainable(), x, { heads: 2, window: 3, shift: 1 }).shape).toEqual(["batch", 7, 9, 4]);
});
