import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { drawBlobs, drawPerlinRegion, gradientNoise } from "./irregular.ts";
import { corruptionSchema, type OcclusionOptions } from "./options.ts";
import { drawQuantities } from "./quantities.ts";
import type { Size } from "./rectangles.ts";

const occlusionDefaults = corruptionSchema.parse({ kind: "occlusion" }) as OcclusionOptions;

const size = { width: 80, height: 64 };
const seeds = (number: number) => Array.from({ length: number }, (_, seed) => seed);

const drawRegions = (shape: "blobs" | "perlin", size: Size, change: Partial<OcclusionOptions>, seed: number) => {
  const options = { ...occlusionDefaults, ...change };
  const rng = random(shape, seed);
  const quantities = drawQuantities(options, rng);
  const regions =
    shape === "blobs" ? drawBlobs(size, quantities, options, rng) : [drawPerlinRegion(size, quantities.ratio, options, rng)];
  const mask = new Uint8Array(size.width * size.height);
  for (const region of regions) for (const pixel of region) mask[pixel]++;
  return { regions, mask, ratio: quantities.ratio };
};

/** Number of neighbouring pixel pairs of which one is inside. */
const boundaryLength = (mask: Uint8Array, { width, height }: Size) => {
  let length = 0;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (pixel % width < width - 1 && mask[pixel] !== mask[pixel + 1]) length++;
    if (pixel < width * (height - 1) && mask[pixel] !== mask[pixel + width]) length++;
  }
  return length;
};

/** Number of 4-connected components. */
const componentCount = (mask: Uint8Array, { width }: Size) => {
  const open = mask.slice();
  let count = 0;
  for (let start = 0; start < open.length; start++) {
    if (open[start] === 0) continue;
    count++;
    const stack = [start];
    open[start] = 0;
    for (let pixel = stack.pop(); pixel !== undefined; pixel = stack.pop()) {
      const neighbours = [pixel - width, pixel + width];
      if (pixel % width > 0) neighbours.push(pixel - 1);
      if (pixel % width < width - 1) neighbours.push(pixel + 1);
      for (const neighbour of neighbours) {
        if (!open[neighbour]) continue;
        open[neighbour] = 0;
        stack.push(neighbour);
      }
    }
  }
  return count;
};

const scattered = (mask: Uint8Array, seed: number) =>
  random("scattered", seed)
    .permutation(mask.length)
    .map((pixel) => mask[pixel]);

describe.each(["blobs", "perlin"] as const)("%s", (shape) => {
  test("cover the drawn share of the image to the pixel, each pixel once", () => {
    for (const odd of [size, { width: 32, height: 32 }, { width: 31, height: 53 }, { width: 5, height: 7 }]) {
      for (const seed of seeds(40)) {
        const { mask, ratio } = drawRegions(shape, odd, { area: { min: 0.05, max: 0.4 } }, seed);
        expect(mask.reduce((sum, value) => sum + value, 0)).toBe(Math.max(1, Math.round(ratio * mask.length)));
        expect(Math.max(...mask)).toBe(1);
      }
    }
  });

  test("are spatially coherent: short boundary and few pieces compared with scattered pixels of the same area", () => {
    for (const seed of seeds(40)) {
      const { mask } = drawRegions(shape, size, {}, seed);
      const noise = Uint8Array.from(scattered(mask, seed));
      expect(boundaryLength(mask, size)).toBeLessThan(0.4 * boundaryLength(noise, size));
      expect(componentCount(mask, size)).toBeLessThan(0.15 * componentCount(noise, size));
    }
  });

  test("are irregular: their outline is no rectangle's", () => {
    const fillsItsBox = seeds(40).filter((seed) => {
      const { mask } = drawRegions(shape, size, { fixed: { count: 1, ratio: 0.1, position: [0.5, 0.5] } }, seed);
      const inside = [...mask.keys()].filter((pixel) => mask[pixel] === 1);
      const columns = inside.map((pixel) => pixel % size.width);
      const rows = inside.map((pixel) => Math.floor(pixel / size.width));
      const box = (Math.max(...columns) - Math.min(...columns) + 1) * (Math.max(...rows) - Math.min(...rows) + 1);
      return inside.length > 0.85 * box;
    });
    expect(fillsItsBox).toEqual([]);
  });
});

test("larger features give Perlin regions shorter boundaries", () => {
  const mean = (featureSize: number) =>
    seeds(60)
      .map((seed) => drawRegions("perlin", size, { featureSize: { min: featureSize, max: featureSize } }, seed).mask)
      .reduce((sum, mask) => sum + boundaryLength(mask, size), 0) / 60;
  expect(mean(0.1)).toBeGreaterThan(1.5 * mean(0.6));
});

test("more octaves give Perlin regions rougher outlines", () => {
  const mean = (octaves: number) =>
    seeds(60).reduce((sum, seed) => sum + boundaryLength(drawRegions("perlin", size, { octaves }, seed).mask, size), 0) / 60;
  expect(mean(4)).toBeGreaterThan(1.3 * mean(1));
});

const centred = { count: 1, ratio: 0.08, position: [0.5, 0.5] as [number, number] };

/** Second central moments of the pixel coordinates, and each pixel's distance from their mean. */
const moments = (pixels: Uint32Array) => {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const columns = [...pixels].map((pixel) => pixel % size.width);
  const rows = [...pixels].map((pixel) => Math.floor(pixel / size.width));
  const [centreX, centreY] = [mean(columns), mean(rows)];
  const x = columns.map((column) => column - centreX);
  const y = rows.map((row) => row - centreY);
  const product = (a: number[], b: number[]) => mean(a.map((value, index) => value * b[index]));
  return { x, y, xx: product(x, x), yy: product(y, y), xy: product(x, y) };
};

test("larger features bend blobs further away from ellipses", () => {
  const meanOutsideEllipse = (featureSize: number) => {
    const shares = seeds(60).map((seed) => {
      const change = { fixed: { ...centred, aspect: 1.5 }, featureSize: { min: featureSize, max: featureSize } };
      const { x, y, xx, yy, xy } = moments(drawRegions("blobs", size, change, seed).regions[0]);
      // A filled ellipse with these moments has squared Mahalanobis distances up to 4.
      const outside = x.filter((a, i) => (yy * a * a - 2 * xy * a * y[i] + xx * y[i] ** 2) / (xx * yy - xy * xy) > 4);
      return outside.length / x.length;
    });
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };
  expect(meanOutsideEllipse(0.4)).toBeGreaterThan(1.5 * meanOutsideEllipse(0.05));
  expect(meanOutsideEllipse(0.4)).toBeGreaterThan(0.05);
});

test("blobs have the drawn number and centre, and one fill region each", () => {
  for (const seed of seeds(40)) {
    expect(drawRegions("blobs", size, { fixed: { count: 4 } }, seed).regions).toHaveLength(4);
    const change = { fixed: { count: 1, aspect: 1, ratio: 0.1, position: [0.2, 0.7] as [number, number] } };
    const [blob] = drawRegions("blobs", size, change, seed).regions;
    const columns = blob.reduce((sum, pixel) => sum + (pixel % size.width), 0) / blob.length;
    const rows = blob.reduce((sum, pixel) => sum + Math.floor(pixel / size.width), 0) / blob.length;
    expect(Math.hypot(columns - 0.2 * size.width, rows - 0.7 * size.height)).toBeLessThan(16);
  }
});

test("a large aspect ratio makes long blobs", () => {
  const medianElongation = (aspect: number) => {
    const elongations = seeds(41).map((seed) => {
      const { xx, yy, xy } = moments(drawRegions("blobs", size, { fixed: { ...centred, aspect } }, seed).regions[0]);
      const spread = Math.hypot(xx - yy, 2 * xy);
      return Math.sqrt((xx + yy + spread) / (xx + yy - spread));
    });
    return elongations.sort((a, b) => a - b)[20];
  };
  expect(medianElongation(5)).toBeGreaterThan(1.6 * medianElongation(1));
});

test("blobs lie in every direction", () => {
  const angles = seeds(200).map((seed) => {
    const { xx, yy, xy } = moments(drawRegions("blobs", size, { fixed: { ...centred, aspect: 3 } }, seed).regions[0]);
    return Math.atan2(2 * xy, xx - yy) / 2; // of the long axis, in (-pi / 2, pi / 2]
  });
  for (const sector of [-2, -1, 0, 1]) {
    const within = angles.filter((angle) => Math.floor(angle / (Math.PI / 4)) === sector);
    expect(within.length).toBeGreaterThan(25);
  }
});

test("Perlin regions favour no place of the image", () => {
  const columns = new Float64Array(size.width);
  const rows = new Float64Array(size.height);
  const draws = 1000;
  for (const seed of seeds(draws)) {
    const change = { fixed: { ratio: 0.15 }, featureSize: { min: 0.3, max: 0.3 } };
    for (const pixel of drawRegions("perlin", size, change, seed).regions[0]) {
      columns[pixel % size.width]++;
      rows[Math.floor(pixel / size.width)]++;
    }
  }
  for (const hits of columns) expect(Math.abs(hits / size.height / draws - 0.15)).toBeLessThan(0.02);
  for (const hits of rows) expect(Math.abs(hits / size.width / draws - 0.15)).toBeLessThan(0.02);
});

test("gradient noise is bounded, has mean zero, is smooth, and each octave adds detail", () => {
  const steps = (octaves: number) => {
    const field = gradientNoise({ width: 200, height: 200 }, 20, octaves, random("field"));
    let change = 0;
    for (let pixel = 1; pixel < field.length; pixel++) if (pixel % 200) change += Math.abs(field[pixel] - field[pixel - 1]);
    return { field, step: change / field.length };
  };
  const { field, step } = steps(1);
  expect(Math.max(...field)).toBeLessThanOrEqual(Math.SQRT1_2);
  expect(Math.min(...field)).toBeGreaterThanOrEqual(-Math.SQRT1_2);
  expect(Math.abs(field.reduce((sum, value) => sum + value, 0) / field.length)).toBeLessThan(0.05);
  expect(step).toBeLessThan(0.06);
  expect(steps(3).step).toBeGreaterThan(1.3 * step);
  for (const stride of [1, 200]) {
    let bend = 0;
    for (let row = 1; row < 199; row++) {
      for (let pixel = row * 200 + 1; pixel < row * 200 + 199; pixel++) {
        bend = Math.max(bend, Math.abs(field[pixel + stride] - 2 * field[pixel] + field[pixel - stride]));
      }
    }
    expect(bend).toBeLessThan(0.045); // no kinks between cells
  }
});
