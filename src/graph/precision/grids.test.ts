import { expect, test } from "vitest";
import { quantisedWeight, uint8Grid } from "./grids.ts";

test("a grid holds 0 and the range's far end, wherever the range lies", () => {
  const gridOver = (low: number, high: number) => uint8Grid("x", { low, high });
  expect(gridOver(-1, 1.55)).toEqual({ scale: Math.fround(0.01), zero: 100 });
  expect(gridOver(2, 5.1)).toEqual({ scale: Math.fround(0.02), zero: 0 });
  expect(gridOver(-5.1, -2)).toEqual({ scale: Math.fround(0.02), zero: 255 });
  expect(gridOver(0, 0)).toEqual({ scale: 2 ** -126, zero: 0 });
});

test("a weight's scale is its channel's largest magnitude / 127, or what its bias needs, and never 0", () => {
  const data = Float32Array.of(0, 0, 0.254, -0.1, 1e-12, 0);
  const layer = { weight: { data, shape: [3, 2] }, axis: 0, channels: 3, bias: [0, 8, 2 ** 20] };
  const { integers, scales } = quantisedWeight(layer, 2 ** -10);
  expect([...integers]).toEqual([0, 0, 127, -50, 0, 0]);
  expect([...scales]).toEqual([2 ** -126, Math.fround(0.254 / 127), 1]);
  expect([...quantisedWeight(layer).scales].slice(1)).toEqual([Math.fround(0.254 / 127), Math.fround(Math.fround(1e-12) / 127)]);
  const columns = quantisedWeight({ ...layer, axis: 1, channels: 2, bias: undefined });
  expect([...columns.scales]).toEqual([Math.fround(Math.fround(0.254) / 127), Math.fround(Math.fround(0.1) / 127)]);
});
