import { createMask, dilation, type Mask } from "../../../../imaging/index.ts";
import type { Random } from "../../../../random/index.ts";
import { type FloatImage, floatImage } from "../float-image.ts";
import { membrane } from "./poisson.ts";

/** Patches have 2 RADIUS + 1 pixels a side. */
const RADIUS = 2;
const ROUNDS = 4;
const SWEEPS = 2;
/** The coarsest picture has at least this many pixels on its shorter side. */
const LEAST_SIDE = 24;

/**
 * Fills a region with what the rest of the picture is made of: Wexler, Shechtman and Irani, "Space-time completion of video" (2007), for a
 * picture. From coarse to fine, every patch that touches the region looks for its nearest one outside, by the random search of PatchMatch
 * (Barnes, Shechtman, Finkelstein and Goldman 2009), and every pixel becomes the mean of what the patches over it propose, each by
 * exp(-d / 2 sigma^2) of its squared distance d, sigma^2 being the 75th percentile. The first guess is the smoothest one (`membrane`).
 * Throws a RangeError when the region leaves no patch outside.
 */
export const inpaint = (picture: FloatImage, region: Mask, source: Random): FloatImage => {
  const levels = [{ picture, region }];
  while (true) {
    const { picture: fine, region: hole } = levels[levels.length - 1];
    const half = { picture: halved(fine), region: halvedRegion(hole) };
    if (Math.min(half.picture.width, half.picture.height) < LEAST_SIDE || patchesOutside(half.region).length < 16) break;
    levels.push(half);
  }
  let filled: FloatImage | undefined;
  let field: Field | undefined;
  for (const level of levels.toReversed()) {
    const start = filled === undefined ? membrane(level.picture, level.region) : filledFrom(level.picture, level.region, filled);
    ({ filled, field } = complete(start, level.region, field, source));
  }
  return filled!;
};

/** For each patch over the region the one outside that looks most like it. Patches are known by the pixel in their middle. */
interface Field {
  readonly width: number;
  readonly height: number;
  readonly nearest: Int32Array;
  readonly distance: Float32Array;
}

const complete = (start: FloatImage, region: Mask, coarse: Field | undefined, source: Random) => {
  const { width, height } = start;
  const outside = patchesOutside(region);
  if (outside.length === 0) {
    throw new RangeError("The region to fill leaves no patch of 5 x 5 pixels outside it to fill it with. Choose a smaller one.");
  }
  const usable = new Uint8Array(width * height);
  for (const patch of outside) usable[patch] = 1;
  const patches = patchesOver(region);
  const nearest = new Int32Array(width * height).fill(-1);
  for (const patch of patches) {
    const guess = coarse === undefined ? -1 : finerPatch(coarse, patch, width, height);
    nearest[patch] = guess >= 0 && usable[guess] === 1 ? guess : outside[source.integer(0, outside.length - 1)];
  }
  const field: Field = { width, height, nearest, distance: new Float32Array(width * height) };
  let filled = start;
  for (let round = 0; round < ROUNDS; round++) {
    for (const patch of patches) field.distance[patch] = patchDistance(filled, patch, nearest[patch], Number.POSITIVE_INFINITY);
    for (let sweep = 0; sweep < SWEEPS; sweep++) search(filled, field, patches, usable, source, sweep % 2 === 1);
    filled = vote(filled, region, field, patches);
  }
  return { filled, field };
};

/** One sweep of PatchMatch: each patch tries its neighbours' finds, moved by one, and random places in windows that halve. */
const search = (
  picture: FloatImage,
  { width, height, nearest, distance }: Field,
  patches: Int32Array,
  usable: Uint8Array,
  source: Random,
  backwards: boolean,
): void => {
  const step = backwards ? 1 : -1;
  for (let i = 0; i < patches.length; i++) {
    const patch = patches[backwards ? patches.length - 1 - i : i];
    const attempt = (candidate: number): void => {
      if (candidate < 0 || candidate >= usable.length || usable[candidate] === 0 || candidate === nearest[patch]) return;
      const other = patchDistance(picture, patch, candidate, distance[patch]);
      if (other >= distance[patch]) return;
      distance[patch] = other;
      nearest[patch] = candidate;
    };
    const [beside, above] = [patch + step, patch + step * width];
    if (beside >= 0 && beside < nearest.length && nearest[beside] >= 0) attempt(nearest[beside] - step);
    if (above >= 0 && above < nearest.length && nearest[above] >= 0) attempt(nearest[above] - step * width);
    for (let reach = Math.max(width, height); reach >= 1; reach = Math.floor(reach / 2)) {
      const found = nearest[patch];
      const x = (found % width) + source.integer(-reach, reach);
      const y = Math.floor(found / width) + source.integer(-reach, reach);
      if (x >= 0 && y >= 0 && x < width && y < height) attempt(y * width + x);
    }
  }
};

/** Sum of squared differences of two patches; no more than the first that exceeds `limit` is needed. */
const patchDistance = ({ width, data }: FloatImage, patch: number, other: number, limit: number): number => {
  let sum = 0;
  for (let row = -RADIUS; row <= RADIUS && sum < limit; row++) {
    const a = 3 * (patch + row * width - RADIUS);
    const b = 3 * (other + row * width - RADIUS);
    for (let at = 0; at < 3 * (2 * RADIUS + 1); at++) {
      const difference = data[a + at] - data[b + at];
      sum += difference * difference;
    }
  }
  return sum;
};

const vote = (picture: FloatImage, region: Mask, { nearest, distance }: Field, patches: Int32Array): FloatImage => {
  const { width } = picture;
  const sorted = Float32Array.from(patches, (patch) => distance[patch]).sort();
  const variance = Math.max(1, sorted[Math.floor(0.75 * (sorted.length - 1))]);
  const sums = new Float32Array(picture.data.length);
  const weights = new Float32Array(region.data.length);
  for (const patch of patches) {
    const weight = Math.max(1e-6, Math.exp(-distance[patch] / (2 * variance)));
    for (let row = -RADIUS; row <= RADIUS; row++) {
      for (let column = -RADIUS; column <= RADIUS; column++) {
        const to = patch + row * width + column;
        if (region.data[to] === 0) continue;
        const from = nearest[patch] + row * width + column;
        weights[to] += weight;
        for (let c = 0; c < 3; c++) sums[3 * to + c] += weight * picture.data[3 * from + c];
      }
    }
  }
  const data = picture.data.map((value, at) => {
    const weight = weights[Math.floor(at / 3)];
    return weight > 0 ? sums[at] / weight : value;
  });
  return { ...picture, data };
};

/** Whether a patch with this middle lies in the picture. */
const fits = (x: number, y: number, width: number, height: number): boolean =>
  x >= RADIUS && y >= RADIUS && x < width - RADIUS && y < height - RADIUS;

/** Middles of the patches that hold a pixel of the region. */
const patchesOver = (region: Mask): Int32Array => {
  const near = dilation(region, RADIUS * Math.SQRT2 + 1e-6);
  return middles(region, (pixel) => near.data[pixel] !== 0);
};

/** Middles of the patches that hold none. */
const patchesOutside = (region: Mask): Int32Array => {
  const near = dilation(region, RADIUS * Math.SQRT2 + 1e-6);
  return middles(region, (pixel) => near.data[pixel] === 0);
};

const middles = ({ width, height, data }: Mask, chosen: (pixel: number) => boolean): Int32Array =>
  Int32Array.from(data, (_, pixel) => pixel).filter(
    (pixel) => fits(pixel % width, Math.floor(pixel / width), width, height) && chosen(pixel),
  );

const finerPatch = (coarse: Field, patch: number, width: number, height: number): number => {
  const [x, y] = [patch % width, Math.floor(patch / width)];
  const [column, row] = [Math.min(coarse.width - 1, x >> 1), Math.min(coarse.height - 1, y >> 1)];
  const found = coarse.nearest[row * coarse.width + column];
  if (found < 0) return -1;
  const [foundX, foundY] = [2 * (found % coarse.width) + (x & 1), 2 * Math.floor(found / coarse.width) + (y & 1)];
  return foundX < width && foundY < height ? foundY * width + foundX : -1;
};

/** The picture at half the size, each pixel the mean of four; an odd last row or column is left out. */
const halved = ({ width, height, data }: FloatImage): FloatImage => {
  const half = floatImage(Math.max(1, width >> 1), Math.max(1, height >> 1));
  for (let at = 0; at < half.data.length; at++) {
    const pixel = Math.floor(at / 3);
    const from = 3 * (2 * Math.floor(pixel / half.width) * width + 2 * (pixel % half.width)) + (at % 3);
    half.data[at] = (data[from] + data[from + 3] + data[from + 3 * width] + data[from + 3 * width + 3]) / 4;
  }
  return half;
};

const halvedRegion = ({ width, height, data }: Mask): Mask => {
  const half = createMask(Math.max(1, width >> 1), Math.max(1, height >> 1));
  for (let pixel = 0; pixel < half.data.length; pixel++) {
    const from = 2 * Math.floor(pixel / half.width) * width + 2 * (pixel % half.width);
    half.data[pixel] = data[from] | data[from + 1] | data[from + width] | data[from + width + 1];
  }
  return half;
};

/** The region filled with the coarser picture's colours. */
const filledFrom = (picture: FloatImage, region: Mask, coarse: FloatImage): FloatImage => {
  const data = picture.data.map((value, at) => {
    const pixel = Math.floor(at / 3);
    if (region.data[pixel] === 0) return value;
    const column = Math.min(coarse.width - 1, (pixel % picture.width) >> 1);
    const row = Math.min(coarse.height - 1, Math.floor(pixel / picture.width) >> 1);
    return coarse.data[3 * (row * coarse.width + column) + (at % 3)];
  });
  return { ...picture, data };
};
