import { dilation, erosion, type Image, type Mask, squaredDistances } from "../../../imaging/index.ts";
import { luma, toFloat } from "./float-image.ts";

/**
 * What a detective measures who knows where to look: traces inside a region against outside it. He shows that a data set can be learnt,
 * not how well. Features:
 * - logarithms of mean |r| and median |r| inside over outside, their absolute values, and of mean |r| along the rim over both, r being
 *   the residual of luma (second differences along both axes, Ker and Boehme 2008) and of the difference of red and blue;
 * - how much of the second differences alternates from pixel to pixel, along x, y and both (the checkerboard of up-sampling);
 * - the greatest correlation of a patch of 12 x 12 residuals in the region with any other place (copy and move).
 */
export const traceFeatures = (image: Image, region: Mask): Float64Array => {
  const { width, height } = image;
  const picture = toFloat(image);
  const light = residual(luma(picture), width, height);
  const colour = residual(
    new Float32Array(width * height).map((_, p) => picture.data[3 * p] - picture.data[3 * p + 2]),
    width,
    height,
  );
  const inner = erosion(region, 2);
  const outer = dilation(region, 2);
  const place = region.data.map((_, p) => (inner.data[p] ? 1 : outer.data[p] ? 2 : 0));
  const features = [light, colour].flatMap((values) => {
    const [outside, inside, rim] = [0, 1, 2].map((wanted) => values.filter((_, p) => place[p] === wanted).map(Math.abs));
    const spread = ratio(mean(inside), mean(outside));
    const middle = ratio(median(inside), median(outside));
    const edge = ratio(mean(rim), 0.5 * (mean(inside) + (outside.length > 0 ? mean(outside) : mean(inside))));
    return [spread, Math.abs(spread), middle, Math.abs(middle), edge];
  });
  return Float64Array.of(...features, ...alternation(luma(picture), region), selfCorrelation(light, region));
};

/** Second differences along x and y, one after the other: lines and slopes leave nothing. */
const residual = (values: Float32Array, width: number, height: number): Float32Array => {
  const result = new Float32Array(values.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const row = (p: number): number => values[p - 1] - 2 * values[p] + values[p + 1];
      result[at] = row(at - width) - 2 * row(at) + row(at + width);
    }
  }
  return result;
};

/** The part of second differences along x, y and both that changes its sign from pixel to pixel: its squared sum over the power. */
const alternation = (values: Float32Array, region: Mask): number[] => {
  const { width, height } = region;
  const alongX = (p: number): number => values[p - 1] - 2 * values[p] + values[p + 1];
  const alongY = (p: number): number => values[p - width] - 2 * values[p] + values[p + width];
  const alongBoth = (p: number): number => alongX(p - width) - 2 * alongX(p) + alongX(p + width);
  return [alongX, alongY, alongBoth].map((difference, axis) => {
    let [sum, power] = [0, 0];
    for (let y = 1; y < height - 1; y++) {
      for (let x = 1; x < width - 1; x++) {
        const p = y * width + x;
        if (region.data[p] === 0) continue;
        // Strong differences are edges: they would drown the rest.
        const value = Math.max(-12, Math.min(12, difference(p)));
        power += value * value;
        sum += ([x, y, x + y][axis] & 1) === 1 ? -value : value;
      }
    }
    return power === 0 ? 0 : Math.log(1 + (sum * sum) / power);
  });
};

const PATCH = 6;

const selfCorrelation = (values: Float32Array, region: Mask): number => {
  const { width, height } = region;
  const depth = squaredDistances(region, 0).map((d) => (d === Number.POSITIVE_INFINITY ? 1e6 : d));
  let deepest = -1;
  for (let p = 0; p < depth.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)];
    const fits = x >= PATCH && y >= PATCH && x < width - PATCH && y < height - PATCH;
    if (fits && (deepest < 0 || depth[p] > depth[deepest])) deepest = p;
  }
  if (deepest < 0) return 0;
  let best = 0;
  for (let y = PATCH; y < height - PATCH; y++) {
    for (let x = PATCH; x < width - PATCH; x++) {
      if (Math.hypot(x - (deepest % width), y - Math.floor(deepest / width)) < 2 * PATCH) continue;
      best = Math.max(best, correlation(values, width, deepest, y * width + x));
    }
  }
  return best;
};

const correlation = (values: Float32Array, width: number, a: number, b: number): number => {
  let [both, own, other] = [0, 0, 0];
  for (let row = -PATCH; row < PATCH; row++) {
    for (let column = -PATCH; column < PATCH; column++) {
      const [u, v] = [values[a + row * width + column], values[b + row * width + column]];
      both += u * v;
      own += u * u;
      other += v * v;
    }
  }
  return own > 0 && other > 0 ? both / Math.sqrt(own * other) : 0;
};

const ratio = (a: number, b: number): number =>
  Number.isFinite(a) && Number.isFinite(b) ? Math.log((a + 0.05) / (b + 0.05)) : 0;
const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values: Float32Array): number => (values.length === 0 ? Number.NaN : values.toSorted()[values.length >> 1]);
