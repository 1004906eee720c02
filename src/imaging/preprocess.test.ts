import * as web from "onnxruntime-web";
import { afterAll, describe, expect, test } from "vitest";
import { input, program, readModel, toOnnx } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime } from "../runtime/index.ts";
import { createImage, type Image, imageInput, type PreprocessOptions, preprocess, toEightBit, toSixteenBit } from "./index.ts";

web.env.wasm.numThreads = 1;

const runtime = openLocalRuntime({ threads: 1 });
afterAll(() => runtime.close());

const noise = (width: number, height: number) => {
  const rng = random("preprocess", width, height);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => rng.integer(0, 255)) };
};
type Picture = Image;

const apply = async ({ data, width, height }: Picture, options: PreprocessOptions, bits: 8 | 16 = 8) => {
  const image = imageInput(bits);
  const { x, content } = preprocess(image, options);
  const results = await (await runtime.load(program({ feeds: [image], results: { x, content } }))).run({
    image: { data, shape: [height, width, 3] },
  });
  return { x: Array.from(results.x.data, Number), content: Array.from(results.content.data, Number), shape: results.x.shape };
};

/** A map given at the network's size, seen at an image's own size. */
const backToImage = async (values: number[], width: number, height: number, options: PreprocessOptions): Promise<number[]> => {
  const [image, map] = [imageInput(), input("map", [1, 1, options.size, options.size])];
  const { toImage } = preprocess(image, options);
  const loaded = await runtime.load(program({ feeds: [image, map], results: { y: toImage(map) } }));
  const { y } = await loaded.run({
    image: { data: new Uint8Array(width * height * 3), shape: [height, width, 3] },
    map: { data: Float32Array.from(values), shape: [1, 1, options.size, options.size] },
  });
  expect(y.shape).toEqual([height, width]);
  return Array.from(y.data, Number);
};

/** Where the image lies in the network's square: [left, top, width, height], in pixels that need not be whole. */
const placeOf = ({ width, height }: Picture, { size, aspect, tile }: PreprocessOptions): [number, number, number, number] => {
  if (aspect === "stretch") return [0, 0, size, size];
  if (aspect === "tile") {
    const zoom = size / (tile?.pixels ?? size);
    const margin = (length: number) => Math.floor((size - length * zoom) / 2);
    return [margin(width), margin(height), width * zoom, height * zoom];
  }
  const zoom = size / Math.max(width, height);
  return [(size - width * zoom) / 2, (size - height * zoom) / 2, width * zoom, height * zoom];
};

/** The definition, written down pixel by pixel in double precision: a triangle as wide as a pixel of the coarser grid. */
const reference = (image: Picture, options: PreprocessOptions): number[] => {
  const { size, channels } = options;
  const [left, top, placedWidth, placedHeight] = placeOf(image, options);
  const [zoomX, zoomY] = [image.width / placedWidth, image.height / placedHeight];
  const clamp = (value: number, last: number) => Math.min(Math.max(value, 0), last);
  const triangle = (distance: number, zoom: number) => Math.max(0, 1 - Math.abs(distance) / Math.max(zoom, 1));
  const value = (x: number, y: number, channel: number): number => {
    const at = (c: number) => image.data[(y * image.width + x) * 3 + c] / 255;
    return channels === 3 ? at(channel) : 0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2);
  };
  return Array.from({ length: channels * size * size }, (_, index) => {
    const [channel, row, column] = [Math.floor(index / size ** 2), Math.floor(index / size) % size, index % size];
    const centreX = clamp((column + 0.5 - left) * zoomX - 0.5, image.width - 1);
    const centreY = clamp((row + 0.5 - top) * zoomY - 0.5, image.height - 1);
    let [total, weights] = [0, 0];
    for (let y = 0; y < image.height; y++) {
      for (let x = 0; x < image.width; x++) {
        const weight = triangle(x - centreX, zoomX) * triangle(y - centreY, zoomY);
        total += weight * value(x, y, channel);
        weights += weight;
      }
    }
    return total / weights;
  });
};

const largestDifference = (a: readonly number[], b: readonly number[]): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
};

const sizes: [width: number, height: number][] = [
  [16, 16],
  [37, 23],
  [9, 31],
  [50, 7],
  [5, 5],
  [1, 1],
  [33, 64],
];

describe.each(["stretch", "fit", "tile"] as const)("aspect %s", (aspect) => {
  const tile = { pixels: 64 }; // no image here is larger

  test.each([1, 3] as const)("agrees with the definition at every size, %s channel(s)", async (channels) => {
    for (const [width, height] of sizes) {
      const options = { size: 16, channels, aspect, tile };
      const { x, shape } = await apply(noise(width, height), options);
      expect(shape).toEqual([1, channels, 16, 16]);
      expect(largestDifference(x, reference(noise(width, height), options)), `${width} x ${height}`).toBeLessThan(2e-5);
    }
  });

  test("an image of the network's own size is only divided by 255", async () => {
    const image = noise(16, 16);
    const { x, content } = await apply(image, { size: 16, channels: 3, aspect });
    const planes = [0, 1, 2].flatMap((channel) => Array.from({ length: 256 }, (_, i) => image.data[3 * i + channel] / 255));
    expect(largestDifference(x, planes)).toBeLessThan(1e-6);
    expect(content).toEqual(new Array(256).fill(1));
  });

  test("a flat image stays flat, whatever its size", async () => {
    for (const [width, height] of sizes) {
      const image = { width, height, data: new Uint8Array(width * height * 3).fill(128) };
      const { x } = await apply(image, { size: 16, channels: 1, aspect, tile });
      expect(largestDifference(x, new Array(256).fill(128 / 255))).toBeLessThan(1e-6);
    }
  });
});

describe("fit", () => {
  const fitted = (size: number): PreprocessOptions => ({ size, channels: 1, aspect: "fit" });

  test("keeps proportions and marks where the image is", async () => {
    for (const [width, height, columns, rows] of [
      [40, 20, 16, 8],
      [20, 40, 8, 16],
      [48, 12, 16, 4],
      [31, 31, 16, 16],
    ]) {
      const { content } = await apply(noise(width, height), fitted(16));
      const expected = Array.from({ length: 256 }, (_, i) => {
        const [fromX, fromY] = [Math.abs((i % 16) - 7.5), Math.abs(Math.floor(i / 16) - 7.5)];
        return fromX < columns / 2 && fromY < rows / 2 ? 1 : 0;
      });
      expect(content).toEqual(expected);
    }
  });

  test("marks an image of any proportions, even one thinner than a pixel of the network", async () => {
    for (const [width, height] of [
      [37, 23],
      [100, 3],
      [2, 64],
      [64, 1],
    ]) {
      const { content } = await apply(noise(width, height), fitted(16));
      const rows = (16 * Math.min(width, height)) / Math.max(width, height);
      const marked = content.reduce((total, value) => total + value, 0) / 16;
      expect(marked).toBeGreaterThan(0);
      expect(Math.abs(marked - rows)).toBeLessThanOrEqual(2);
    }
  });

  test("repeats the image's edge around it", async () => {
    const { x, content } = await apply(noise(16, 6), fitted(16));
    const row = (y: number) => x.slice(16 * y, 16 * y + 16);
    expect(content.slice(16 * 5, 16 * 6)).toEqual(new Array(16).fill(1));
    for (let y = 0; y < 5; y++) expect(row(y)).toEqual(row(5));
    for (let y = 11; y < 16; y++) expect(row(y)).toEqual(row(10));
    expect(row(5)).not.toEqual(row(6));
  });

  test("stretch fills the square: all of it is image", async () => {
    const { content } = await apply(noise(40, 20), { size: 16, channels: 1, aspect: "stretch" });
    expect(content).toEqual(new Array(256).fill(1));
  });
});

describe("tile", () => {
  const tiled = (pixels?: number, channels: 1 | 3 = 1): PreprocessOptions => ({
    size: 16,
    channels,
    aspect: "tile",
    tile: { pixels },
  });

  test("resizes nothing by default: a smaller image lies in the middle, not blurred, its edges repeated around it", async () => {
    const image = noise(11, 16);
    const { x, content } = await apply(image, tiled(undefined, 3));
    const value = (column: number, row: number, channel: number) => image.data[(row * 11 + column) * 3 + channel] / 255;
    const expected = Array.from({ length: 768 }, (_, i) =>
      value(Math.min(Math.max((i % 16) - 2, 0), 10), Math.floor(i / 16) % 16, Math.floor(i / 256)),
    );
    expect(largestDifference(x, expected)).toBeLessThan(1e-6);
    expect(content).toEqual(Array.from({ length: 256 }, (_, i) => (i % 16 >= 2 && i % 16 < 13 ? 1 : 0)));
  });

  test("scales every tile alike, whatever its size, and puts its map back", async () => {
    const values = Array.from({ length: 256 }, (_, i) => (i % 16) + 100 * Math.floor(i / 16));
    const whole = await backToImage(values, 32, 32, tiled(32));
    expect(await backToImage(values, 16, 16, tiled())).toEqual(values);
    const part = await backToImage(values, 32, 12, tiled(32));
    // The lower tile of 12 rows lies in rows 5 to 10 of 16, which are rows 10 to 21 of the whole.
    expect(largestDifference(part, whole.slice(32 * 10, 32 * 22))).toBeLessThan(1e-3);
  });
});

describe("16 bits", () => {
  /** A ramp from 0x4200 on that differs in the low byte alone. */
  const ramp = createImage(
    16,
    16,
    Uint16Array.from({ length: 768 }, (_, i) => 0x4200 + Math.floor(i / 3)),
  );
  const plain: PreprocessOptions = { size: 16, channels: 3, aspect: "stretch" };

  test("reach the network, where 8 bits are all the same", async () => {
    const { x } = await apply(ramp, plain, 16);
    expect(new Set(x).size).toBe(256);
    expect(
      largestDifference(
        x.slice(0, 256),
        Array.from({ length: 256 }, (_, i) => (0x4200 + i) / 65535),
      ),
    ).toBeLessThan(1e-7);
    expect(new Set((await apply(toEightBit(ramp), plain)).x).size).toBeLessThanOrEqual(2);
  });

  test("of an 8-bit image give the network the same", async () => {
    const image = noise(37, 23);
    const options: PreprocessOptions = { size: 16, channels: 1, aspect: "fit" };
    const [eight, sixteen] = [await apply(image, options), await apply(toSixteenBit(image), options, 16)];
    expect(largestDifference(eight.x, sixteen.x)).toBeLessThan(1e-6);
    expect(sixteen.content).toEqual(eight.content);
  });

  test("reach it in every runtime: an exported model gives the same in the browser's", async () => {
    const image = imageInput(16);
    const bytes = toOnnx({ inputs: [image], outputs: { x: preprocess(image, plain).x } });
    expect(readModel(bytes).feeds).toEqual([{ name: "image", shape: ["height", "width", 3], type: "uint16" }]);
    const [width, height] = [23, 37];
    const data = Uint16Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 65536);
    const here = await (await runtime.load(readModel(bytes))).run({ image: { data, shape: [height, width, 3] } });
    const session = await web.InferenceSession.create(bytes);
    const there = await session.run({ image: new web.Tensor("uint16", data, [height, width, 3]) });
    expect(largestDifference(Array.from(here.x.data, Number), Array.from(there.x.data as Float32Array))).toBeLessThan(1e-5);
    await session.release();
  });
});

describe("the way back to the image", () => {
  test.each(["stretch", "fit"] as const)("puts every position where it came from (%s)", async (aspect) => {
    for (const [width, height] of [
      [64, 40],
      [23, 57],
      [16, 16],
      [11, 9],
    ]) {
      const options: PreprocessOptions = { size: 32, channels: 1, aspect };
      const [left, top, placedWidth, placedHeight] = placeOf(noise(width, height), options);
      const grid = Array.from({ length: 32 * 32 }, (_, i) => [(i % 32) + 0.5, Math.floor(i / 32) + 0.5]);
      const across = grid.map(([x]) => (x - left) / placedWidth);
      const down = grid.map(([, y]) => (y - top) / placedHeight);
      const own = Array.from({ length: width * height }, (_, i) => [(i % width) + 0.5, Math.floor(i / width) + 0.5]);
      // Inside it is exact where the map is enlarged, and nearly so where it is reduced. At the border of the square, half a
      // pixel of the coarser grid has nothing to be interpolated with.
      const blur = (length: number, placed: number) => Math.max(1, placed / length) / placed;
      for (const [values, expected, tolerance, enlarged] of [
        [across, own.map(([x]) => x / width), blur(width, placedWidth), width >= placedWidth],
        [down, own.map(([, y]) => y / height), blur(height, placedHeight), height >= placedHeight],
      ] as const) {
        const seen = await backToImage(values, width, height, options);
        expect(largestDifference(seen, expected)).toBeLessThan(0.51 * tolerance);
        const inner = expected.flatMap((value, i) => (Math.min(value, 1 - value) > tolerance ? [[seen[i], value]] : []));
        expect(inner.length).toBeGreaterThan(0);
        for (const [found, value] of inner) expect(Math.abs(found - value)).toBeLessThan(enlarged ? 1e-5 : 0.1 * tolerance);
      }
    }
  });

  test.each(["stretch", "fit"] as const)("gives a smooth image back, there and back again (%s)", async (aspect) => {
    const [width, height] = [90, 60];
    const shade = (x: number, y: number) => 128 + 100 * Math.sin(x / 30) * Math.cos(y / 25);
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      shade(Math.floor(i / 3) % width, Math.floor(i / 3 / width)),
    );
    const options: PreprocessOptions = { size: 48, channels: 1, aspect };
    const { x } = await apply({ width, height, data }, options);
    const back = await backToImage(x, width, height, options);
    const original = Array.from({ length: width * height }, (_, i) => data[3 * i] / 255);
    expect(largestDifference(back, original)).toBeLessThan(0.03);
  });

  test("a single hot pixel comes back at its place", async () => {
    const values = new Array(32 * 32).fill(0);
    values[12 * 32 + 5] = 1;
    const seen = await backToImage(values, 64, 64, { size: 32, channels: 1, aspect: "stretch" });
    const hottest = seen.flatMap((value, i) => (value > 0.5 ? [[i % 64, Math.floor(i / 64)]] : []));
    expect(hottest).toEqual([
      [10, 24],
      [11, 24],
      [10, 25],
      [11, 25],
    ]);
  });
});
