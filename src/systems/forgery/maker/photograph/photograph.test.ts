import { describe, expect, test } from "vitest";
import { random } from "../../../../random/index.ts";
import { floatImage, luma, toFloat } from "../float-image.ts";
import { type Camera, randomCamera, takePicture } from "./camera.ts";
import { type BayerPattern, bayerPatterns, demosaic, demosaicings } from "./demosaic.ts";
import { gradientNoise, newSample } from "./noise.ts";
import { photograph } from "./photograph.ts";

const photographs = Array.from({ length: 12 }, (_, identity) => photograph(identity, 64, 64));

describe("a photograph", () => {
  test("follows from its identity, and no two are alike", async () => {
    const first = await photographs[3];
    expect(await photograph(3, 64, 64)).toEqual(first);
    expect((await photographs[4]).image.data).not.toEqual(first.image.data);
    await expect(photograph(1, 8, 64)).rejects.toThrow("not 8 x 64");
  });

  test("has objects, light and dark, and the spectrum of photographs: amplitude falls about as 1/f", async () => {
    const slopes: number[] = [];
    let withObjects = 0;
    for (const taken of photographs) {
      const { image, objects } = await taken;
      if (objects.some((object) => object > 0)) withObjects++;
      const levels = image.data.toSorted();
      expect(levels[Math.floor(0.98 * levels.length)] - levels[Math.floor(0.02 * levels.length)]).toBeGreaterThan(40);
      slopes.push(spectralSlope(luma(toFloat(image)), 64));
    }
    expect(withObjects).toBeGreaterThan(9);
    const mean = slopes.reduce((sum, slope) => sum + slope, 0) / slopes.length;
    expect(mean).toBeGreaterThan(-1.8);
    expect(mean).toBeLessThan(-0.8);
  });
});

/** The slope of log amplitude over log frequency, from 2 to 16 cycles a picture, along rows with a Hann window. */
const spectralSlope = (values: Float32Array, size: number): number => {
  const points: [number, number][] = [];
  const window = Float64Array.from({ length: size }, (_, x) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (x + 0.5)) / size));
  for (let cycles = 2; cycles <= 16; cycles++) {
    let power = 0;
    for (let y = 0; y < size; y++) {
      const row = values.subarray(y * size, (y + 1) * size);
      const mean = row.reduce((sum, value) => sum + value, 0) / size;
      let [cosine, sine] = [0, 0];
      for (let x = 0; x < size; x++) {
        cosine += window[x] * (row[x] - mean) * Math.cos((2 * Math.PI * cycles * x) / size);
        sine += window[x] * (row[x] - mean) * Math.sin((2 * Math.PI * cycles * x) / size);
      }
      power += cosine * cosine + sine * sine;
    }
    points.push([Math.log(cycles), 0.5 * Math.log(power)]);
  }
  const [meanX, meanY] = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
};

test("noise has the slopes that it says", () => {
  const noise = gradientNoise(random("slopes"));
  const sampleOf = (x: number, y: number, z: number) => {
    const sample = newSample();
    noise(x, y, z, sample);
    return sample;
  };
  const at = (x: number, y: number, z: number) => {
    const [value, dx, dy, dz] = sampleOf(x, y, z);
    return { value, dx, dy, dz };
  };
  for (let i = 0; i < 50; i++) {
    const source = random("points", i);
    const [x, y, z] = [source.uniform(-9, 9), source.uniform(-9, 9), source.uniform(-9, 9)];
    const { dx, dy, dz } = at(x, y, z);
    expect((at(x + 1e-5, y, z).value - at(x - 1e-5, y, z).value) / 2e-5).toBeCloseTo(dx, 5);
    expect((at(x, y + 1e-5, z).value - at(x, y - 1e-5, z).value) / 2e-5).toBeCloseTo(dy, 5);
    expect((at(x, y, z + 1e-5).value - at(x, y, z - 1e-5).value) / 2e-5).toBeCloseTo(dz, 5);
  }
});

describe.each(demosaicings)("%s demosaicing", (method) => {
  test.each(Object.keys(bayerPatterns) as BayerPattern[])("of %s gives back grey ramps, which are linear", (pattern) => {
    const [width, height] = [12, 10];
    const ramp = new Float32Array(width * height).map((_, p) => 0.1 + 0.03 * (p % width) + 0.02 * Math.floor(p / width));
    const { data } = demosaic(ramp, width, height, pattern, method);
    for (let y = 2; y < height - 2; y++) {
      for (let x = 2; x < width - 2; x++) {
        for (let c = 0; c < 3; c++) expect(data[3 * (y * width + x) + c]).toBeCloseTo(ramp[y * width + x], 5);
      }
    }
  });

  test("keeps what each photosite saw", () => {
    const mosaic = new Float32Array(64).map((_, p) => Math.sin(p));
    const { data } = demosaic(mosaic, 8, 8, "grbg", method);
    expect([data[1], data[3], data[3 * 8 + 2], data[3 * 9 + 1]]).toEqual([mosaic[0], mosaic[1], mosaic[8], mosaic[9]]);
  });
});

describe("a camera", () => {
  const plain: Camera = {
    ...randomCamera(random("camera")),
    vignetting: 0,
    contrast: 0,
    chromaSmoothing: 0,
    nonUniformity: 0,
    sharpening: { amount: 0, radius: 1 },
  };
  /** The left half has a light of 0.1, the right half of 0.8. */
  const halves = () => {
    const light = floatImage(64, 64);
    for (let at = 0; at < light.data.length; at++) light.data[at] = Math.floor(at / 3) % 64 < 32 ? 0.1 : 0.8;
    return light;
  };
  const variance = (values: readonly number[]): number => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  };
  const linear = (level: number): number =>
    level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4;

  test("has noise that grows with light, and traces of its mosaic", () => {
    const camera = { ...plain, shot: 2e-3, read: 1e-3, exposure: 0.8, whiteBalanceError: [0, 0], saturation: 1 } as const;
    const { data } = takePicture(halves(), camera, 5);
    const green = (from: number, to: number, odd: number) =>
      Array.from({ length: 64 * 64 }, (_, p) => p)
        .filter((p) => p % 64 >= from && p % 64 < to && ((p + Math.floor(p / 64)) & 1) === odd)
        .map((p) => linear(data[3 * p + 1]));
    const dark = variance([...green(6, 26, 0), ...green(6, 26, 1)]);
    const bright = variance([...green(38, 58, 0), ...green(38, 58, 1)]);
    expect(bright / dark).toBeGreaterThan(3);
    const [even, odd] = [variance(green(38, 58, 0)), variance(green(38, 58, 1))];
    expect(Math.max(even, odd) / Math.min(even, odd)).toBeGreaterThan(1.3);
  });

  test("loses light in the corners, and its seed is that of its noise", () => {
    const even = floatImage(48, 48);
    even.data.fill(0.4);
    const { data } = takePicture(even, { ...plain, vignetting: 0.35, exposure: 0.6 }, 1);
    expect(data[1]).toBeLessThan(data[3 * (24 * 48 + 24) + 1] - 8);
    expect(takePicture(even, plain, 1).data).toEqual(takePicture(even, plain, 1).data);
    expect(takePicture(even, plain, 1).data).not.toEqual(takePicture(even, plain, 2).data);
  });
});
