import { expect, test } from "vitest";
import { constant, program } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime } from "../runtime/index.ts";
import type { Region } from "./region.ts";
import { imageScore, imageScoreOf, smoothed } from "./score.ts";

const valuesOf = async (results: Parameters<typeof program>[0]["results"]) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const found = await (await runtime.load(program({ feeds: [], results }))).run({});
  await runtime.close();
  return found;
};

test("an image's score is its map's largest value, or the mean of its top share, of the region where there is one", async () => {
  const [height, width] = [8, 10];
  const map = constant(
    Float32Array.from({ length: 80 }, (_, i) => (i * 37) % 80),
    [1, 1, height, width],
  );
  const region: Region = { inside: Float32Array.from({ length: 80 }, (_, i) => (i < 40 ? 1 : 0)), proportions: 1 };
  const { max, top, inside, least } = await valuesOf({
    max: imageScore(map, { image: "max", topShare: 0.5 }),
    top: imageScore(map, { image: "top", topShare: 0.05 }),
    inside: imageScore(map, { image: "top", topShare: 0.05 }, region),
    least: imageScore(map, { image: "top", topShare: 0.0001 }),
  });
  expect([max, top, inside, least].map(({ data }) => Number(data[0]))).toEqual([79, (79 + 78 + 77 + 76) / 4, 78.5, 79]);
  expect(imageScoreOf({ image: "top", topShare: 0.05 })).toEqual({ kind: "top", share: 0.05 });
  expect(imageScoreOf({ image: "max", topShare: 0.05 })).toEqual({ kind: "max" });
});

test("smoothing averages with Gaussian weights on both axes, mirrored at the edges", async () => {
  const [height, width, sigma] = [9, 14, 1.5];
  const rng = random("smoothing");
  const data = Float32Array.from({ length: height * width }, () => rng.uniform());
  const map = constant(data, [1, 1, height, width]);
  expect(smoothed(map, 0)).toBe(map);
  const found = (await valuesOf({ map: smoothed(map, sigma) })).map;
  const at = (position: number, size: number) =>
    position < 0 ? -1 - position : position >= size ? 2 * size - 1 - position : position;
  const weight = (distance: number) => Math.exp(-(distance ** 2) / (2 * sigma ** 2));
  const expected = Array.from(data, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    let [sum, total] = [0, 0];
    for (let y = -6; y <= 6; y++) {
      for (let x = -6; x <= 6; x++) {
        sum += weight(y) * weight(x) * data[at(row + y, height) * width + at(column + x, width)];
        total += weight(y) * weight(x);
      }
    }
    return sum / total;
  });
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(found.data[i]))), 0);
  expect(worst).toBeLessThan(1e-6);
});
