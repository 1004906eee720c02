import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { blendTiles, createImage, createMask, cutTile, planTiles, type Tile, type TileOptions, tilesOf } from "./index.ts";

const optionsOf = fc.record({ pixels: fc.integer({ min: 1, max: 24 }), overlap: fc.double({ min: 0, max: 0.5, noNaN: true }) });
const sides = fc.integer({ min: 1, max: 90 });

/** A map, cut in tiles and put together again. */
const thereAndBack = (map: Float32Array, width: number, height: number, options: TileOptions): Float32Array => {
  const tiles = planTiles(width, height, options);
  const blend = blendTiles(width, height, tiles);
  for (const tile of tiles.toReversed()) {
    const values = new Float32Array(tile.width * tile.height);
    for (let y = 0; y < tile.height; y++) {
      const from = (tile.top + y) * width + tile.left;
      values.set(map.subarray(from, from + tile.width), y * tile.width);
    }
    blend.add(tile, values);
  }
  return blend.map;
};
const largestDifference = (a: Float32Array, b: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

describe("the plan", () => {
  test("covers the image from 0 to the end, evenly, and neighbours share at least the overlap", () => {
    fc.assert(
      fc.property(sides, optionsOf, (length, options) => {
        const { pixels, overlap } = options;
        const starts = planTiles(length, 1, options).map(({ left }) => left);
        expect(planTiles(1, length, options).map(({ top }) => top)).toEqual(starts);
        const side = Math.min(pixels, length);
        expect(starts[0]).toBe(0);
        expect(starts.at(-1)! + side).toBe(length);
        const steps = starts.slice(1).map((start, i) => start - starts[i]);
        for (const step of steps) expect(step).toBeLessThanOrEqual(Math.max(1, pixels - overlap * pixels));
        expect(Math.max(...steps, 0) - Math.min(...steps, length)).toBeLessThanOrEqual(1);
        // One tile fewer would not do.
        const step = Math.max(1, pixels - Math.ceil(overlap * pixels));
        if (starts.length > 1) expect((starts.length - 2) * step + pixels).toBeLessThan(length);
      }),
    );
  });

  test("is row by row, and of an image no larger than a tile it is the image", () => {
    const tile = (left: number, top: number): Tile => ({ left, top, width: 4, height: 4 });
    expect(planTiles(10, 7, { pixels: 4, overlap: 0.25 })).toEqual(
      [0, 3].flatMap((top) => [0, 3, 6].map((left) => tile(left, top))),
    );
    const whole = [{ left: 0, top: 0, width: 10, height: 7 }];
    expect(planTiles(10, 7, { pixels: 10, overlap: 0.5 })).toEqual(whole);
    expect(planTiles(10, 7)).toEqual(whole);
    expect(planTiles(10, 7, { pixels: 8, overlap: 0 })).toHaveLength(2);
  });

  test("has tiles of the network's size and a quarter in common by default, and none where images are not cut", () => {
    expect(tilesOf({ size: 64, aspect: "tile" })).toEqual({ pixels: 64, overlap: 0.25 });
    expect(tilesOf({ size: 64, aspect: "tile", tile: { pixels: 100, overlap: 0 } })).toEqual({ pixels: 100, overlap: 0 });
    expect(tilesOf({ size: 64, aspect: "fit", tile: { pixels: 100 } })).toBeUndefined();
  });
});

describe("a cut tile", () => {
  test("holds the image's own values, of 8 and of 16 bits, and the mask's", () => {
    const eight = createImage(
      5,
      4,
      Uint8Array.from({ length: 60 }, (_, i) => i),
    );
    const sixteen = createImage(
      5,
      4,
      Uint16Array.from({ length: 60 }, (_, i) => 1000 * i),
    );
    const mask = createMask(
      5,
      4,
      Uint8Array.from({ length: 20 }, (_, i) => i),
    );
    const tile = { left: 3, top: 1, width: 2, height: 3 };
    const pixels = [8, 9, 13, 14, 18, 19];
    expect(cutTile(mask, tile)).toEqual(createMask(2, 3, Uint8Array.from(pixels)));
    const values = pixels.flatMap((pixel) => [3 * pixel, 3 * pixel + 1, 3 * pixel + 2]);
    expect(cutTile(eight, tile)).toEqual(createImage(2, 3, Uint8Array.from(values)));
    expect(cutTile(sixteen, tile)).toEqual(
      createImage(
        2,
        3,
        Uint16Array.from(values, (value) => 1000 * value),
      ),
    );
    expect(eight.data[0]).toBe(0);
  });

  test("is the image itself where it shows all of it", () => {
    const image = createImage(5, 4);
    expect(cutTile(image, planTiles(5, 4)[0])).toBe(image);
  });
});

describe("the blend", () => {
  test("weighs every pixel with 1 together, whatever the sizes and overlaps, so that a constant stays", () => {
    fc.assert(
      fc.property(sides, sides, optionsOf, fc.double({ min: -5, max: 5, noNaN: true }), (width, height, options, value) => {
        const constant = new Float32Array(width * height).fill(value);
        expect(largestDifference(thereAndBack(constant, width, height, options), constant)).toBeLessThan(3e-6);
      }),
    );
  });

  test("gives back any map that was cut: linear, noise, or one bright pixel", () => {
    fc.assert(
      fc.property(sides, sides, optionsOf, fc.nat(), (width, height, options, seed) => {
        const rng = random("tiles", seed);
        const [bright, kind] = [rng.integer(0, width * height - 1), seed % 3];
        const map = Float32Array.from({ length: width * height }, (_, i) =>
          kind === 0 ? (i % width) - 2 * Math.floor(i / width) : kind === 1 ? rng.uniform() : i === bright ? 1 : 0,
        );
        // Sums of 32-bit numbers, which are as exact as the largest of them.
        const largest = map.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        expect(largestDifference(thereAndBack(map, width, height, options), map)).toBeLessThan(1e-6 * largest);
      }),
    );
  });

  test("keeps what only one tile sees as it is, to the last bit", () => {
    const tiles = planTiles(28, 28, { pixels: 16, overlap: 0.25 });
    const { map, add } = blendTiles(28, 28, tiles);
    const values = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
    for (const tile of tiles) add(tile, values);
    expect(tiles).toHaveLength(4);
    for (let y = 0; y < 12; y++) expect(map.subarray(y * 28, y * 28 + 12)).toEqual(values.subarray(y * 16, y * 16 + 12));
  });

  test("goes over from one tile to the next in even steps, without a seam", () => {
    const tiles = planTiles(40, 1, { pixels: 16, overlap: 0.25 });
    expect(tiles.map(({ left }) => left)).toEqual([0, 12, 24]);
    const { map, add } = blendTiles(40, 1, tiles);
    for (const [i, tile] of tiles.entries()) add(tile, new Float32Array(16).fill(i));
    const ramp = [1, 3, 5, 7].map((eighths) => eighths / 8);
    const expected = [
      ...new Array(12).fill(0),
      ...ramp,
      ...new Array(8).fill(1),
      ...ramp.map((v) => v + 1),
      ...new Array(12).fill(2),
    ];
    expect(largestDifference(map, Float32Array.from(expected))).toBeLessThan(1e-6);
    // Three tiles in one place: none of them gains or loses more in a pixel than a ramp's step.
    const close = planTiles(33, 1, { pixels: 16, overlap: 0.5 });
    expect(close.map(({ left }) => left)).toEqual([0, 5, 11, 17]);
    for (const [i, tile] of close.entries()) {
      const blend = blendTiles(33, 1, close);
      for (const other of close) blend.add(other, new Float32Array(16).fill(other === tile ? 1 : 0));
      const jumps = blend.map.subarray(1).map((value, x) => Math.abs(value - blend.map[x]));
      expect(Math.max(...jumps), `tile ${i}`).toBeLessThan(0.2);
      expect(Math.max(...blend.map)).toBeGreaterThan(0.5);
    }
  });
});
