import { describe, expect, test } from "vitest";
import type { PreparedImages } from "../../detection/index.ts";
import type { Sample } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import type { Values } from "../../runtime/index.ts";
import { type ConfigInput, configSchema, type ModelConfig } from "./config.ts";
import { batchMaker } from "./data.ts";

const size = 16;
const configOf = (given: ConfigInput): ModelConfig => {
  const config = configSchema.parse({ ...given, image: { size }, network: { depth: 1 } });
  return { ...config, image: { ...config.image, channels: 1, depth: 8 } };
};
const sample = (name: string, label: 0 | 1 = 0): Sample => ({
  path: name,
  name,
  split: "train",
  kind: label ? "scratch" : "good",
  label,
});
const samplesOf = (count: number, label: 0 | 1 = 0) => Array.from({ length: count }, (_, i) => sample(`${label}-${i}`, label));

/** Image number n is n + 1 sixteenths grey everywhere, so that its number can be read off any pixel. */
const numbered = (count: number): PreparedImages => ({
  samples: samplesOf(count),
  skipped: [],
  get: async (index) => ({ x: new Float32Array(size * size).fill((index + 1) / 16), counts: undefined }),
});
const data = (values: Values, name: string) => values[name].data as Float32Array;
/** The numbers of the images in a batch, row by row. */
const imagesOf = (values: Values): number[] => {
  const target = data(values, "target");
  return Array.from({ length: target.length / size ** 2 }, (_, row) => target[row * size ** 2] * 16 - 1);
};

describe("batches", () => {
  const everything = configOf({
    seed: 3,
    training: { batch: 3 },
    augmentation: { flipHorizontal: true, shift: 0.2, brightness: 0.1 },
    loss: { maskWeight: 2 },
  });
  const textured: PreparedImages = {
    ...numbered(7),
    get: async (index) => {
      const rng = random("textured", index);
      return { x: Float32Array.from({ length: size * size }, () => rng.uniform()), counts: undefined };
    },
  };

  test("are a function of seed and step alone, in whatever order they are asked for", async () => {
    const inOrder = batchMaker(textured, everything);
    const expected: Values[] = [];
    for (let step = 1; step <= 12; step++) expected.push(await inOrder(step));
    const jumping = batchMaker(textured, everything);
    for (const step of [12, 1, 7, 2, 7, 11, 3]) expect(await jumping(step)).toEqual(expected[step - 1]);
    const together = await Promise.all([5, 4, 6, 12].map(batchMaker(textured, everything)));
    expect(together).toEqual([5, 4, 6, 12].map((step) => expected[step - 1]));
    expect(new Set(expected.map((values) => data(values, "corrupted").join())).size).toBe(12);
    expect(await batchMaker(textured, { ...everything, seed: 4 })(1)).not.toEqual(expected[0]);
  });

  test("show every image once per epoch, in a new order each time, across the borders of batches", async () => {
    const batch = batchMaker(numbered(7), configOf({ training: { batch: 3 } }));
    const seen: number[] = [];
    for (let step = 1; step <= 7; step++) seen.push(...imagesOf(await batch(step)));
    const epochs = [seen.slice(0, 7), seen.slice(7, 14), seen.slice(14, 21)];
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(epochs.map(String)).size).toBe(3);
  });

  test("of k micro-batches show the images of one batch k times as large", async () => {
    const small = batchMaker(textured, everything);
    const large = batchMaker(textured, { ...everything, training: { ...everything.training, batch: 6 } });
    for (let step = 1; step <= 5; step++) {
      const [first, second, whole] = [await small(2 * step - 1), await small(2 * step), await large(step)];
      for (const name of Object.keys(whole)) {
        expect([...data(first, name), ...data(second, name)]).toEqual([...data(whole, name)]);
      }
    }
  });

  test("are full also when there are fewer images than a batch holds", async () => {
    const batch = batchMaker(numbered(2), configOf({ training: { batch: 5 } }));
    const seen = [...imagesOf(await batch(1)), ...imagesOf(await batch(2))];
    expect(seen).toHaveLength(10);
    for (let epoch = 0; epoch < 5; epoch++) expect(seen.slice(2 * epoch, 2 * epoch + 2).sort()).toEqual([0, 1]);
    const alone = batchMaker(
      numbered(1),
      configOf({ training: { batch: 3 }, corruption: { kind: "occlusion", fill: { texture: 1 } } }),
    );
    expect(imagesOf(await alone(1))).toEqual([0, 0, 0]);
  });

  test("corrupt an image anew in every epoch", async () => {
    const batch = batchMaker(numbered(1), configOf({ training: { batch: 2 } }));
    const [first, second] = [data(await batch(1), "corrupted"), data(await batch(2), "corrupted")];
    const rows = [first.subarray(0, 256), first.subarray(256), second.subarray(0, 256), second.subarray(256)];
    expect(new Set(rows.map((row) => row.join())).size).toBe(4);
  });

  test("weigh the pixels inside the corruption, and only when asked to", async () => {
    const weighted = await batchMaker(numbered(5), configOf({ training: { batch: 4 }, loss: { maskWeight: 2.5 } }))(1);
    expect(weighted.weights.shape).toEqual([4, 1, size, size]);
    const [corrupted, target, weights] = ["corrupted", "target", "weights"].map((name) => data(weighted, name));
    const share = weights.reduce((count, weight) => count + (weight === 3.5 ? 1 : 0), 0) / weights.length;
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.25);
    for (const [i, weight] of weights.entries()) {
      expect([1, 3.5]).toContain(weight);
      if (weight === 1) expect(corrupted[i]).toBe(target[i]);
    }
    expect(Object.keys(await batchMaker(numbered(5), configOf({}))(1))).toEqual(["corrupted", "target"]);
  });

  test("take textures from another image than the one they cover", async () => {
    const corruption = { kind: "occlusion", fill: { noise: 0, texture: 1 } } as const;
    const batch = batchMaker(numbered(6), configOf({ training: { batch: 6 }, corruption }));
    const sources = new Set<number>();
    for (let step = 1; step <= 5; step++) {
      const values = await batch(step);
      const [corrupted, images] = [data(values, "corrupted"), imagesOf(values)];
      for (const [row, own] of images.entries()) {
        const found = new Set(corrupted.subarray(row * size ** 2, (row + 1) * size ** 2));
        expect(found.size).toBe(2);
        found.delete(data(values, "target")[row * size ** 2]);
        const [other] = [...found].map((value) => value * 16 - 1);
        expect(other).not.toBe(own);
        sources.add(other);
      }
    }
    expect([...sources].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("give ignored pixels no weight, wherever augmentation moves them", async () => {
    const ignoring: PreparedImages = {
      ...numbered(3),
      samples: samplesOf(3).map((own) => ({ ...own, ignorePath: "mask.png" })),
      // The image is white exactly where it is ignored.
      get: async (index) => {
        const x = Float32Array.from({ length: size * size }, (_, i) => (i % size < 3 + index ? 1 : 0));
        return { x, counts: x.map((value) => 1 - value) };
      },
    };
    const config = configOf({
      training: { batch: 6 },
      augmentation: { flipHorizontal: true, quarterTurns: true, shift: 0.3 },
      corruption: { kind: "none" },
    });
    const batch = await batchMaker(ignoring, config)(1);
    const [target, weights] = ["target", "weights"].map((name) => data(batch, name));
    expect([...weights]).toEqual([...target.map((value) => 1 - value)]);
    expect(new Set(weights)).toEqual(new Set([0, 1]));
    const rows = Array.from({ length: 6 }, (_, row) => weights.subarray(row * size ** 2, (row + 1) * size ** 2).join());
    expect(new Set(rows).size).toBeGreaterThan(3);
  });
});
