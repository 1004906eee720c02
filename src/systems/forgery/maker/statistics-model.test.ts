import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { createImage, decodeImage } from "../../../imaging/index.ts";
import { imageAuroc } from "../../../metrics/index.ts";
import { random } from "../../../random/index.ts";
import { encodeSample, forgerySample } from "./dataset.ts";
import { colourMoments, colourShares, fileStatistics, fitLogisticModel } from "./statistics-model.ts";
import { traceFeatures } from "./trace-oracle.ts";

describe("statistics of a file", () => {
  const grey = (quality: number) =>
    sharp({ create: { width: 32, height: 16, channels: 3, background: "grey" } }).jpeg({ quality });

  test("hold the quantisation tables and what is not the picture", async () => {
    const plain = await grey(50).toBuffer();
    // The means of the tables of ITU T.81, K.1 and K.2, which quality 50 stands for.
    expect([...fileStatistics(plain, 32, 16)]).toEqual([Math.log(plain.length / 512), 32, 16, 57.625, 86.015625, 0]);
    const told = await grey(90)
      .withExif({ IFD0: { Copyright: "nobody" } })
      .toBuffer();
    const statistics = fileStatistics(told, 32, 16);
    expect(statistics[3]).toBeLessThan(20);
    expect(statistics[5]).toBeGreaterThan(20);
  });

  test("of anything but JPEG are its size", async () => {
    const png = await grey(50).png().toBuffer();
    expect([...fileStatistics(png, 32, 16)]).toEqual([Math.log(png.length / 512), 32, 16, 0, 0, 0]);
  });
});

test("moments and shares of colours know nothing of their arrangement", () => {
  const source = random("colours");
  const data = new Uint8Array(20 * 10 * 3).map(() => source.integer(0, 255));
  const turned = new Uint8Array(data.length);
  for (let p = 0; p < 200; p++) turned.set(data.subarray(3 * p, 3 * p + 3), 3 * (199 - p));
  for (const statistics of [colourMoments, colourShares]) {
    const [a, b] = [statistics(createImage(20, 10, data)), statistics(createImage(20, 10, turned))];
    a.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i], 9);
    });
  }
  const two = createImage(2, 1, Uint8Array.of(0, 10, 20, 100, 10, 60));
  expect([...colourMoments(two)].map((value) => value + 0)).toEqual([50, 10, 40, 50, 0, 20, 0, 1, 0]);
  expect(colourShares(two).reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(4, 9);
});

test("logistic regression finds the direction that separates, and is at chance without one", () => {
  const source = random("logistic");
  const make = (shift: number) =>
    Array.from({ length: 400 }, (_, i) => {
      const label = (i % 2) as 0 | 1;
      return { label, row: Float64Array.from({ length: 8 }, (_, k) => source.normal(k === 3 ? shift * label : 0, 1)) };
    });
  const aucAt = (shift: number): number => {
    const [known, unseen] = [make(shift), make(shift)];
    const model = fitLogisticModel(
      known.map(({ row }) => row),
      known.map(({ label }) => label),
    );
    return imageAuroc(
      Float32Array.from(unseen, ({ row }) => model.predict(row)),
      unseen.map(({ label }) => label),
    );
  };
  // The area is that of two normal distributions a shift apart: Phi(2 / sqrt 2) = 0.921.
  expect(Math.abs(aucAt(2) - 0.921)).toBeLessThan(0.03);
  expect(Math.abs(aucAt(0) - 0.5)).toBeLessThan(0.08);
  expect(() => fitLogisticModel([Float64Array.of(1)], [1])).toThrow("both classes");
});

test("the made-up data: files and colours tell next to nothing, traces tell", { timeout: 900_000 }, async () => {
  const options = { width: 64, height: 64 };
  const samples: { fold: number; label: 0 | 1; global: Float64Array; traces: Float64Array }[] = [];
  for (let index = 0; index < 45; index++) {
    const fake = await forgerySample("train", "fake", index, options);
    const real = await forgerySample("train", "real", index, options);
    for (const [label, { row, image }] of [
      [0, real],
      [1, fake],
    ] as const) {
      const bytes = await encodeSample(image, row);
      const seen = await decodeImage(bytes);
      const global = Float64Array.of(...fileStatistics(bytes, 64, 64), ...colourMoments(seen));
      samples.push({ fold: index % 2, label, global, traces: traceFeatures(seen, fake.mask!) });
    }
  }
  /** Each half is predicted by what the other half taught. */
  const aucOf = (part: "global" | "traces"): number => {
    const areas = [0, 1].map((fold) => {
      const [known, unseen] = [samples.filter((s) => s.fold !== fold), samples.filter((s) => s.fold === fold)];
      const model = fitLogisticModel(
        known.map((sample) => sample[part]),
        known.map(({ label }) => label),
      );
      return imageAuroc(
        Float32Array.from(unseen, (sample) => model.predict(sample[part])),
        unseen.map(({ label }) => label),
      );
    });
    return (areas[0] + areas[1]) / 2;
  };
  // The standard error of an area at chance is 0.06 with 45 + 45 images.
  expect(Math.abs(aucOf("global") - 0.5)).toBeLessThan(0.15);
  expect(aucOf("traces")).toBeGreaterThan(0.65);
});
