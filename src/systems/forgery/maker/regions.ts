import { createMask, defectPixels, dilation, fillHoles, type Mask, regionsOf, squaredDistances } from "../../../imaging/index.ts";
import type { Random } from "../../../random/index.ts";
import type { Photograph } from "./photograph/photograph.ts";

/** Least and greatest share of the picture that a region covers, 0 < low <= high < 1. */
export interface AreaRange {
  readonly low: number;
  readonly high: number;
}

/**
 * A random smooth region of exactly `pixels` pixels, in one piece, without holes, cut off where it leaves the picture. Its outline around
 * a random centre is a superellipse with exponents 1.6 (a rounded rhomb) to 5 (a rounded rectangle), twice as long as wide at most, whose
 * radius is changed by up to 25 % by waves of two to six to the turn.
 */
export const randomBlob = (source: Random, width: number, height: number, pixels: number): Mask => {
  const centre = [source.uniform(0.2, 0.8) * width, source.uniform(0.2, 0.8) * height];
  const turn = source.uniform(0, Math.PI);
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  const stretch = 2 ** source.uniform(-0.5, 0.5);
  const exponent = source.uniform() < 0.6 ? 2 : source.uniform(1.6, 5);
  const waves = Array.from({ length: 5 }, (_, i) => ({
    count: i + 2,
    size: source.uniform(0, 0.25) / (i + 1),
    phase: source.uniform(0, 2 * Math.PI),
  }));
  const reach = new Float64Array(width * height).map((_, pixel) => {
    const [dx, dy] = [(pixel % width) + 0.5 - centre[0], Math.floor(pixel / width) + 0.5 - centre[1]];
    const [along, across] = [(cosine * dx + sine * dy) * stretch, (cosine * dy - sine * dx) / stretch];
    const angle = Math.atan2(across, along);
    const radius = waves.reduce((sum, { count, size, phase }) => sum + size * Math.cos(count * angle + phase), 1);
    return (Math.abs(along) ** exponent + Math.abs(across) ** exponent) ** (1 / exponent) / Math.max(0.3, radius);
  });
  const limit = reach.toSorted()[Math.min(reach.length, Math.max(1, Math.round(pixels))) - 1];
  return createMask(
    width,
    height,
    Uint8Array.from(reach, (value) => (value <= limit ? 1 : 0)),
  );
};

/** The objects of a photograph that are in one piece and cover a share in the range, each with a rim of one pixel and without holes. */
export const objectRegions = ({ image: { width, height }, objects }: Photograph, area: AreaRange): Mask[] => {
  const regions: Mask[] = [];
  const counts = new Uint32Array(256);
  for (const object of objects) counts[object]++;
  for (let object = 1; object < counts.length; object++) {
    // With its rim an object is larger, and without its other pieces it is smaller: what is far too small needs no closer look.
    if (counts[object] < 0.3 * area.low * objects.length) continue;
    const all = createMask(
      width,
      height,
      objects.map((own) => (own === object ? 1 : 0)),
    );
    const { labels, areas } = regionsOf(all, 1, 4);
    const largest = areas.indexOf(Math.max(...areas));
    const piece = createMask(
      width,
      height,
      Uint8Array.from(labels, (label) => (label === largest ? 1 : 0)),
    );
    const region = fillHoles(dilation(piece, 1), width * height);
    const share = shareOf(region);
    if (share >= area.low && share <= area.high) regions.push(region);
  }
  return regions;
};

/**
 * A region of a photograph within the range of area: one of its objects with the given probability, where it has one that fits, else a
 * blob.
 */
export const randomRegion = (source: Random, photograph: Photograph, area: AreaRange, objectProbability = 0.5): Mask => {
  const { width, height } = photograph.image;
  const objects = source.uniform() < objectProbability ? objectRegions(photograph, area) : [];
  const pixels = source.uniform(area.low, area.high) * width * height;
  return objects.length > 0 ? objects[source.integer(0, objects.length - 1)] : randomBlob(source, width, height, pixels);
};

/** The share of the picture that a mask covers. */
export const shareOf = (mask: Mask): number => defectPixels(mask) / mask.data.length;

/**
 * How much of what is new each pixel takes, `[height, width]`: 0 outside the region, and inside from just above 0 at its rim to 1 from
 * `width` pixels on, along a cubic. A width of 0 gives 1 in the whole region. The picture's own border is no rim.
 */
export const softEdge = (region: Mask, width: number): Float32Array => {
  const distances = squaredDistances(region, 0);
  return Float32Array.from(distances, (squared) => {
    if (squared === 0) return 0;
    const t = Math.min(1, Math.sqrt(squared) / (width + 1));
    return width === 0 ? 1 : t * t * (3 - 2 * t);
  });
};

/** The region moved by whole pixels; what leaves the picture is lost. */
export const movedRegion = ({ width, height, data }: Mask, right: number, down: number): Mask => {
  const result = createMask(width, height);
  for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
    for (let x = Math.max(0, right); x < Math.min(width, width + right); x++) {
      result.data[y * width + x] = data[(y - down) * width + x - right];
    }
  }
  return result;
};

/** First and last column and row of a region. */
export const boundsOf = ({ width, data }: Mask): { left: number; top: number; right: number; bottom: number } => {
  const bounds = { left: width, top: Number.POSITIVE_INFINITY, right: -1, bottom: -1 };
  for (let pixel = 0; pixel < data.length; pixel++) {
    if (data[pixel] === 0) continue;
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    bounds.left = Math.min(bounds.left, x);
    bounds.right = Math.max(bounds.right, x);
    bounds.top = Math.min(bounds.top, y);
    bounds.bottom = y;
  }
  return bounds;
};
