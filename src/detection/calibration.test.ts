import { describe, expect, test } from "vitest";
import { abs, input, program, reshape, sub } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime } from "../runtime/index.ts";
import { calibrate, standardise } from "./calibration.ts";
import type { PreparedImages } from "./prepared-images.ts";

const [height, width] = [24, 32];
const positions = height * width;

const imagesOf = (
  pictures: readonly Float32Array[],
  { labels = [], counts = [] }: { labels?: readonly (0 | 1)[]; counts?: readonly (Float32Array | undefined)[] } = {},
): PreparedImages => ({
  samples: pictures.map((_, index) => ({ label: labels[index] ?? 0 }) as never),
  skipped: [],
  get: async (index) => ({ x: pictures[index], counts: counts[index] }),
});
const noise = (count: number, deviation: (position: number) => number) =>
  Array.from({ length: count }, (_, index) => {
    const rng = random("calibration", index);
    return Float32Array.from({ length: positions }, (_, position) => 0.5 + rng.normal() * deviation(position));
  });
const residual = (x: Parameters<typeof abs>[0]) => abs(sub(x, 0.5));

/** The formula, value by value: moments of |x - 1/2|, drawn towards their mean over all positions as if ten images had shown it. */
const momentsOf = (pictures: readonly Float32Array[], power: number, counts: readonly (Float32Array | undefined)[] = []) => {
  const values = Array.from({ length: positions }, (_, position) =>
    pictures.flatMap((picture, index) => (counts[index]?.[position] === 0 ? [] : [Math.abs(picture[position] - 0.5) ** power])),
  );
  const all = mean(values.flat());
  return values.map((own) => (own.reduce((sum, value) => sum + value, 0) + 10 * all) / (own.length + 10));
};
const expectClose = (is: Float32Array, should: readonly number[]) => {
  expect(is).toHaveLength(should.length);
  const worst = should.reduce((most, value, position) => Math.max(most, Math.abs(is[position] / value - 1)), 0);
  expect(worst).toBeLessThan(1e-5);
};

describe("calibration", () => {
  test("collects the moments of maps at each position, without defects and ignored pixels", async () => {
    const pictures = noise(8, () => 0.1);
    const half = Float32Array.from({ length: positions }, (_, position) => (position % width < width / 2 ? 1 : 0));
    const counts = [undefined, half, undefined, undefined, half];
    const runtime = openLocalRuntime({ threads: 1 });
    const labels = [0, 0, 0, 0, 0, 1, 1, 0] as const;
    const images = imagesOf(pictures, { labels, counts });
    const { mean, square } = await calibrate(runtime, residual, [1, 1, height, width], images);
    const normal = pictures.filter((_, index) => labels[index] === 0);
    expectClose(mean, momentsOf(normal, 1, counts));
    expectClose(square, momentsOf(normal, 2, counts));
    await runtime.close();
  });

  test("takes maps of another shape than what is prepared, but not with pixels that these do not have", async () => {
    const pictures = noise(5, () => 0.1);
    const runtime = openLocalRuntime({ threads: 1 });
    const mapOf = (x: Parameters<typeof abs>[0]) => residual(reshape(x, [1, 1, height, width]));
    const { mean } = await calibrate(runtime, mapOf, [1, positions], imagesOf(pictures));
    expectClose(mean, momentsOf(pictures, 1));
    const counts = [new Float32Array(4 * positions).fill(1)];
    const refused = calibrate(runtime, mapOf, [1, positions], imagesOf(pictures, { counts }));
    await expect(refused).rejects.toThrow("768 positions");
    await runtime.close();
  });

  test("training images have mean 0 and deviation 1, wherever their residual is strong", async () => {
    // The right half of every image varies four times as much as the left.
    const pictures = noise(200, (position) => (position % width < width / 2 ? 0.05 : 0.2));
    const runtime = openLocalRuntime({ threads: 1 });
    const calibration = await calibrate(runtime, residual, [1, 1, height, width], imagesOf(pictures));
    const x = input("x", [1, 1, height, width]);
    const raw = residual(x);
    const loaded = await runtime.load(program({ feeds: [x], results: { raw, standard: standardise(raw, calibration) } }));
    const halves = {
      left: { raw: [] as number[], standard: [] as number[] },
      right: { raw: [] as number[], standard: [] as number[] },
    };
    for (const data of pictures) {
      const { raw, standard } = await loaded.run({ x: { data, shape: [1, 1, height, width] } });
      for (let position = 0; position < positions; position++) {
        const column = position % width;
        if (Math.abs(column - width / 2) < 6) continue;
        const half = column < width / 2 ? halves.left : halves.right;
        half.raw.push(Number(raw.data[position]));
        half.standard.push(10 * Math.sinh(Number(standard.data[position])));
      }
    }
    await runtime.close();
    expect(deviation(halves.right.raw)).toBeGreaterThan(2 * deviation(halves.left.raw));
    for (const { standard } of Object.values(halves)) {
      expect(Math.abs(mean(standard))).toBeLessThan(0.25);
      expect(Math.abs(deviation(standard) - 1)).toBeLessThan(0.3);
    }
  });
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
};
