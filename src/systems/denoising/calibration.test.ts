import { describe, expect, test } from "vitest";
import { input, program } from "../../graph/index.ts";
import { frozen } from "../../nn/index.ts";
import { random } from "../../random/index.ts";
import { openLocalRuntime } from "../../runtime/index.ts";
import { anomalyMap } from "./anomaly-map.ts";
import { calibrate, standardise } from "./calibration.ts";
import { configSchema, type ModelConfig } from "./config.ts";
import { buildStep } from "./train.ts";

describe("calibration", () => {
  test("training images have mean 0 and deviation 1, wherever their residual is strong", async () => {
    const size = 32;
    const parsed = configSchema.parse({
      image: { size, channels: 1 },
      network: { architecture: "bottleneck", width: 2, depth: 2, latent: 4 },
      score: { contrast: 0, l1: 1, sigma: 0 },
    });
    const config = parsed as ModelConfig;
    // An untrained network restores about nothing; the right half of every image varies four times as much as the left.
    const pictures = Array.from({ length: 60 }, (_, index) => {
      const rng = random("calibration", index);
      return Float32Array.from(
        { length: size * size },
        (_, position) => 0.5 + rng.normal() * (position % size < size / 2 ? 0.05 : 0.2),
      );
    });
    const images = {
      samples: pictures.map(() => ({}) as never),
      skipped: [],
      get: async (index: number) => ({ x: pictures[index], counts: undefined }),
    };
    const runtime = openLocalRuntime({ threads: 1 });
    const network = new Map(buildStep(config).initialState());
    const calibration = await calibrate(runtime, network, config, images);

    const x = input("x", [1, 1, size, size]);
    const { map } = anomalyMap(frozen(network), x, config);
    const loaded = await runtime.load(program({ feeds: [x], results: { raw: map, standard: standardise(map, calibration) } }));
    const halves = {
      left: { raw: [] as number[], standard: [] as number[] },
      right: { raw: [] as number[], standard: [] as number[] },
    };
    for (const data of pictures) {
      const { raw, standard } = await loaded.run({ x: { data, shape: [1, 1, size, size] } });
      for (let position = 0; position < size * size; position++) {
        const column = position % size;
        if (Math.abs(column - size / 2) < 6) continue;
        const half = column < size / 2 ? halves.left : halves.right;
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
