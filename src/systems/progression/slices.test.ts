import { describe, expect, test } from "vitest";
import { createVolume, type Volume } from "../../imaging/index.ts";
import { batchMaker, classWeightsOf } from "./batches.ts";
import { type ConfigInput, configSchema, type ModelConfig } from "./config.ts";
import { cutLabels, cutSlices } from "./cut-slices.ts";
import { axialGrid, labelled } from "./measurement/testing/shapes.ts";
import { likeliestClasses, segmentStudy } from "./segment-study.ts";
import { standardised } from "./standardise.ts";
import { withPixels } from "./study.ts";

const configOf = (given: ConfigInput = {}): ModelConfig =>
  ({ ...configSchema.parse({ patch: 16, network: { depth: 2 }, ...given }), sequences: ["T1"], pixel: 1 }) as ModelConfig;

/** A disc of one class, a small one of another in a single slice. */
const grid = axialGrid(24, 6, 1, 2);
const labels = labelled(grid, (x, y, z) =>
  Math.hypot(x - 3, y + 2) < 5 ? 1 : z === 4 && Math.hypot(x + 8, y - 8) < 1.5 ? 5 : 0,
);
const asImage = createVolume(grid, Float32Array.from(labels.data));
const plain = { flipHorizontal: false, flipVertical: false, turn: 0, scale: 0, gain: 0, field: 0 };

describe("batches", () => {
  test("are a function of their number, and classes move with their pixels", async () => {
    const config = configOf({ augmentation: { gain: 0, field: 0 }, neighbours: 0, training: { batch: 4 } });
    const make = batchMaker([{ channels: [asImage], labels }], config);
    const [first, again] = [await make(3), await make(3)];
    expect(again).toEqual(first);
    let [agree, all] = [0, 0];
    for (let number = 1; number <= 10; number++) {
      const batch = await make(number);
      const x = batch.x.data as Float32Array;
      for (const [at, label] of (batch.labels.data as BigInt64Array).entries()) {
        if (x[at] % 1 !== 0) continue; // between two classes
        all++;
        if (x[at] === Number(label)) agree++;
      }
    }
    expect(agree / all).toBeGreaterThan(0.97); // a turned or mirrored class would agree on the background alone, 0.7
    expect(all).toBeGreaterThan(5000);
  });

  test("show rare classes as often as common ones, unless all slices are to come alike", async () => {
    const shareWithRare = async (rare: number): Promise<number> => {
      const make = batchMaker([{ channels: [asImage], labels }], configOf({ rare, training: { batch: 4 }, augmentation: plain }));
      let seen = 0;
      for (let number = 1; number <= 25; number++) {
        const { data } = (await make(number)).labels;
        for (let row = 0; row < 4; row++) if ((data as BigInt64Array).subarray(row * 256, (row + 1) * 256).includes(5n)) seen++;
      }
      return seen / 100;
    };
    expect(await shareWithRare(1)).toBeGreaterThan(0.45);
    expect(await shareWithRare(0)).toBeLessThan(0.2);
  });

  test("rare classes weigh more, all voxels as much as they are many", () => {
    const counts = [0, 1, 5].map((label) => labels.data.filter((own) => own === label).length);
    const weights = (balance: number): number[] => classWeightsOf([{ channels: [asImage], labels }], 7, balance);
    expect(weights(0)).toEqual(Array.from({ length: 7 }, () => 1));
    const [background, lumen, , , , haemorrhage] = weights(1);
    expect(lumen * counts[1]).toBeCloseTo(background * counts[0], 3);
    expect(haemorrhage * counts[2]).toBeCloseTo(background * counts[0], 3);
    const half = weights(0.5);
    expect(half[5] / half[0]).toBeCloseTo(Math.sqrt(counts[0] / counts[2]), 5);
    expect([0, 1, 5].reduce((sum, label, n) => sum + half[label] * counts[n], 0)).toBeCloseTo(labels.data.length, 3);
  });

  test("gain and field change an image's contrast, not its classes", async () => {
    const strong = batchMaker([{ channels: [asImage], labels }], configOf({ augmentation: { ...plain, gain: 0.5, field: 0.5 } }));
    const none = batchMaker([{ channels: [asImage], labels }], configOf({ augmentation: plain }));
    const [a, b] = [await strong(1), await none(1)];
    expect(a.labels).toEqual(b.labels);
    expect(a.x.data).not.toEqual(b.x.data);
  });
});

describe("cuts", () => {
  test("neighbouring slices stand beside each other, and the last repeats", () => {
    const numbered = createVolume(
      grid,
      Float32Array.from(labels.data, (_, n) => Math.floor(n / 576)),
    );
    const cut = (slice: number): number[] => {
      const values = cutSlices([numbered], { slice, centre: [12, 12] }, { patch: 4, neighbours: 1 });
      return [values[0], values[16], values[32]];
    };
    expect([cut(2), cut(0), cut(5)]).toEqual([
      [1, 2, 3],
      [0, 0, 1],
      [4, 5, 5],
    ]);
  });

  test("beyond a slice its border is repeated, and its classes are unknown", () => {
    const centre = [0, 12] as const;
    const values = cutSlices([asImage], { slice: 0, centre }, { patch: 4, neighbours: 0 });
    expect([...values].every(Number.isFinite)).toBe(true);
    expect([...cutLabels(labels, { slice: 0, centre }, 4)].map((label) => label < 0)).toEqual(
      Array.from({ length: 16 }, (_, at) => at % 4 < 1),
    );
  });
});

describe("segmentation of a study", () => {
  /** Calls a voxel lumen by its own standardised value: patches must come back to their places, in shares that sum to one. */
  const byValue = (config: ModelConfig) => async (slices: Float32Array) => {
    const area = config.patch ** 2;
    const seen = 2 * config.neighbours + 1;
    const count = slices.length / (seen * area);
    const found = new Float32Array(count * config.classes.length * area);
    for (let n = 0; n < count; n++) {
      for (let at = 0; at < area; at++) {
        const share = 1 / (1 + Math.exp(-slices[(n * seen + config.neighbours) * area + at]));
        found[n * config.classes.length * area + at] = 1 - share;
        found[(n * config.classes.length + 1) * area + at] = share;
      }
    }
    return found;
  };

  test.each([16, 24, 32])("patches of %i pixels are joined in their places", async (patch) => {
    const config = configOf({ patch });
    const image: Volume = createVolume(
      grid,
      Float32Array.from(labels.data, (label, n) => 3 + label + (n % 7) / 10),
    );
    const { fractions } = await segmentStudy({ config, segment: byValue(config) }, [image]);
    const seen = standardised(image).data;
    for (const [voxel, value] of fractions[1].entries()) expect(value).toBeCloseTo(1 / (1 + Math.exp(-seen[voxel])), 5);
    expect(fractions[0][100] + fractions[1][100]).toBeCloseTo(1, 6);
  });

  test("of several likely classes the likeliest has more than half, and the others share the rest", async () => {
    const config = configOf({ patch: 24 });
    const area = 24 * 24;
    const [p0, p1, p4] = [0.4, 0.32, 0.28];
    const segment = async (slices: Float32Array) => {
      const count = slices.length / (3 * area);
      const found = new Float32Array(count * 7 * area);
      for (let n = 0; n < count; n++)
        for (const [c, share] of [
          [0, p0],
          [1, p1],
          [4, p4],
        ])
          found.fill(share, (n * 7 + c) * area, (n * 7 + c + 1) * area);
      return found;
    };
    const { fractions } = await segmentStudy({ config, segment }, [asImage]);
    const shares = fractions.map((own) => own[50]);
    expect(shares[0]).toBeGreaterThan(0.5);
    expect(shares[1] / shares[4]).toBeCloseTo(p1 / p4, 4);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 5);
  });

  test("classes go back to a grid of other pixels", async () => {
    const config = configOf();
    const fine = withPixels(grid, 0.5);
    expect([fine.width, fine.slices]).toEqual([48, 6]);
    expect(withPixels(grid, 1.004)).toBe(grid);
    const { affine, width, height, slices } = grid;
    const fractions = config.classes.map((_, c) => Float32Array.from(labels.data, (label) => (label === c ? 1 : 0)));
    const back = likeliestClasses({ affine, width, height, slices, fractions }, fine);
    expect(back.data.filter((label) => label === 1).length / labels.data.filter((label) => label === 1).length).toBeCloseTo(4, 0);
  });
});

test("standardised values have mean 0 and deviation 1 whatever the scale, and what is 0 does not count", () => {
  const values = Float32Array.from(labels.data, (_, n) => (n % 3 === 0 ? 0 : 100 + (n % 11)));
  const once = standardised(createVolume(grid, values)).data;
  const scaled = standardised(
    createVolume(
      grid,
      values.map((value) => 40 * value),
    ),
  ).data;
  const inside = [...once].filter((_, n) => n % 3 !== 0);
  const mean = inside.reduce((sum, value) => sum + value) / inside.length;
  expect(mean).toBeCloseTo(0, 4);
  expect(inside.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inside.length).toBeCloseTo(1, 4);
  for (const [n, value] of once.entries()) expect(scaled[n]).toBeCloseTo(value, 3);
  expect([...standardised(createVolume(grid, new Float32Array(values.length).fill(5))).data].every((value) => value === 0)).toBe(
    true,
  );
});
